/// A canonical, tagged byte record: equal content gives equal bytes, different content different bytes.
///
/// Every value carries a tag and, where its length varies, its length; so no two different sequences of values run together
/// to the same bytes. Mappings are the caller's to sort. The record is what is hashed into a task's key.
public struct CanonicalRecord: Sendable {
    /// The bytes so far.
    public private(set) var bytes: [UInt8] = []

    private enum Tag: UInt8 {
        case null = 0, no, yes, integer, real, text, digest, list, map
    }

    /// An empty record; `capacity` bytes are reserved.
    public init(capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    /// Forgets the content, keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }

    public mutating func appendNull() {
        bytes.append(Tag.null.rawValue)
    }

    public mutating func append(_ value: Bool) {
        bytes.append((value ? Tag.yes : Tag.no).rawValue)
    }

    public mutating func append(_ value: Int64) {
        bytes.append(Tag.integer.rawValue)
        appendRaw(UInt64(bitPattern: value))
    }

    /// A real number; −0 is written as 0 and every NaN as one NaN, so that equal values give equal bytes.
    public mutating func append(_ value: Double) {
        bytes.append(Tag.real.rawValue)
        let plain = value.isNaN ? Double.nan : (value == 0 ? 0 : value)
        appendRaw(plain.bitPattern)
    }

    public mutating func append(_ value: some StringProtocol) {
        bytes.append(Tag.text.rawValue)
        appendRaw(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    public mutating func append(_ digest: Digest) {
        bytes.append(Tag.digest.rawValue)
        digest.appendBytes(to: &bytes)
    }

    /// Opens a list of `count` values; the caller appends exactly so many.
    public mutating func beginList(count: Int) {
        bytes.append(Tag.list.rawValue)
        appendRaw(UInt64(count))
    }

    /// Opens a map of `count` entries; the caller appends key and value of each, keys ascending by their UTF-8 bytes.
    public mutating func beginMap(count: Int) {
        bytes.append(Tag.map.rawValue)
        appendRaw(UInt64(count))
    }

    /// SHA-256 of the bytes so far.
    public var digest: Digest { ContentHasher.digest(of: bytes) }

    private mutating func appendRaw(_ value: UInt64) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
