internal import ContentHash
internal import Foundation
internal import Glibc
public import Scheduling
internal import StageProtocol
internal import Synchronization

extension ArtifactStore {
    /// Tells the store how the stages of this run are declared, so that its records can be replayed later.
    ///
    /// A declaration is written, and its programs are hashed, when the first task of the stage is published; a run that
    /// runs nothing pays nothing.
    ///
    /// - Parameters:
    ///   - stages: of the work graph.
    ///   - locate: the path of the program that runs a stage, where the executor has its own way to find it.
    public func register(_ stages: [WorkGraph.Stage], locate: ((WorkGraph.Stage) -> String?)? = nil) {
        let known = stages.map { (stage: $0, program: locate?($0)) }
        run.withLock { state in
            for (stage, program) in known {
                let name = StageName(stage: stage.name, manifestDigest: stage.manifestDigest)
                state.stages[name] = RegisteredStage(declaration: StageDeclaration(stage), program: program)
            }
        }
    }

    /// A stage that the run named, and what publishing has learned of it.
    struct RegisteredStage {
        var declaration: StageDeclaration
        var program: String?
        var declared: Declared?
    }

    /// What all records of a stage share.
    struct Declared {
        var digest: Digest?
        var types: [String: String]
        var code: CodeVersion
        var host: HostDescription
    }

    /// Called with the run's state locked: the first task of a stage pays for all.
    func declaration(of record: ActionRecord, in state: inout RunState) throws -> Declared {
        let name = StageName(stage: record.stage, manifestDigest: record.task.manifestDigest)
        if let declared = state.stages[name]?.declared { return declared }
        let host = state.host ?? HostDescription.ofThisMachine()
        state.host = host
        guard let stage = state.stages[name] else {
            return Declared(digest: nil, types: [:], code: CodeVersion(), host: host)
        }
        let bytes = try SealedJSON.seal(stage.declaration)
        let digest = ContentHasher.digest(of: bytes)
        let path = layout.stage(digest)
        if !Posix.exists(path) {
            let draft = (state.folder ?? layout.temporary) + "/stage-\(digest.shortHex)"
            try Posix.makeFolder(path.parentFolder)
            try Posix.writeSynced(bytes, to: draft, mode: 0o444)
            try Posix.rename(draft, to: path)
            state.unsyncedFolders.insert(path.parentFolder)
        }
        let types = Dictionary(
            stage.declaration.outputPorts.map { ($0.name, $0.type.name) }, uniquingKeysWith: { first, _ in first })
        let declared = Declared(
            digest: digest, types: types, code: codeVersion(stage, in: &state), host: host)
        state.stages[name]?.declared = declared
        return declared
    }

    private func codeVersion(_ stage: RegisteredStage, in state: inout RunState) -> CodeVersion {
        let folder = stage.declaration.folder
        let git: GitState
        if let known = state.git[folder] {
            git = known
        } else {
            git = GitState.of(folder: folder)
            state.git[folder] = git
        }
        var paths: [String] = []
        if let program = stage.program ?? ProgramSearch.find(stage.declaration.command.first ?? "", folder: folder) {
            paths.append(program)
        }
        // A script that an interpreter runs is code as well.
        for argument in stage.declaration.command.dropFirst() where !argument.contains("${") && !argument.hasPrefix("-")
        {
            let path = argument.hasPrefix("/") ? argument : folder + "/" + argument
            if let whole = ProgramSearch.plainFile(path) { paths.append(whole) }
        }
        let digests = (try? sources.digests(of: paths)) ?? []
        let programs = zip(paths, digests).compactMap { path, digest in
            (try? digest.get()).map { CodeVersion.Program(path: path, digest: $0) }
        }
        return CodeVersion(programs: programs, commit: git.commit, hasChanges: git.hasChanges)
    }

    /// How the stage of a record was declared; nil where the run did not say.
    ///
    /// - Throws: `StoreError` with code `damaged` where the declaration is not what the record names.
    public func declaration(of record: ProvenanceRecord) throws -> StageDeclaration? {
        guard let digest = record.declaration else { return nil }
        let path = layout.stage(digest)
        guard let bytes = try Posix.contents(of: path) else {
            throw StoreError(.damaged, "The stage declaration \(path) is gone from the store.", path: path)
        }
        guard ContentHasher.digest(of: bytes) == digest else {
            throw StoreError(.damaged, "The stage declaration \(path) is not what its name says.", path: path)
        }
        return try SealedJSON.open(StageDeclaration.self, bytes, path: path)
    }
}

/// Finds the program of a command line, as the executor does.
enum ProgramSearch {
    /// A name with a slash counts from the manifest's folder; another is looked for beside this program, then along PATH.
    static func find(_ name: String, folder: String) -> String? {
        guard !name.isEmpty, !name.contains("${") else { return nil }
        if name.contains("/") { return plainFile(name.hasPrefix("/") ? name : folder + "/" + name) }
        var folders: [String] = []
        if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            folders.append(own.parentFolder)
        }
        if let path = getenv("PATH") { folders += String(cString: path).split(separator: ":").map(String.init) }
        return folders.lazy.compactMap { plainFile($0 + "/" + name) }.first { access($0, X_OK) == 0 }
    }

    static func plainFile(_ path: String) -> String? {
        var status = Glibc.stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return path
    }
}

/// The commit that a folder's git work tree stands on.
struct GitState {
    var commit: String?
    var hasChanges: Bool?

    static func of(folder: String) -> GitState {
        guard let commit = output(["-C", folder, "rev-parse", "HEAD"]), commit.count >= 40 else { return GitState() }
        let changes = output(["-C", folder, "status", "--porcelain", "--untracked-files=no"])
        return GitState(commit: commit, hasChanges: changes.map { !$0.isEmpty })
    }

    private static func output(_ arguments: [String]) -> String? {
        guard let git = ProgramSearch.find("git", folder: "/") else { return nil }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: git)
        process.arguments = ["--no-optional-locks"] + arguments
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

extension HostDescription {
    /// The machine that this program runs on.
    public static func ofThisMachine() -> HostDescription {
        var system = utsname()
        uname(&system)
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        // confstr(_CS_GNU_LIBC_VERSION) gives "glibc 2.36"; the constant is an enumerator that Glibc's module does not show.
        var buffer = [CChar](repeating: 0, count: 64)
        let length = confstr(2, &buffer, buffer.count)
        let version = String(
            decoding: buffer.prefix(max(Int(length) - 1, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let words = version.split(separator: " ").map(String.init)
        let libraries = words.count == 2 ? [words[0]: words[1]] : [:]
        return HostDescription(
            name: text(system.nodename),
            system: "\(text(system.sysname)) \(text(system.release)) \(text(system.machine))",
            cores: ProcessInfo.processInfo.activeProcessorCount,
            libraries: libraries)
    }
}
