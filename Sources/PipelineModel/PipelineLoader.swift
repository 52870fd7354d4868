/// Reads a pipeline with all that it imports and uses, and finds every mistake in it.
///
///     let pipeline = try PipelineLoader().load("pipelines/full.yaml")
///
/// All mistakes of all files come in one `PipelineMistakes`, each with file, line and column.
public struct PipelineLoader {
    private let files: any FileAccess

    public init(files: any FileAccess = DiskFiles()) { self.files = files }

    /// The pipeline in `path`.
    ///
    /// - Parameters:
    ///   - path: the pipeline's file; relative paths are seen from the working directory.
    ///   - options: settings and imports that replace those of the file.
    /// - Throws: all mistakes, where there is at least one.
    public func load(_ path: String, options: PipelineOptions = PipelineOptions()) throws(PipelineMistakes) -> Pipeline
    {
        let problems = DiagnosticList()
        let reading = PipelineReading(files: files, options: options, problems: problems)
        let pipeline = reading.read(path)
        guard let pipeline, !problems.hasErrors else { throw PipelineMistakes(problems.diagnostics) }
        return pipeline
    }

    /// Reads every manifest in the `stages` folder nearest to a path; throws their mistakes, returns the names.
    public func checkManifests(near path: String) throws(PipelineMistakes) -> [String] {
        let problems = DiagnosticList()
        let library = ManifestLibrary(files: files, problems: problems)
        let folder = files.list(path) != nil ? path : FilePaths.folder(of: path)
        guard let stages = library.nearestStagesFolder(to: folder) else { return [] }
        let names = library.names(in: [stages])
        for name in names {
            _ = library.manifest(Located(name, at: Mark(file: SourceFile(path: stages, bytes: []))), in: [stages])
        }
        if problems.hasErrors { throw PipelineMistakes(problems.diagnostics) }
        return names
    }
}
