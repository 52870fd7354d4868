internal import Glibc

/// What tells a file's content apart without reading it: size, time of the last change, inode and device.
public struct FileStamp: Hashable, Sendable {
    public var sizeBytes: Int64
    /// Time of the last change, nanoseconds since 1970.
    public var modifiedNs: Int64
    public var inode: UInt64
    public var device: UInt64

    public init(sizeBytes: Int64, modifiedNs: Int64, inode: UInt64, device: UInt64) {
        self.sizeBytes = sizeBytes
        self.modifiedNs = modifiedNs
        self.inode = inode
        self.device = device
    }

    init(_ status: Glibc.stat) {
        sizeBytes = Int64(status.st_size)
        modifiedNs = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        inode = UInt64(status.st_ino)
        device = UInt64(status.st_dev)
    }

    /// Whether a write after `momentNs` could leave the same stamp, so that a digest taken then must not be trusted later.
    ///
    /// A write leaves the time of the file system's clock. Where the times have a fine grain (nanoseconds that are not
    /// whole milliseconds) the kernel's tick of at most 10 ms counts and 50 ms are safe; else the grain may be the 2 s of
    /// the coarsest file systems. A time far in the future is no time that a write of now would leave.
    ///
    /// **Reference**: "Racy Git problem", Documentation/technical/racy-git.txt of git.
    public func isRacy(atNs momentNs: Int64) -> Bool {
        let window: Int64 = modifiedNs % 1_000_000 == 0 ? 2_000_000_000 : 50_000_000
        return abs(momentNs - modifiedNs) <= window
    }
}
