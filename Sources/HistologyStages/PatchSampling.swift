internal import HDF5
internal import NDArray
internal import SectionFiles
public import StageKit
internal import Synchronization

/// Chooses sampling points and cuts the windows around them out of the scans (Methods 3.4): the patches of trainings and evaluations.
public struct PatchSampling: Stage {
    public static let name = "patch-sampling"
    public static let summary =
        "Chooses sampling points and cuts the windows around them out of the scans (Methods 3.4)."

    private enum Pixels: String, CaseIterable { case cached, none }

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let selection = try PatchSelection(config)
        let patchSide = try config.integer("patch_side_px", in: 1...16_384)
        let spacingUm = try config.double("patch_spacing_um", in: 0.05...10_000)
        let shiftMm = try config.double("maximum_shift_mm", in: 0...10)
        let pixels: Pixels = try config.choice("pixels")
        let side =
            try config.bool("turned")
            ? patchWindowSide(patchSide: patchSide, spacingUm: spacingUm, maximumShiftMm: shiftMm) : patchSide

        context.progress(0, "choosing points")
        let all = try PatchPoints(
            try context.inputs("points"), brainHere: (try? context.coordinate("brain")) ?? "")
        let points = all.selected(selection.rows(of: all, seed: context.seed))
        guard points.count > 0 else {
            throw StageError(
                .noResult, "none of the \(all.count) points is left; see split, labelled and placed", port: "points")
        }
        if let asked = selection.count, points.count < asked {
            context.warn("\(asked) points were asked for, but only \(points.count) are there; all of them are taken")
        }
        let scans = pixels == .cached ? try scans(of: points, context) : []
        try context.write("patches") { file in
            try file.setAttribute("spacing_um", to: spacingUm)
            try file.setAttribute("patch_side_px", to: Int64(patchSide))
            try file.setAttribute("window_side_px", to: Int64(side))
            if pixels == .cached {
                let pool = WindowPool(
                    spacingUm: spacingUm, side: side, cacheBytes: (context.memoryBytes ?? 2 << 30) / 4,
                    openScans: 16 + context.cores)
                try writePixels(points, scans, pool, to: file, context)
            }
            try points.write(to: file)
        }
        context.figure("patches", Double(points.count))
        context.figure("brains", Double(Set(points.brain).count))
        context.figure("sections", Double(Set(zip(points.brain, points.sectionName).map { "\($0) \($1)" }).count))
        context.figure("labelled", Double(points.label.count { $0 >= 0 }))
        context.figure("test", Double(points.isTest.count { $0 != 0 }))
    }

    /// The scan of each point's section; fails where one is missing, before anything is read.
    private static func scans(of points: PatchPoints, _ context: StageContext) throws -> [ScanFile] {
        var files: [String: ScanFile] = [:]
        for input in context.optionalInputs("sections") {
            let brain = (try? input.coordinate("brain")) ?? (try? context.coordinate("brain")) ?? ""
            files[brain + "\n" + (try input.coordinate("section"))] = ScanFile(
                path: input.path, pixelSizeUm: try input.optionalDouble("pixel_size_um"))
        }
        var missing: [String] = []
        let scans = (0..<points.count).map { row -> ScanFile in
            let brain = points.brains[Int(points.brain[row])]
            if let file = files[brain + "\n" + points.sectionName[row]] { return file }
            let name = "\(brain) \(points.sectionName[row])"
            if missing.last != name { missing.append(name) }
            return ScanFile(path: "")
        }
        guard missing.isEmpty else {
            let names = Array(Set(missing)).sorted()
            throw StageError(
                .badInput,
                "there is no scan of the sections \(names.prefix(8).joined(separator: ", "))"
                    + "\(names.count > 8 ? " and \(names.count - 8) more" : ""), which points lie in; "
                    + "give all sections of the brains, or pixels: none", port: "sections")
        }
        return scans
    }

    /// Writes the windows, some at a time: points follow each other along the sections, so that each scan is opened once.
    private static func writePixels(
        _ points: PatchPoints, _ scans: [ScanFile], _ pool: WindowPool, to file: HDF5File, _ context: StageContext
    ) throws {
        let (side, count) = (pool.side, points.count)
        let area = side * side
        // As they are and in one piece: windows are read one by one in random order, and noise does not pack.
        let dataset = try file.makeDataset(
            "/pixels", element: .uint8, shape: [count, side, side], layout: .contiguous)
        let some = min(count, max(context.cores, (context.memoryBytes ?? 2 << 30) / 8 / area))
        var buffer = [UInt8](repeating: 0, count: some * area)
        for first in stride(from: 0, to: count, by: some) {
            let number = min(some, count - first)
            let failure = Mutex<(row: Int, error: any Error)?>(nil)
            let done = Tally()
            buffer.withUnsafeMutableBufferPointer { buffer in
                let target = DisjointSlices(buffer)
                parallelFor(number, threads: context.cores) { index in
                    if failure.withLock({ $0 != nil }) { return }
                    do {
                        try pool.read(
                            scans[first + index], centreUm: points.positionUm[first + index],
                            into: UnsafeMutableBufferPointer(start: target.base + index * area, count: area))
                    } catch {
                        failure.withLock { if index < $0?.row ?? .max { $0 = (index, error) } }
                    }
                    context.progress(Double(first + done.next()) / Double(count), "cutting windows")
                }
            }
            if let failure = failure.withLock({ $0 }) {
                let row = first + failure.row
                throw StageError(
                    .badInput,
                    "\(failure.error) (point \(points.row[row]) of brain \(points.brains[Int(points.brain[row])]), "
                        + "section \(points.sectionName[row]))", port: "sections", file: nil)
            }
            try buffer.withUnsafeBufferPointer {
                try dataset.write(
                    UnsafeBufferPointer(rebasing: $0[..<(number * area)]), at: [first, 0, 0],
                    shape: [number, side, side])
            }
        }
    }
}
