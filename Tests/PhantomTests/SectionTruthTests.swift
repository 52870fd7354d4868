import NDArray
import Phantom
import Testing

private let cut = SectionCut(
    positionUm: 1234, rotationRad: 0.2, shiftUm: SectionPoint(row: 700, column: -400), mirrored: true)
private let damage = [
    CuttingArtefact(
        kind: .tear, row: 11_000, column: 8000, angleRad: 0.5, halfLengthUm: 7000, widthUm: 900, bendUm: 800),
    CuttingArtefact(
        kind: .fold, row: 12_000, column: 20_000, angleRad: 1.4, halfLengthUm: 6000, widthUm: 600, bendUm: -500),
]

private func ball(_ damage: [CuttingArtefact] = []) -> PhantomScan? {
    let fields = SlabOfCortex.fields { plane, row, column in
        9500 - (plane * plane + row * row + column * column).squareRoot()
    }
    return BrainPlane(fields, positionUm: cut.positionUm).map {
        PhantomScan(
            plane: $0, architecture: SlabOfCortex.architecture(), field: cut.field(heightUm: 25_600, widthUm: 25_600),
            stain: SlabOfCortex.cleanStain, damage: damage, spacingUm: 32, texture: 1, seed: 2)
    }
}

@Suite struct SectionTruthTests {
    @Test func theMidDepthLineOfABallIsACircle() throws {
        let scan = try #require(ball())
        let line = scan.midDepthLine(stepUm: 75)
        // Half the depth lies at the radius 9500 − 1200 µm of the ball.
        let radius = (8300.0 * 8300 - cut.positionUm * cut.positionUm).squareRoot()
        var angles: [Double] = []
        for point in line.points {
            let place = scan.transform.apply(row: point.row, column: point.column)
            let distance = (place.row * place.row + place.column * place.column).squareRoot()
            // Distances are whole µm, and bend by 300² / (8 · 8300) µm between voxels: together about 2 µm.
            #expect(abs(distance - radius) < 4)
            angles.append(Math.atan2(place.row, place.column))
        }
        angles.sort()
        // All around, nowhere more than 100 µm apart.
        for (one, two) in zip(angles, angles.dropFirst() + [angles[0] + 2 * Double.pi]) {
            #expect((two - one) * radius < 100)
        }
        #expect(line.hemisphere.count { $0 == 0 } > line.points.count * 2 / 5)
        #expect(line.thicknessUm.allSatisfy { abs($0 - 2400) < 4 })
        #expect(line.area.allSatisfy { $0 == 1 } && line.isExcluded.allSatisfy { $0 == 0 })
    }

    @Test func theMidDepthLineLiesWhereTheMapsAndThePictureHaveIt() throws {
        let scan = try #require(ball(damage))
        let line = scan.midDepthLine()
        let maps = scan.truth(spacingUm: 32, threads: 2)
        var (near, all) = (0, 0)
        for point in line.points {
            let (row, column) = (Int((point.row / 32).rounded()), Int((point.column / 32).rounded()))
            guard (0..<maps.depths.rows).contains(row), (0..<maps.depths.columns).contains(column) else { continue }
            all += 1
            // Half a pixel of 32 µm is 0.67 % of the thickness, or 2 of 250 steps; in a fold another sheet may lie on top.
            if abs(Int(maps.depths[row, column]) - 125) <= 4 { near += 1 }
        }
        #expect(all > 500)
        #expect(Double(near) > 0.96 * Double(all), "\(near) of \(all)")
    }

    @Test func aTearOpensTheSlideAndAFoldDoublesTheTissue() throws {
        let (whole, torn) = (try #require(ball()), try #require(ball(damage)))
        let images = (whole.image(threads: 2), torn.image(threads: 2))
        let labels = (whole.truth(spacingUm: 32, threads: 2).labels, torn.truth(spacingUm: 32, threads: 2).labels)
        func pixel(_ row: Double, _ column: Double) -> (Int, Int) { (Int(row / 32), Int(column / 32)) }
        // The middle of each line bulges off its chord by the bend.
        let gap = pixel(11_000 + 800 * Math.cos(0.5), 8000 - 800 * Math.sin(0.5))
        #expect(labels.0[gap.0, gap.1] == 2 && labels.1[gap.0, gap.1] == 0)
        #expect(images.1[gap.0, gap.1] == UInt8(255 * 0.9 + 0.5))
        let band = pixel(12_000 - 500 * Math.cos(1.4), 20_000 + 500 * Math.sin(1.4))
        #expect(labels.1[band.0, band.1] > 0)
        var (before, after) = (0, 0)
        for row in -3...3 {
            for column in -3...3 {
                before += Int(images.0[band.0 + row, band.1 + column])
                after += Int(images.1[band.0 + row, band.1 + column])
            }
        }
        #expect(after < before - 49 * 20)
    }

    @Test(arguments: damage) func damageMovesTissueAndBack(_ artefact: CuttingArtefact) {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            let flat = SectionPoint(row: 25_000 * generator.uniform(), column: 25_000 * generator.uniform())
            let place = artefact.place(ofFlat: flat)
            let sheets = artefact.flat(at: place)
            let found = [sheets.upper, sheets.lower].prefix(sheets.count).map {
                (($0.row - flat.row) * ($0.row - flat.row) + ($0.column - flat.column) * ($0.column - flat.column))
                    .squareRoot()
            }
            // Twelve steps that each leave less than a third of the error of at most 450 µm.
            #expect((found.min() ?? 1e9) < 1e-2)
        }
    }

    @Test func outlinesOfAreasEncloseTheirPixels() throws {
        let scan = try #require(ball())
        let contours = scan.areaContours()
        let areas = scan.truth(spacingUm: 32, threads: 2).areas
        #expect(contours.starts.count == contours.areas.count && Set(contours.hemispheres) == [0, 1])
        // Twice the signed area of each polygon: the ribbon's sides cancel what they have in common.
        var total = 0.0
        for (index, start) in contours.starts.enumerated() {
            let end = index + 1 < contours.starts.count ? contours.starts[index + 1] : contours.points.count
            let polygon = contours.points[start..<end]
            #expect(polygon.first == polygon.last)
            var area = 0.0
            for (one, two) in zip(polygon, polygon.dropFirst()) { area += one.row * two.column - two.row * one.column }
            total += area / 2
        }
        let pixels = Double(areas.elements.count { $0 > 0 }) * 32 * 32
        // The outline may err by the tolerance of 40 µm on a ribbon of about 2400 µm, and by 75 µm at the elements' edge.
        #expect(abs(abs(total) - pixels) < 0.04 * pixels, "\(total) against \(pixels)")
    }
}
