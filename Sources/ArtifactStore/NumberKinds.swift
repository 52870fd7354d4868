internal import Scheduling
internal import StageProtocol

/// Keeps apart in JSON what JSON does not: the integer 64 and the real number 64.
///
/// A record lists where its whole-numbered reals stand; reading turns them back. Without that a later plan would take
/// `64` for a change of `64.0`.
enum NumberKinds {
    /// Paths of all real values that JSON would write like integers, for example `config/spacing_um`.
    static func wholeReals(_ task: TaskRecord) -> [String] {
        var paths: [String] = []
        collect(.map(task.config), "config", &paths)
        for (index, input) in task.inputs.enumerated() {
            for (axis, attributes) in input.attributes {
                collect(.map(attributes), "inputs/\(index)/\(escaped(axis))", &paths)
            }
        }
        return paths.sorted()
    }

    /// Turns the values at those paths into reals.
    static func restore(_ paths: [String], in task: inout TaskRecord) {
        guard !paths.isEmpty else { return }
        let known = Set(paths)
        task.config = restored(task.config, "config", known)
        for index in task.inputs.indices {
            for (axis, attributes) in task.inputs[index].attributes {
                task.inputs[index].attributes[axis] = restored(attributes, "inputs/\(index)/\(escaped(axis))", known)
            }
        }
    }

    private static func collect(_ value: ConfigValue, _ path: String, _ paths: inout [String]) {
        switch value {
        case .real(let number) where number == number.rounded() && abs(number) < 0x1p63: paths.append(path)
        case .list(let list):
            for (index, element) in list.enumerated() { collect(element, "\(path)/\(index)", &paths) }
        case .map(let map):
            for (name, element) in map { collect(element, "\(path)/\(escaped(name))", &paths) }
        default: break
        }
    }

    private static func restored(_ value: ConfigValue, _ path: String, _ known: Set<String>) -> ConfigValue {
        switch value {
        case .integer(let number) where known.contains(path): .real(Double(number))
        case .list(let list):
            .list(list.enumerated().map { restored($0.element, "\(path)/\($0.offset)", known) })
        case .map(let map): .map(restored(map, path, known))
        default: value
        }
    }

    private static func restored(
        _ map: [String: ConfigValue], _ path: String, _ known: Set<String>
    ) -> [String: ConfigValue] {
        var result = map
        for (name, value) in map { result[name] = restored(value, "\(path)/\(escaped(name))", known) }
        return result
    }

    /// A slash in a name is not one between names.
    private static func escaped(_ name: String) -> String {
        guard name.contains("/") || name.contains("~") else { return name }
        return name.map { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }.joined()
    }
}
