internal import CProcess
internal import Glibc

/// A process that was started and not yet reaped.
struct ChildProcess {
    var pid: pid_t
    /// Readable when the process has ended.
    var pidDescriptor: Int32
    /// Our end of the progress pipe; −1 where there is none.
    var progressDescriptor: Int32

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
        var pipeEnds: [Int32] = [-1, -1]
        if withProgress {
            guard cyto_pipe(&pipeEnds) == 0 else {
                throw CommandError(message: "no pipe could be opened: \(systemMessage(errno))")
            }
        }
        var pid: pid_t = 0
        var step: Int32 = 0
        let error = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                cyto_spawn(
                    program, argv, envp, folder, nullDescriptor, logDescriptor, pipeEnds[1], &pid, &step)
            }
        }
        if pipeEnds[1] >= 0 { close(pipeEnds[1]) }
        guard error == 0 else {
            if pipeEnds[0] >= 0 { close(pipeEnds[0]) }
            let what =
                switch step {
                case 2: "its folder \(folder) could not be entered"
                case 3: "\(program) could not be executed"
                default: "no process could be started"
                }
            throw CommandError(message: "\(what): \(systemMessage(error))")
        }
        let descriptor = cyto_pidfd(pid)
        let child = ChildProcess(pid: pid, pidDescriptor: descriptor, progressDescriptor: pipeEnds[0])
        guard descriptor >= 0 else {
            let error = errno
            child.signalGroup(SIGKILL)
            var usage = cyto_usage()
            while cyto_reap(pid, &usage) == 0 { usleep(1000) }
            child.closeDescriptors()
            throw CommandError(message: "process \(pid) cannot be watched: \(systemMessage(error))")
        }
        return child
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
