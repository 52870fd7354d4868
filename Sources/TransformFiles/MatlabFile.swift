internal import FoundationEssentials
internal import SpatialTransforms

/// The `.mat` files of ANTs and ITK: Matlab's level 4 format, two column vectors a transform, parameters and fixed parameters.
///
/// **Reference.** MATLAB MAT-File Format, "Level 4 MAT-Files": 20 bytes of header (type MOPT, rows, columns, imaginary flag, length
/// of the name), the name, the numbers.
enum MatlabFile {
    /// Whether the bytes can be the start of such a file.
    static func isMatlab(_ bytes: [UInt8]) -> Bool {
        guard let header = header(bytes, at: 0) else { return false }
        return header.rows >= 1 && header.rows < 1 << 24 && header.columns >= 1 && header.columns < 1 << 24
            && (1...256).contains(header.nameLength)
    }

    static func read(_ bytes: [UInt8], file: String) throws -> [SpatialTransform] {
        var matrices: [(name: String, values: [Double])] = []
        var offset = 0
        while offset < bytes.count {
            let cutOff = TransformFileError(.damaged, file: file, problem: "is cut off or no Matlab 4 file of ITK's")
            guard let header = header(bytes, at: offset) else { throw cutOff }
            guard header.isImaginary == 0, (1...256).contains(header.nameLength), header.rows >= 0, header.columns >= 0,
                header.rows < 1 << 28, header.columns < 1 << 28
            else { throw cutOff }
            let count = header.rows * header.columns
            let start = offset + 20 + header.nameLength
            guard start <= bytes.count, count * header.byteCount <= bytes.count - start else { throw cutOff }
            let name = String(
                decoding: bytes[offset + 20..<start].prefix { $0 != 0 }, as: UTF8.self)
            let values = bytes.withUnsafeBytes { raw in
                (0..<count).map { header.value(raw, start + $0 * header.byteCount) }
            }
            matrices.append((name, values))
            offset = start + count * header.byteCount
        }
        guard matrices.count >= 2, matrices.count.isMultiple(of: 2) else {
            throw TransformFileError(
                .damaged, file: file,
                problem: "holds \(matrices.count) matrices, not a pair (parameters, fixed) for each transform")
        }
        return try ITKRecord.transforms(
            stride(from: 0, to: matrices.count, by: 2).map {
                ITKRecord(
                    type: matrices[$0].name, parameters: matrices[$0].values,
                    fixedParameters: matrices[$0 + 1].values, file: file)
            })
    }

    static func write(_ affine: AffineTransform) -> Data {
        let lps = affine.turnedRoundXY
        var data = Data()
        func append(_ name: String, _ values: [Double]) {
            for number in [0, Int32(values.count), 1, 0, Int32(name.utf8.count + 1)] as [Int32] {
                withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) }
            }
            data.append(contentsOf: Array(name.utf8) + [0])
            for value in values {
                withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
            }
        }
        append(
            "AffineTransform_double_3_3",
            [
                lps.x.x, lps.y.x, lps.z.x, lps.x.y, lps.y.y, lps.z.y, lps.x.z, lps.y.z, lps.z.z, lps.translation.x,
                lps.translation.y, lps.translation.z,
            ])
        append("fixed", [0, 0, 0])
        return data
    }

    private struct Header {
        var isBigEndian: Bool
        var isSingle: Bool
        var rows: Int
        var columns: Int
        var isImaginary: Int
        var nameLength: Int
        var byteCount: Int { isSingle ? 4 : 8 }

        func value(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Double {
            if isSingle {
                let bits = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                return Double(Float(bitPattern: isBigEndian ? UInt32(bigEndian: bits) : UInt32(littleEndian: bits)))
            }
            let bits = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            return Double(bitPattern: isBigEndian ? UInt64(bigEndian: bits) : UInt64(littleEndian: bits))
        }
    }

    private static func header(_ bytes: [UInt8], at offset: Int) -> Header? {
        guard bytes.count - offset >= 20 else { return nil }
        func integers(_ bigEndian: Bool) -> [Int] {
            bytes.withUnsafeBytes { raw in
                (0..<5).map { index in
                    let bits = raw.loadUnaligned(fromByteOffset: offset + 4 * index, as: Int32.self)
                    return Int(bigEndian ? Int32(bigEndian: bits) : Int32(littleEndian: bits))
                }
            }
        }
        // MOPT: 0 little-endian doubles, 10 little-endian singles, 1000 and 1010 big-endian.
        for (bigEndian, base) in [(false, 0), (true, 1000)] {
            let numbers = integers(bigEndian)
            if numbers[0] == base || numbers[0] == base + 10 {
                return Header(
                    isBigEndian: bigEndian, isSingle: numbers[0] == base + 10, rows: numbers[1], columns: numbers[2],
                    isImaginary: numbers[3], nameLength: numbers[4])
            }
        }
        return nil
    }
}
