internal import Cortex
internal import HDF5
internal import NDArray
internal import Registration
public import StageKit
internal import Surfaces

/// Lays sampling points along the middle of the cortex of every section of a brain.
public struct Midline: Stage {
    public static let name = "midline"
    public static let summary =
        "Cuts the midsurface with each section's plane, pushes the line to the middle of its cortex, lays a point each 300 µm (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        let settings = try Self.settings(context)
        let stack = try StackArtifact(path: try context.input("stack").path)
        let surface = try SurfaceArtifact(context.input("surface"))
        let exclusion = try ExcludedParts(context)
        guard !surface.hemispheres.isEmpty else {
            throw StageError(
                .badInput, "the surface has no faces in either hemisphere", port: "surface",
                file: try context.input("surface").path)
        }
        for name in surface.missing {
            context.warn("the surface has no \(name) hemisphere; none of its points are laid")
        }
        var paths: [String: String] = [:]
        for input in try context.inputs("labels") { paths[try input.coordinate("section")] = input.path }
        for section in paths.keys.sorted() where !stack.sections.contains(section) {
            context.warn("section \(section) has labels, but no place in the stack; it gets no points")
        }
        let members = stack.sections.indices.filter { paths[stack.sections[$0]] != nil }
        for index in stack.sections.indices where paths[stack.sections[index]] == nil {
            context.warn("section \(stack.sections[index]) has no labels; it gets no points")
        }
        guard !members.isEmpty else {
            throw StageError(.noResult, "not one of the stack's sections has labels", port: "labels")
        }
        let made = try sections(members, context: context, stack: stack, paths: paths) { index, labels in
            let transform = stack.transforms[index]
            let cuts = surface.cuts(atUm: stack.positionsUm[index], onto: transform)
            return sectionMidline(
                labels: labels.labels, spacingUm: labels.spacingUm, firstUm: labels.firstUm, cuts: cuts,
                settings: settings(labels.spacingUm),
                isExcluded: { exclusion?.contains($0, by: transform, planeUm: stack.positionsUm[index]) ?? false })
        }
        let table = MidlineTable(made, members: members, stack: stack)
        guard !table.hemisphere.isEmpty else {
            throw StageError(
                .noResult,
                "not one point is left: the surface does not meet the cortex of the sections; look at midline-preview's input",
                port: "surface")
        }
        try context.write("points") { file in try table.write(to: file) }
        report(context, made, table)
    }

    /// The settings for a pixel size.
    private static func settings(_ context: StageContext) throws -> @Sendable (Double) -> MidlineSettings {
        let spacingUm = try context.config.double("spacing_um", in: 1...)
        let pushUm = try context.config.double("maximum_push_um", in: 0...)
        let patchUm =
            try context.config.double("patch_px", in: 1...) * context.config.double("patch_spacing_um", in: 0.001...)
        let tissue = try context.config.double("minimum_tissue", in: 0...1)
        let plausible = try context.config.double("plausible_thickness", in: 1...)
        let holeMm2 = try context.config.double("largest_hole_mm2", in: 0...)
        let isletMm2 = try context.config.double("largest_islet_mm2", in: 0...)
        let bankUm = try context.config.double("bank_minimum_um", in: 0...)
        let farthestUm = try context.config.double("bank_maximum_um", in: 1...)
        return { pixelUm in
            MidlineSettings(
                spacingUm: spacingUm, maximumPushUm: pushUm, patchUm: patchUm, minimumTissue: tissue,
                plausibleThickness: plausible,
                cortex: SectionCortexSettings(
                    largestHolePx: Int(holeMm2 * 1e6 / (pixelUm * pixelUm)),
                    largestIsletPx: Int(isletMm2 * 1e6 / (pixelUm * pixelUm)),
                    smallestBankDistancePx: bankUm / pixelUm, largestBankDistancePx: farthestUm / pixelUm,
                    reachPx: pushUm / pixelUm))
        }
    }

    /// Runs `body` on the labels of every member, some at a time; one section a thread is in memory.
    private static func sections(
        _ members: [Int], context: StageContext, stack: StackArtifact, paths: [String: String],
        _ body: @Sendable (Int, LabelsArtifact) -> SectionMidline
    ) throws -> [SectionMidline] {
        var results = [Result<SectionMidline, any Error>](repeating: .success(SectionMidline()), count: members.count)
        let finished = Tally()
        results.withUnsafeMutableBufferPointer { results in
            let results = DisjointSlices(results)
            parallelFor(members.count, threads: context.cores) { place in
                let index = members[place]
                results[place] = Result {
                    body(index, try LabelsArtifact(path: paths[stack.sections[index]] ?? "", withImage: false))
                }
                context.progress(Double(finished.next()) / Double(members.count), "sections")
            }
        }
        return try results.map { try $0.get() }
    }

    private static func report(_ context: StageContext, _ made: [SectionMidline], _ table: MidlineTable) {
        func sum(_ count: KeyPath<SectionMidline, Int>) -> Double { made.reduce(0) { $0 + Double($1[keyPath: count]) } }
        let shifts = table.shiftUm.sorted()
        context.figure("points", Double(table.hemisphere.count))
        context.figure("points_right", Double(table.hemisphere.count { $0 == 1 }))
        context.figure("sections_with_points", Double(made.count { !$0.points.isEmpty }))
        context.figure("median_shift_um", Double(shifts[shifts.count / 2]))
        context.figure("unpushed", sum(\.unpushed))
        context.figure("dropped_without_cortex", sum(\.withoutCortex))
        context.figure("dropped_off_cortex", sum(\.offCortex))
        context.figure("dropped_excluded", sum(\.excluded))
        context.figure("dropped_little_tissue", sum(\.littleTissue))
        context.figure("dropped_crowded", sum(\.crowded))
    }
}
