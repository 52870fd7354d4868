public import StageProtocol

/// One input file of a stage, with the item that it belongs to.
public struct StageInput: Sendable {
    /// The port, for messages.
    public let port: String
    /// Where the file lies; to be read only.
    public let path: String
    /// Coordinates of the file's item, outermost axis first.
    public let item: [Coordinate]
    /// Attributes of the coordinates, by axis and name.
    public let attributes: [String: [String: ConfigValue]]
    /// SHA-256 of the file's bytes.
    public let digest: String

    public init(port: String, file: InputFile) {
        self.port = port
        path = file.path
        item = file.item
        attributes = file.attributes
        digest = file.digest
    }

    /// The file's coordinate on an axis, for example `input.coordinate("section")`.
    public func coordinate(_ axis: String) throws -> String {
        guard let coordinate = item.first(where: { $0.axis == axis }) else {
            throw StageError(.badJob, "the file's item has no \(axis) axis", port: port, file: path)
        }
        return coordinate.value
    }

    /// An attribute of the file's coordinate on some axis, or nil; the port must ask for it in the manifest (`attributes: [position_um]`).
    public func attribute(_ name: String) -> ConfigValue? {
        for coordinate in item.reversed() {
            if let value = attributes[coordinate.axis]?[name], value != .null { return value }
        }
        return attributes.keys.sorted().lazy.compactMap { attributes[$0]?[name] }.first { $0 != .null }
    }

    /// A number among the attributes, or nil where it is absent; a text that is a number (from a CSV table) counts.
    public func optionalDouble(_ name: String) throws -> Double? {
        guard let value = attribute(name) else { return nil }
        switch value {
        case .real(let real): return real
        case .integer(let integer): return Double(integer)
        case .text(let text):
            if let number = Double(text) { return number }
            fallthrough
        default:
            throw StageError(
                .badJob, "the attribute \(name) is \(value.shown), but must be a number", port: port, file: path)
        }
    }

    /// A number among the attributes.
    public func double(_ name: String) throws -> Double {
        guard let number = try optionalDouble(name) else {
            throw StageError(
                .badJob, "the attribute \(name) is missing; give it with the axis in the cohort file", port: port,
                file: path)
        }
        return number
    }

    /// A text among the attributes, or nil where it is absent.
    public func optionalText(_ name: String) -> String? {
        switch attribute(name) {
        case .text(let text)?: text
        case .integer(let integer)?: "\(integer)"
        case .real(let real)?: "\(real)"
        case .bool(let bool)?: "\(bool)"
        default: nil
        }
    }
}
