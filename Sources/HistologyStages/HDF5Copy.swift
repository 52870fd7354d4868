internal import HDF5

/// Copies every dataset of a file with its attributes, and the attributes of the root; groups come with their datasets.
///
/// - Parameter skipping: paths that are to be left out.
func copyDatasets(from source: HDF5File, to target: HDF5File, skipping: Set<String> = []) throws {
    for node in try source.nodes() where !skipping.contains(node.path) {
        if node.path != "/" {
            guard !node.isGroup else { continue }
            try copyDataset(node.path, from: source, to: target)
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

private func copyDataset(_ path: String, from source: HDF5File, to target: HDF5File) throws {
    let dataset = try source.dataset(path)
    func copy<Number: HDF5Element>(_ type: Number.Type) throws {
        try target.write(try dataset.read(as: type), shape: dataset.shape, to: path)
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
    case .text?: try target.write(texts: try dataset.readTexts(), to: path)
    case nil:
        throw HDF5Error(
            .wrongType, file: source.path, object: path, problem: "holds \(dataset.elementName), which cannot be copied"
        )
    }
}
