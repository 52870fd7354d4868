import NDArray
import Phantom
import Testing

private let brain = BrainAnatomy(species: 7, individual: 2).fields(spacingUm: 900, threads: 2)

private func section(
    _ cut: SectionCut, spacingUm: Double = 256, seed: UInt64 = 1, stain: SectionStain = SectionStain()
) -> PhantomScan? {
    BrainPlane(brain, positionUm: cut.positionUm).map {
        PhantomScan(
            plane: $0, cut: cut, stain: stain, rows: Int(64_000 / spacingUm), columns: Int(76_000 / spacingUm),
            spacingUm: spacingUm, texture: 2, seed: seed)
    }
}

private let straight = SectionCut(positionUm: 1000, rotationRad: 0, shiftUm: (0, 0), mirrored: false)

@Suite struct SectionTests {
    @Test func threadsAndBandsDoNotChangeAScan() throws {
        let scan = try #require(section(straight))
        let whole = scan.image(threads: 1)
        #expect(whole == scan.image(threads: 3))
        var band = [UInt8](repeating: 0, count: 7 * scan.columns)
        band.withUnsafeMutableBufferPointer { scan.scan(rows: 101..<108, into: $0) }
        #expect(band == Array(whole.elements[101 * scan.columns..<108 * scan.columns]))
        #expect(scan.labels(spacingUm: 256, threads: 1) == scan.labels(spacingUm: 256, threads: 3))
    }

    @Test func anotherSeedIsAnotherScanOfTheSameAnatomy() throws {
        let (first, second) = (try #require(section(straight)), try #require(section(straight, seed: 2)))
        #expect(first.image(threads: 2) != second.image(threads: 2))
        #expect(first.labels(spacingUm: 256, threads: 2) == second.labels(spacingUm: 256, threads: 2))
    }

    @Test func tissueIsDarkOnABrightSlideAndGrayDarkerThanWhite() throws {
        let scan = try #require(section(straight))
        let image = scan.image(threads: 2)
        let labels = scan.labels(spacingUm: 256, threads: 2)
        var (sums, counts) = ([0.0, 0, 0], [0.0, 0, 0])
        for (level, label) in zip(image.elements, labels.elements) {
            sums[Int(label)] += Double(level)
            counts[Int(label)] += 1
        }
        let means = zip(sums, counts).map { $0 / $1 }
        #expect(means[0] > 235, "slide \(means[0])")
        #expect(means[2] < means[0] - 15 && means[2] > 195, "white matter \(means[2])")
        #expect(means[1] < means[2] - 25, "gray matter \(means[1])")
    }

    @Test func theTrueTransformLaysSectionsOnEachOther() throws {
        // The same plane cut twice: through the true maps, labels of one are the labels of the other.
        let turned = SectionCut(positionUm: 1000, rotationRad: 0.09, shiftUm: (1500, -900), mirrored: true)
        let (first, second) = (try #require(section(straight)), try #require(section(turned)))
        let labels = (first.labels(spacingUm: 256, threads: 2), second.labels(spacingUm: 256, threads: 2))
        let map = first.transform.followed(by: try #require(second.transform.inverse))
        #expect(map.mirrors)
        var (same, all) = (0, 0)
        for row in 0..<first.rows {
            for column in 0..<first.columns where labels.0[row, column] > 0 {
                let place = map.apply(row: Double(row) * 256, column: Double(column) * 256)
                let (r, c) = (Int((place.row / 256).rounded()), Int((place.column / 256).rounded()))
                guard r >= 0, c >= 0, r < second.rows, c < second.columns else { continue }
                all += 1
                if labels.1[r, c] == labels.0[row, column] { same += 1 }
            }
        }
        // Nearest-neighbour rounding errs at borders only: they run through about every sixth pixel at 256 µm.
        #expect(Double(same) > 0.93 * Double(all), "\(same) of \(all)")
    }

    @Test func labelsOfACoarserGridCoverTheSameField() throws {
        let scan = try #require(section(straight, spacingUm: 128))
        let fine = scan.labels(spacingUm: 128, threads: 2)
        let coarse = scan.labels(spacingUm: 256, threads: 2)
        #expect(coarse.rows == (fine.rows + 1) / 2 && coarse.columns == (fine.columns + 1) / 2)
        var (same, all) = (0, 0)
        for row in 0..<fine.rows / 2 {
            for column in 0..<fine.columns / 2 {
                // A coarse pixel is the middle of four fine ones: where these agree, so must it.
                let four = [
                    fine[2 * row, 2 * column], fine[2 * row, 2 * column + 1], fine[2 * row + 1, 2 * column],
                    fine[2 * row + 1, 2 * column + 1],
                ]
                guard Set(four).count == 1 else { continue }
                all += 1
                if coarse[row, column] == four[0] { same += 1 }
            }
        }
        #expect(Double(same) > 0.999 * Double(all))
    }

    @Test func drawnCutsStayWithinTheirBounds() {
        var generator = SeededGenerator(seed: 4)
        var largest = 0.0
        for _ in 0..<500 {
            let cut = SectionCut.drawn(
                positionUm: 0, mirrored: false, rotationDeg: 3, shiftMm: 1.2, generator: &generator)
            largest = max(largest, abs(cut.rotationRad) * 180 / Double.pi)
            #expect(abs(cut.shiftUm.row) <= 3000 && abs(cut.shiftUm.column) <= 3000)
        }
        #expect(largest <= 7.5 + 1e-9 && largest > 5)
    }

    @Test func aProfileOfOneLayerIsFlat() {
        let profile = LaminarProfile(fractions: [1], densities: [0.4])
        #expect(profile.density.allSatisfy { abs($0 - 0.4) < 1e-5 })
    }
}
