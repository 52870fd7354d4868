internal import HDF5
internal import NDArray
internal import StageKit
internal import Statistics

/// What a network says of points: feature-tables, one or gathered, whose features are read when they are asked for.
struct FeatureTable {
    /// Which vector of a point is meant.
    enum Vector: String, CaseIterable {
        /// Of the backbone (global average pooling, or the class token).
        case features
        /// Behind the projection head (variant P in Table 5).
        case projection
    }

    let points: PointTable
    let vector: Vector
    /// Numbers a point.
    let width: Int

    private static let attributes = ["network", "objective", "spacing_um", "model"]

    /// Opens the tables of a port.
    ///
    /// - Throws: `StageError` where tables are of different models, lack the vector, or hold no point.
    init(_ inputs: [StageInput], vector: Vector) throws {
        self.vector = vector
        let path = "/" + vector.rawValue
        var width: Int?
        var model: [String: HDF5Attribute.Values] = [:]
        for (index, input) in inputs.enumerated() {
            func wrong(_ problem: String) -> StageError {
                StageError(.badInput, problem, port: input.port, file: input.path)
            }
            let file = try HDF5File(reading: input.path)
            guard file.contains(path) else {
                throw wrong("\(path) is missing; was the table made by the stage features, with its projection?")
            }
            let shape = try file.dataset(path).shape
            guard shape.count == 2, shape[1] > 0 else {
                throw wrong("\(path) has the shape \(shape), not (points, features)")
            }
            guard width == nil || width == shape[1] else {
                throw wrong(
                    "holds \(shape[1]) numbers a point, but the tables before it \(width ?? 0): gather features of one model"
                )
            }
            width = shape[1]
            for name in FeatureTable.attributes where file.hasAttribute(name) {
                let values = try file.attribute(named: name).values
                if index > 0, model[name] != values {
                    throw wrong(
                        "its attribute \(name) differs from that of the tables before it: gather features of one model")
                }
                model[name] = values
            }
        }
        points = try PointTable(inputs, rowDataset: path)
        self.width = width ?? 0
        guard points.count > 0 else {
            throw StageError(.badInput, "holds no point", port: inputs.first?.port, file: inputs.first?.path)
        }
    }

    /// Whether every file has a vector.
    static func has(_ vector: Vector, in inputs: [StageInput]) throws -> Bool {
        try inputs.allSatisfy { try HDF5File(reading: $0.path).contains("/" + vector.rawValue) }
    }

    /// The vectors of some rows, in their order; blocks of the files that hold none of them are not read.
    ///
    /// - Throws: `StageError` where one is not finite.
    func matrix(rows: [Int]) throws -> Matrix {
        // Places of the wanted rows, by row.
        let order = rows.indices.sorted { (rows[$0], $0) < (rows[$1], $1) }
        var next = 0
        return try Matrix(rows: rows.count, columns: width) { target in
            try forEachBlock(wanted: order.map { rows[$0] }) { range, block in
                try block.withUnsafeElements { source in
                    while next < order.count, rows[order[next]] < range.upperBound {
                        let (place, row) = (order[next], rows[order[next]])
                        for column in 0..<width {
                            let value = source[(row - range.lowerBound) * width + column]
                            guard value.isFinite else { throw notFinite(row, column, value) }
                            target[place * width + column] = value
                        }
                        next += 1
                    }
                }
            }
        }
    }

    /// Calls `body` with block after block, each of at most `rows`, unchecked.
    ///
    /// - Parameter wanted: rows, ascending: blocks without any are passed over. nil: all rows.
    func forEachBlock(
        rows: Int = 8192, wanted: [Int]? = nil, _ body: (Range<Int>, Matrix) throws -> Void
    ) throws {
        var next = 0
        for source in points.sources {
            let dataset = try HDF5File(reading: source.input.path).dataset("/" + vector.rawValue)
            for start in stride(from: source.rows.lowerBound, to: source.rows.upperBound, by: rows) {
                let range = start..<min(start + rows, source.rows.upperBound)
                if let wanted {
                    let first = next
                    while next < wanted.count, wanted[next] < range.upperBound { next += 1 }
                    if next == first { continue }
                }
                let values = try dataset.read(
                    at: [start - source.rows.lowerBound, 0], shape: [range.count, width], as: Float.self)
                try body(range, Matrix(rows: range.count, columns: width, elements: values))
            }
        }
    }

    /// The error of a number that is none.
    func notFinite(_ row: Int, _ column: Int, _ value: Float) -> StageError {
        let source = points.sources.first { $0.rows.contains(row) }
        let section = points.sections[Int(points.section[row])].name
        return StageError(
            .badInput,
            "/\(vector.rawValue) holds \(value) at row \(row - (source?.rows.lowerBound ?? 0)), column \(column) (brain "
                + "\(points.brainName(row)), section \(section)): the network's features are not finite; did its training diverge?",
            port: source?.input.port, file: source?.input.path)
    }
}

extension StageContext {
    /// The table of the port `features`, with the vector that `config.use` names.
    func featureTable() throws -> FeatureTable {
        try FeatureTable(try inputs("features"), vector: try config.choice("use", of: FeatureTable.Vector.self))
    }
}

/// Some of `rows`, at most `count`, drawn at random without replacement, ascending.
func subsample(_ rows: [Int], count: Int, seed: UInt64, stream: String) -> [Int] {
    guard rows.count > count else { return rows }
    return stratifiedSample(
        labels: [Int](repeating: 0, count: rows.count), perLabel: count, replacement: false,
        seed: streamSeed(seed, stream)
    ).map { rows[$0] }.sorted()
}

/// The seed of a named stream of a seed, for algorithms that take a seed of their own.
func streamSeed(_ seed: UInt64, _ stream: String, _ number: Int = 0) -> UInt64 {
    var generator = SeededGenerator(seed: seed, stream: stream, number)
    return generator.next()
}
