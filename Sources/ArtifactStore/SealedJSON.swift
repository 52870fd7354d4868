internal import ContentHash
internal import Foundation

/// JSON that carries the SHA-256 of its own content, so that a file cut off or altered anywhere is never taken for whole:
/// `{"digest":"<64 hexadecimal digits>","record":{…}}` and a line end.
enum SealedJSON {
    private static let opening = Array(#"{"digest":""#.utf8)
    private static let middle = Array(#"","record":"#.utf8)
    private static let closing = Array("}\n".utf8)
    private static let headLength = opening.count + 2 * Digest.byteCount + middle.count

    /// The bytes of the file. Keys stand sorted, so equal values give equal bytes.
    static func seal(_ value: some Encodable) throws(StoreError) -> [UInt8] {
        let content: [UInt8]
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.nonConformingFloatEncodingStrategy = .convertToString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
            content = [UInt8](try encoder.encode(value))
        } catch {
            throw StoreError(.inputOutput, "A record cannot be written as JSON.", cause: "\(error)")
        }
        var bytes = opening
        bytes.reserveCapacity(headLength + content.count + closing.count)
        bytes += ContentHasher.digest(of: content).hex.utf8
        bytes += middle
        bytes += content
        bytes += closing
        return bytes
    }

    /// The content of a sealed file.
    ///
    /// - Throws: `StoreError` with code `damaged` unless every byte is as it was written.
    static func open<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], path: String) throws(StoreError) -> Value {
        let content = try content(bytes, path: path)
        do {
            let decoder = JSONDecoder()
            decoder.nonConformingFloatDecodingStrategy = .convertFromString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
            return try decoder.decode(type, from: Data(content))
        } catch {
            throw StoreError(
                .damaged, "The record \(path) is whole but not of a form that this version reads.", path: path,
                cause: "\(error)")
        }
    }

    private static func content(_ bytes: [UInt8], path: String) throws(StoreError) -> ArraySlice<UInt8> {
        let damaged = StoreError(
            .damaged, "The record \(path) is cut off or altered; it is not used.", path: path)
        guard bytes.count > headLength + closing.count, bytes.starts(with: opening),
            bytes[(headLength - middle.count)..<headLength].elementsEqual(middle),
            bytes.suffix(closing.count).elementsEqual(closing),
            let seal = Digest(
                hex: String(decoding: bytes[opening.count..<(headLength - middle.count)], as: UTF8.self))
        else { throw damaged }
        let content = bytes[headLength..<(bytes.count - closing.count)]
        var hasher = ContentHasher()
        content.withUnsafeBytes { hasher.update($0) }
        guard hasher.finalize() == seal else { throw damaged }
        return content
    }
}
