internal import CProcess
internal import Glibc

/// A process that was started and not yet reaped.
struct ChildProcess {
    var pid: pid_t
    /// Readable when the process has ended.
    var pidDescriptor: Int32
    /// Our end of the progress pipe; −1 where there is none.
    var progressDescriptor: Int32
    /// What the kernel counts as its peak memory before it has any: ours, which it shared until exec.
    var inheritedPeakBytes = ChildProcess.ownPeakBytes

    /// How a process ended.
    struct Ending {
        var exitCode: Int32?
        var signal: Int32?
        var cpuSeconds: Double
        var peakMemoryBytes: Int64
    }

    /// Starts a program in a process group of its own, stdout and stderr to the log, descriptor 3 for progress where asked.
    static func start(
        program: String, arguments: [String], environment: [String], folder: String, logDescriptor: Int32,
        nullDescriptor: Int32, withProgress: Bool
    ) throws -> ChildProcess {
        let pipe = try withProgress ? Pipe() : nil
        defer { pipe?.closeWriting() }
        do {
            var child = try start(
                program: program, arguments: arguments, environment: environment, folder: folder,
                logDescriptor: logDescriptor, nullDescriptor: nullDescriptor, descriptor3: pipe?.writing ?? -1)
            child.progressDescriptor = pipe?.reading ?? -1
            return child
        } catch {
            pipe?.closeReading()
            throw error
        }
    }

    /// Starts a program as above, with a descriptor of the caller's as its descriptor 3 (−1: none).
    static func start(
        program: String, arguments: [String], environment: [String], folder: String, logDescriptor: Int32,
        nullDescriptor: Int32, descriptor3: Int32
    ) throws -> ChildProcess {
        var pid: pid_t = 0
        var step: Int32 = 0
        let error = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                cyto_spawn(program, argv, envp, folder, nullDescriptor, logDescriptor, descriptor3, &pid, &step)
            }
        }
        guard error == 0 else {
            let what =
                switch step {
                case 2: "its folder \(folder) could not be entered"
                case 3: "\(program) could not be executed"
                default: "no process could be started"
                }
            throw CommandError(message: "\(what): \(systemMessage(error))")
        }
        return try watched(pid)
    }

    /// Has a loaded program split off a process, with progress, as `start(program:)` would start one; nil where that does not work.
    static func start(
        from socket: Int32, arguments: [String], environment: [String], folder: String, logDescriptor: Int32,
        nullDescriptor: Int32
    ) -> ChildProcess? {
        guard let pipe = try? Pipe() else { return nil }
        defer { pipe.closeWriting() }
        var text: [CChar] = []
        for string in [folder] + arguments + environment { text += string.utf8CString }
        var pid: pid_t = 0
        let error = cyto_start_from(
            socket, Int32(arguments.count), Int32(environment.count), text, text.count, nullDescriptor, logDescriptor,
            pipe.writing, &pid)
        guard error == 0, var child = try? watched(pid) else {
            pipe.closeReading()
            return nil
        }
        child.progressDescriptor = pipe.reading
        child.inheritedPeakBytes = 0
        return child
    }

    private static func watched(_ pid: pid_t) throws -> ChildProcess {
        let descriptor = cyto_pidfd(pid)
        let child = ChildProcess(pid: pid, pidDescriptor: descriptor, progressDescriptor: -1)
        guard descriptor >= 0 else {
            let error = errno
            child.signalGroup(SIGKILL)
            var usage = cyto_usage()
            while cyto_reap(pid, &usage) == 0 { usleep(1000) }
            throw CommandError(message: "process \(pid) cannot be watched: \(systemMessage(error))")
        }
        return child
    }

    /// The pipe over which a worker reports progress.
    private struct Pipe {
        let reading: Int32
        let writing: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard cyto_pipe(&ends) == 0 else {
                throw CommandError(message: "no pipe could be opened: \(systemMessage(errno))")
            }
            (reading, writing) = (ends[0], ends[1])
        }

        func closeReading() { close(reading) }
        func closeWriting() { close(writing) }
    }

    /// Sends a signal to the process and everything that it started.
    func signalGroup(_ signal: Int32) { kill(-pid, signal) }

    /// How the process ended, nil while it runs; what is left of its group is killed.
    func reap() -> Ending? {
        var usage = cyto_usage()
        let result = cyto_reap(pid, &usage)
        guard result != 0 else { return nil }
        guard result > 0 else { return Ending(exitCode: nil, signal: nil, cpuSeconds: 0, peakMemoryBytes: 0) }
        return Ending(
            exitCode: usage.exited == 1 ? usage.status : nil, signal: usage.exited == 1 ? nil : usage.status,
            cpuSeconds: usage.cpu_seconds, peakMemoryBytes: usage.peak_bytes)
    }

    /// The running program's peak memory as the kernel tells it now; nil where it does not.
    func sampledPeakBytes() -> Int64? {
        let descriptor = open("/proc/\(pid)/status", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let lines = bytes[..<count].split(separator: UInt8(ascii: "\n"))
        guard let line = lines.first(where: { $0.starts(with: "VmHWM:".utf8) }) else { return nil }
        let digits = line.filter { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return Int64(String(decoding: digits, as: UTF8.self)).map { $0 * 1024 }
    }

    private static var ownPeakBytes: Int64 {
        var usage = rusage()
        return getrusage(0, &usage) == 0 ? Int64(usage.ru_maxrss) * 1024 : 0
    }

    func closeDescriptors() {
        if pidDescriptor >= 0 { close(pidDescriptor) }
        if progressDescriptor >= 0 { close(progressDescriptor) }
    }

    /// Runs `body` with the strings as a null-terminated array of C strings.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers)
    }
}
