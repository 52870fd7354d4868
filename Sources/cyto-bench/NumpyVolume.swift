internal import Foundation
internal import NDArray

extension NumpyFile {
    /// Reads a three-dimensional array of float32 in C order.
    static func floats(path: String) throws -> Volume<Float> {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        guard data.count > 10, data.starts(with: [0x93] + Array("NUMPY".utf8)), data[6] == 1 else {
            throw Unreadable(description: "\(path) is no .npy file of version 1.")
        }
        let start = 10 + (Int(data[8]) | Int(data[9]) << 8)
        let header = String(decoding: data[10..<start], as: UTF8.self)
        guard let shape = header.firstMatch(of: /'shape': \((\d+), (\d+), (\d+)\)/), let planes = Int(shape.1),
            let rows = Int(shape.2), let columns = Int(shape.3), header.contains("'<f4'"),
            header.contains("'fortran_order': False"), data.count == start + 4 * planes * rows * columns
        else { throw Unreadable(description: "\(path) holds no three-dimensional float32 array in C order: \(header)") }
        let values = data.withUnsafeBytes { bytes in
            (0..<planes * rows * columns).map { bytes.loadUnaligned(fromByteOffset: start + 4 * $0, as: Float.self) }
        }
        return Volume(planes: planes, rows: rows, columns: columns, elements: values)
    }
}
