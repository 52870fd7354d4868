public import StageProtocol

/// A pipeline with everything it imports, checked and linked: names are indices, files are absolute paths.
public struct Pipeline: Sendable {
    public var name: String
    public var summary: String
    /// The pipeline's own file, absolute.
    public var file: String
    /// Parents stand before the axes within them.
    public var axes: [Axis]
    public var sources: [Source]
    /// The stages of imported files first, in the order of the files.
    public var stages: [StageUse]
    public var targets: [Target]
    public var profiles: [Profile]
    public var config: [String: ConfigValue]
    public var parameters: [Parameter]
    /// The `stages/` folder nearest to the pipeline, absolute; nil where none was found.
    public var stagesFolder: String?
    /// Remarks that keep nothing from running.
    public var warnings: [Diagnostic]

    /// A value that whoever runs the pipeline may give.
    public struct Parameter: Sendable {
        public var name: String
        public var value: ConfigValue
        public var help: String
    }

    /// Files that are there before the first stage: one for each item.
    public struct Source: Sendable {
        /// The name as stages refer to it, with the alias of its file: `cohort.section`.
        public var name: String
        public var file: ValueTemplate
        /// Folder that a relative path is seen from, absolute.
        public var folder: String
        /// Indices into `axes`, parents first.
        public var axes: [Int]
        public var type: String
        public var filters: [Condition]
        public var mark: Mark
    }

    /// A stage as the pipeline uses it.
    public struct StageUse: Sendable {
        /// The name with the alias of its file.
        public var name: String
        public var manifest: StageManifest
        /// Indices into `axes`, parents first.
        public var axes: [Int]
        /// One for each input port of the manifest, in its order; empty where an optional port is left out.
        public var inputs: [[Connection]]
        /// One for each config key of the manifest, in its order.
        public var config: [ConfigBinding]
        public var seed: Located<ValueTemplate>?
        /// `where` and `when`: all must hold for an item to be there.
        public var filters: [Condition]
        public var resources: ResourceRequest
        /// What it reads and is not there, where that leaves the whole stage out: the imported file has nothing of the name.
        public var leftOutFor: String?
        public var mark: Mark
    }

    public struct ConfigBinding: Sendable {
        public var key: ConfigKey
        /// The value; a constant has been checked against the key.
        public var value: ValueTemplate
        public var mark: Mark
    }

    /// Where the files of an input port come from.
    public struct Connection: Sendable {
        public enum Origin: Sendable, Equatable {
            /// Output port of a stage, by indices.
            case stage(Int, port: Int)
            case source(Int)
        }

        public var origin: Origin
        /// Neighbours along an axis: the axis and offsets that count its values; nil for the item itself.
        public var neighbours: (axis: Int, offsets: [Int])?
        /// Axes held at one value.
        public var pins: [(axis: Int, value: ValueTemplate)]
        public var filters: [Condition]
        /// Whether no file at all is fine.
        public var optional: Bool
        public var mark: Mark
    }

    /// `left = one of right` and the like, over axis values.
    public struct Condition: Sendable {
        public enum Comparison: String, Sendable {
            case equal = "==", unequal = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
        }

        public var left: ValueTemplate
        public var comparison: Comparison
        /// `equal` holds for any of them, `unequal` for none; the others have one.
        public var right: [ValueTemplate]
        public var mark: Mark
    }

    /// A name for what to make.
    public struct Target: Sendable {
        public var name: String
        /// Indices into `stages`.
        public var stages: [Int]
    }

    /// How to run: nothing of it enters a task's key.
    public struct Profile: Sendable {
        public var name: String
        public var executor: String
        public var limits: ResourceRequest
        public var options: [String: ConfigValue]
    }
}

extension Pipeline.Condition {
    /// Holds nowhere.
    static func never(at mark: Mark) -> Pipeline.Condition {
        Pipeline.Condition(left: .constant(.null), comparison: .equal, right: [], mark: mark)
    }

    /// Whether the condition holds for an item.
    public func holds(_ lookup: (AxisReference) -> ConfigValue) -> Bool {
        let value = left.evaluated(lookup)
        switch comparison {
        case .equal: return right.contains { $0.evaluated(lookup).matches(value) }
        case .unequal: return !right.contains { $0.evaluated(lookup).matches(value) }
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard let first = right.first?.evaluated(lookup), let order = Self.order(value, first) else { return false }
            switch comparison {
            case .less: return order < 0
            case .lessOrEqual: return order <= 0
            case .greater: return order > 0
            default: return order >= 0
            }
        }
    }

    /// The axes that the condition depends on.
    public var axes: Set<Int> {
        var axes: Set<Int> = []
        left.collectAxes(into: &axes)
        for value in right { value.collectAxes(into: &axes) }
        return axes
    }

    private static func order(_ left: ConfigValue, _ right: ConfigValue) -> Int? {
        if let left = number(left), let right = number(right) { return left < right ? -1 : left > right ? 1 : 0 }
        if case .text(let left) = left, case .text(let right) = right {
            return left < right ? -1 : left > right ? 1 : 0
        }
        return nil
    }

    /// A number, also one written as text: the values of an axis are text.
    private static func number(_ value: ConfigValue) -> Double? {
        switch value {
        case .integer(let value): Double(value)
        case .real(let value): value
        case .text(let text):
            switch YAMLScalar(text: text, isPlain: true).value {
            case .integer: Double(text)
            case .real(let value): value
            default: nil
            }
        default: nil
        }
    }
}

extension Pipeline.Source {
    /// A path as the source gives it, seen from the folder of its file.
    public func absolutePath(_ path: String) -> String { FilePaths.resolve(path, in: folder) }
}
