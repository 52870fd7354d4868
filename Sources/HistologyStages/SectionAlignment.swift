internal import HDF5
internal import NDArray
internal import Registration
public import StageKit

/// Aligns one section with its next neighbour, or where that fails with one further away.
public struct SectionAlignment: Stage {
    public static let name = "section-alignment"
    public static let summary =
        "Finds the rigid transform of one section into its neighbour's frame; mirrored sections find themselves (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let movingInput = try context.input("moving")
        let moving = try KeypointsArtifact(path: movingInput.path)
        let settings = try AlignmentSettings(config, spacingUm: moving.spacingUm, seed: context.seed)
        let wanted = try config.bool("all_neighbours") ? Int.max : 1
        let neighbours = try context.inputs("fixed")
        var attempts: [Attempt] = []
        for (index, input) in neighbours.enumerated() {
            guard attempts.count(where: { $0.result.verdict == .accepted }) < wanted else { break }
            context.progress(Double(index) / Double(neighbours.count), "aligning")
            let fixed = try KeypointsArtifact(path: input.path)
            guard fixed.spacingUm == moving.spacingUm else {
                throw StageError(
                    .badInput,
                    "its resolution of \(fixed.spacingUm) µm is not that of the moving section, \(moving.spacingUm) µm",
                    port: "fixed", file: input.path)
            }
            let result = alignSections(
                moving.features, fixed.features, settings: settings,
                orientations: FaceDown.orientations(try FaceDown(movingInput), try FaceDown(input)),
                threads: context.cores)
            let section = try input.coordinate("section")
            if result.verdict != .accepted {
                context.warn(
                    "the transform to section \(section) is refused (\(result.verdict.rawValue)): "
                        + "\(result.inliers) of \(result.matches) matches agree, "
                        + "correlation \(shown(result.before.correlation)) -> \(shown(result.after.correlation))")
            }
            attempts.append(
                Attempt(
                    section: section, offset: index + 1, result: result,
                    matrix: moving.inUm(result.transform, onto: fixed)))
        }
        let centre = moving.features.image.tissueCentre
        try context.write("transform") { file in
            try file.write(
                attempts, moving: try movingInput.coordinate("section"), spacingUm: moving.spacingUm,
                tissueCentreUm: [
                    centre.row * moving.spacingUm + moving.firstUm, centre.column * moving.spacingUm + moving.firstUm,
                ])
        }
        guard let chosen = attempts.chosen else { return }
        context.figure("inliers", Double(chosen.result.inliers))
        context.figure("correlation_before", chosen.result.before.correlation)
        context.figure("correlation_after", chosen.result.after.correlation)
    }

    /// One neighbour that was tried.
    struct Attempt {
        var section: String
        /// 1 for the next section that is present, 2 for the one after it.
        var offset: Int
        var result: PairAlignment
        /// Section µm to the neighbour's µm.
        var matrix: RigidTransform
    }
}

private func shown(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

extension [SectionAlignment.Attempt] {
    /// The first accepted one, or where there is none the first.
    fileprivate var chosen: SectionAlignment.Attempt? { first { $0.result.verdict == .accepted } ?? first }
}

extension HDF5File {
    fileprivate func write(
        _ attempts: [SectionAlignment.Attempt], moving: String, spacingUm: Double, tissueCentreUm: [Double]
    ) throws {
        let chosen = attempts.chosen
        let result = chosen?.result
        try write(chosen?.matrix.matrix ?? RigidTransform.identity.matrix, shape: [3, 3], to: "/matrix")
        try setAttribute("unit", to: "um", of: "/matrix")
        try write(scalar: Int32(result?.inliers ?? 0), to: "/inliers")
        try write(scalar: Int32(result?.matches ?? 0), to: "/matches")
        try write(scalar: UInt8(chosen?.matrix.isMirrored == true ? 1 : 0), to: "/mirrored")
        try write(scalar: (result?.residualPx ?? .nan) * spacingUm, to: "/residual_um")
        try write(scalar: UInt8(result?.verdict == .accepted ? 1 : 0), to: "/accepted")
        try write(tissueCentreUm, to: "/tissue_centre_um")
        try setAttribute("section", to: moving)
        try setAttribute("fixed_section", to: chosen?.section ?? "")
        try setAttribute("verdict", to: result?.verdict.rawValue ?? "no-neighbour")
        try setAttribute("spacing_um", to: spacingUm)
        guard !attempts.isEmpty else { return }
        // Every neighbour that was tried, nearest first.
        try makeGroup("/candidates")
        try write(texts: attempts.map(\.section), to: "/candidates/section")
        try write(texts: attempts.map(\.result.verdict.rawValue), to: "/candidates/verdict")
        try write(attempts.map { Int32($0.offset) }, to: "/candidates/offset")
        try write(
            attempts.map { UInt8($0.result.verdict == .accepted ? 1 : 0) }, to: "/candidates/accepted")
        try write(attempts.flatMap(\.matrix.matrix), shape: [attempts.count, 3, 3], to: "/candidates/matrix")
        try write(attempts.map { Int32($0.result.inliers) }, to: "/candidates/inliers")
        try write(attempts.map { Int32($0.result.matches) }, to: "/candidates/matches")
        try write(attempts.map { $0.result.residualPx * spacingUm }, to: "/candidates/residual_um")
        try write(attempts.map(\.result.before.correlation), to: "/candidates/correlation_before")
        try write(attempts.map(\.result.after.correlation), to: "/candidates/correlation_after")
        try write(attempts.map(\.result.before.dice), to: "/candidates/dice_before")
        try write(attempts.map(\.result.after.dice), to: "/candidates/dice_after")
    }
}

/// A section's transform as its stage wrote it.
struct AlignmentArtifact {
    /// A neighbour with an accepted transform.
    struct Link {
        var fixed: String
        var transform: RigidTransform
        var correlation: Double
    }
    let section: String
    let verdict: String
    let tissueCentre: PlanarPoint
    let links: [Link]

    init(path: String) throws {
        let file = try HDF5File(reading: path)
        section = try file.textAttribute("section")
        verdict = try file.textAttribute("verdict")
        let centre = try file.read("/tissue_centre_um", as: Double.self)
        guard centre.count == 2 else {
            throw StageError(.badInput, "/tissue_centre_um has \(centre.count) numbers, not 2", file: path)
        }
        tissueCentre = PlanarPoint(row: centre[0], column: centre[1])
        guard file.contains("/candidates") else {
            links = []
            return
        }
        let sections = try file.readTexts("/candidates/section")
        let accepted = try file.read("/candidates/accepted", as: UInt8.self)
        let matrices = try file.read("/candidates/matrix", as: Double.self)
        let correlations = try file.read("/candidates/correlation_after", as: Double.self)
        guard accepted.count == sections.count, correlations.count == sections.count,
            matrices.count == 9 * sections.count
        else { throw StageError(.badInput, "the datasets of /candidates differ in length", file: path) }
        links = sections.indices.filter { accepted[$0] != 0 }.map { index in
            Link(
                fixed: sections[index],
                transform: RigidTransform(matrix: Array(matrices[9 * index..<9 * index + 9])),
                correlation: correlations[index])
        }
    }
}
