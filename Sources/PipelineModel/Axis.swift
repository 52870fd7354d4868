public import StageProtocol

/// An axis with all its values: what a pipeline runs over.
///
/// The values stand in one flat list. On a nested (ragged) axis those of one parent value stand together, so that a flat
/// index names the value and its ancestors at once.
public struct Axis: Sendable {
    public var name: String
    /// Index of the axis that this one is nested within; nil for none.
    public var parent: Int?
    public var values: [String]
    /// Flat index into the parent's values, for each value; empty where there is no parent.
    public var parents: [Int32]
    /// Where the values of each parent value begin, and at the end the count; `[0, count]` without a parent.
    public var starts: [Int32]
    public var attributeNames: [String]
    /// One column an attribute, as long as `values`; null where a value has none.
    public var columns: [[ConfigValue]]
    public var mark: Mark

    /// The attribute `index`, there on every axis without its own: the position among the values of one parent, from 0.
    public static let indexAttribute = -1

    public var count: Int { values.count }

    /// Number of the attribute, nil where the axis has none of that name.
    public func attribute(_ name: String) -> Int? {
        attributeNames.firstIndex(of: name) ?? (name == "index" ? Axis.indexAttribute : nil)
    }

    /// The value of an attribute (nil for the axis's own value) at a flat index.
    public func value(of attribute: Int?, at index: Int) -> ConfigValue {
        guard let attribute else { return .text(values[index]) }
        if attribute == Axis.indexAttribute { return .integer(Int64(index) - Int64(range(around: index).lowerBound)) }
        return columns[attribute][index]
    }

    /// The flat indices of the values that share the parent of the value at `index`.
    public func range(around index: Int) -> Range<Int> {
        parents.isEmpty ? 0..<count : children(of: Int(parents[index]))
    }

    /// The flat indices of the values of one parent value.
    public func children(of parent: Int) -> Range<Int> { Int(starts[parent])..<Int(starts[parent + 1]) }
}

/// The values of an axis under one parent value, while it is read.
struct AxisBlock {
    var values: [String] = []
    var marks: [Mark] = []
    var columns: [(name: String, values: [ConfigValue])] = []

    mutating func keep(_ rows: [Int]) {
        values = rows.map { values[$0] }
        marks = rows.map { marks[$0] }
        for column in columns.indices { columns[column].values = rows.map { columns[column].values[$0] } }
    }
}

extension Axis {
    /// Puts the blocks of all parent values together.
    init(name: String, parent: Int?, blocks: [AxisBlock], mark: Mark) {
        self.init(
            name: name, parent: parent, values: [], parents: [], starts: [0], attributeNames: [], columns: [],
            mark: mark)
        values.reserveCapacity(blocks.reduce(0) { $0 + $1.values.count })
        var positions: [String: Int] = [:]
        for (index, block) in blocks.enumerated() {
            let before = values.count
            values.append(contentsOf: block.values)
            if parent != nil { parents.append(contentsOf: repeatElement(Int32(index), count: block.values.count)) }
            starts.append(Int32(values.count))
            for column in block.columns {
                let position: Int
                if let known = positions[column.name] {
                    position = known
                } else {
                    position = columns.count
                    positions[column.name] = position
                    attributeNames.append(column.name)
                    columns.append([])
                }
                // An attribute that earlier blocks lack is null there.
                columns[position].append(contentsOf: repeatElement(.null, count: before - columns[position].count))
                columns[position].append(contentsOf: column.values)
            }
        }
        for column in columns.indices {
            columns[column].append(contentsOf: repeatElement(.null, count: values.count - columns[column].count))
        }
    }
}

extension ConfigValue {
    /// Whether two values are the same as a condition sees it: 3, 3.0 and the text "3" are.
    public func matches(_ other: ConfigValue) -> Bool {
        if self == other { return true }
        switch (self, other) {
        case (.integer(let left), .real(let right)): return Double(left) == right
        case (.real(let left), .integer(let right)): return left == Double(right)
        case (.text(let left), .integer), (.text(let left), .real), (.text(let left), .bool):
            return left == ConfigKey.text(of: other) || YAMLScalar(text: left, isPlain: true).value == other
        case (.integer, .text), (.real, .text), (.bool, .text): return other.matches(self)
        default: return false
        }
    }
}
