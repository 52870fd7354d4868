internal import Glibc

/// A lock on a whole file (`flock`); the kernel releases it when the process ends, however it ends.
final class FileLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes the lock, waiting for it if need be.
    static func take(_ path: String, shared: Bool = false) throws(StoreError) -> FileLock {
        let lock = FileLock(descriptor: try Posix.open(path, O_RDWR | O_CREAT))
        let operation = shared ? LOCK_SH : LOCK_EX
        guard Posix.retrying({ flock(lock.descriptor, operation) }) == 0 else { throw Posix.failure("lock", path) }
        return lock
    }

    /// Takes the lock if nobody holds it; nil otherwise.
    static func tryTake(_ path: String, shared: Bool = false) throws(StoreError) -> FileLock? {
        let lock = FileLock(descriptor: try Posix.open(path, O_RDWR | O_CREAT))
        let operation = (shared ? LOCK_SH : LOCK_EX) | LOCK_NB
        if Posix.retrying({ flock(lock.descriptor, operation) }) == 0 { return lock }
        guard errno == EWOULDBLOCK else { throw Posix.failure("lock", path) }
        return nil
    }
}
