import Foundation
import NDArray
import SectionFiles
import Testing

/// The mean over each new pixel's extent, pixel by pixel in double precision.
private func slowReduction(rows: Int, columns: Int, factor: Double, _ value: (Int, Int) -> Double) -> Image<Float> {
    func extents(_ count: Int) -> [[(Int, Double)]] {
        (0..<Int((Double(count) / factor).rounded(.up))).map { index in
            let low = Double(index) * factor
            let high = min(low + factor, Double(count))
            return (0..<count).compactMap { old in
                let common = min(Double(old + 1), high) - max(Double(old), low)
                return common > 0 ? (old, common / (high - low)) : nil
            }
        }
    }
    let rowExtents = extents(rows)
    let columnExtents = extents(columns)
    var elements: [Float] = []
    for row in rowExtents {
        for column in columnExtents {
            var sum = 0.0
            for (oldRow, rowWeight) in row {
                for (oldColumn, columnWeight) in column { sum += rowWeight * columnWeight * value(oldRow, oldColumn) }
            }
            elements.append(Float(sum))
        }
    }
    return Image(rows: rowExtents.count, columns: columnExtents.count, elements: elements)
}

private func largestDifference(_ one: Image<Float>, _ other: Image<Float>) -> Float {
    guard one.rows == other.rows, one.columns == other.columns else { return .infinity }
    return zip(one.elements, other.elements).map { abs($0 - $1) }.max() ?? 0
}

struct SectionReductionTests {
    @Test(arguments: [1.0, 1.087, 2.5, 7.3, 64, 1000])
    func everyNewPixelIsTheMeanOfWhatLiesUnderIt(factor: Double) throws {
        let tiled = TIFFBytes(rows: 150, columns: 203, tile: (32, 48))
        try withFile(tiled.bytes { row, column, _ in texture(row, column) }) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 1)
            let reduction = try scan.reduction(toSpacingUm: factor)
            let expected = slowReduction(rows: 150, columns: 203, factor: factor) { Double(texture($0, $1)) }
            // Single-precision sums of at most 203 · 150 values of 255 with weights of sum 1.
            #expect(largestDifference(reduction.gray, expected) < 2e-3)
            #expect(reduction.rounded.elements == reduction.gray.elements.map { UInt8($0 + 0.5) })
        }
    }

    @Test func theNumberOfThreadsDoesNotShow() throws {
        for tile in [(rows: 16, columns: 16), nil] {
            let file = TIFFBytes(rows: 700, columns: 90, tile: tile, rowsPerStrip: 3)
            try withFile(file.bytes { row, column, _ in texture(row, column) }) { path in
                let scan = try SectionScan(path: path, pixelSizeUm: 1)
                let one = try scan.reduction(toSpacingUm: 5.7, threads: 1).gray
                for threads in [2, 5] { #expect(try scan.reduction(toSpacingUm: 5.7, threads: threads).gray == one) }
            }
        }
    }

    @Test func tilesAndStripsOfEitherByteOrderGiveTheSame() throws {
        var images: [Image<Float>] = []
        for isBigEndian in [false, true] {
            for tile in [(rows: 16, columns: 32), nil] {
                for isSeparate in [false, true] {
                    let file = TIFFBytes(
                        isBigEndian: isBigEndian, rows: 61, columns: 70, bitsPerSample: 16, samplesPerPixel: 3,
                        photometric: 2, tile: tile, rowsPerStrip: 7, isSeparate: isSeparate)
                    try withFile(file.bytes { texture($0, $1, $2, bits: 16) }) { path in
                        images.append(try SectionScan(path: path, pixelSizeUm: 1).region(rows: 3..<50, columns: 5..<66))
                    }
                }
            }
        }
        var elements: [Float] = []
        for row in 3..<50 {
            for column in 5..<66 {
                let colour = (0..<3).map { Float(texture(row, column, $0, bits: 16)) }
                elements.append(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2])
            }
        }
        let expected = Image(rows: 47, columns: 61, elements: elements)
        #expect(images.count == 8)
        for image in images { #expect(largestDifference(image, expected) < 0.02) }
    }

    @Test func aConstantStaysConstantAndAnEnlargedRampStaysARamp() throws {
        try withFile(TIFFBytes(rows: 33, columns: 47).bytes { _, _, _ in 200 }) { path in
            for spacing in [0.3, 0.9, 1.7, 12.1] {
                let gray = try SectionScan(path: path, pixelSizeUm: 1).reduction(toSpacingUm: spacing).gray
                #expect(gray.elements.allSatisfy { abs($0 - 200) < 1e-3 })
            }
        }
        try withFile(TIFFBytes(rows: 4, columns: 100).bytes { _, column, _ in UInt64(2 * column) }) { path in
            let gray = try SectionScan(path: path, pixelSizeUm: 1).reduction(toSpacingUm: 0.5).gray
            #expect(gray.columns == 200 && gray.rows == 8)
            // New centres lie at (j + 0.5) / 2 − 0.5 old pixels; the outermost are held.
            for column in 1..<199 { #expect(abs(gray[3, column] - (Float(column) - 0.5)) < 1e-3) }
        }
    }

    @Test func theEightOrientationsShowTheStoredImageTurned() throws {
        let (rows, columns) = (37, 53)
        func file(_ orientation: Int) -> [UInt8] {
            TIFFBytes(rows: rows, columns: columns, tile: (16, 16), orientation: orientation)
                .bytes { row, column, _ in texture(row, column) }
        }
        // Where the pixel seen at (row, column) is stored, by the TIFF 6.0 specification's table.
        let stored: [Int: (Int, Int) -> (Int, Int)] = [
            1: { ($0, $1) }, 2: { ($0, columns - 1 - $1) }, 3: { (rows - 1 - $0, columns - 1 - $1) },
            4: { (rows - 1 - $0, $1) }, 5: { ($1, $0) }, 6: { (rows - 1 - $1, $0) },
            7: { (rows - 1 - $1, columns - 1 - $0) }, 8: { ($1, columns - 1 - $0) },
        ]
        for (orientation, place) in stored {
            try withFile(file(orientation)) { path in
                let scan = try SectionScan(path: path, pixelSizeUm: 1)
                let seen = orientation >= 5 ? (columns, rows) : (rows, columns)
                #expect((scan.rows, scan.columns) == seen)
                let whole = try scan.region(rows: 0..<scan.rows, columns: 0..<scan.columns)
                for row in 0..<scan.rows {
                    for column in 0..<scan.columns {
                        let (storedRow, storedColumn) = place(row, column)
                        #expect(whole[row, column] == Float(texture(storedRow, storedColumn)))
                    }
                }
                let part = try scan.region(rows: 4..<20, columns: 7..<31)
                #expect(part[2, 3] == whole[6, 10])
                // The grid of a reduction starts at the corner that is seen.
                let expected = slowReduction(rows: scan.rows, columns: scan.columns, factor: 3.3) {
                    Double(whole[$0, $1])
                }
                #expect(largestDifference(try scan.reduction(toSpacingUm: 3.3).gray, expected) < 2e-3)
            }
        }
    }

    @Test func whatAFileLeavesOutIsWhite() throws {
        let file = TIFFBytes(rows: 64, columns: 64, tile: (32, 32), leftOut: [1, 2])
        try withFile(file.bytes { _, _, _ in 100 }) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 1)
            let gray = try scan.reduction(toSpacingUm: 16).gray
            #expect(gray.elements == [100, 100, 255, 255, 100, 100, 255, 255, 255, 255, 100, 100, 255, 255, 100, 100])
            #expect(
                try scan.region(rows: 30..<34, columns: 31..<33).elements == [100, 255, 100, 255, 255, 100, 255, 100])
            // A pixel that lies half on a hole is half white.
            #expect(try scan.reduction(toSpacingUm: 64).gray.elements == [177.5])
        }
    }

    @Test func samplesOfManyKindsBecomeGray() throws {
        func gray(_ file: TIFFBytes, _ sample: @escaping (Int, Int, Int) -> UInt64) throws -> SectionReduction {
            try withFile(file.bytes(sample)) { try SectionScan(path: $0, pixelSizeUm: 1).reduction(toSpacingUm: 1) }
        }
        // 12 bits in 16: the range is that of 12 bits, never a clipped or a nearly black picture.
        let camera = try gray(TIFFBytes(rows: 8, columns: 8, bitsPerSample: 16)) { row, column, _ in
            row == 0 && column == 0 ? 4000 : 2048
        }
        #expect(camera.range.high == 4095)
        #expect(abs(camera.gray[1, 1] - 2048 * 255 / 4095) < 1e-2)
        let inverted = try gray(TIFFBytes(rows: 8, columns: 8, photometric: 0)) { _, _, _ in 55 }
        #expect(inverted.gray[3, 3] == 200)
        let straight = try gray(
            TIFFBytes(rows: 8, columns: 8, samplesPerPixel: 4, photometric: 2, extraSamples: 2)
        ) { _, column, channel in channel < 3 ? 0 : column < 4 ? 0 : 255 }
        #expect(straight.gray[0, 0] == 255 && straight.gray[0, 7] == 0)
        let palette = try gray(
            TIFFBytes(
                rows: 8, columns: 8, photometric: 3,
                palette: (0..<3).flatMap { _ in (0..<256).map { UInt16((255 - $0) * 257) } })
        ) { _, _, _ in 30 }
        #expect(abs(palette.gray[0, 0] - 225) < 1e-3)
        let inks = try gray(TIFFBytes(rows: 8, columns: 8, samplesPerPixel: 4, photometric: 5)) { _, _, channel in
            channel == 3 ? 51 : 0
        }
        #expect(abs(inks.gray[0, 0] - 204) < 1e-3)
        let real = try gray(TIFFBytes(rows: 8, columns: 8, bitsPerSample: 32, sampleFormat: 3)) { row, _, _ in
            UInt64((row == 0 ? Float(-2) : 6).bitPattern)
        }
        #expect(real.range.low == -2 && real.range.high == 6)
        #expect(real.gray[0, 0] == 0 && real.gray[7, 7] == 255)
    }

    @Test func aPyramidIsReadAtTheLevelNextBelow() throws {
        let base = TIFFBytes(rows: 128, columns: 96, tile: (16, 16))
        let pages: [(TIFFBytes, (Int, Int, Int) -> UInt64)] = [
            (TIFFBytes(rows: 64, columns: 48, tile: (16, 16), isReduced: true), { _, _, _ in 20 }),
            (TIFFBytes(rows: 32, columns: 24, tile: (16, 16), isReduced: true), { _, _, _ in 30 }),
            (TIFFBytes(rows: 50, columns: 90, tile: (16, 16), isReduced: true), { _, _, _ in 99 }),
        ]
        try withFile(base.bytes(pages: pages) { _, _, _ in 10 }) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 1)
            #expect(scan.levels.map(\.columns) == [96, 48, 24])
            for (spacing, level, value) in [
                (1.0, 0, Float(10)), (1.9, 0, 10), (2, 1, 20), (3.9, 1, 20), (4, 2, 30), (31, 2, 30),
            ] {
                let reduction = try scan.reduction(toSpacingUm: spacing)
                #expect(reduction.level == level)
                #expect(reduction.gray.elements.allSatisfy { abs($0 - value) < 1e-3 })
            }
        }
    }
}
