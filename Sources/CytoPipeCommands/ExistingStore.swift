internal import ArgumentParser
internal import ArtifactStore
internal import FoundationEssentials
internal import Glibc

/// Where a command finds the store that it asks.
struct ExistingStore: ParsableArguments {
    @Option(
        name: .customLong("store"),
        help: ArgumentHelp(
            "Folder of the artifacts; by default the nearest 'artifacts' from the working folder upwards.",
            valueName: "folder"))
    var folder: String?

    /// Opens the store; never makes one.
    func open() throws -> ArtifactStore {
        if let folder { return try ArtifactStore(path: folder, create: false) }
        let working = FileManager.default.currentDirectoryPath
        var place = working
        while true {
            for candidate in [place + "/artifacts", place] where access(candidate + "/format", F_OK) == 0 {
                return try ArtifactStore(path: candidate, create: false)
            }
            guard let slash = place.lastIndex(of: "/"), !place.isEmpty else { break }
            place = String(place[..<slash])
        }
        throw CommandFailure(
            .inputOutput,
            "cyto-pipe: there is no folder 'artifacts' with a store in \(working) or above it; --store names one.")
    }
}

/// Answers of the store as exit codes: what was asked for is not there or not whole.
func answering(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let error as StoreError where error.code == .notFound || error.code == .damaged {
        throw CommandFailure(.taskFailed, "cyto-pipe: \(error)")
    }
}

/// Sizes for people.
enum ByteText {
    /// `17 B`, `1.4 KiB`, `12 GiB`: binary units, two digits.
    static func of(_ bytes: Int64) -> String {
        var value = Double(bytes)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return value < 9.95 ? "\(tenths / 10).\(tenths % 10) \(units[unit])" : "\(Int(value.rounded())) \(units[unit])"
    }
}

/// Moments for people and programs.
enum TimeText {
    /// `2026-11-23 00:12:04`, local time.
    static func local(_ seconds: Double) -> String {
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        return "\(day(parts)) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }

    /// `2026-11-23T00:12:04.250Z`, as xsd:dateTime.
    static func utc(_ seconds: Double) -> String {
        var time = time_t(seconds.rounded(.down))
        var parts = tm()
        gmtime_r(&time, &parts)
        let milliseconds = String(Int((seconds - seconds.rounded(.down)) * 1000))
        let fraction = String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
        return "\(day(parts))T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction)Z"
    }

    private static func day(_ parts: tm) -> String {
        "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }

    private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
