internal import StageProtocol

/// Reads `where:` and `when:`.
struct ConditionReader {
    let resolver: TemplateResolver
    /// The axes that conditions may speak about.
    let axes: [Int]
    let what: String

    private var problems: DiagnosticList { resolver.problems }

    /// `where: { role: seen, section.status: [present, torn] }`: attributes and the values that are wanted.
    func readWhere(_ node: YAMLNode) -> [Pipeline.Condition] {
        guard case .mapping(let entries) = node.content else {
            problems.error(
                at: node.mark, "'where' of \(what) is \(node.briefly)", expected: "a mapping as { attribute: value }")
            return []
        }
        return entries.compactMap { entry in
            guard let reference = attribute(entry.key, at: entry.keyMark) else { return nil }
            let right: [ValueTemplate] = resolver.with(axes: axes) {
                if case .sequence(let nodes) = entry.value.content {
                    return nodes.map { resolver.template($0, what: "'where' of \(what)") }
                }
                return [resolver.template(entry.value, what: "'where' of \(what)")]
            }
            return Pipeline.Condition(
                left: .reference(reference), comparison: .equal, right: right, mark: entry.keyMark)
        }
    }

    /// `when:` is one condition or a list that must all hold: `${axis.attribute}`, or `left == right` and the like.
    func readWhen(_ node: YAMLNode) -> [Pipeline.Condition] {
        switch node.content {
        case .mapping: return readWhere(node)
        case .sequence(let nodes): return nodes.flatMap { readWhen($0) }
        case .scalar(let scalar): return comparison(scalar, at: node.mark).map { [$0] } ?? []
        }
    }

    private func comparison(_ scalar: YAMLScalar, at mark: Mark) -> Pipeline.Condition? {
        let words = scalar.text.split(separator: " ").map { String($0) }
        let operators = ["==", "!=", "<=", ">=", "<", ">", "in"]
        guard let position = words.firstIndex(where: { operators.contains($0) }) else {
            guard words.count == 1 else {
                problems.error(
                    at: mark, "'\(scalar.text)' is no condition",
                    expected: "${axis.attribute} or a comparison with spaces around ==, !=, <, <=, >, >= or in")
                return nil
            }
            let left = resolver.with(axes: axes) {
                resolver.template(YAMLNode(.scalar(scalar), at: mark), what: "'when' of \(what)")
            }
            if let constant = left.constant, case .bool = constant {
            } else if left.constant != nil {
                problems.error(
                    at: mark, "'when' of \(what) is '\(scalar.text)'", expected: "a boolean or a comparison")
                return nil
            }
            return Pipeline.Condition(left: left, comparison: .equal, right: [.constant(.bool(true))], mark: mark)
        }
        let left = side(words[..<position], at: mark)
        let right = side(words[(position + 1)...], at: mark)
        guard let left, let right else {
            problems.error(
                at: mark, "'\(scalar.text)' lacks a side", expected: "a value on both sides of '\(words[position])'")
            return nil
        }
        if words[position] == "in" {
            let values: [ValueTemplate] =
                switch right {
                case .list(let list): list
                case .constant(.list(let list)): list.map { .constant($0) }
                default: [right]
                }
            return Pipeline.Condition(left: left, comparison: .equal, right: values, mark: mark)
        }
        guard let comparison = Pipeline.Condition.Comparison(rawValue: words[position]) else { return nil }
        return Pipeline.Condition(left: left, comparison: comparison, right: [right], mark: mark)
    }

    /// One side of a comparison, read as a YAML value of its own.
    private func side(_ words: ArraySlice<String>, at mark: Mark) -> ValueTemplate? {
        guard !words.isEmpty else { return nil }
        let text = words.joined(separator: " ")
        let silent = DiagnosticList()
        guard var node = YAMLReader.read(SourceFile(path: mark.file.path, text: text), problems: silent) else {
            return nil
        }
        node.mark = mark
        return resolver.with(axes: axes) { resolver.template(node, what: "'when' of \(what)") }
    }

    /// `axis`, `axis.attribute`, or an attribute that just one of the axes has.
    private func attribute(_ name: String, at mark: Mark) -> AxisReference? {
        let all = resolver.axes
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        if let axis = axes.first(where: { all[$0].name == parts[0] }) {
            if parts.count == 1 { return AxisReference(axis: axis, attribute: nil, mark: mark) }
            if parts.count == 2, let attribute = all[axis].attribute(parts[1]) {
                return AxisReference(axis: axis, attribute: attribute, mark: mark)
            }
        } else if parts.count == 1 {
            let owners = axes.filter { all[$0].attributeNames.contains(name) }
            if owners.count == 1 {
                return AxisReference(axis: owners[0], attribute: all[owners[0]].attribute(name), mark: mark)
            }
            if owners.count > 1 {
                problems.error(
                    at: mark, "several axes have an attribute '\(name)'",
                    expected: "one of \(owners.map { "\(all[$0].name).\(name)" }.joined(separator: ", "))")
                return nil
            }
        }
        let known = axes.flatMap { axis in [all[axis].name] + all[axis].attributeNames }
        problems.error(
            at: mark, "'\(name)' in 'where' of \(what) is no attribute of its axes",
            expected: known.isEmpty ? "axes in 'for'" : "one of \(known.joined(separator: ", "))",
            suggestion: SpellingSuggestion.nearest(to: name, among: known))
        return nil
    }
}
