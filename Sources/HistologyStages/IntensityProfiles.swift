internal import Cortex
internal import HDF5
internal import NDArray
internal import SectionFiles
public import StageKit

/// Reads the gray values from the pia to the white surface at each point of one brain (Methods 3.7).
public struct IntensityProfiles: Stage {
    public static let name = "intensity-profiles"
    public static let summary =
        "200 gray values from the pia to the white surface through each point, in the section's plane (Methods 3.7)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let count = try config.integer("samples", in: 2...100_000)
        let widthPx = try config.double("width_px", in: 1...1000)
        let spacingUm = try config.double("spacing_um", in: 0.1...10_000)
        let standardises = try config.bool("z_score")
        let maximumUm = try config.double("maximum_length_um", in: 1...100_000)
        context.progress(0, "reading")
        let stack = try StackArtifact(path: try context.input("stack").path)
        let rows = try PointRows(context, stack: stack)
        let depth = try DepthField(context, port: "depth")
        let lines = SectionLines(
            stack: stack, depth: depth,
            settings: TraverseSettings(
                stepUm: 0.5 * depth.spacingUm, maximumLengthUm: maximumUm, reachUm: 2 * depth.spacingUm,
                staysInSection: true))
        var members = rows.rowsBySection
        let scans = try context.inputs("section")
        var profiles = [Float](repeating: .nan, count: rows.count * count)
        var ends = [Double](repeating: .nan, count: rows.count * 4)
        var (missing, lost) = (0, 0)
        // One section at a time is in memory; its reading uses all cores.
        for (number, input) in scans.enumerated() {
            context.progress(Double(number) / Double(scans.count), "sections")
            let section = try input.coordinate("section")
            guard let own = members.removeValue(forKey: section) else { continue }
            let ways = laidLines(own, section: section, rows: rows, lines: lines, threads: context.cores)
            guard ways.contains(where: { $0 != nil }) else {
                missing += own.count
                continue
            }
            let scan = try SectionScan(path: input.path, pixelSizeUm: try input.optionalDouble("pixel_size_um"))
            let image = try scan.reduction(toSpacingUm: spacingUm, threads: context.cores).gray
            // Section coordinates count from the centre of the scan's first pixel.
            let firstUm = (spacingUm - (scan.pixelSize?.rowUm ?? spacingUm)) / 2
            for (row, way) in zip(own, ways) {
                guard let way else {
                    missing += 1
                    continue
                }
                let path = way.pathUm.map { ($0 - firstUm) / spacingUm }
                guard let values = intensityProfile(image, along: path, count: count, widthPx: widthPx),
                    let told = standardises ? standardScores(values) : values
                else {
                    lost += 1
                    continue
                }
                profiles.replaceSubrange(row * count..<(row + 1) * count, with: told)
                if let pia = way.pathUm.first, let white = way.pathUm.last {
                    ends.replaceSubrange(4 * row..<4 * row + 4, with: [pia.x, pia.y, white.x, white.y])
                }
            }
        }
        for section in members.keys.sorted() {
            context.warn("section \(section) has points, but no scan; they get no profile")
            missing += members[section]?.count ?? 0
        }
        try context.write("profiles") { file in
            try file.write(profiles, shape: [rows.count, count], to: "/profile")
            try file.write(ends, shape: [rows.count, 2, 2], to: "/ends_um")
            try file.setAttribute("unit", to: "um", of: "/ends_um")
            try file.setAttribute("spacing_um", to: spacingUm)
            try file.setAttribute("z_score", to: UInt8(standardises ? 1 : 0))
        }
        context.figure("profiles", Double(rows.count - missing - lost))
        context.figure("without_cortex", Double(missing))
        context.figure("off_the_scan", Double(lost))
    }

    /// The line of each row, nil where there is none.
    private static func laidLines(
        _ own: [Int], section: String, rows: PointRows, lines: SectionLines, threads: Int
    ) -> [SectionLines.Line?] {
        var ways = [SectionLines.Line?](repeating: nil, count: own.count)
        ways.withUnsafeMutableBufferPointer { ways in
            guard !ways.isEmpty else { return }
            let ways = DisjointSlices(ways)
            parallelBands(own.count, band: 64, threads: threads) { band in
                for index in band {
                    ways[index] = lines.line(section: section, throughUm: rows.positionUm[own[index]])
                }
            }
        }
        return ways
    }
}
