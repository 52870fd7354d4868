/// How far a stack of sections is from the true one.
///
/// A stack is right up to one rigid motion (or mirroring) of the whole: the frame of its base section. With that taken off,
/// what is left at each section is the drift that has piled up since the base.
public struct StackError: Sendable {
    /// One for each section.
    public var sections: [TransformError]

    /// Sections whose mirroring is right, relative to the base.
    public var mirroredFound: Int
    public var mirroredMissed: Int
    public var mirroredInvented: Int

    /// Compares two stacks section by section; nil where a transform cannot be inverted or there is no section.
    ///
    /// - Parameters:
    ///   - found: maps from each section to the common plane.
    ///   - truth: the true maps, in the same order.
    ///   - tissueUm: points of each section's tissue.
    ///   - base: index of the section that both stacks are laid on.
    public init?(found: [PlaneTransform], truth: [PlaneTransform], tissueUm: [[SIMD2<Double>]], base: Int) {
        guard found.count == truth.count, found.count == tissueUm.count, found.indices.contains(base),
            let baseBack = found[base].inverse
        else { return nil }
        // From the found common plane through the base section to the true plane.
        let toTruth = baseBack.followed(by: truth[base])
        sections = found.indices.map { index in
            TransformError(
                found: found[index].followed(by: toTruth), truth: truth[index], tissueUm: tissueUm[index])
        }
        (mirroredFound, mirroredMissed, mirroredInvented) = (0, 0, 0)
        // The stack may be mirrored as a whole if its base is: what counts is who differs from the most.
        let oursMirrored = minority(found.map(\.mirrors))
        let truthMirrored = minority(truth.map(\.mirrors))
        for index in found.indices {
            switch (truthMirrored[index], oursMirrored[index]) {
            case (true, true): mirroredFound += 1
            case (true, false): mirroredMissed += 1
            case (false, true): mirroredInvented += 1
            case (false, false): break
            }
        }
    }
}

/// Marks those that differ from the majority; in a tie, the true ones.
private func minority(_ flags: [Bool]) -> [Bool] {
    let most = flags.count(where: { $0 }) * 2 > flags.count
    return flags.map { $0 != most }
}
