/// Some rows of a table: a file whose root holds datasets with one row each along their first axis.
public struct RowSelection: Sendable {
    /// The rows that are kept, in the order that they get.
    public var rows: [Int]
    /// How many rows the table has.
    public var count: Int

    public init(_ rows: [Int], of count: Int) {
        precondition(rows.allSatisfy { $0 >= 0 && $0 < count }, "A selected row lies outside of the table's \(count).")
        self.rows = rows
        self.count = count
    }
}

/// Copies every dataset of a file with its attributes, and the attributes of the root; groups come with their datasets.
///
/// - Parameters:
///   - skipping: paths that are to be left out.
///   - selection: keeps some rows of the datasets that stand directly in the root and are as long as the table; what stands in
///     groups (tables of names) is copied whole.
/// - Throws: `HDF5Error` for a dataset of a type that is not read here.
public func copyDatasets(
    from source: HDF5File, to target: HDF5File, skipping: Set<String> = [], selection: RowSelection? = nil
) throws {
    for node in try source.nodes() where !skipping.contains(node.path) {
        if node.path != "/" {
            guard !node.isGroup else { continue }
            let isRow = !node.path.dropFirst().contains("/") && node.shape.first == selection?.count
            try copyDataset(node.path, from: source, to: target, rows: isRow ? selection?.rows : nil)
        }
        for attribute in node.attributes {
            switch (attribute.values, attribute.element) {
            case (.texts(let texts), .text?) where attribute.shape.isEmpty && texts.count == 1:
                try target.setAttribute(attribute.name, to: texts[0], of: node.path)
            case (.texts(let texts), .text?): try target.setAttribute(attribute.name, to: texts, of: node.path)
            case (_, let element?):
                func set<Number: HDF5Element & LosslessStringConvertible>(_ type: Number.Type) throws {
                    let values = try source.attributeList(attribute.name, of: node.path, as: type)
                    if attribute.shape.isEmpty, let value = values.first {
                        try target.setAttribute(attribute.name, to: value, of: node.path)
                    } else {
                        try target.setAttribute(attribute.name, to: values, of: node.path)
                    }
                }
                switch element {
                case .int8: try set(Int8.self)
                case .int16: try set(Int16.self)
                case .int32: try set(Int32.self)
                case .int64: try set(Int64.self)
                case .uint8: try set(UInt8.self)
                case .uint16: try set(UInt16.self)
                case .uint32: try set(UInt32.self)
                case .uint64: try set(UInt64.self)
                case .float32: try set(Float.self)
                case .float64: try set(Double.self)
                case .text: break
                }
            case (_, nil): continue
            }
        }
    }
}

/// Copies one dataset, or some of its rows.
private func copyDataset(_ path: String, from source: HDF5File, to target: HDF5File, rows: [Int]?) throws {
    let dataset = try source.dataset(path)
    func copy<Number: HDF5Element>(_ type: Number.Type) throws {
        guard let rows else { return try target.write(try dataset.read(as: type), shape: dataset.shape, to: path) }
        var shape = dataset.shape
        shape[0] = 1
        var kept: [Number] = []
        kept.reserveCapacity(rows.count * shape.reduce(1, *))
        for row in rows {
            kept += try dataset.read(at: [row] + shape.dropFirst().map { _ in 0 }, shape: shape, as: type)
        }
        shape[0] = rows.count
        try target.write(kept, shape: shape, to: path)
    }
    switch dataset.element {
    case .int8?: try copy(Int8.self)
    case .int16?: try copy(Int16.self)
    case .int32?: try copy(Int32.self)
    case .int64?: try copy(Int64.self)
    case .uint8?: try copy(UInt8.self)
    case .uint16?: try copy(UInt16.self)
    case .uint32?: try copy(UInt32.self)
    case .uint64?: try copy(UInt64.self)
    case .float32?: try copy(Float.self)
    case .float64?: try copy(Double.self)
    case .text?:
        let texts = try dataset.readTexts()
        try target.write(texts: rows.map { $0.map { texts[$0] } } ?? texts, to: path)
    case nil:
        throw HDF5Error(
            .wrongType, file: source.path, object: path, problem: "holds \(dataset.elementName), which cannot be copied"
        )
    }
}
