/// What whoever runs a pipeline says beside its file.
public struct PipelineOptions: Sendable {
    /// `--set name=value`, as written: `stage.key`, `config.key`, `params.name` or just a parameter's name.
    public var settings: [String]
    /// `--import alias=file`, as written; paths are seen from the working directory.
    public var imports: [String]

    public init(settings: [String] = [], imports: [String] = []) {
        self.settings = settings
        self.imports = imports
    }
}

/// A `--set name=value` taken apart.
final class Setting {
    let path: [String]
    let value: YAMLNode
    let mark: Mark
    /// Whether something in the pipeline answered to it.
    var isUsed = false

    init(path: [String], value: YAMLNode, mark: Mark) {
        self.path = path
        self.value = value
        self.mark = mark
    }

    /// Nil, with the mistake noted, where the text is no setting.
    static func parse(_ text: String, problems: DiagnosticList) -> Setting? {
        let file = SourceFile(path: "--set", text: text)
        let mark = Mark(file: file, length: text.unicodeScalars.count)
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            problems.error(
                at: mark, "'\(text)' is no setting", expected: "name=value, as stage.key=3 or params.folder=/data")
            return nil
        }
        let path = text[..<equals].split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        guard path.allSatisfy({ Names.isValid($0) }) else {
            problems.error(at: mark, "'\(text[..<equals])' is no name of a setting", expected: "names joined by dots")
            return nil
        }
        let written = String(text[text.index(after: equals)...])
        let valueFile = SourceFile(path: "--set", text: written)
        let silent = DiagnosticList()
        // A path or pattern that is no YAML is plain text.
        var value =
            YAMLReader.read(valueFile, problems: silent)
            ?? YAMLNode(.scalar(YAMLScalar(text: written, isPlain: false)), at: mark)
        if silent.hasErrors { value = YAMLNode(.scalar(YAMLScalar(text: written, isPlain: false)), at: mark) }
        value.mark = mark
        return Setting(path: path, value: value, mark: mark)
    }
}
