internal import CNIfTI
internal import Glibc

/// The bytes of a file, plain or gzipped, through libznz; told apart by content when read and by name when written.
final class ByteStream {
    private var handle: znzFile?
    private let path: String
    /// Bytes of the file on disk, for a reader.
    let fileByteCount: Int
    /// Whether the file is compressed.
    let isCompressed: Bool
    /// Where the next byte is read.
    private(set) var position = 0

    /// Opens a file for reading.
    init(reading path: String) throws {
        self.path = path
        guard access(path, F_OK) == 0 else {
            throw NIfTIError(.cannotOpen, file: path, problem: "there is no such file")
        }
        var status = stat()
        guard access(path, R_OK) == 0, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw NIfTIError(.cannotOpen, file: path, problem: "is no file that this user may read")
        }
        fileByteCount = Int(status.st_size)
        var magic: [UInt8] = [0, 0]
        if let file = fopen(path, "rb") {
            fread(&magic, 1, 2, file)
            fclose(file)
        }
        isCompressed = magic == [0x1f, 0x8b]
        guard let handle = znzopen(path, "rb", isCompressed ? 1 : 0) else {
            throw NIfTIError(.cannotOpen, file: path, problem: "cannot be opened")
        }
        self.handle = handle
    }

    /// Makes a file; a name that ends in .gz is compressed. The gzip header holds no time, so that equal data give equal bytes.
    init(writing path: String) throws {
        self.path = path
        fileByteCount = 0
        isCompressed = path.hasSuffix(".gz")
        guard let handle = znzopen(path, isCompressed ? "wb4" : "wb", isCompressed ? 1 : 0) else {
            throw NIfTIError(.inputOutput, file: path, problem: "the file cannot be made")
        }
        self.handle = handle
    }

    deinit {
        if handle != nil { Xznzclose(&handle) }
    }

    /// The largest amount of data that the file can hold: deflate packs at most 1032 to 1.
    var largestByteCount: Int { isCompressed ? fileByteCount.multipliedReportingOverflow(by: 1032).0 : fileByteCount }

    /// Goes to a byte; backwards in a compressed file is slow.
    func seek(to offset: Int) throws {
        guard offset != position else { return }
        guard znzseek(handle, offset, SEEK_SET) >= 0 else { throw cutOff(offset) }
        position = offset
    }

    /// Fills the buffer.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws {
        var done = 0
        while done < buffer.count {
            // zlib counts in 32 bits.
            let piece = min(buffer.count - done, 1 << 26)
            let count = znzread(buffer.baseAddress.map { $0 + done }, 1, piece, handle)
            guard count > 0, count <= piece else { throw cutOff(position + done) }
            done += count
        }
        position += done
    }

    /// Up to `count` first bytes; fewer where the file is shorter.
    func start(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = bytes.withUnsafeMutableBytes { znzread($0.baseAddress, 1, count, handle) }
        position = max(read, 0)
        return read >= 0 && read <= count ? Array(bytes.prefix(read)) : []
    }

    /// Whether the checksum at the end of a compressed file agrees, if all has been read up to there.
    func checkEnd() throws {
        guard isCompressed else { return }
        var byte: UInt8 = 0
        let count = znzread(&byte, 1, 1, handle)
        guard count == 0 || count == 1 else {
            throw NIfTIError(.truncated, file: path, problem: "its compressed data are damaged (checksum)")
        }
        position += count
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let piece = min(bytes.count - done, 1 << 26)
            let count = znzwrite(bytes.baseAddress.map { $0 + done }, 1, piece, handle)
            guard count == piece else {
                throw NIfTIError(.inputOutput, file: path, problem: "cannot be written; is the disk full?")
            }
            done += count
        }
        position += done
    }

    /// Ends writing; the way to learn of a full disk.
    func close() throws {
        guard handle != nil else { return }
        guard Xznzclose(&handle) == 0 else {
            throw NIfTIError(.inputOutput, file: path, problem: "cannot be written; is the disk full?")
        }
        handle = nil
    }

    private func cutOff(_ offset: Int) -> NIfTIError {
        NIfTIError(
            .truncated, file: path,
            problem: "is cut off or damaged: it ends near byte \(offset)\(isCompressed ? " (unpacked)" : ""), "
                + "before its data do; fetch it again")
    }
}
