internal import HDF5
internal import SectionFiles
internal import StageKit

/// The windows of a patch set whose pixels lie in the scans of its sections.
final class SectionWindows: Sendable {
    let count: Int
    var side: Int { pool.side }
    private let pool: WindowPool
    private let files: [ScanFile]
    /// Which of `files` each point lies in, and where: (row, column) µm.
    private let file: [Int32]
    private let positionUm: [SIMD2<Double>]
    private let names: [String]

    /// - Throws: `StageError` where the set lacks what tells its windows, or a section is missing, all missing ones at once.
    init(_ set: HDF5File, sections: [StageInput], spacingUm: Double, cacheBytes: Int) throws {
        func wrong(_ problem: String) -> StageError { StageError(.badInput, problem, port: "patches", file: set.path) }
        guard set.hasAttribute("window_side_px") else {
            throw wrong("has neither /pixels nor the side of its windows; make it with patch-sampling")
        }
        guard !sections.isEmpty else {
            throw wrong(
                "has no /pixels, so the scans of its sections are needed; connect the port sections, or sample with pixels: cached"
            )
        }
        let side = try set.attribute("window_side_px", as: Int.self)
        let brains = try set.readTexts("/brains/name")
        let brain = try set.read("/brain", as: Int32.self).map { Int($0) }
        let section = try set.readTexts("/section_name")
        let positions = try set.read("/position_um", as: Double.self)
        guard side >= 1, brain.count >= 1, section.count == brain.count, positions.count == 2 * brain.count,
            brain.allSatisfy(brains.indices.contains)
        else { throw wrong("/brain, /section_name and /position_um do not fit together") }
        count = brain.count
        positionUm = (0..<count).map { SIMD2(positions[2 * $0], positions[2 * $0 + 1]) }

        var scans: [String: ScanFile] = [:]
        for input in sections {
            let key = SectionWindows.key((try? input.coordinate("brain")) ?? "", try input.coordinate("section"))
            scans[key] = ScanFile(path: input.path, pixelSizeUm: try input.optionalDouble("pixel_size_um"))
        }
        var numbers: [String: Int32] = [:]
        var files: [ScanFile] = []
        var names: [String] = []
        var missing: [String] = []
        file = (0..<count).map { point in
            let key = SectionWindows.key(brains[brain[point]], section[point])
            if let number = numbers[key] { return number }
            numbers[key] = Int32(files.count)
            names.append("section \(section[point]) of brain \(brains[brain[point]])")
            if let scan = scans[key] ?? scans[SectionWindows.key("", section[point])] {
                files.append(scan)
            } else {
                missing.append("\(brains[brain[point]]) \(section[point])")
                files.append(ScanFile(path: ""))
            }
            return Int32(files.count - 1)
        }
        guard missing.isEmpty else {
            throw StageError(
                .badInput,
                "there is no scan of the sections \(missing.prefix(8).joined(separator: ", "))"
                    + "\(missing.count > 8 ? " and \(missing.count - 8) more" : ""), which patches lie in",
                port: "sections")
        }
        (self.files, self.names) = (files, names)
        pool = WindowPool(spacingUm: spacingUm, side: side, cacheBytes: cacheBytes, openScans: 128)
    }

    private static func key(_ brain: String, _ section: String) -> String { brain + "\n" + section }

    /// Reads a point's window; see `WindowReader.read` for `needs`.
    func read(
        _ point: Int, into target: UnsafeMutableBufferPointer<UInt8>, needs: ((Range<Int>, Range<Int>) -> Bool)?
    ) throws {
        let number = Int(file[point])
        do {
            try pool.read(files[number], centreUm: positionUm[point], into: target, needs: needs)
        } catch let error as SectionFileError {
            throw StageError(
                .badInput, "patch \(point), \(names[number]): \(error.problem)", port: "sections", file: error.file)
        }
    }
}
