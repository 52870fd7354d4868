internal import HDF5
internal import NDArray
internal import Registration
public import StageKit

/// Bridges the places of a brain where a section could not be aligned with its next one, by pairs further apart.
///
/// Every section is aligned with its next neighbour by a task of its own. Where that was refused, the sections around the break
/// are tried over it, nearest pairs first, until one holds. A stack without breaks costs nothing here.
public struct SectionBridge: Stage {
    public static let name = "section-bridge"
    public static let summary = "Aligns sections over those that could not be aligned with their neighbour."

    public static func run(_ context: StageContext) throws {
        let spanLimit = try context.config.integer("span", in: 2...20)
        var keypoints: [String: (path: String, faceDown: FaceDown)] = [:]
        for input in try context.inputs("keypoints") {
            keypoints[try input.coordinate("section")] = (input.path, try FaceDown(input))
        }
        // In the order of the axis: a section's next one is the one after it.
        let chain = try context.inputs("transforms").map { input in
            (artifact: try AlignmentArtifact(path: input.path), path: input.path)
        }
        var bridges: [Bridge] = []
        var gaps = 0
        let breaks = chain.indices.dropLast().filter { index in
            !chain[index].artifact.links.contains { $0.fixed == chain[index + 1].artifact.section }
        }
        for (done, index) in breaks.enumerated() {
            context.progress(Double(done) / Double(breaks.count), "bridging")
            if isBridged(index, by: chain.map(\.artifact), bridges) { continue }
            if let bridge = try firstBridge(
                over: index, sections: chain.map(\.artifact.section), keypoints: keypoints, spanLimit: spanLimit,
                context)
            {
                bridges.append(bridge)
            } else {
                gaps += 1
                context.warn(
                    "nothing joins section \(chain[index].artifact.section) with the sections after it: no pair over up to "
                        + "\(spanLimit) sections could be aligned")
            }
        }
        try context.write("bridges") { file in
            try file.write(texts: bridges.map(\.moving), to: "/moving")
            try file.write(texts: bridges.map(\.fixed), to: "/fixed")
            try file.write(bridges.flatMap(\.transform.matrix), shape: [bridges.count, 3, 3], to: "/matrix")
            try file.setAttribute("unit", to: "um", of: "/matrix")
            try file.write(bridges.map(\.correlation), to: "/correlation")
        }
        context.figure("breaks", Double(breaks.count))
        context.figure("bridges", Double(bridges.count))
        context.figure("gaps", Double(gaps))
    }

    struct Bridge {
        var moving: String
        var fixed: String
        /// Moving µm to fixed µm.
        var transform: RigidTransform
        var correlation: Double
    }

    /// Whether something leads over the break after a section already: an alignment with a section further away, or a bridge.
    private static func isBridged(_ index: Int, by chain: [AlignmentArtifact], _ bridges: [Bridge]) -> Bool {
        let before = Set(chain[...index].map(\.section))
        let after = Set(chain[(index + 1)...].map(\.section))
        return chain[...index].contains { $0.links.contains { after.contains($0.fixed) } }
            || bridges.contains { before.contains($0.moving) && after.contains($0.fixed) }
    }

    /// The nearest pair over a break that can be aligned.
    private static func firstBridge(
        over index: Int, sections: [String], keypoints: [String: (path: String, faceDown: FaceDown)],
        spanLimit: Int, _ context: StageContext
    ) throws -> Bridge? {
        for span in 2...spanLimit {
            for first in (index + 1 - span)...index where first >= 0 && first + span < sections.count {
                let (one, other) = (sections[first], sections[first + span])
                guard let movingFile = keypoints[one], let fixedFile = keypoints[other] else { continue }
                let moving = try KeypointsArtifact(path: movingFile.path)
                let fixed = try KeypointsArtifact(path: fixedFile.path)
                let settings = try AlignmentSettings(context.config, spacingUm: moving.spacingUm, seed: context.seed)
                let result = alignSections(
                    moving.features, fixed.features, settings: settings,
                    orientations: FaceDown.orientations(movingFile.faceDown, fixedFile.faceDown),
                    threads: context.cores)
                guard result.verdict == .accepted else { continue }
                return Bridge(
                    moving: one, fixed: other, transform: moving.inUm(result.transform, onto: fixed),
                    correlation: result.after.correlation)
            }
        }
        return nil
    }
}

/// The bridges of a brain as their stage wrote them.
struct BridgesArtifact {
    let bridges: [SectionBridge.Bridge]

    init(path: String) throws {
        let file = try HDF5File(reading: path)
        let moving = try file.readTexts("/moving")
        let fixed = try file.readTexts("/fixed")
        let matrices = try file.read("/matrix", as: Double.self)
        let correlations = try file.read("/correlation", as: Double.self)
        guard fixed.count == moving.count, matrices.count == 9 * moving.count, correlations.count == moving.count else {
            throw StageError(.badInput, "its datasets differ in length", file: path)
        }
        bridges = moving.indices.map { index in
            SectionBridge.Bridge(
                moving: moving[index], fixed: fixed[index],
                transform: RigidTransform(matrix: Array(matrices[9 * index..<9 * index + 9])),
                correlation: correlations[index])
        }
    }
}
