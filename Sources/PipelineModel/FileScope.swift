internal import StageProtocol

/// One pipeline file while it is read: its names, its values, and the files that it imports.
final class FileScope {
    let file: SourceFile
    /// Aliases that lead from the root file to this one: `cohort.` or empty.
    let prefix: String
    let resolver: TemplateResolver
    /// Folders that manifests are searched in, absolute.
    var manifestFolders: [String] = []
    /// Those of the importing file, searched last: so a cohort file may lie anywhere.
    var inheritedManifestFolders: [String] = []
    var imports: [String: FileScope] = [:]
    var stages: [String: Int] = [:]
    var sources: [String: Int] = [:]
    /// Stages and sources that stand in the file but have mistakes: references to them are no further mistakes.
    var spoiled: Set<String> = []
    var parameterNames: [String] = []
    /// Axes that every stage of the file runs over beside its own: those that the import names.
    var over: [Located<String>] = []

    init(file: SourceFile, prefix: String, resolver: TemplateResolver) {
        self.file = file
        self.prefix = prefix
        self.resolver = resolver
    }

    /// What a dotted name leads to, and the parts of it that are left over.
    enum Found {
        case stage(Int, rest: ArraySlice<String>)
        case source(Int, rest: ArraySlice<String>)
        /// Something that has mistakes of its own.
        case spoiled
        case nothing(suggestion: String?)
    }

    func find(_ path: ArraySlice<String>) -> Found {
        guard let first = path.first else { return .nothing(suggestion: nil) }
        if spoiled.contains(first) { return .spoiled }
        if let stage = stages[first] { return .stage(stage, rest: path.dropFirst()) }
        if let source = sources[first] { return .source(source, rest: path.dropFirst()) }
        if let imported = imports[first] { return imported.find(path.dropFirst()) }
        let asked = path.joined(separator: ".")
        let known = names() + spoiled.sorted()
        let suggestion =
            SpellingSuggestion.nearest(to: asked, among: known) ?? SpellingSuggestion.nearest(to: first, among: known)
        return .nothing(suggestion: suggestion)
    }

    /// The names that references in this file may begin with, those of imported files with their alias.
    func names() -> [String] {
        (Array(stages.keys) + Array(sources.keys)
            + imports.flatMap { alias, scope in scope.names().map { "\(alias).\($0)" } })
            .sorted()
    }
}
