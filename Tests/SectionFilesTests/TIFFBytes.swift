import Foundation

/// Builds small uncompressed TIFF files byte by byte, so that tests decide on every tag.
struct TIFFBytes {
    var isBigEndian = false
    var rows: Int
    var columns: Int
    var bitsPerSample = 8
    var samplesPerPixel = 1
    var photometric = 1
    /// Tiles of this size (rows, columns); strips of `rowsPerStrip` where nil.
    var tile: (rows: Int, columns: Int)?
    var rowsPerStrip = 16
    var orientation = 1
    var isSeparate = false
    /// 1 unsigned, 2 signed, 3 float.
    var sampleFormat = 1
    var extraSamples: Int?
    var description = ""
    /// Pixels per unit and the unit: 2 inch, 3 cm.
    var resolution: (perUnit: UInt32, unit: Int)?
    var palette: [UInt16] = []
    /// Indices of tiles or strips that the file leaves out.
    var leftOut: Set<Int> = []
    var isReduced = false

    /// The directory's entries apart from where the pixels are.
    private func entries() -> [(tag: UInt16, type: UInt16, values: [UInt32])] {
        var entries: [(UInt16, UInt16, [UInt32])] = [
            (254, 4, [isReduced ? 1 : 0]), (256, 4, [UInt32(columns)]), (257, 4, [UInt32(rows)]),
            (258, 3, Array(repeating: UInt32(bitsPerSample), count: samplesPerPixel)), (259, 3, [1]),
            (262, 3, [UInt32(photometric)]), (274, 3, [UInt32(orientation)]), (277, 3, [UInt32(samplesPerPixel)]),
            (284, 3, [isSeparate ? 2 : 1]), (339, 3, Array(repeating: UInt32(sampleFormat), count: samplesPerPixel)),
        ]
        if !description.isEmpty { entries.append((270, 2, (Array(description.utf8) + [0]).map { UInt32($0) })) }
        if let resolution {
            entries.append((282, 5, [resolution.perUnit, 1]))
            entries.append((283, 5, [resolution.perUnit, 1]))
            entries.append((296, 3, [UInt32(resolution.unit)]))
        }
        if let tile {
            entries.append((322, 4, [UInt32(tile.columns)]))
            entries.append((323, 4, [UInt32(tile.rows)]))
        } else {
            entries.append((278, 4, [UInt32(rowsPerStrip)]))
        }
        if let extraSamples { entries.append((338, 3, [UInt32(extraSamples)])) }
        if !palette.isEmpty { entries.append((320, 3, palette.map { UInt32($0) })) }
        return entries
    }

    /// Bytes of the samples of each block, in the file's order. `sample(row, column, channel)` gives the raw bits.
    private func blocks(_ sample: (Int, Int, Int) -> UInt64) -> [[UInt8]] {
        let height = tile?.rows ?? rowsPerStrip
        let width = tile?.columns ?? columns
        var blocks: [[UInt8]] = []
        for plane in 0..<(isSeparate ? samplesPerPixel : 1) {
            for top in stride(from: 0, to: rows, by: height) {
                for left in stride(from: 0, to: columns, by: width) {
                    var bytes: [UInt8] = []
                    for row in top..<(tile == nil ? min(top + height, rows) : top + height) {
                        for column in left..<left + width {
                            for channel in isSeparate ? plane..<plane + 1 : 0..<samplesPerPixel {
                                let value = row < rows && column < columns ? sample(row, column, channel) : 0
                                let count = bitsPerSample / 8
                                for byte in 0..<count {
                                    bytes.append(
                                        UInt8(
                                            truncatingIfNeeded: value
                                                >> UInt64(8 * (isBigEndian ? count - 1 - byte : byte))))
                                }
                            }
                        }
                    }
                    blocks.append(bytes)
                }
            }
        }
        return blocks
    }

    /// The file's bytes; further pages follow the first.
    func bytes(
        pages: [(TIFFBytes, (Int, Int, Int) -> UInt64)] = [], _ sample: (Int, Int, Int) -> UInt64
    ) -> [UInt8] {
        var file: [UInt8] = isBigEndian ? [0x4d, 0x4d, 0, 42] : [0x49, 0x49, 42, 0]
        file += number(0, 4)
        var pointer = 4
        append(sample, to: &file, pointer: &pointer)
        for (page, sample) in pages { page.append(sample, to: &file, pointer: &pointer) }
        return file
    }

    private func append(_ sample: (Int, Int, Int) -> UInt64, to file: inout [UInt8], pointer: inout Int) {
        var offsets: [UInt32] = []
        var counts: [UInt32] = []
        for (index, block) in blocks(sample).enumerated() {
            let isLeftOut = leftOut.contains(index)
            offsets.append(isLeftOut ? 0 : UInt32(file.count))
            counts.append(isLeftOut ? 0 : UInt32(block.count))
            if !isLeftOut { file += block }
        }
        var entries = entries()
        entries.append((tile == nil ? 273 : 324, 4, offsets))
        entries.append((tile == nil ? 279 : 325, 4, counts))
        entries.sort { $0.tag < $1.tag }
        var directory = number(UInt32(entries.count), 2)
        for entry in entries {
            let size = entry.type == 2 ? 1 : entry.type == 3 ? 2 : 4
            let bytes = entry.values.flatMap { number($0, size) }
            directory += number(UInt32(entry.tag), 2) + number(UInt32(entry.type), 2)
            directory += number(UInt32(entry.type == 5 ? entry.values.count / 2 : entry.values.count), 4)
            if bytes.count <= 4 {
                directory += bytes + Array(repeating: 0, count: 4 - bytes.count)
            } else {
                if file.count % 2 == 1 { file.append(0) }
                directory += number(UInt32(file.count), 4)
                file += bytes
            }
        }
        if file.count % 2 == 1 { file.append(0) }
        file.replaceSubrange(pointer..<pointer + 4, with: number(UInt32(file.count), 4))
        pointer = file.count + directory.count
        file += directory + number(0, 4)
    }

    private func number(_ value: UInt32, _ count: Int) -> [UInt8] {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        return isBigEndian ? bytes.reversed() : bytes
    }
}

/// Runs `body` on a temporary file.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("scan-\(UUID().uuidString).bin").path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// A number between 0 and 2^bits − 1 that looks random, of a pixel's place.
func texture(_ row: Int, _ column: Int, _ channel: Int = 0, bits: UInt64 = 8) -> UInt64 {
    var value = UInt64(row) &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(column) &* 0xbf58_476d_1ce4_e5b9 &+ UInt64(channel)
    value = (value ^ (value >> 29)) &* 0x94d0_49bb_1331_11eb
    return (value >> 31) & ((1 << bits) - 1)
}
