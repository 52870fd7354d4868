import Cortex
import NDArray
import Testing

@Suite struct DistanceDepthTests {
    private func depth(_ labels: Volume<UInt8>, banks: Bool = false, threads: Int = 1) -> Volume<Float> {
        var settings = CorticalDepthSettings()
        settings.measure = .distance
        settings.separatesBanks = banks
        return corticalDepth(labels: labels, settings: settings, threads: threads).depth
    }

    @Test func aFlatSlabIsAsDeepAsItIsThick() {
        let labels = Volume<UInt8>((16, 6, 7)) { plane, _, _ in plane < 3 ? 0 : plane < 13 ? 1 : 2 }
        let found = depth(labels)
        for plane in 3..<13 { #expect(abs(found[plane, 2, 3] - (Float(plane) - 2.5) / 10) < 1e-5) }
        #expect(found[2, 2, 3].isNaN && found[13, 2, 3].isNaN)
    }

    @Test func halfWayIsHalfHoweverTheCortexIsBent() {
        let (inner, outer, middle) = (14.0, 26.0, 30.0)
        func radius(_ plane: Int, _ row: Int, _ column: Int) -> Double {
            let (z, y, x) = (Double(plane) - middle, Double(row) - middle, Double(column) - middle)
            return (z * z + y * y + x * x).squareRoot()
        }
        let labels = Volume<UInt8>((61, 61, 61)) {
            let r = radius($0, $1, $2)
            return r > outer ? 0 : r > inner ? 1 : 2
        }
        let found = depth(labels, threads: 2)
        for plane in stride(from: 4, to: 57, by: 3) {
            for row in stride(from: 4, to: 57, by: 3) {
                for column in stride(from: 4, to: 57, by: 3) where labels[plane, row, column] == 1 {
                    let share = (outer - radius(plane, row, column)) / (outer - inner)
                    // Half a voxel of either boundary, of twelve voxels.
                    #expect(abs(Double(found[plane, row, column]) - share) < 0.07)
                }
            }
        }
    }

    @Test func aGyrusWithoutWhiteMatterHasItsMiddleWhereItIsAsFarFromItsSidesAsFromWhiteMatter() {
        // A blade of gray matter 13 voxels wide on a block of white matter whose surface lies at 29.5.
        let labels = Volume<UInt8>((34, 5, 41)) { plane, _, column in
            plane >= 30 ? 2 : plane >= 3 && column >= 14 && column < 27 ? 1 : 0
        }
        let found = depth(labels)
        // The middle column is 6.5 from both sides: equally far from white matter at 29.5 − 6.5 = 23.
        #expect(abs(found[23, 2, 20] - 0.5) < 1e-4)
        #expect(found[20, 2, 20] < 0.45 && found[26, 2, 20] > 0.55)
        #expect(found[23, 2, 15] < 0.25)
    }

    @Test func noWayLeadsThroughASulcus() {
        // Two slabs with background between them; white matter lies behind the second one only. Along the columns: planes without
        // tissue are missing sections, not a sulcus.
        let labels = Volume<UInt8>((4, 4, 20)) { _, _, column in
            column < 2 ? 0 : column < 8 ? 1 : column < 10 ? 0 : column < 16 ? 1 : 2
        }
        let found = depth(labels)
        for column in 2..<8 { #expect(found[1, 1, column] == 0, "only a pia is within reach") }
        #expect(abs(found[1, 1, 10] - 0.5 / 6) < 1e-5)
    }

    @Test func grayMatterThatMeetsOneBoundaryOnlyKeepsItsValue() {
        let toWhite = Volume<UInt8>((6, 3, 3)) { plane, _, _ in plane < 4 ? 1 : 2 }
        #expect(depth(toWhite)[0, 1, 1] == 1)
        let toNothing = Volume<UInt8>(planes: 3, rows: 3, columns: 3, filledWith: 1)
        #expect(depth(toNothing).elements.allSatisfy { $0 == 0 })
        #expect(depth(Volume(planes: 0, rows: 0, columns: 0, elements: [])).elements.isEmpty)
    }

    @Test func threadsDoNotChangeTheDepth() {
        let labels = Volume<UInt8>((30, 31, 32)) { plane, row, column in
            let (z, y, x) = (plane - 15, row - 15, column - 16)
            let square = z * z + y * y + x * x + (row * column) % 7
            return square > 190 ? 0 : square > 60 ? 1 : 2
        }
        let (one, three) = (depth(labels, banks: true, threads: 1), depth(labels, banks: true, threads: 3))
        #expect(zip(one.elements, three.elements).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
    }
}
