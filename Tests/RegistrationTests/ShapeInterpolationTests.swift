import NDArray
import Registration
import Testing

@Suite struct ShapeInterpolationTests {
    let grid = ReconstructionGrid(planes: 3, rows: 80, columns: 90, spacingUm: 300, originUm: [0, 0, 0])

    /// A disc of gray matter with a core of white matter, seen at 60 µm a pixel.
    func disc(radiusUm: Double, coreUm: Double) -> PlacedSection {
        let (rows, columns, spacingUm) = (400, 450, 60.0)
        var labels = Image<UInt8>(rows: rows, columns: columns, filledWith: 0)
        for row in 0..<rows {
            for column in 0..<columns {
                let (y, x) = (Double(row) * spacingUm - 12_000, Double(column) * spacingUm - 13_000)
                let distance = (y * y + x * x).squareRoot()
                labels[row, column] = distance < coreUm ? 2 : distance < radiusUm ? 1 : 0
            }
        }
        return PlacedSection(
            labels: labels, gray: labels.map { 200 - 50 * $0 }, background: 200, spacingUm: spacingUm, firstUm: 0,
            transform: .identity)
    }

    /// Radius of the disc whose area the fractions sum up to, in µm.
    func radiusUm(_ fractions: Image<UInt8>...) -> Double {
        let voxels = fractions.reduce(0.0) { $0 + Double($1.elements.reduce(0) { $0 + Int($1) }) / 255 }
        return (voxels * 300 * 300 / .pi).squareRoot()
    }

    @Test func halfwayBetweenTwoDiscsLiesTheDiscOfTheirMeanRadius() {
        let before = SectionShape(disc(radiusUm: 6_000, coreUm: 3_000), grid: grid, refinement: 3)
        let after = SectionShape(disc(radiusUm: 10_000, coreUm: 5_000), grid: grid, refinement: 3)
        for share in [0, 0.25, 0.5, 1] {
            let plane = interpolatedPlane(from: before, to: after, share: share, grid: grid, refinement: 3)
            // 2 % of the 2 mm that the boundary is away is what the chamfer distance may be off.
            #expect(abs(radiusUm(plane.grayFraction, plane.whiteFraction) - (6_000 + 4_000 * share)) < 45)
            #expect(abs(radiusUm(plane.whiteFraction) - (3_000 + 2_000 * share)) < 45)
        }
    }

    @Test func aSectionInterpolatedWithItselfIsTheVoteOfItsPixels() {
        let section = disc(radiusUm: 9_000, coreUm: 4_000)
        let shape = SectionShape(section, grid: grid, refinement: 3)
        let plane = interpolatedPlane(from: shape, to: shape, share: 0.3, grid: grid, refinement: 3, threads: 2)
        let voted = volumePlane(from: [section], grid: grid, emptyGray: 200)
        let different = zip(plane.labels.elements, voted.labels.elements).count { $0 != $1 }
        // Only voxels that a boundary halves: fewer than one in ten along the two circles, 272 voxels long.
        #expect(different < 27)
        #expect(plane.gray[40, 43] == voted.gray[40, 43])
        let far = zip(plane.grayFraction.elements, voted.grayFraction.elements).map { abs(Int($0) - Int($1)) }.max()
        #expect((far ?? 255) < 60, "shares of a voxel differ by \(far ?? 255) of 255")
    }

    @Test func anIslandThatOneSectionShowsEndsHalfwayToTheNext() {
        // White matter of 1.5 mm in one section, none in the other: a cone whose tip lies in the middle.
        let (before, after) = SectionShape.joined(
            SectionShape(disc(radiusUm: 9_000, coreUm: 1_500), grid: grid, refinement: 3),
            SectionShape(disc(radiusUm: 9_000, coreUm: 0), grid: grid, refinement: 3))
        for (share, radius) in [(0.0, 1_500.0), (0.25, 750), (0.6, 0)] {
            let plane = interpolatedPlane(from: before, to: after, share: share, grid: grid, refinement: 3)
            #expect(abs(radiusUm(plane.whiteFraction) - radius) < 90, "at \(share)")
            #expect(abs(radiusUm(plane.grayFraction, plane.whiteFraction) - 9_000) < 45)
        }
        // The same the other way round.
        let (first, second) = SectionShape.joined(after, before)
        let plane = interpolatedPlane(from: first, to: second, share: 0.75, grid: grid, refinement: 3)
        #expect(abs(radiusUm(plane.whiteFraction) - 750) < 90)
    }

    @Test func sectionsThatShowTheSamePartsAreJoinedAsTheyAre() {
        let one = SectionShape(disc(radiusUm: 6_000, coreUm: 3_000), grid: grid, refinement: 2)
        let other = SectionShape(disc(radiusUm: 9_000, coreUm: 1_000), grid: grid, refinement: 2)
        let (before, after) = SectionShape.joined(one, other)
        #expect(before.tissueUm == one.tissueUm && before.whiteUm == one.whiteUm)
        #expect(after.tissueUm == other.tissueUm && after.whiteUm == other.whiteUm)
    }

    @Test func threadsDoNotChangeThePlane() {
        let before = SectionShape(disc(radiusUm: 6_000, coreUm: 0), grid: grid, refinement: 2)
        let after = SectionShape(disc(radiusUm: 0, coreUm: 0), grid: grid, refinement: 2)
        let one = interpolatedPlane(from: before, to: after, share: 0.4, grid: grid, refinement: 2, threads: 1)
        let two = interpolatedPlane(from: before, to: after, share: 0.4, grid: grid, refinement: 2, threads: 2)
        #expect(one.labels.elements == two.labels.elements)
        #expect(one.grayFraction.elements == two.grayFraction.elements)
        // A disc that ends between two sections is gone before the empty one is reached.
        let end = interpolatedPlane(from: before, to: after, share: 1, grid: grid, refinement: 2)
        #expect(end.labels.elements.allSatisfy { $0 == 0 })
    }
}
