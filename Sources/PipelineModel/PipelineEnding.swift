internal import StageProtocol

/// What a pipeline has besides stages: targets, profiles, and settings that name nothing.
extension PipelineReading {
    func readTargets(_ node: YAMLNode, scope: FileScope) -> [Pipeline.Target] {
        guard let mapping = MappingReader(node, what: "'targets'", problems: problems),
            case .mapping(let entries) = mapping.node.content
        else { return [] }
        return entries.compactMap { entry in
            guard Names.check(entry.key, of: "a target", at: entry.keyMark, problems: problems) else { return nil }
            let names = MappingReader.texts(entry.value, what: "target '\(entry.key)'", problems: problems) ?? []
            let stages = names.compactMap { name -> Int? in
                let path = name.value.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
                switch scope.find(path[...]) {
                case .stage(let stage, _): return stage
                case .spoiled: return nil
                case .source, .nothing:
                    let known = self.stages.map(\.name)
                    problems.error(
                        at: name.mark, "target '\(entry.key)' names '\(name.value)', which is no stage",
                        suggestion: SpellingSuggestion.nearest(to: name.value, among: known))
                    return nil
                }
            }
            return Pipeline.Target(name: entry.key, stages: stages)
        }
    }

    func readProfiles(_ node: YAMLNode) -> [Pipeline.Profile] {
        guard let mapping = MappingReader(node, what: "'profiles'", problems: problems),
            case .mapping(let entries) = mapping.node.content
        else { return [] }
        return entries.compactMap { entry in
            let what = "profile '\(entry.key)'"
            guard var reader = MappingReader(entry.value, what: what, problems: problems) else { return nil }
            let executors = ["local", "slurm"]
            let executor = reader.text("executor")
            if let executor, !executors.contains(executor.value) {
                problems.error(
                    at: executor.mark, "'\(executor.value)' is no executor",
                    expected: "one of \(executors.joined(separator: ", "))",
                    suggestion: SpellingSuggestion.nearest(to: executor.value, among: executors))
            }
            var limits = ResourceRequest()
            limits.read(from: &reader)
            var options: [String: ConfigValue] = [:]
            for key in ["partition", "account", "array_size", "qos", "options"] {
                options[key] = reader.take(key)?.value
            }
            reader.finish()
            return Pipeline.Profile(
                name: entry.key, executor: executor?.value ?? "local", limits: limits, options: options)
        }
    }

    func noteUnused() {
        // With mistakes about, the stage that a setting is for may just be spoiled.
        guard !problems.hasErrors else { return }
        for setting in settings where !setting.isUsed {
            // The last of several settings of one name wins; the earlier ones are used all the same.
            if settings.contains(where: { $0.isUsed && $0.path == setting.path }) { continue }
            let name = setting.path.joined(separator: ".")
            problems.error(
                at: setting.mark, "--set names '\(name)', which the pipeline does not have",
                expected: "stage.key, config.key or params.name",
                suggestion: SpellingSuggestion.nearest(to: name, among: settable))
        }
    }
}
