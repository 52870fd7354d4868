internal import Foundation
internal import Glibc
internal import Statistics

extension NumpyFile {
    /// Reads a two-dimensional array of float32 in C order, straight into its place.
    static func matrix(path: String) throws -> Matrix {
        guard let file = fopen(path, "rb") else { throw Unreadable(description: "\(path) cannot be opened.") }
        defer { fclose(file) }
        var preamble = [UInt8](repeating: 0, count: 10)
        guard fread(&preamble, 1, 10, file) == 10, preamble[..<6] == [0x93] + Array("NUMPY".utf8), preamble[6] == 1
        else {
            throw Unreadable(description: "\(path) is no .npy file of version 1.")
        }
        var text = [UInt8](repeating: 0, count: Int(preamble[8]) | Int(preamble[9]) << 8)
        guard fread(&text, 1, text.count, file) == text.count else {
            throw Unreadable(description: "\(path) ends within its header.")
        }
        let header = String(decoding: text, as: UTF8.self)
        guard let shape = header.firstMatch(of: /'shape': \((\d+), (\d+)\)/), let rows = Int(shape.1),
            let columns = Int(shape.2), header.contains("'<f4'"), header.contains("'fortran_order': False")
        else { throw Unreadable(description: "\(path) holds no two-dimensional float32 array in C order: \(header)") }
        var read = 0
        let matrix = Matrix(rows: rows, columns: columns) { buffer in
            read = fread(buffer.baseAddress, 4, rows * columns, file)
        }
        guard read == rows * columns else { throw Unreadable(description: "\(path) ends after \(read) elements.") }
        return matrix
    }
}
