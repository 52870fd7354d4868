import Foundation
import NDArray
import PNG
import SectionFiles
import Testing

/// Windows beside a slow plain reading: the scan's region, continued by reflection, averaged pixel by pixel.
@Suite struct WindowReaderTests {
    private let cache = TileCache(limitBytes: 1 << 20)

    private func reflected(_ index: Int, _ count: Int) -> Int {
        var index = index
        while index < 0 || index >= count { index = index < 0 ? -1 - index : 2 * count - 1 - index }
        return index
    }

    /// A window of pixels of `factor` scan pixels from (top, left) on.
    private func plain(_ scan: SectionScan, top: Int, left: Int, side: Int, factor: Int, level: Int = 0) throws
        -> [UInt8]
    {
        let (rows, columns) = (scan.levels[level].rows, scan.levels[level].columns)
        let image = try scan.region(level: level, rows: 0..<rows, columns: 0..<columns)
        return (0..<side * side).map { index in
            var sum: Float = 0
            for row in 0..<factor {
                for column in 0..<factor {
                    sum +=
                        image[
                            reflected(top + index / side * factor + row, rows),
                            reflected(left + index % side * factor + column, columns)]
                }
            }
            return UInt8(sum / Float(factor * factor) + 0.5)
        }
    }

    @Test(arguments: [false, true])
    func windowsAreTheScansOwnPixels(tiled: Bool) throws {
        let file = TIFFBytes(rows: 70, columns: 93, tile: tiled ? (16, 32) : nil)
        try withFile(file.bytes { row, column, _ in texture(row, column) }) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 10)
            let reader = try WindowReader(scan, spacingUm: 10, cache: cache)
            // An even window is centred on an edge of pixels: the point at row 30, column 40 lies on a centre, and the nearest
            // edge is the one below it.
            for (row, column) in [(30, 40), (0, 0), (69, 92), (2, 91), (66, 5)] {
                let window = try reader.window(centreUm: SIMD2(Double(row) * 10, Double(column) * 10), side: 12)
                #expect(window == (try plain(scan, top: row - 5, left: column - 5, side: 12, factor: 1)))
                let odd = try reader.window(centreUm: SIMD2(Double(row) * 10 + 3, Double(column) * 10 - 4), side: 13)
                #expect(odd == (try plain(scan, top: row - 6, left: column - 6, side: 13, factor: 1)))
            }
        }
    }

    @Test func largerPixelsAreMeansAndTheSmallestLevelThatFitsIsRead() throws {
        try withFile(TIFFBytes(rows: 70, columns: 93, tile: (16, 16)).bytes { row, column, _ in texture(row, column) })
        {
            let scan = try SectionScan(path: $0, pixelSizeUm: 1)
            let reader = try WindowReader(scan, spacingUm: 3, cache: cache)
            let window = try reader.window(centreUm: SIMD2(30.2, 40.2), side: 8)
            #expect(window == (try plain(scan, top: 19, left: 29, side: 8, factor: 3)))
            let edge = try reader.window(centreUm: SIMD2(4, 90), side: 8)
            #expect(edge == (try plain(scan, top: -7, left: 79, side: 8, factor: 3)))
            // A resolution that is rounded in the file is no scale.
            let nearly = try WindowReader(
                try SectionScan(path: $0, pixelSizeUm: 1.000001), spacingUm: 3, cache: cache)
            #expect(try nearly.window(centreUm: SIMD2(30.2, 40.2), side: 8) == window)
        }
    }

    @Test func fractionsOfPixelsAreExact() throws {
        // A ramp along the columns: the mean over any extent is the value in its middle.
        try withFile(TIFFBytes(rows: 60, columns: 100).bytes { _, column, _ in UInt64(2 * column) }) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 1)
            let reader = try WindowReader(scan, spacingUm: 2.5, cache: cache)
            let window = try reader.window(centreUm: SIMD2(30, 40), side: 10)
            for index in 0..<100 {
                // The window's left edge, 28 pixels in; its pixels are 2.5 wide.
                let middle = 28 + (Double(index % 10) + 0.5) * 2.5 - 0.5
                let difference = abs(Double(window[index]) - 2 * middle)
                #expect(difference <= 0.501)
            }
        }
    }

    @Test func smallerPixelsAreInterpolated() throws {
        try withFile(TIFFBytes(rows: 60, columns: 100).bytes { _, column, _ in UInt64(2 * column) }) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 4)
            let reader = try WindowReader(scan, spacingUm: 1, cache: cache)
            let window = try reader.window(centreUm: SIMD2(100, 201), side: 20)
            for index in 0..<400 {
                let place = (201 + Double(index % 20) - 9.5) / 4
                let difference = abs(Double(window[index]) - 2 * place)
                #expect(difference <= 0.501)
            }
        }
    }

    @Test(arguments: 1...8)
    func windowsAreUprightInEveryOrientation(_ orientation: Int) throws {
        var file = TIFFBytes(rows: 40, columns: 56, tile: (16, 16))
        file.orientation = orientation
        try withFile(file.bytes { row, column, _ in texture(row, column) }) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 1)
            let reader = try WindowReader(scan, spacingUm: 1, cache: cache)
            let window = try reader.window(centreUm: SIMD2(20, 20), side: 10)
            #expect(window == (try plain(scan, top: 16, left: 16, side: 10, factor: 1)))
        }
    }

    @Test func aScanSmallerThanTheWindowIsReflectedAgainAndAgain() throws {
        try withFile(TIFFBytes(rows: 5, columns: 3).bytes { row, column, _ in texture(row, column) }) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 1)
            let reader = try WindowReader(scan, spacingUm: 1, cache: cache)
            let window = try reader.window(centreUm: SIMD2(2, 1), side: 21)
            #expect(window == (try plain(scan, top: -8, left: -9, side: 21, factor: 1)))
        }
    }

    @Test func sixteenBitsAndPNGAreScaledAsAReductionIs() throws {
        var file = TIFFBytes(rows: 32, columns: 32)
        file.bitsPerSample = 16
        try withFile(file.bytes { row, column, _ in UInt64(row * 100 + column) }) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 1)
            let whole = try scan.reduced(toSpacingUm: 1)
            let window = try WindowReader(scan, spacingUm: 1, cache: cache).window(centreUm: SIMD2(15, 15), side: 32)
            #expect(window == whole.elements)
        }
        let path = NSTemporaryDirectory() + "window-\(UUID().uuidString).png"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let image = Image(rows: 20, columns: 30, elements: (0..<600).map { UInt8($0 % 251) })
        try writePNG(image, to: path)
        let scan = try SectionScan(path: path, pixelSizeUm: 1)
        let window = try WindowReader(scan, spacingUm: 1, cache: cache).window(centreUm: SIMD2(9, 14), side: 10)
        #expect(window == (try plain(scan, top: 5, left: 10, side: 10, factor: 1)))
    }

    @Test func aPointOutsideItsSectionIsAnError() throws {
        try withFile(TIFFBytes(rows: 20, columns: 30).bytes { _, _, _ in 7 }) { path in
            let reader = try WindowReader(SectionScan(path: path, pixelSizeUm: 2), spacingUm: 2, cache: cache)
            for place in [SIMD2(-2.0, 10), SIMD2(10, -2), SIMD2(40, 10), SIMD2(10, 60), SIMD2(.nan, 10)] {
                #expect {
                    try reader.window(centreUm: place, side: 4)
                } throws: {
                    ($0 as? SectionFileError)?.code == .outside && ($0 as? SectionFileError)?.file == path
                }
            }
            #expect(try reader.window(centreUm: SIMD2(-1, 59), side: 4).count == 16)
        }
    }

    @Test func aTruncatedTileIsAnErrorThatNamesTheFileAndTheNextTryGetsItToo() throws {
        let whole = TIFFBytes(rows: 64, columns: 64, tile: (16, 16)).bytes { row, column, _ in texture(row, column) }
        // The directory comes last in these files: a tile that is said to lie behind the end of the file.
        var file = whole
        let directory = Int(file[4]) | Int(file[5]) << 8 | Int(file[6]) << 16
        let count = Int(file[directory]) | Int(file[directory + 1]) << 8
        for entry in 0..<count {
            let place = directory + 2 + 12 * entry
            guard file[place] == 0x44, file[place + 1] == 0x01 else { continue }  // TileOffsets, 324
            let list = Int(file[place + 8]) | Int(file[place + 9]) << 8
            file[list + 2] = 0x7f
        }
        try withFile(file) { path in
            let scan = try SectionScan(path: path, pixelSizeUm: 1)
            let reader = try WindowReader(scan, spacingUm: 1, cache: cache)
            for _ in 0..<2 {
                #expect {
                    try reader.window(centreUm: SIMD2(8, 8), side: 8)
                } throws: {
                    ($0 as? SectionFileError)?.file == path
                }
            }
            #expect(try reader.window(centreUm: SIMD2(40, 40), side: 8).count == 64)
        }
    }

    @Test func threadsShareABoundedCacheAndGetTheSamePixels() throws {
        let file = TIFFBytes(rows: 256, columns: 256, tile: (32, 32))
        try withFile(file.bytes { row, column, _ in texture(row, column) }) { path in
            var generator = SeededGenerator(seed: 4)
            let places = (0..<200).map { _ in SIMD2(generator.uniform() * 255, generator.uniform() * 255) }
            func windows(cacheBytes: Int, threads: Int) throws -> (pixels: [UInt8], pool: WindowPool) {
                let pool = WindowPool(spacingUm: 1, side: 50, cacheBytes: cacheBytes, openScans: 1)
                let file = ScanFile(path: path, pixelSizeUm: 1)
                var pixels = [UInt8](repeating: 0, count: places.count * 2500)
                pixels.withUnsafeMutableBufferPointer { buffer in
                    let target = DisjointSlices(buffer)
                    parallelFor(places.count, threads: threads) { index in
                        let part = UnsafeMutableBufferPointer(start: target.base + index * 2500, count: 2500)
                        #expect(throws: Never.self) { try pool.read(file, centreUm: places[index], into: part) }
                    }
                }
                return (pixels, pool)
            }
            let plain = try windows(cacheBytes: 0, threads: 1)
            let ample = try windows(cacheBytes: 1 << 20, threads: 4)
            let tight = try windows(cacheBytes: 5 << 10, threads: 4)
            #expect(plain.pixels == ample.pixels && plain.pixels == tight.pixels)
            // All 64 tiles once, and no more than there is room for (and the newest).
            #expect(ample.pool.cache.use.decodedTiles == 64)
            #expect(ample.pool.cache.use.bytes == 256 * 256)
            #expect(tight.pool.cache.use.bytes <= 5 << 10)
            #expect(plain.pool.cache.use.bytes <= 1024)
        }
    }

    @Test func aPoolKeepsSomeScansOpenOnly() throws {
        let bytes = TIFFBytes(rows: 20, columns: 30).bytes { row, column, _ in texture(row, column) }
        try withFile(bytes) { first in
            try withFile(bytes) { second in
                let pool = WindowPool(spacingUm: 1, side: 4, cacheBytes: 1 << 16, openScans: 1)
                let one = try pool.reader(of: ScanFile(path: first, pixelSizeUm: 1))
                #expect(try pool.reader(of: ScanFile(path: first, pixelSizeUm: 1)) === one)
                _ = try pool.reader(of: ScanFile(path: second, pixelSizeUm: 1))
                #expect(try pool.reader(of: ScanFile(path: first, pixelSizeUm: 1)) !== one)
            }
        }
        #expect(throws: SectionFileError.self) {
            try WindowPool(spacingUm: 1, side: 4, cacheBytes: 1).reader(of: ScanFile(path: "/nowhere/a.tif"))
        }
    }

    @Test func windowsAreWideEnoughForATurnAndAShift() {
        #expect(patchWindowSide(patchSide: 64, spacingUm: 64) == 98)
        #expect(patchWindowSide(patchSide: 2048, spacingUm: 2) == 3096)
        for side in [1, 2, 31, 64, 225] {
            let window = patchWindowSide(patchSide: side, spacingUm: 10, maximumShiftMm: 0.1)
            #expect((window - side) % 2 == 0)
            let reach = Double(side - 1) / 2 * 2.0.squareRoot() + 10
            #expect(Double(window - 1) / 2 >= reach - 1e-9)
        }
    }
}
