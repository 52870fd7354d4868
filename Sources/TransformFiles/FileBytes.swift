internal import FoundationEssentials
internal import Glibc

extension FileManager {
    /// The first bytes of a file, or all of them; nil where it cannot be read.
    func contents(atPath path: String, count: Int?) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        let piece = min(count ?? 1 << 20, 1 << 20)
        var room = [UInt8](repeating: 0, count: piece)
        while bytes.count < count ?? .max {
            let read = fread(&room, 1, piece, file)
            if read == 0 { return ferror(file) == 0 ? bytes : nil }
            bytes.append(contentsOf: room[..<read])
        }
        return bytes
    }
}
