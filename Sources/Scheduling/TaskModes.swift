/// How the user wants each task treated; nothing given means `normal` for all.
public struct TaskModes: Sendable {
    public enum Mode: UInt8, Sendable {
        /// Runs if it is stale.
        case normal
        /// Runs though it is up to date.
        case forced
        /// Never runs; its outputs are taken from the store if they are there.
        case leftOut
    }

    private var modes: [Mode]

    /// All tasks are `normal`.
    public init() { modes = [] }

    /// One mode for each task of the graph.
    public init(_ modes: [Mode]) { self.modes = modes }

    public subscript(task: Int) -> Mode { modes.isEmpty ? .normal : modes[task] }
}
