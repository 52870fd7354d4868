internal import CProcess
internal import Glibc

/// A worker that stands loaded and splits off a process for each task, which saves a start's loading of libraries.
enum ServedStarts {
    /// Where the runner's socket is.
    private static let socket: Int32 = 3

    /// Serves starts; returns in each process that is split off, with that one's arguments (without the program's name).
    ///
    /// Nil where the program cannot serve: it was not started by a runner, or it has threads, which a copy would lack.
    static func next() -> [String]? {
        guard let argv = CommandLine.unsafeArgv[0] else { return nil }
        let last = CommandLine.unsafeArgv[Int(CommandLine.argc) - 1] ?? argv
        let size = last + strlen(last) + 1 - argv
        var count: Int32 = 0
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        guard cyto_serve_starts(socket, argv, size, &count, &arguments) == 0, let arguments else { return nil }
        return (1..<max(Int(count), 1)).compactMap { arguments[$0].map { String(cString: $0) } }
    }
}
