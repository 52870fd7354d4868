internal import Foundation
internal import NDArray

/// Two-dimensional arrays of bytes as NumPy's `.npy` files hold them: what both sides of a comparison read.
enum NumpyFile {
    struct Unreadable: Error, CustomStringConvertible {
        var description: String
    }

    /// Reads an array of uint8 in C order.
    static func bytes(path: String) throws -> Image<UInt8> {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        guard data.count > 10, data.starts(with: [0x93] + Array("NUMPY".utf8)), data[6] == 1 else {
            throw Unreadable(description: "\(path) is no .npy file of version 1.")
        }
        let length = Int(data[8]) | Int(data[9]) << 8
        let header = String(decoding: data.dropFirst(10).prefix(length), as: UTF8.self)
        guard let shape = header.firstMatch(of: /'shape': \((\d+), (\d+)\)/), let rows = Int(shape.1),
            let columns = Int(shape.2), header.contains("'|u1'"), header.contains("'fortran_order': False"),
            data.count == 10 + length + rows * columns
        else { throw Unreadable(description: "\(path) holds no two-dimensional uint8 array in C order: \(header)") }
        return Image(rows: rows, columns: columns, elements: [UInt8](data.dropFirst(10 + length)))
    }

    /// Writes an array of uint8.
    static func write(_ image: Image<UInt8>, path: String) throws {
        var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(image.rows), \(image.columns)), }"
        header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
        var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
        data.append(contentsOf: [UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)])
        data.append(contentsOf: Array(header.utf8))
        data.append(contentsOf: image.elements)
        try data.write(to: URL(fileURLWithPath: path))
    }
}
