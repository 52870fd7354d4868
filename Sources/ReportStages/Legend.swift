/// Legends in the page's own text, so that they wrap on a phone and can be read without colours.
enum Legend {
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
