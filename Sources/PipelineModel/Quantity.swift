internal import StageProtocol

/// Amounts of memory and spans of time as users write them: `16GiB`, `500MB`, `2h`, `90s`.
enum Quantity {
    private static let memoryUnits: [String: Double] = [
        "": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 0x1p10, "MiB": 0x1p20,
        "GiB": 0x1p30, "TiB": 0x1p40, "K": 0x1p10, "M": 0x1p20, "G": 0x1p30, "T": 0x1p40,
    ]
    private static let timeUnits: [String: Double] = [
        "": 1, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400,
    ]

    /// Bytes; nil, with a mistake noted, where the node is no amount of memory.
    static func memoryBytes(_ node: YAMLNode, problems: DiagnosticList) -> Int64? {
        if let value = amount(node, units: memoryUnits), value >= 1, value < 0x1p62 { return Int64(value) }
        problems.error(
            at: node.mark, "\(node.briefly) is no amount of memory", expected: "for example 512MiB, 2GiB or 16GB")
        return nil
    }

    /// Seconds; nil, with a mistake noted, where the node is no span of time.
    static func seconds(_ node: YAMLNode, problems: DiagnosticList) -> Double? {
        if let value = amount(node, units: timeUnits), value > 0, value.isFinite { return value }
        problems.error(at: node.mark, "\(node.briefly) is no span of time", expected: "for example 90s, 30m or 2h")
        return nil
    }

    private static func amount(_ node: YAMLNode, units: [String: Double]) -> Double? {
        guard let text = node.scalar?.text else { return nil }
        let number = text.prefix { $0.isNumber || $0 == "." }
        let unit = text.dropFirst(number.count).drop { $0 == " " }
        guard let value = Double(number), let factor = units[String(unit)] else { return nil }
        return value * factor
    }
}
