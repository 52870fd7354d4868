internal import CHDF5
internal import Glibc

/// The C library behind one lock: HDF5 keeps global state, and only some builds of it guard that by themselves.
enum Library {
    private final class RecursiveLock: @unchecked Sendable {
        // Sendable: the mutex is the only state, and it is made for use from several threads.
        private let mutex: UnsafeMutablePointer<pthread_mutex_t>

        init() {
            mutex = .allocate(capacity: 1)
            var attributes = pthread_mutexattr_t()
            pthread_mutexattr_init(&attributes)
            pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
            pthread_mutex_init(mutex, &attributes)
            pthread_mutexattr_destroy(&attributes)
        }

        func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            return try body()
        }
    }

    private static let lock: RecursiveLock = {
        // At its end the library closes what is open, and crashes over a file that a full disk left half-written. Every file here
        // is closed by its owner, so that it has nothing to do then.
        H5dont_atexit()
        return RecursiveLock()
    }()

    /// Runs `body` alone in the library, with HDF5's printing of errors to stderr switched off (the setting is the thread's).
    static func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        try lock.withLock {
            H5Eset_auto2(chdf5_default(), nil, nil)
            return try body()
        }
    }

    /// The names that a walk over links or attributes finds: in the order of their creation where the file tells it, else by name.
    ///
    /// - Parameter walk: calls the library's iteration in the given order with the given client, each step `collectName`.
    static func names(_ walk: (_ order: H5_index_t, _ client: UnsafeMutableRawPointer) -> Int32) -> [String] {
        var names: [String] = []
        withUnsafeMutablePointer(to: &names) { pointer in
            for order in [H5_INDEX_CRT_ORDER, H5_INDEX_NAME] {
                pointer.pointee = []
                if walk(order, UnsafeMutableRawPointer(pointer)) >= 0 { break }
                _ = takeCause()
            }
        }
        return names
    }

    /// The innermost sentence of the error stack of this thread, which is then cleared.
    static func takeCause() -> String {
        var sentence = ""
        withUnsafeMutablePointer(to: &sentence) { pointer in
            _ = H5Ewalk2(
                chdf5_default(), H5E_WALK_UPWARD,
                { _, error, client in
                    guard let text = error?.pointee.desc, let client else { return 0 }
                    let found = client.assumingMemoryBound(to: String.self)
                    if found.pointee.isEmpty { found.pointee = String(cString: text) }
                    return 0
                }, pointer)
        }
        H5Eclear2(chdf5_default())
        return withoutDetails(sentence)
    }

    /// Of a failed call of the system what failed and why, without the times, addresses and counts between: "file write failed:
    /// No space left on device".
    private static func withoutDetails(_ sentence: String) -> String {
        let opening = "error message = '"
        guard let what = sentence.firstRange(of: ": time = "), let why = sentence.firstRange(of: opening) else {
            return sentence
        }
        return sentence[..<what.lowerBound] + ": " + sentence[why.upperBound...].prefix { $0 != "'" }
    }
}

/// One identifier of the library, closed when the last reference goes.
final class Identifier {
    let raw: hid_t
    private let close: (hid_t) -> Int32

    /// Takes over `raw`; a negative one throws `error` with the library's own words as its cause.
    init(_ raw: hid_t, _ close: @escaping (hid_t) -> Int32, orThrow error: @autoclosure () -> HDF5Error) throws {
        guard raw >= 0 else { throw error().withLibraryCause() }
        self.raw = raw
        self.close = close
    }

    deinit {
        Library.locked { _ = close(raw) }
    }
}

extension HDF5Error {
    /// The same error with the library's innermost sentence as its cause.
    func withLibraryCause() -> HDF5Error {
        HDF5Error(code, file: file, object: object, problem: problem, cause: Library.takeCause())
    }
}

/// One step of `Library.names`' walk.
func collectName(_ name: UnsafePointer<CChar>?, _ client: UnsafeMutableRawPointer?) -> Int32 {
    guard let name, let client else { return -1 }
    client.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
    return 0
}
