public import FoundationEssentials

/// safetensors: named arrays one after another behind a JSON header that says where each one lies.
///
/// Eight bytes with the header's length, the header, then the elements, in C order and little-endian.
///
/// **Reference**: huggingface/safetensors, format as of version 0.4.
public enum SafetensorsHeader {
    /// One array.
    public struct Entry: Sendable {
        public var name: String
        /// The format's type code, for example `F32`.
        public var type: String
        public var shape: [Int]
        public var byteCount: Int

        public init(name: String, type: String, shape: [Int], byteCount: Int) {
            self.name = name
            self.type = type
            self.shape = shape
            self.byteCount = byteCount
        }
    }

    /// The bytes in front of the elements.
    ///
    /// - Parameters:
    ///   - entries: in the order in which their elements follow.
    ///   - metadata: texts by name.
    public static func data(_ entries: [Entry], metadata: [String: String]) -> Data {
        var parts: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            parts.append("\"__metadata__\":{" + texts.joined(separator: ",") + "}")
        }
        var start = 0
        for entry in entries {
            let end = start + entry.byteCount
            let lengths = entry.shape.map(String.init).joined(separator: ",")
            parts.append(
                "\(quoted(entry.name)):{\"dtype\":\"\(entry.type)\",\"shape\":[\(lengths)],\"data_offsets\":[\(start),\(end)]}"
            )
            start = end
        }
        var header = "{" + parts.joined(separator: ",") + "}"
        // The elements start at a multiple of eight bytes.
        header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt64(header.utf8.count))
        return Data(bytes + Array(header.utf8))
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
