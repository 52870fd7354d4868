internal import CHDF5

/// The value of an attribute: texts or numbers, with a shape; a scalar's shape is empty.
public struct HDF5Attribute: Sendable, Equatable {
    public enum Values: Sendable, Equatable {
        case integers([Int64])
        case reals([Double])
        case texts([String])
    }

    public let name: String
    /// The type in the file; nil for one that is not read here, whose values are then empty.
    public let element: HDF5ElementType?
    public let shape: [Int]
    public let values: Values
}

extension HDF5File {
    /// Sets a number as an attribute of a dataset or group (`/`, the root, if left out).
    public func setAttribute<Element: HDF5Element>(_ name: String, to value: Element, of object: String = "/") throws {
        try setAttribute(name, elements: [value], shape: [], of: object)
    }

    /// Sets a short list of numbers as an attribute, for example a spacing along three axes.
    public func setAttribute<Element: HDF5Element>(
        _ name: String, to values: [Element], of object: String = "/"
    ) throws {
        try setAttribute(name, elements: values, shape: [values.count], of: object)
    }

    /// Sets a text as an attribute.
    public func setAttribute(_ name: String, to text: String, of object: String = "/") throws {
        try setAttribute(name, texts: [text], shape: [], of: object)
    }

    /// Sets a list of texts as an attribute.
    public func setAttribute(_ name: String, to texts: [String], of object: String = "/") throws {
        try setAttribute(name, texts: texts, shape: [texts.count], of: object)
    }

    /// A number, converted without loss.
    public func attribute<Element: HDF5Element & LosslessStringConvertible>(
        _ name: String, of object: String = "/", as type: Element.Type = Element.self
    ) throws -> Element {
        let values: [Element] = try attributeList(name, of: object)
        guard values.count == 1 else {
            throw HDF5Error(
                .wrongShape, file: path, object: "\(object)@\(name)",
                problem: "holds \(values.count) values, but one was expected")
        }
        return values[0]
    }

    /// A list of numbers (a scalar is a list of one), converted without loss.
    public func attributeList<Element: HDF5Element & LosslessStringConvertible>(
        _ name: String, of object: String = "/", as type: Element.Type = Element.self
    ) throws -> [Element] {
        let attribute = try attribute(named: name, of: object)
        let wrong = HDF5Error(
            .wrongType, file: path, object: "\(object)@\(name)",
            problem: "holds \(attribute.element?.rawValue ?? "an unknown type"), "
                + "which is not read as \(Element.elementType.rawValue) without loss")
        switch attribute.values {
        case .texts: throw wrong
        case .reals(let values):
            if Element.self == Double.self || (Element.self == Float.self && attribute.element == .float32) {
                return try values.map { value in
                    if let value = value as? Element { return value }
                    guard let value = Float(value) as? Element else { throw wrong }
                    return value
                }
            }
            throw wrong
        case .integers(let values):
            return try values.map { value in
                guard let value = Element("\(value)") else { throw wrong }
                return value
            }
        }
    }

    /// A text.
    public func textAttribute(_ name: String, of object: String = "/") throws -> String {
        guard case .texts(let texts) = try attribute(named: name, of: object).values, texts.count == 1 else {
            throw HDF5Error(.wrongType, file: path, object: "\(object)@\(name)", problem: "is not one text")
        }
        return texts[0]
    }

    /// Whether an attribute is there.
    public func hasAttribute(_ name: String, of object: String = "/") -> Bool {
        contains(object)
            && Library.locked { H5Aexists_by_name(raw, object, name, chdf5_default()) > 0 }
    }

    /// An attribute whatever its type.
    public func attribute(named name: String, of object: String = "/") throws -> HDF5Attribute {
        guard contains(object) else {
            throw HDF5Error(.missing, file: path, object: object, problem: "there is no such dataset or group")
        }
        guard hasAttribute(name, of: object) else {
            throw HDF5Error(
                .missing, file: path, object: "\(object)@\(name)", problem: "there is no such attribute")
        }
        return try Library.locked {
            try read(
                name, try open(object),
                HDF5Error(.inputOutput, file: path, object: "\(object)@\(name)", problem: "cannot be read"))
        }
    }

    /// All attributes of an object, in the order of their creation where the file tells it, else by name.
    public func attributes(of object: String = "/") throws -> [HDF5Attribute] {
        try Library.locked {
            let owner = try open(object)
            let names = Library.names { order, client in
                H5Aiterate2(owner.raw, order, H5_ITER_INC, nil, { collectName($1, $3) }, client)
            }
            return try names.map { name in
                try read(
                    name, owner,
                    HDF5Error(.inputOutput, file: path, object: "\(object)@\(name)", problem: "cannot be read"))
            }
        }
    }

    private func open(_ object: String) throws -> Identifier {
        try Identifier(
            H5Oopen(raw, object, chdf5_default()), H5Oclose,
            orThrow: HDF5Error(.missing, file: path, object: object, problem: "there is no such dataset or group"))
    }

    private func setAttribute<Element: HDF5Element>(
        _ name: String, elements: [Element], shape: [Int], of object: String
    ) throws {
        try Library.locked {
            try setAttribute(name, type: chdf5_file_type(Element.elementType.code), shape: shape, of: object) {
                attribute in
                elements.withUnsafeBytes { buffer in
                    buffer.baseAddress.map {
                        H5Awrite(attribute, chdf5_memory_type(Element.elementType.code), $0)
                    } ?? 0
                }
            }
        }
    }

    private func setAttribute(_ name: String, texts: [String], shape: [Int], of object: String) throws {
        try Library.locked {
            let padded = PaddedTexts(texts)
            let type = try padded.type(
                orThrow: HDF5Error(.inputOutput, file: path, object: object, problem: "cannot be written"))
            try setAttribute(name, type: type.raw, shape: shape, of: object) { attribute in
                padded.bytes.withUnsafeBytes { buffer in
                    buffer.baseAddress.map { H5Awrite(attribute, type.raw, $0) } ?? 0
                }
            }
        }
    }

    private func setAttribute(
        _ name: String, type: hid_t, shape: [Int], of object: String, write: (hid_t) -> Int32
    ) throws {
        precondition(isWritable, "\(path) is open for reading only.")
        let owner = try open(object)
        let error = HDF5Error(
            .inputOutput, file: path, object: "\(object)@\(name)", problem: "the attribute cannot be written")
        if H5Aexists(owner.raw, name) > 0 { H5Adelete(owner.raw, name) }
        let space = try Identifier(
            shape.isEmpty
                ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), shape.map { hsize_t($0) }, nil),
            H5Sclose, orThrow: error)
        let attribute = try Identifier(
            H5Acreate2(owner.raw, name, type, space.raw, chdf5_default(), chdf5_default()), H5Aclose, orThrow: error)
        guard write(attribute.raw) >= 0 else { throw error.withLibraryCause() }
    }

    private func read(_ name: String, _ owner: Identifier, _ error: HDF5Error) throws -> HDF5Attribute {
        let attribute = try Identifier(H5Aopen(owner.raw, name, chdf5_default()), H5Aclose, orThrow: error)
        let type = try Identifier(H5Aget_type(attribute.raw), H5Tclose, orThrow: error)
        let space = try Identifier(H5Aget_space(attribute.raw), H5Sclose, orThrow: error)
        let rank = max(H5Sget_simple_extent_ndims(space.raw), 0)
        var lengths = [hsize_t](repeating: 0, count: Int(rank))
        H5Sget_simple_extent_dims(space.raw, &lengths, nil)
        let shape = lengths.map { Int(clamping: $0) }
        let count = Int(clamping: H5Sget_simple_extent_npoints(space.raw))
        let stored = StoredType(type.raw)
        let values: HDF5Attribute.Values
        switch stored.element {
        case .text:
            values = .texts(
                try PaddedTexts.read(count: count, stored: stored, error: error) { type, pointer in
                    H5Aread(attribute.raw, type, pointer)
                })
        case .float32, .float64:
            var reals = [Double](repeating: 0, count: count)
            guard count == 0 || H5Aread(attribute.raw, chdf5_memory_type(HDF5ElementType.float64.code), &reals) >= 0
            else { throw error.withLibraryCause() }
            values = .reals(reals)
        case .some:
            var integers = [Int64](repeating: 0, count: count)
            guard count == 0 || H5Aread(attribute.raw, chdf5_memory_type(HDF5ElementType.int64.code), &integers) >= 0
            else { throw error.withLibraryCause() }
            values = .integers(integers)
        case nil: values = .texts([])
        }
        return HDF5Attribute(name: name, element: stored.element, shape: shape, values: values)
    }
}
