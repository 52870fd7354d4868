internal import NDArray

/// The transform between two sections by their gray levels alone, over all turns up to a limit.
///
/// Where neighbours differ so much that no keypoints agree, the shape of the tissue and its layers still say how one lies on the other.
/// Both are reduced to about 100 pixels (50 with shifts) and laid on each other by their tissues' centres at every few degrees, and with shifts about
/// them: where a pale part is taken for slide, a centre lies far off. The best starts climb the correlation, and the best of those is
/// refined from coarse to fine.
///
/// - Parameters:
///   - mirrored: whether the moving section is turned over first.
///   - limitRad: largest turn.
///   - stepRad: distance of the starts; the ascent reaches further.
///   - shiftShare: largest shift of the centres along either axis, as a share of the fixed section's smaller side.
/// - Returns: moving pixels to fixed pixels; nil where a section has no tissue.
/// - Complexity: O(turns · shifts) looks at the reduced images, then as `refinedTransform`.
///
/// **Differs**: not in the paper, which leaves such sections to people.
func searchedTransform(
    moving: RegistrationImage, fixed: RegistrationImage, mirrored: Bool, limitRad: Double = .pi / 5,
    stepRad: Double = .pi / 60, shiftShare: Double = 0.1, threads: Int
) -> RigidTransform? {
    guard moving.tissue.elements.contains(1), fixed.tissue.elements.contains(1) else { return nil }
    var (small, smallFixed, scale) = (moving, fixed, 1.0)
    // Many starts look at half the pixels along either side.
    let enough = shiftShare > 0 ? 80 : 160
    while min(min(small.rows, small.columns), min(smallFixed.rows, smallFixed.columns)) >= enough {
        (small, smallFixed, scale) = (small.halved(threads: threads), smallFixed.halved(threads: threads), scale * 2)
    }
    var starts: [(transform: RigidTransform, correlation: Double)] = []
    let steps = Int((limitRad / stepRad).rounded())
    // Two pixels apart: the ascent reaches further than one.
    let reach = Int(shiftShare * Double(min(smallFixed.rows, smallFixed.columns)) / 2)
    let centre = smallFixed.tissueCentre
    for step in -steps...steps {
        for row in -reach...reach {
            for column in -reach...reach {
                let transform = RigidTransform.about(
                    small.tissueCentre,
                    onto: PlanarPoint(row: centre.row + Double(2 * row), column: centre.column + Double(2 * column)),
                    rotationRad: Double(step) * stepRad, isMirrored: mirrored)
                let correlation = overlap(of: small, on: smallFixed, under: transform, threads: threads).correlation
                if correlation.isFinite { starts.append((transform, correlation)) }
            }
        }
    }
    // Equal ones keep the order of the turns: the smaller first.
    starts.sort {
        ($0.correlation, -abs($0.transform.rotationRad)) > ($1.correlation, -abs($1.transform.rotationRad))
    }
    let climbed = starts.prefix(3).map { start in
        let transform = climbedTransform(
            start.transform, moving: small, fixed: smallFixed, levels: 1, threads: threads)
        return (transform, overlap(of: small, on: smallFixed, under: transform, threads: threads).correlation)
    }
    guard let best = climbed.max(by: { $0.1 < $1.1 }) else { return nil }
    // Pixel centres of both grids: x = (X + ½) / scale − ½.
    let shift = RigidTransform(
        rotationRad: 0, translation: PlanarPoint(row: (scale - 1) / 2, column: (scale - 1) / 2))
    let full = shift.after(best.0.inUnits(of: 1 / scale)).after(shift.inverse)
    return climbedTransform(full, moving: moving, fixed: fixed, threads: threads)
}
