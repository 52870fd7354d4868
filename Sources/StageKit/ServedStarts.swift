internal import CProcess
internal import Glibc
internal import StageProtocol

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

    /// Does the task's work on a thread of its own.
    ///
    /// A thread of Swift's runtime knows its number from the first time that it asked, and a lock that is contended is given back
    /// under that number: the first thread of a split-off process still has that of the program it was split off from, and would
    /// try for ever. A thread that is made afterwards asks anew.
    static func onFreshThread(_ body: @escaping () -> Int32) -> Int32 {
        final class Work {
            let body: () -> Int32
            var result: Int32 = WorkerExit.defect
            init(_ body: @escaping () -> Int32) { self.body = body }
        }
        let work = Work(body)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 64 << 20)
        var thread = pthread_t()
        let error = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let work = Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue()
                work.result = work.body()
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        guard error == 0 else {
            StandardError.say("no thread could be started: \(String(cString: strerror(error)))")
            return WorkerExit.inputOutput
        }
        pthread_join(thread, nil)
        return withExtendedLifetime(work) { work.result }
    }
}
