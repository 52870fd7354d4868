public import FoundationEssentials

/// NumPy's `.npy`: a header, then the elements in C order.
///
/// **Reference**: NEP 1, A Simple File Format for NumPy Arrays; version 1.0.
public enum NumpyHeader {
    /// The bytes in front of the elements.
    ///
    /// - Parameters:
    ///   - description: NumPy's type code, for example `<f4`, `|u1`, `|S12`.
    ///   - shape: length along each axis, slowest first; empty for a scalar.
    public static func data(_ description: String, shape: [Int]) -> Data {
        let lengths = shape.map(String.init).joined(separator: ", ")
        var header =
            "{'descr': '\(description)', 'fortran_order': False, 'shape': (\(lengths)\(shape.count == 1 ? "," : "")), }"
        // The elements start at a multiple of 64 bytes.
        header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
        var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        bytes.append(littleEndian: UInt16(header.utf8.count))
        return Data(bytes + Array(header.utf8))
    }
}
