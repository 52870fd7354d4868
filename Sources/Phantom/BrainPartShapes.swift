internal import NDArray

/// The shapes of what is not cortex: the body that joins the hemispheres, ventricles, deep nuclei, cerebellum, brainstem.
///
/// Signed first-order distances in mm, positive inside, at points of the species' space.
struct BrainPartShapes: Sendable {
    /// Roughens the nuclei.
    let wobble: WaveNoise

    /// The white body that joins the hemispheres.
    @inline(__always)
    func body(_ point: PointMm) -> Float {
        guard abs(point.plane) < 27, abs(point.row - 2) < 14, abs(point.column) < 15 else { return -6 }
        return ellipsoidDepth(plane: point.plane, row: point.row - 2, column: point.column, axes: (21, 8.5, 9))
    }

    /// Lateral and third ventricle.
    @inline(__always)
    func cavity(_ point: PointMm) -> Float {
        let lateral = abs(point.column)
        guard abs(point.plane) < 24, abs(point.row - 2) < 12, lateral < 14 else { return -4 }
        // Lateral ventricles bend downward behind.
        let bow = 0.010 * (point.plane + 2) * (point.plane + 2)
        let side = ellipsoidDepth(
            plane: point.plane + 2, row: point.row + 2.2 - bow, column: lateral - 4.2 - 0.3 * bow, axes: (17, 2.6, 2.4))
        let third = ellipsoidDepth(
            plane: point.plane + 3, row: point.row - 5, column: point.column, axes: (8, 3.6, 0.6))
        return max(side, third)
    }

    /// Deep gray nuclei.
    @inline(__always)
    func nucleus(_ point: PointMm) -> Float {
        let lateral = abs(point.column)
        guard abs(point.plane) < 22, abs(point.row - 3) < 10, lateral < 16 else { return -4 }
        let thalamus = ellipsoidDepth(
            plane: point.plane + 5, row: point.row - 4.6, column: lateral - 4.6, axes: (9, 3.6, 3.4))
        let striatum = ellipsoidDepth(
            plane: point.plane - 8, row: point.row - 2.6, column: lateral - 8.6 - 0.05 * (point.plane - 8),
            axes: (10, 4.6, 2.4))
        let nearest = max(thalamus, striatum)
        return nearest > -3 ? nearest + 0.35 * wobble.value(point) : nearest
    }

    /// A rod from the body downward and back; below it is cut off.
    @inline(__always)
    func stem(_ point: PointMm) -> Float {
        let share = min(max((point.row - 6) / 21, -0.2), 1.2)
        let (across, along) = (point.column, point.plane + 1 + 6 * share)
        let radius = (across * across + along * along).squareRoot()
        return min(4.3 - radius, 26.6 - point.row, point.row - 4)
    }

    /// The cerebellum's outside without its folds.
    @inline(__always)
    func cerebellum(_ point: PointMm) -> Float {
        ellipsoidDepth(plane: point.plane + 19.5, row: point.row - 18.6, column: point.column, axes: (12, 7.6, 17))
    }

    /// Cerebellum and stem together; for the room that the hemispheres leave them.
    @inline(__always)
    func hindbrain(_ point: PointMm) -> Float {
        guard point.row > -2 else { return -8 }
        return max(cerebellum(point), stem(point))
    }

    /// Depth below the cerebellum's folded surface: grooves that run from side to side, each as deep as the next but one.
    func foldedCerebellum(_ point: PointMm, depth: Float) -> Float {
        guard depth > -0.5, depth < 4 else { return depth }
        let (up, along) = ((point.row - 18.6) / 7.6, (point.plane + 19.5) / 12)
        let turns = Float(Math.atan2(Double(up), Double(along)) / (2 * Double.pi)) * 22 + 0.02 * point.column
        let off = turns - turns.rounded()
        // About 60 mm round.
        let aside = abs(off) * 60 / 22
        let below = max(depth - 2.0, 0)
        let groove = (aside * aside + below * below).squareRoot() - 0.16
        return min(depth, groove)
    }
}
