internal import FoundationEssentials
internal import Imaging
internal import NDArray
internal import Registration
public import StageKit

/// Lays every section on the neighbour that it was aligned with and says how alike they are.
public struct AlignmentQuality: Stage {
    public static let name = "alignment-quality"
    public static let summary =
        "How well neighbouring sections lie on each other, before and after, pair by pair and as a whole."

    public static func run(_ context: StageContext) throws {
        var paths: [String: String] = [:]
        for input in try context.inputs("keypoints") { paths[try input.coordinate("section")] = input.path }
        let transforms = try context.inputs("transforms")
        var pairs: [Pair] = []
        var unaligned: [String] = []
        // Neighbours share a section, so the last one read is kept.
        var previous: (section: String, image: Compared)?
        for (index, input) in transforms.enumerated() {
            let alignment = try AlignmentArtifact(path: input.path)
            guard let link = alignment.links.first else {
                if alignment.verdict != "no-neighbour" { unaligned.append(alignment.section) }
                continue
            }
            guard let movingPath = paths[alignment.section], let fixedPath = paths[link.fixed] else {
                throw StageError(
                    .badInput, "there are no keypoints of sections \(alignment.section) and \(link.fixed)",
                    port: "keypoints", file: input.path)
            }
            let moving: Compared
            if let previous, previous.section == alignment.section {
                moving = previous.image
            } else {
                moving = Compared(try KeypointsArtifact(path: movingPath))
            }
            let fixed = Compared(try KeypointsArtifact(path: fixedPath))
            pairs.append(
                Pair(
                    moving: alignment.section, fixed: link.fixed, transform: link.transform, moving, fixed,
                    context.cores))
            previous = (link.fixed, fixed)
            context.progress(Double(index + 1) / Double(transforms.count), "comparing")
        }
        let report = Report(pairs: pairs, unaligned: unaligned)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        try encoder.encode(report).write(to: URL(filePath: try context.output("scores")))
        context.figure("mean_before", report.meanBefore)
        context.figure("mean_after", report.meanAfter)
        context.figure("better", Double(report.better))
    }

    /// A section under both readings of "the tissue": Otsu's class as it is, and with its holes filled.
    private struct Compared {
        let artifact: KeypointsArtifact
        let filled: RegistrationImage
        let plain: RegistrationImage

        init(_ artifact: KeypointsArtifact) {
            self.artifact = artifact
            filled = artifact.features.image
            let threshold = otsuThreshold(histogram(of: artifact.gray)) ?? 0
            plain = RegistrationImage(
                gray: artifact.gray, tissue: artifact.gray.map { Int($0) <= threshold ? 1 : 0 })
        }
    }

    private struct Pair: Encodable {
        var moving: String
        var fixed: String
        var mirrored: Bool
        /// Correlation inside the union of both tissues, holes filled: centres laid on each other, and aligned.
        var before: Double
        var after: Double
        /// The same inside the union of Otsu's classes as they are.
        var beforeOtsu: Double
        var afterOtsu: Double
        var diceBefore: Double
        var diceAfter: Double

        init(
            moving: String, fixed: String, transform: RigidTransform, _ one: Compared, _ other: Compared, _ threads: Int
        ) {
            self.moving = moving
            self.fixed = fixed
            mirrored = transform.isMirrored
            let aligned = one.artifact.inPixels(transform, onto: other.artifact)
            let centred = RigidTransform.about(one.filled.centre, onto: other.filled.centre)
            let filled = [centred, aligned].map {
                overlap(of: one.filled, on: other.filled, under: $0, threads: threads)
            }
            let plain = [centred, aligned].map { overlap(of: one.plain, on: other.plain, under: $0, threads: threads) }
            before = filled[0].correlation
            after = filled[1].correlation
            diceBefore = filled[0].dice
            diceAfter = filled[1].dice
            beforeOtsu = plain[0].correlation
            afterOtsu = plain[1].correlation
        }
    }

    private struct Report: Encodable {
        var pairs: [Pair]
        /// Sections that no neighbour would take.
        var unaligned: [String]
        var aligned: Int
        /// Pairs that correlate better than with their centres laid on each other.
        var better: Int
        var mirrored: Int
        var meanBefore: Double
        var meanAfter: Double
        var worstAfter: Double
        var meanBeforeOtsu: Double
        var meanAfterOtsu: Double

        init(pairs: [Pair], unaligned: [String]) {
            self.pairs = pairs
            self.unaligned = unaligned
            func mean(_ value: (Pair) -> Double) -> Double {
                pairs.reduce(0) { $0 + value($1) } / Double(max(pairs.count, 1))
            }
            aligned = pairs.count
            better = pairs.count { $0.after > $0.before && $0.afterOtsu > $0.beforeOtsu }
            mirrored = pairs.count { $0.mirrored }
            meanBefore = mean(\.before)
            meanAfter = mean(\.after)
            worstAfter = pairs.map(\.after).min() ?? 0
            meanBeforeOtsu = mean(\.beforeOtsu)
            meanAfterOtsu = mean(\.afterOtsu)
        }
    }
}
