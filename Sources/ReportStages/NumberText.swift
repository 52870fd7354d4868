/// Numbers as the page writes them.
package enum NumberText {
    /// A number with so many digits after the point; a true minus sign, thousands kept apart by narrow spaces.
    package static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "–" : value > 0 ? "∞" : "−∞" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 1e15 else { return "\(value)" }
        let whole = Int(scaled / scale)
        var text = grouped(whole)
        if decimals > 0 {
            let rest = "\(Int(scaled) - whole * Int(scale))"
            text += "." + String(repeating: "0", count: decimals - rest.count) + rest
        }
        return value < 0 && scaled > 0 ? "−" + text : text
    }

    /// How many digits after the point show three significant ones, none where the number is whole.
    package static func decimals(for value: Double) -> Int {
        let size = abs(value)
        if !size.isFinite || size >= 100 || size == size.rounded() { return 0 }
        if size >= 10 { return 1 }
        if size >= 1 { return 2 }
        if size >= 0.01 { return 3 }
        return size >= 0.001 ? 4 : 6
    }

    /// A number with about three significant digits.
    package static func short(_ value: Double) -> String { fixed(value, decimals(for: value)) }

    package static func grouped(_ value: Int) -> String {
        let digits = Array("\(abs(value))")
        guard digits.count > 4 else { return "\(value)" }
        var text = value < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "\u{202F}" }
            text.append(digit)
        }
        return text
    }

    package static func percent(_ share: Double, _ decimals: Int = 0) -> String {
        fixed(100 * share, decimals) + "\u{202F}%"
    }

    /// A name as figures and columns have it, in words: `macro_f1_seen` is "macro-F1 seen", `error_median_mm` "error median (mm)".
    package static func words(_ name: String) -> String {
        var parts = name.split(separator: "_").map(String.init)
        let units = [
            "mm": "mm", "um": "µm", "deg": "°", "rad": "rad", "mm2": "mm²", "s": "s", "percent": "%", "px": "px",
        ]
        var unit: String?
        if parts.count > 1, let last = parts.last, let known = units[last] {
            unit = known
            parts.removeLast()
            if parts.count > 1, parts.last == "per" {
                unit = "1/" + known
                parts.removeLast()
            }
        }
        var text = parts.map { $0 == "95" ? "95\u{202F}%" : $0 }.joined(separator: " ")
        for (plain, written) in [
            ("macro f1", "macro-F1"), ("top1", "top-1"), ("top3", "top-3"), ("r2", "R²"), ("mni", "MNI"),
            ("umap2", "UMAP 2-D"), ("umap3", "UMAP 3-D"), ("umap", "UMAP"), ("pca", "PCA"),
            ("ch features", "Calinski–Harabasz, features"),
            ("ch projection", "Calinski–Harabasz, projection"),
        ] { text = text.replacing(plain, with: written) }
        return unit.map { "\(text) (\($0))" } ?? text
    }
}
