internal import StageProtocol

/// Which stages of a file are left out because an imported file, or a stage that is left out itself, does not have what they read.
///
/// So a pipeline can look at what only some of the files have that may be imported under an alias: `optional: true` says it of a
/// stage, and what cannot do without that stage follows it.
extension ConnectionReader {
    /// The first reference that keeps a stage from being there; nil where it can be.
    ///
    /// - Parameters:
    ///   - isOptional: whether the stage may be left out for what an imported file lacks.
    ///   - leftOut: stages that are left out already, by index.
    func missingReference(
        _ node: YAMLNode?, of stage: Pipeline.StageUse, isOptional: Bool, leftOut: Set<Int>
    ) -> String? {
        guard let node, case .mapping(let entries) = node.content else { return nil }
        for entry in entries {
            // What a left-out stage would have made is missed at a port that must have something only.
            let isNeeded = stage.manifest.input(entry.key).map { !stage.manifest.inputs[$0].optional } ?? false
            for text in neededReferences(entry.value) {
                if isOptional, isMissing(text) { return text }
                if isNeeded, case .stage(let producer, _) = find(text), leftOut.contains(producer) { return text }
            }
        }
        return nil
    }

    /// Whether an imported file has nothing of this name. A name that no import could have is a mistake of its own.
    func isMissing(_ text: String) -> Bool {
        guard scope.imports[String(text.prefix { $0 != "." })] != nil else { return false }
        switch find(text) {
        case .spoiled: return false
        case .nothing: return true
        case .source(_, let rest): return !rest.isEmpty
        case .stage(let stage, let rest):
            return !rest.isEmpty && stages[stage].manifest.output(rest.joined(separator: ".")) == nil
        }
    }

    private func find(_ text: String) -> FileScope.Found {
        scope.find(text.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }[...])
    }

    /// What an input refers to but for what it calls optional.
    private func neededReferences(_ node: YAMLNode) -> [String] {
        switch node.content {
        case .scalar(let scalar): return [scalar.text]
        case .sequence(let nodes): return nodes.flatMap { neededReferences($0) }
        case .mapping(let entries):
            if case .bool(true) = entries.first(where: { $0.key == "optional" })?.value.scalar?.value { return [] }
            return entries.first { $0.key == "from" }?.value.scalar.map { [$0.text] } ?? []
        }
    }
}
