import NDArray
import Phantom
import Testing

private let anatomy = BrainAnatomy(species: 7, individual: 2)
private let brain = anatomy.fields(spacingUm: 900, threads: 2)

private func section(
    _ cut: SectionCut, spacingUm: Double = 256, seed: UInt64 = 1, stain: SectionStain = SectionStain(),
    damage: [CuttingArtefact] = [], region: ScanRegion? = nil
) -> PhantomScan? {
    BrainPlane(brain, positionUm: cut.positionUm).map {
        PhantomScan(
            plane: $0, architecture: anatomy.architecture, field: cut.field(heightUm: 64_000, widthUm: 76_800),
            stain: stain, damage: damage, spacingUm: spacingUm, region: region, texture: 2, seed: seed)
    }
}

private let straight = SectionCut(
    positionUm: 1000, rotationRad: 0, shiftUm: SectionPoint(row: 0, column: 0), mirrored: false)
private let turned = SectionCut(
    positionUm: 1000, rotationRad: 0.09, shiftUm: SectionPoint(row: 1500, column: -900), mirrored: true)
private let damage = [
    CuttingArtefact(
        kind: .tear, row: 20_000, column: 26_000, angleRad: 0.6, halfLengthUm: 9000, widthUm: 1000, bendUm: 1500),
    CuttingArtefact(
        kind: .fold, row: 38_000, column: 50_000, angleRad: 2.2, halfLengthUm: 9000, widthUm: 700, bendUm: -1200),
]

@Suite struct SectionTests {
    @Test func threadsBandsAndTilesDoNotChangeAScan() throws {
        for spacingUm in [256.0, 16] {
            let region =
                spacingUm == 16
                ? ScanRegion(rowUm: 18_000, columnUm: 24_000, heightUm: 3200, widthUm: 4000) : nil
            let scan = try #require(section(turned, spacingUm: spacingUm, damage: damage, region: region))
            let whole = scan.image(threads: 1)
            #expect(whole == scan.image(threads: 3))
            var band = [UInt8](repeating: 0, count: 7 * scan.columns)
            band.withUnsafeMutableBufferPointer { scan.scan(rows: 101..<108, into: $0) }
            #expect(band == Array(whole.elements[101 * scan.columns..<108 * scan.columns]))
        }
        let scan = try #require(section(turned, damage: damage))
        #expect(scan.truth(spacingUm: 256, threads: 1) == scan.truth(spacingUm: 256, threads: 3))
    }

    @Test func aRegionIsThatPartOfTheWholeScan() throws {
        let whole = try #require(section(turned, spacingUm: 128, damage: damage)).image(threads: 2)
        let region = ScanRegion(rowUm: 17_920, columnUm: 23_040, heightUm: 12_800, widthUm: 6400)
        let part = try #require(section(turned, spacingUm: 128, damage: damage, region: region)).image(threads: 2)
        #expect((part.rows, part.columns) == (100, 50))
        for row in 0..<100 {
            for column in 0..<50 { #expect(part[row, column] == whole[140 + row, 180 + column]) }
        }
    }

    @Test func drawnCellsDoNotDependOnBandsEither() throws {
        let region = ScanRegion(rowUm: 19_000, columnUm: 25_000, heightUm: 1200, widthUm: 1600)
        let scan = try #require(section(turned, spacingUm: 2, damage: damage, region: region))
        let whole = scan.image(threads: 2)
        var band = [UInt8](repeating: 0, count: 9 * scan.columns)
        band.withUnsafeMutableBufferPointer { scan.scan(rows: 250..<259, into: $0) }
        #expect(band == Array(whole.elements[250 * scan.columns..<259 * scan.columns]))
    }

    @Test func anotherSeedIsAnotherScanOfTheSameAnatomy() throws {
        let (first, second) = (try #require(section(straight)), try #require(section(straight, seed: 2)))
        #expect(first.image(threads: 2) != second.image(threads: 2))
        #expect(first.truth(spacingUm: 256, threads: 2) == second.truth(spacingUm: 256, threads: 2))
    }

    @Test func tissueIsDarkOnABrightSlideAndGrayDarkerThanWhite() throws {
        let scan = try #require(section(straight))
        let image = scan.image(threads: 2)
        let labels = scan.truth(spacingUm: 256, threads: 2).labels
        var (sums, counts) = ([0.0, 0, 0], [0.0, 0, 0])
        for (level, label) in zip(image.elements, labels.elements) {
            sums[Int(label)] += Double(level)
            counts[Int(label)] += 1
        }
        let means = zip(sums, counts).map { $0 / $1 }
        // The slide lets 0.90 of the light through.
        #expect(abs(means[0] - 229) < 4, "slide \(means[0])")
        #expect(means[2] < means[0] - 15 && means[2] > 185, "white matter \(means[2])")
        #expect(means[1] < means[2] - 25, "gray matter \(means[1])")
    }

    @Test func theOtherLaboratoryStainsDarker() throws {
        var (brain, own) = (SeededGenerator(seed: 1), SeededGenerator(seed: 2))
        let usual = SectionStain.drawn(.usual, spread: 0, brain: &brain, section: &own)
        let shifted = SectionStain.drawn(.shifted, spread: 0, brain: &brain, section: &own)
        func sum(_ stain: SectionStain) throws -> Int {
            try #require(section(straight, stain: stain)).image(threads: 2).elements.reduce(0) { $0 + Int($1) }
        }
        let (first, second) = (try sum(usual), try sum(shifted))
        #expect(second < first)
    }

    @Test func theTrueTransformLaysSectionsOnEachOther() throws {
        // The same plane cut twice: through the true maps, labels of one are the labels of the other.
        let (first, second) = (try #require(section(straight)), try #require(section(turned)))
        let labels = (
            first.truth(spacingUm: 256, threads: 2).labels, second.truth(spacingUm: 256, threads: 2).labels
        )
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
        let fine = scan.truth(spacingUm: 128, threads: 2).labels
        let coarse = scan.truth(spacingUm: 256, threads: 2).labels
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

    @Test func aFieldCutToTheTissueHoldsAllOfIt() throws {
        let plane = try #require(BrainPlane(brain, positionUm: 1000))
        let field = turned.field(around: plane)
        let scan = PhantomScan(
            plane: plane, architecture: anatomy.architecture, field: field, stain: SectionStain(), spacingUm: 128,
            texture: 1, seed: 1)
        let whole = try #require(section(turned, spacingUm: 128)).truth(spacingUm: 128, threads: 2).labels
        let cut = scan.truth(spacingUm: 128, threads: 2).labels
        func tissue(_ labels: Image<UInt8>) -> Int { labels.elements.count { $0 > 0 } }
        // The grids lie differently on the borders, which cross one pixel in twenty: they differ by far less.
        #expect(abs(tissue(whole) - tissue(cut)) < tissue(whole) / 200)
        #expect(cut.elements.count < whole.elements.count)
        // A margin of at least 1.5 mm on each side stays free.
        for row in 0..<11 {
            #expect((0..<cut.columns).allSatisfy { cut[row, $0] == 0 && cut[cut.rows - 1 - row, $0] == 0 })
        }
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
}
