internal import CHDF5

/// The type of a dataset or attribute as it stands in the file.
struct StoredType {
    /// nil for a type that this target does not read (compound, reference, …).
    let element: HDF5ElementType?
    /// Bytes of a text of fixed length; nil for texts of variable length and for numbers.
    let textByteCount: Int?
    /// Character set of a text: HDF5 converts none into another.
    let characterSet: H5T_cset_t
    /// A word for messages.
    let name: String

    /// Looks at an open type.
    init(_ type: hid_t) {
        let size = H5Tget_size(type)
        let kind = H5Tget_class(type)
        characterSet = kind == H5T_STRING ? H5Tget_cset(type) : H5T_CSET_UTF8
        switch kind {
        case H5T_INTEGER:
            textByteCount = nil
            element = HDF5ElementType(
                rawValue: (H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int") + "\(size * 8)")
            name = element?.rawValue ?? "integer of \(size) bytes"
        case H5T_FLOAT:
            textByteCount = nil
            element = size == 4 ? .float32 : size == 8 ? .float64 : nil
            name = element?.rawValue ?? "float of \(size) bytes"
        case H5T_STRING:
            textByteCount = H5Tis_variable_str(type) > 0 ? nil : size
            element = .text
            name = "text"
        case H5T_COMPOUND:
            (element, textByteCount, name) = (nil, nil, "compound")
        case H5T_ENUM:
            (element, textByteCount, name) = (nil, nil, "enumeration")
        default:
            (element, textByteCount, name) = (nil, nil, "a type of another class")
        }
    }
}

/// Texts laid out as HDF5 wants them: each padded with zeros to one length.
struct PaddedTexts {
    let byteCount: Int
    let bytes: [UInt8]

    init(_ texts: [String]) {
        byteCount = max(texts.map(\.utf8.count).max() ?? 0, 1)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(texts.count * byteCount)
        for text in texts {
            bytes.append(contentsOf: text.utf8)
            bytes.append(contentsOf: repeatElement(0, count: byteCount - text.utf8.count))
        }
        self.bytes = bytes
    }

    /// The type of such texts, in memory and in the file.
    func type(orThrow error: HDF5Error) throws -> Identifier {
        try PaddedTexts.type(byteCount: byteCount, orThrow: error)
    }

    static func type(byteCount: Int, orThrow error: HDF5Error) throws -> Identifier {
        let type = try Identifier(H5Tcopy(chdf5_c_string()), H5Tclose, orThrow: error)
        H5Tset_size(type.raw, byteCount)
        H5Tset_strpad(type.raw, H5T_STR_NULLPAD)
        H5Tset_cset(type.raw, H5T_CSET_UTF8)
        return type
    }

    /// Reads texts of either kind through `read`, which is given the memory type and where to put `count` elements.
    static func read(
        count: Int, stored: StoredType, error: HDF5Error,
        through read: (hid_t, UnsafeMutableRawPointer) -> Int32
    ) throws -> [String] {
        guard count > 0 else { return [] }
        if let byteCount = stored.textByteCount {
            let type = try type(byteCount: byteCount, orThrow: error)
            H5Tset_cset(type.raw, stored.characterSet)
            var bytes = [UInt8](repeating: 0, count: count * byteCount)
            let status = bytes.withUnsafeMutableBytes { buffer in
                buffer.baseAddress.map { read(type.raw, $0) } ?? -1
            }
            guard status >= 0 else { throw error.withLibraryCause() }
            return (0..<count).map { index in
                let slice = bytes[index * byteCount..<(index + 1) * byteCount]
                return String(decoding: slice.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
        let type = try Identifier(H5Tcopy(chdf5_c_string()), H5Tclose, orThrow: error)
        H5Tset_size(type.raw, Int(bitPattern: UInt.max))
        H5Tset_cset(type.raw, stored.characterSet)
        var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
        let status = pointers.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { read(type.raw, $0) } ?? -1
        }
        defer { for case let pointer? in pointers { H5free_memory(pointer) } }
        guard status >= 0 else { throw error.withLibraryCause() }
        return pointers.map { $0.map { String(cString: $0) } ?? "" }
    }
}
