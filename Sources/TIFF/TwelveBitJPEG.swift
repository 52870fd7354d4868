internal import Glibc

/// Decodes one JPEG frame of 12 bits a sample (sequential, Huffman-coded: SOF1), which the system's libjpeg is not built for.
///
/// Components without subsampling only, which is what TIFF writers of 12-bit data make; anything else is refused with a
/// sentence. The inverse cosine transform is done in floating point, so that samples are within 1 of libjpeg's integer one.
///
/// Reference: ITU-T T.81 (1992), sections B, C.2, F.2 and A.3.3 for the transform.
struct TwelveBitJPEG {
    struct Problem: Error { let text: String }

    let rows: Int
    let columns: Int
    let components: Int
    /// Interleaved samples, row by row.
    private(set) var samples: [UInt16] = []

    /// - Parameters:
    ///   - bytes: a tile or strip.
    ///   - tables: the file's shared tables (JPEGTables), empty where it has none.
    ///   - columns: what the tile or strip must have.
    ///   - components: the same.
    init(_ bytes: [UInt8], tables: [UInt8], rows: Int, columns: Int, components: Int) throws {
        var parser = Parser()
        if !tables.isEmpty { _ = try parser.readSegments(tables) }
        guard let scan = try parser.readSegments(bytes) else { throw Problem(text: "a JPEG without pixels") }
        guard parser.columns == columns, parser.rows >= rows, parser.components.count == components else {
            throw Problem(
                text: "a JPEG of \(parser.columns) × \(parser.rows) pixels and \(parser.components.count) channels "
                    + "where \(columns) × \(rows) and \(components) were expected")
        }
        self.rows = rows
        self.columns = columns
        self.components = components
        samples = [UInt16](repeating: 0, count: rows * columns * components)
        var decoder = EntropyDecoder(bytes: bytes, position: scan)
        try parser.decodeScan(&decoder, rows: rows, into: &samples)
    }

    private static let zigzag: [Int] = [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14,
        21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
        47, 55,
        62, 63,
    ]

    /// basis[x * 8 + u]: what frequency u adds at place x (T.81 A.3.3).
    private static let basis: [Float] = (0..<64).map { index in
        let (x, u) = (index / 8, index % 8)
        return Float((u == 0 ? 0.5.squareRoot() : 1) / 2 * cos(Double((2 * x + 1) * u) * Double.pi / 16))
    }

    private struct HuffmanTable {
        var values: [UInt8] = []
        /// Of each code length: the largest code, −1 where there is none, and what to add to a code for its place in `values`.
        var largest = [Int](repeating: -1, count: 17)
        var offset = [Int](repeating: 0, count: 17)

        init(counts: ArraySlice<UInt8>, values: [UInt8]) {
            self.values = values
            var code = 0
            var place = 0
            for (index, count) in counts.enumerated() {
                offset[index + 1] = place - code
                code += Int(count)
                place += Int(count)
                if count > 0 { largest[index + 1] = code - 1 }
                code <<= 1
            }
        }
    }

    private struct EntropyDecoder {
        let bytes: [UInt8]
        var position: Int
        var window: UInt32 = 0
        var available = 0
        /// Bits made up after the end of the data.
        var missing = 0

        init(bytes: [UInt8], position: Int) {
            self.bytes = bytes
            self.position = position
        }

        mutating func bit() throws -> Int {
            if available == 0 {
                if position < bytes.count, bytes[position] != 0xff {
                    window = UInt32(bytes[position])
                    position += 1
                } else if position + 1 < bytes.count, bytes[position + 1] == 0 {
                    window = 0xff
                    position += 2
                } else {
                    // A marker or the end: the last bits of a sound scan never need more than one byte of padding.
                    window = 0
                    missing += 1
                    if missing > 4 { throw Problem(text: "the JPEG data end too early") }
                }
                available = 8
            }
            available -= 1
            return Int(window >> UInt32(available)) & 1
        }

        mutating func value(_ table: HuffmanTable) throws -> Int {
            var code = 0
            for length in 1...16 {
                code = try code << 1 | bit()
                if code <= table.largest[length] {
                    let place = code + table.offset[length]
                    guard table.values.indices.contains(place) else { break }
                    return Int(table.values[place])
                }
            }
            throw Problem(text: "a JPEG code that is in no table")
        }

        /// A signed number of `count` bits (T.81 F.2.2.1).
        mutating func number(_ count: Int) throws -> Int {
            if count == 0 { return 0 }
            guard count <= 16 else { throw Problem(text: "a JPEG coefficient of \(count) bits") }
            var value = 0
            for _ in 0..<count { value = try value << 1 | bit() }
            return value < 1 << (count - 1) ? value - (1 << count) + 1 : value
        }

        /// Steps over a restart marker.
        mutating func restart() throws {
            available = 0
            while position + 1 < bytes.count, !(bytes[position] == 0xff && (0xd0...0xd7).contains(bytes[position + 1]))
            {
                position += 1
            }
            guard position + 1 < bytes.count else { throw Problem(text: "a JPEG restart marker is missing") }
            position += 2
        }
    }

    private struct Parser {
        var rows = 0
        var columns = 0
        var restartInterval = 0
        var components: [(id: UInt8, quantization: Int, dc: Int, ac: Int)] = []
        var quantization = [[Float]](repeating: [], count: 4)
        var dc = [HuffmanTable?](repeating: nil, count: 4)
        var ac = [HuffmanTable?](repeating: nil, count: 4)

        /// Reads up to the first scan; gives where its data start, nil where there is none.
        mutating func readSegments(_ bytes: [UInt8]) throws -> Int? {
            var at = 2
            while at + 4 <= bytes.count {
                guard bytes[at] == 0xff else { throw Problem(text: "a JPEG segment without a marker") }
                let marker = bytes[at + 1]
                if marker == 0xd9 { return nil }
                if marker == 0xff {
                    at += 1
                    continue
                }
                let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
                guard length >= 2, at + 2 + length <= bytes.count else {
                    throw Problem(text: "a JPEG segment is cut off")
                }
                let segment = Array(bytes[at + 4..<at + 2 + length])
                at += 2 + length
                switch marker {
                case 0xdb: try readQuantization(segment)
                case 0xc4: try readHuffman(segment)
                case 0xdd where segment.count >= 2: restartInterval = Int(segment[0]) << 8 | Int(segment[1])
                case 0xc0, 0xc1: try readFrame(segment)
                case 0xc2...0xcf: throw Problem(text: "12-bit JPEG that is progressive, lossless or arithmetic-coded")
                case 0xda:
                    try readScan(segment)
                    return at
                default: break
                }
            }
            return nil
        }

        private mutating func readQuantization(_ segment: [UInt8]) throws {
            var at = 0
            while at < segment.count {
                let isWide = segment[at] >> 4 != 0
                let index = Int(segment[at] & 15)
                at += 1
                guard index < 4, at + (isWide ? 128 : 64) <= segment.count else {
                    throw Problem(text: "a JPEG quantization table is cut off")
                }
                quantization[index] = (0..<64).map { place in
                    isWide
                        ? Float(Int(segment[at + 2 * place]) << 8 | Int(segment[at + 2 * place + 1]))
                        : Float(segment[at + place])
                }
                at += isWide ? 128 : 64
            }
        }

        private mutating func readHuffman(_ segment: [UInt8]) throws {
            var at = 0
            while at + 17 <= segment.count {
                let kind = segment[at] >> 4
                let index = Int(segment[at] & 15)
                let counts = segment[at + 1..<at + 17]
                let count = counts.reduce(0) { $0 + Int($1) }
                guard index < 4, kind < 2, at + 17 + count <= segment.count else {
                    throw Problem(text: "a JPEG Huffman table is cut off")
                }
                let table = HuffmanTable(counts: counts, values: Array(segment[at + 17..<at + 17 + count]))
                if kind == 0 { dc[index] = table } else { ac[index] = table }
                at += 17 + count
            }
        }

        private mutating func readFrame(_ segment: [UInt8]) throws {
            guard segment.count >= 6, segment[0] == 12, segment.count >= 6 + 3 * Int(segment[5]), segment[5] >= 1 else {
                throw Problem(text: "a JPEG frame that is not of 12 bits")
            }
            rows = Int(segment[1]) << 8 | Int(segment[2])
            columns = Int(segment[3]) << 8 | Int(segment[4])
            components = try (0..<Int(segment[5])).map { index in
                let at = 6 + 3 * index
                guard segment[at + 1] == 0x11, segment[at + 2] < 4 else {
                    throw Problem(text: "12-bit JPEG with subsampled channels")
                }
                return (id: segment[at], quantization: Int(segment[at + 2]), dc: 0, ac: 0)
            }
        }

        private mutating func readScan(_ segment: [UInt8]) throws {
            guard let count = segment.first.map({ Int($0) }), segment.count >= 4 + 2 * count, count == components.count
            else { throw Problem(text: "12-bit JPEG with its channels in scans of their own") }
            for index in 0..<count {
                guard components[index].id == segment[1 + 2 * index] else {
                    throw Problem(text: "JPEG channels in another order than announced")
                }
                components[index].dc = Int(segment[2 + 2 * index] >> 4) & 3
                components[index].ac = Int(segment[2 + 2 * index] & 15) & 3
            }
        }

        func decodeScan(_ decoder: inout EntropyDecoder, rows wanted: Int, into samples: inout [UInt16]) throws {
            var predictions = [Int](repeating: 0, count: components.count)
            var units = 0
            for top in stride(from: 0, to: wanted, by: 8) {
                for left in stride(from: 0, to: columns, by: 8) {
                    if restartInterval > 0, units > 0, units % restartInterval == 0 {
                        try decoder.restart()
                        predictions = predictions.map { _ in 0 }
                    }
                    units += 1
                    for (index, component) in components.enumerated() {
                        let table = quantization[component.quantization]
                        guard table.count == 64, let dc = dc[component.dc], let ac = ac[component.ac] else {
                            throw Problem(text: "a JPEG table is missing")
                        }
                        var block = [Float](repeating: 0, count: 64)
                        predictions[index] += try decoder.number(decoder.value(dc))
                        block[0] = Float(predictions[index]) * table[0]
                        var place = 1
                        while place < 64 {
                            let symbol = try decoder.value(ac)
                            if symbol & 15 == 0 {
                                if symbol != 0xf0 { break }
                                place += 16
                                continue
                            }
                            place += symbol >> 4
                            guard place < 64 else { throw Problem(text: "a JPEG block of too many coefficients") }
                            block[TwelveBitJPEG.zigzag[place]] = Float(try decoder.number(symbol & 15)) * table[place]
                            place += 1
                        }
                        let values = transformed(block)
                        for row in top..<min(top + 8, wanted) {
                            for column in left..<min(left + 8, columns) {
                                let value = values[(row - top) * 8 + column - left] + 2048
                                samples[(row * columns + column) * components.count + index] =
                                    UInt16(min(max(value.rounded(), 0), 4095))
                            }
                        }
                    }
                }
            }
        }

        /// The inverse cosine transform of a block, rows then columns.
        private func transformed(_ block: [Float]) -> [Float] {
            let basis = TwelveBitJPEG.basis
            var half = [Float](repeating: 0, count: 64)
            for row in 0..<8 {
                for x in 0..<8 {
                    var sum: Float = 0
                    for u in 0..<8 { sum += basis[x * 8 + u] * block[row * 8 + u] }
                    half[row * 8 + x] = sum
                }
            }
            var whole = half
            for y in 0..<8 {
                for x in 0..<8 {
                    var sum: Float = 0
                    for v in 0..<8 { sum += basis[y * 8 + v] * half[v * 8 + x] }
                    whole[y * 8 + x] = sum
                }
            }
            return whole
        }
    }
}
