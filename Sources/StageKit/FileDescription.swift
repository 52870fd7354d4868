internal import FoundationEssentials
internal import HDF5

/// What stands in an HDF5 file, with the range of the values of each dataset.
struct FileDescription: Encodable {
    struct Node: Encodable {
        var path: String
        var kind: String
        var element: String?
        var shape: [Int]?
        var min: Double?
        var max: Double?
        var mean: Double?
        /// How many values are not numbers.
        var nan: Int?
        /// The first texts of a dataset of texts.
        var first: [String]?
        var attributes: [String: String]
    }

    var file: String
    var nodes: [Node]

    init(path: String) throws {
        let file = try HDF5File(reading: path)
        self.file = path
        nodes = try file.nodes().map { node in
            var attributes: [String: String] = [:]
            for attribute in node.attributes { attributes[attribute.name] = attribute.shown }
            var described = Node(path: node.path, kind: node.isGroup ? "group" : "dataset", attributes: attributes)
            guard !node.isGroup else { return described }
            described.element = node.elementName
            described.shape = node.shape
            let dataset = try file.dataset(node.path)
            if dataset.element == .text {
                described.first = Array(try dataset.readTexts().prefix(5))
            } else if let summary = try ValueSummary(of: dataset) {
                described.min = summary.smallest
                described.max = summary.largest
                described.mean = summary.mean
                described.nan = summary.notNumbers == 0 ? nil : summary.notNumbers
            }
            return described
        }
    }

    /// The tree for people, one line a node.
    var text: String {
        var lines = [file]
        for node in nodes {
            let indent = String(repeating: "  ", count: node.path == "/" ? 0 : node.path.split(separator: "/").count)
            var line = indent + (node.path == "/" ? "/" : String(node.path.split(separator: "/").last ?? "/"))
            if let element = node.element, let shape = node.shape {
                line += "  \(element) (" + shape.map(String.init).joined(separator: ", ") + ")"
            }
            if let min = node.min, let max = node.max, let mean = node.mean {
                line += "  \(short(min)) … \(short(max)), mean \(short(mean))"
            }
            if let nan = node.nan { line += ", \(nan) not a number" }
            if let first = node.first {
                line += "  " + first.map { "\"\($0)\"" }.joined(separator: ", ")
                if first.count < node.shape?.reduce(1, *) ?? 0 { line += ", …" }
            }
            lines.append(line)
            for name in node.attributes.keys.sorted() {
                lines.append(indent + "  @\(name) = \(node.attributes[name] ?? "")")
            }
        }
        return lines.joined(separator: "\n")
    }

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}

/// Six significant digits are enough to look at.
private func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
    var scale = 1.0
    while abs(value) * scale < 100_000, scale < 1e12 { scale *= 10 }
    return "\((value * scale).rounded() / scale)"
}

/// Range and mean of a dataset, read band by band so that its size does not matter.
private struct ValueSummary {
    var smallest = Double.infinity
    var largest = -Double.infinity
    var sum = 0.0
    var numbers = 0
    var notNumbers = 0
    var mean: Double { sum / Double(numbers) }

    /// nil for a dataset without numbers.
    init?(of dataset: HDF5Dataset) throws {
        guard let element = dataset.element, element != .text, dataset.count > 0 else { return nil }
        let shape = dataset.shape
        guard let length = shape.first else {
            try add(dataset, element, at: [], shape: [])
            return
        }
        let band = max(1, (1 << 22) / max(dataset.count / length, 1))
        for start in stride(from: 0, to: length, by: band) {
            try add(
                dataset, element, at: [start] + shape.dropFirst().map { _ in 0 },
                shape: [min(band, length - start)] + shape.dropFirst())
        }
        if numbers == 0 { return nil }
    }

    private mutating func add(
        _ dataset: HDF5Dataset, _ element: HDF5ElementType, at start: [Int], shape: [Int]
    ) throws {
        switch element {
        case .int64: add(try dataset.read(at: start, shape: shape, as: Int64.self).map(Double.init))
        case .uint64: add(try dataset.read(at: start, shape: shape, as: UInt64.self).map(Double.init))
        default: add(try dataset.read(at: start, shape: shape, as: Double.self))
        }
    }

    private mutating func add(_ values: [Double]) {
        for value in values {
            if value.isNaN {
                notNumbers += 1
            } else {
                smallest = min(smallest, value)
                largest = max(largest, value)
                sum += value
                numbers += 1
            }
        }
    }
}

extension HDF5Attribute {
    /// The value as a line shows it.
    fileprivate var shown: String {
        let list: [String] =
            switch values {
            case .integers(let integers): integers.map { "\($0)" }
            case .reals(let reals): reals.map(short)
            case .texts(let texts): texts
            }
        return shape.isEmpty ? list.joined() : "[" + list.joined(separator: ", ") + "]"
    }
}
