internal import NDArray

/// A stack turned upright, and what it was turned by.
public struct StraightenedStack: Sendable, Equatable {
    /// Section µm to the straightened common plane's µm.
    public var transforms: [RigidTransform]
    /// The slow curve of the symmetry axis' angle that was taken off, one a section.
    public var angleRad: [Double]
    /// The slow curve of the axis' columns less its mean; taken off where columns were to be straightened.
    public var columnUm: [Double]
}

/// Turns a stack so that the brain's plane of bilateral symmetry stands upright.
///
/// Sections that follow each other differ by anatomy as well as by how they lie, and a registration cannot tell a slow turn of
/// the one from the other: the composition of hundreds of neighbours twists. Links between farther neighbours share that error
/// (on a phantom, least squares over all of them leaves 5° as they are), while a coronal section knows by itself what is
/// upright. A curve as slow as the twist is fitted through the axes' angles, and the sections are turned back by it about the
/// equally slow curve of their centres, so that neighbours lie on each other as the registration left them. The axis' column
/// is used on demand only: where hemispheres differ (on a phantom) it is less true than the stack's own.
///
/// It needs hemispheres that are alike. Where they differ slowly along the brain, the curve follows that and the stack gets worse:
/// on phantoms the largest error went from 3.2° to 6.6° in one of four.
///
/// - Parameters:
///   - transforms: section µm to the common plane's µm.
///   - positionsUm: place of each along the stacking axis, ascending.
///   - centres: middle of each section's tissue in its own µm.
///   - axes: the axis of each section in the common plane; nil where it was not looked for or not found.
///   - looked: how many sections the axis was looked for in.
///   - columnsToo: whether the axis is also shifted to one column.
///   - span: share of the axes in one fit of the curve.
///   - minimumCorrelation: axes of less symmetric sections don't count.
///   - minimumContrast: nor do those that hardly depend on the angle; the others count by its square.
/// - Returns: nil where fewer than five of the axes or fewer than a third of them count: then the sections are not symmetric.
///
/// Differs: the paper composes neighbours and stops there (Methods 3.2).
public func straightened(
    _ transforms: [RigidTransform], positionsUm: [Double], centres: [PlanarPoint], axes: [SymmetryAxis?], looked: Int,
    columnsToo: Bool = false, span: Double = 0.8, minimumCorrelation: Double = 0.85, minimumContrast: Double = 0.1
) -> StraightenedStack? {
    precondition(
        transforms.count == positionsUm.count && transforms.count == axes.count && transforms.count == centres.count,
        "Every section needs a position, a centre, and a place for its axis.")
    let good = axes.indices.compactMap { index in axes[index].map { (index: index, axis: $0) } }
        .filter { $0.axis.correlation >= minimumCorrelation && $0.axis.contrast >= minimumContrast }
    guard good.count >= 5, 3 * good.count >= looked else { return nil }
    let places = good.map { positionsUm[$0.index] }
    let weights = good.map { $0.axis.contrast * $0.axis.contrast }
    let angles = locallyRegressed(
        x: places, y: good.map(\.axis.angleRad), weights: weights, span: span, at: positionsUm)
    let laid = transforms.indices.map { transforms[$0](centres[$0]) }
    let alike = [Double](repeating: 1, count: laid.count)
    let rows = locallyRegressed(x: positionsUm, y: laid.map(\.row), weights: alike, span: span, at: positionsUm)
    let columns = locallyRegressed(
        x: positionsUm, y: laid.map(\.column), weights: alike, span: span, at: positionsUm)
    let crossings = locallyRegressed(
        x: places, y: good.map { $0.axis.column(atRow: rows[$0.index]) }, weights: weights, span: span, at: positionsUm)
    let mean = crossings.reduce(0, +) / Double(crossings.count)
    let shifts = crossings.map { $0 - mean }
    let turned = transforms.indices.map { index in
        // About a point of the axis where it is trusted, else about the tissue's centre.
        let pivot = PlanarPoint(row: rows[index], column: columnsToo ? crossings[index] : columns[index])
        let target = PlanarPoint(row: pivot.row, column: columnsToo ? mean : pivot.column)
        return RigidTransform.about(pivot, onto: target, rotationRad: -angles[index]).after(transforms[index])
    }
    return StraightenedStack(transforms: turned, angleRad: angles, columnUm: shifts)
}
