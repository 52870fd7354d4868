internal import CTIFF

/// One open TIFF file of libtiff with the messages that it gave; used from one thread at a time.
final class TIFFHandle {
    let path: String
    let raw: OpaquePointer
    private let message: UnsafeMutablePointer<ctiff_message>

    /// No single allocation of libtiff may be larger: a hostile count in a file ends in an error, not in swap.
    private static let largestAllocationBytes = 256 << 20

    /// - Parameter mode: libtiff's; `m` keeps it from mapping the file, so that the memory in use stays bounded.
    init(path: String, mode: String = "rm") throws {
        let message = UnsafeMutablePointer<ctiff_message>.allocate(capacity: 1)
        message.initialize(to: ctiff_message())
        guard let raw = ctiff_open(path, mode, message, TIFFHandle.largestAllocationBytes) else {
            let words = TIFFHandle.words(message)
            message.deallocate()
            let reading = mode.hasPrefix("r")
            throw TIFFError(
                reading ? .unreadable : .unwritable, file: path,
                problem: reading ? "not a readable TIFF: \(words)" : "cannot be made: \(words)")
        }
        self.path = path
        self.raw = raw
        self.message = message
    }

    deinit {
        TIFFClose(raw)
        message.deallocate()
    }

    /// The last error since the last call, which clears it.
    func takeWords() -> String {
        let words = TIFFHandle.words(message)
        message.pointee = ctiff_message()
        return words
    }

    private static func words(_ message: UnsafeMutablePointer<ctiff_message>) -> String {
        let words = withUnsafeBytes(of: &message.pointee) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return words.isEmpty ? "libtiff gives no reason" : words
    }

    /// Makes the directory at an offset the current one.
    func select(offset: UInt64) throws {
        _ = takeWordsIfAny()
        guard TIFFSetSubDirectory(raw, offset) == 1 else {
            throw TIFFError(.unreadable, file: path, problem: "the directory at byte \(offset): \(takeWords())")
        }
    }

    func takeWordsIfAny() -> Bool {
        let any = message.pointee.text.0 != 0
        message.pointee = ctiff_message()
        return any
    }

    func number16(_ tag: Int32) -> Int? {
        var value: UInt16 = 0
        return ctiff_u16(raw, UInt32(tag), &value) == 1 ? Int(value) : nil
    }

    func number16(_ tag: Int32, default fallback: Int) -> Int {
        var value: UInt16 = 0
        return ctiff_u16_or_default(raw, UInt32(tag), &value) == 1 ? Int(value) : fallback
    }

    func number32(_ tag: Int32) -> Int? {
        var value: UInt32 = 0
        return ctiff_u32(raw, UInt32(tag), &value) == 1 ? Int(value) : nil
    }

    func real(_ tag: Int32) -> Double? {
        var value: Float = 0
        return ctiff_float(raw, UInt32(tag), &value) == 1 && value.isFinite ? Double(value) : nil
    }

    func text(_ tag: Int32) -> String? {
        ctiff_text(raw, UInt32(tag)).map { String(cString: $0) }
    }
}
