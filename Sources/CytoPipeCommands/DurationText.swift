/// Spans of time for people.
enum DurationText {
    /// `0.03 s`, `4.2 s`, `1m05s`, `2h03m`, `3d04h`.
    static func of(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "?" }
        if seconds < 0.995 { return fixed(seconds, 2) + " s" }
        if seconds < 9.95 { return fixed(seconds, 1) + " s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60)m\(two(whole % 60))s" }
        if whole < 86400 { return "\(whole / 3600)h\(two(whole % 3600 / 60))m" }
        return "\(whole / 86400)d\(two(whole % 86400 / 3600))h"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scale = decimals == 1 ? 10 : 100
        let scaled = Int((value * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.utf8.count) + fraction
    }
}

/// Counts for people.
enum CountText {
    /// `1,034`.
    static func of(_ count: Int) -> String {
        var digits = String(abs(count))
        var groups: [String] = []
        while digits.utf8.count > 3 {
            groups.append(String(digits.suffix(3)))
            digits.removeLast(3)
        }
        return (count < 0 ? "-" : "") + ([digits] + groups.reversed()).joined(separator: ",")
    }

    /// `1 task`, `1,034 tasks`.
    static func of(_ count: Int, _ singular: String, _ plural: String? = nil) -> String {
        "\(of(count)) \(count == 1 ? singular : plural ?? singular + "s")"
    }
}
