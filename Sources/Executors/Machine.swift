internal import CProcess
internal import FoundationEssentials
internal import Glibc

/// What the machine (or the container around us) has to give.
public enum Machine {
    /// Cores that this process may use.
    public static var cores: Int {
        let count = Int(cyto_core_count())
        guard let quota = text("/sys/fs/cgroup/cpu.max")?.split(separator: " "), quota.count == 2,
            let time = Double(quota[0]), let period = Double(quota[1].filter(\.isNumber)), period > 0
        else { return max(1, count) }
        return max(1, min(count, Int((time / period).rounded(.up))))
    }

    /// Memory that tasks may use together: nine tenths of what the machine or the container has.
    public static var memoryBytes: Int64 {
        var bytes = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
        if let limit = text("/sys/fs/cgroup/memory.max").flatMap({ Int64($0.filter(\.isNumber)) }), limit > 0 {
            bytes = min(bytes, limit)
        }
        return bytes / 10 * 9
    }

    private static func text(_ path: String) -> String? {
        (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) }
    }
}
