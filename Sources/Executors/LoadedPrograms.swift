internal import CProcess
internal import Glibc
internal import StageProtocol

/// Our own workers, standing loaded, each of which splits off a process for a task.
///
/// To load a worker's libraries takes 20 ms of a processor, with libtorch half a second, which is a tenth to all of a short
/// task. The processes are children of this one as those that it starts itself: killed with it, waited for and measured alike.
/// Where anything about it does not work, the task is started as any other program.
struct LoadedPrograms {
    /// Starts of a program before one of it stands by: for a few tasks it would be loaded in vain.
    private static let firstStarts = 3
    /// So many bytes does the loaded program keep for what `ps` shows of a task.
    private static let shownBytes = 400

    /// Libraries read some variables once, when they are loaded; so what differs in those is another program.
    private struct Key: Hashable {
        var program: String
        var atLoad: [String]
    }

    private struct Entry {
        var starts = 0
        var child: ChildProcess?
        var socket: Int32 = -1
        var isReady = false
        var isGone = false
        /// The file that it was loaded from: device, number, time of change.
        var file: [Int] = []
    }

    private var entries: [Key: Entry] = [:]

    /// A process that a loaded program split off for the task; nil where none stands by.
    ///
    /// - Parameters:
    ///   - atLoad: variables (NAME=value) that libraries read when they are loaded.
    ///   - variables: those that are read in the task's process.
    mutating func start(
        program: String, arguments: [String], atLoad: [String], variables: [String], folder: String,
        logDescriptor: Int32, nullDescriptor: Int32
    ) -> ChildProcess? {
        let key = Key(program: program, atLoad: atLoad)
        var entry = entries[key] ?? Entry()
        defer { entries[key] = entry }
        entry.starts += 1
        if entry.child != nil, entry.file != LoadedPrograms.file(program) {
            // Built anew since: the task gets the new one.
            LoadedPrograms.end(&entry)
            entry = Entry(starts: LoadedPrograms.firstStarts)
        }
        guard !entry.isGone, entry.starts > LoadedPrograms.firstStarts else { return nil }
        if entry.child == nil {
            entry.isGone = !LoadedPrograms.load(
                &entry, program: program, environment: variables + atLoad, nullDescriptor: nullDescriptor)
            return nil
        }
        if !entry.isReady {
            let state = cyto_is_ready(entry.socket)
            entry.isReady = state == 1
            if state < 0 {
                LoadedPrograms.end(&entry)
                entry.isGone = true
            }
            guard entry.isReady else { return nil }
        }
        let child = ChildProcess.start(
            from: entry.socket, arguments: arguments, environment: variables + atLoad, folder: folder,
            logDescriptor: logDescriptor, nullDescriptor: nullDescriptor)
        if child == nil {
            LoadedPrograms.end(&entry)
            entry.isGone = true
        }
        return child
    }

    /// Ends all of them.
    mutating func end() {
        for key in entries.keys { LoadedPrograms.end(&entries[key, default: Entry()]) }
        entries = [:]
    }

    private static func load(
        _ entry: inout Entry, program: String, environment: [String], nullDescriptor: Int32
    ) -> Bool {
        var ends: [Int32] = [-1, -1]
        guard cyto_socket_pair(&ends) == 0 else { return false }
        defer { close(ends[1]) }
        entry.file = file(program)
        entry.child = try? ChildProcess.start(
            program: program,
            arguments: [program, WorkerCommand.serveStarts, String(repeating: " ", count: shownBytes)],
            environment: environment, folder: "/", logDescriptor: nullDescriptor, nullDescriptor: nullDescriptor,
            descriptor3: ends[1])
        guard entry.child != nil else {
            close(ends[0])
            return false
        }
        entry.socket = ends[0]
        return true
    }

    private static func end(_ entry: inout Entry) {
        if entry.socket >= 0 { close(entry.socket) }
        if let child = entry.child {
            child.signalGroup(SIGKILL)
            while child.reap() == nil { usleep(200) }
            child.closeDescriptors()
        }
        entry.socket = -1
        entry.child = nil
    }

    private static func file(_ path: String) -> [Int] {
        var status = stat()
        guard stat(path, &status) == 0 else { return [] }
        return [Int(status.st_dev), Int(status.st_ino), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    }
}
