internal import Glibc
internal import Scheduling
internal import StageProtocol

/// The first look at what a program left behind: every declared output must be a file with something in it, and one of a known
/// format must begin as that format does.
enum OutputCheck {
    static func failure(of request: TaskRequest, paths: [String]) -> TaskFailure? {
        for (output, path) in zip(request.outputs, paths) {
            var status = stat()
            guard lstat(path, &status) == 0 else {
                return TaskFailure(
                    code: .outputMissing,
                    message: "\(request.label) ended well but did not write its output '\(output.port)'; "
                        + "it must write the file that ${outputs.\(output.port)} (or the job) names.")
            }
            guard status.st_mode & S_IFMT == S_IFREG else {
                return invalid(request, output.port, "is not a plain file")
            }
            guard status.st_size > 0 else { return invalid(request, output.port, "is an empty file") }
            if output.type.format == .hdf5, !beginsAsHDF5(path) {
                return invalid(request, output.port, "should be an HDF5 file (type '\(output.type.name)') and is not")
            }
        }
        return nil
    }

    static func invalid(_ request: TaskRequest, _ port: String, _ what: String) -> TaskFailure {
        TaskFailure(
            code: .outputInvalid, message: "\(request.label) ended well but its output '\(port)' \(what).")
    }

    private static func beginsAsHDF5(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // HDF5 File Format Specification, II.A: the signature stands at 0 or behind a user block of 512, 1024, … bytes.
        let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
        var bytes = [UInt8](repeating: 0, count: 8)
        for place in [0, 512, 1024, 2048] where pread(descriptor, &bytes, 8, place) == 8 && bytes == signature {
            return true
        }
        return false
    }
}
