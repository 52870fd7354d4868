internal import ContentHash
internal import Glibc
internal import Scheduling
internal import Synchronization

/// Locks of action keys: one byte each, at a place that the key gives, of one file.
///
/// Open-file-description locks (Linux) belong to the open file, not to the process; so two stores opened in one process
/// exclude each other too, nothing litters the folder, and the kernel releases them when the last descriptor closes. Two
/// keys that share the first 62 bits would wait for each other and nothing worse.
final class KeyLocks: Sendable {
    private let descriptor: Int32
    private let path: String
    private let held = Mutex<Set<Digest>>([])

    // Not in Glibc's module: <fcntl.h> shows them under _GNU_SOURCE only.
    private static let ofdGetLock: Int32 = 36
    private static let ofdSetLock: Int32 = 37

    init(path: String) throws(StoreError) {
        self.path = path
        descriptor = try Posix.open(path, O_RDWR | O_CREAT)
    }

    deinit { close(descriptor) }

    private func range(of key: Digest, type: Int32) -> Glibc.flock {
        var range = Glibc.flock()
        range.l_type = Int16(type)
        range.l_whence = Int16(SEEK_SET)
        range.l_start = off_t(key.leadingWord >> 2)
        range.l_len = 1
        return range
    }

    /// Takes the lock of a key; nil while this or another store holds it.
    func tryLock(_ key: Digest) throws(StoreError) -> HeldKeyLock? {
        // The kernel grants a range twice to one open file: this set refuses it.
        guard held.withLock({ $0.insert(key).inserted }) else { return nil }
        var range = range(of: key, type: Int32(F_WRLCK))
        if fcntl(descriptor, KeyLocks.ofdSetLock, &range) == 0 { return HeldKeyLock(locks: self, key: key) }
        let number = errno
        held.withLock { _ = $0.remove(key) }
        guard number == EAGAIN || number == EACCES else { throw Posix.failure("lock", path, number) }
        return nil
    }

    func isLocked(_ key: Digest) throws(StoreError) -> Bool {
        if held.withLock({ $0.contains(key) }) { return true }
        var range = range(of: key, type: Int32(F_WRLCK))
        guard fcntl(descriptor, KeyLocks.ofdGetLock, &range) == 0 else { throw Posix.failure("lock", path) }
        return range.l_type != Int16(F_UNLCK)
    }

    fileprivate func release(_ key: Digest) {
        guard held.withLock({ $0.contains(key) }) else { return }
        var range = range(of: key, type: Int32(F_UNLCK))
        _ = fcntl(descriptor, KeyLocks.ofdSetLock, &range)
        held.withLock { _ = $0.remove(key) }
    }
}

/// The lock of one key, until it is released or forgotten.
final class HeldKeyLock: KeyLock {
    private let locks: KeyLocks
    private let key: Digest
    private let released = Atomic(false)

    init(locks: KeyLocks, key: Digest) {
        self.locks = locks
        self.key = key
    }

    deinit { release() }

    func release() {
        guard !released.exchange(true, ordering: .acquiringAndReleasing) else { return }
        locks.release(key)
    }
}
