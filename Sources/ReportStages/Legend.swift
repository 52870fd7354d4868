/// Legends in the page's own text, so that they wrap on a phone and can be read without colours.
enum Legend {
    /// One legend for several plots of the same curves: the first as a line, the others dashed.
    static func curves(_ names: [String]) -> Markup {
        let entries = names.enumerated().map { place, name -> Markup in
            let kind: Markup = place == 0 ? "line" : "line dashed"
            return "<span><i class=\"key \(kind)\" style=\"color:var(--series-\(place % 8))\"></i>\(name)</span>"
        }
        return "<p class=\"legend\">\(entries)</p>"
    }

    /// The legend of a plot with its words; the script, which knows the colours, puts the marks in. So nothing moves when it does.
    static func places(of data: [(String, JSONText)], chart: String) -> Markup {
        let entries = words(of: data)
        guard !entries.isEmpty else { return .empty }
        let spans = entries.map { "<span><i class=\"mark\"></i>\($0)</span>" as Markup }
        return "<p class=\"legend\" data-legend=\"\(chart)\">\(spans)</p>"
    }

    private static func words(of data: [(String, JSONText)]) -> [String] {
        func value(_ key: String, in entries: [(String, JSONText)]) -> JSONText? { entries.first { $0.0 == key }?.1 }
        func text(_ json: JSONText?) -> String? {
            if case .text(let text)? = json { return text }
            return nil
        }
        if value("legend", in: data) == .bool(false) { return [] }
        switch text(value("kind", in: data)) {
        case "lines":
            guard case .list(let series)? = value("series", in: data), series.count > 1 else { return [] }
            return series.compactMap { one in
                if case .object(let entries) = one { return text(value("name", in: entries)) }
                return nil
            }
        case "stacked":
            guard case .list(let parts)? = value("parts", in: data) else { return [] }
            return parts.compactMap { text($0) }
        case "heat":
            return value("compact", in: data) == .bool(true) ? [] : [text(value("title", in: data)) ?? ""]
        default: return []
        }
    }

    /// What the marks of dot plots mean.
    static func marks(hasPaper: Bool, strategies: Bool) -> Markup {
        var entries: [Markup] = []
        if strategies {
            entries.append("<span><i class=\"key dot\"></i>linear probing</span>")
            entries.append("<span><i class=\"key square\"></i>finetuning</span>")
        } else {
            entries.append("<span><i class=\"key dot\"></i>this run</span>")
        }
        if hasPaper { entries.append("<span><i class=\"key diamond\"></i>paper</span>") }
        return "<p class=\"legend\">\(entries)</p>"
    }
}
