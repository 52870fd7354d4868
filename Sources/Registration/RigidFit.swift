internal import NDArray

/// The rigid transform that carries points onto their partners with the least sum of squared distances.
///
/// Both sets are moved to their centroids; the angle follows in closed form from the two sums of the plane's cross-covariance
/// (Kabsch's singular value decomposition comes down to one arc tangent in two dimensions).
///
/// - Parameters:
///   - moving, fixed: partners by index, any unit.
///   - isMirrored: whether a mirrored transform is sought.
/// - Returns: nil for fewer than two points or where all of them coincide, since the angle is then open.
///
/// **Reference**: W. Kabsch, Acta Cryst. A32, 922 (1976), doi:10.1107/S0567739476001873; S. Umeyama, IEEE PAMI 13, 376
/// (1991), doi:10.1109/34.88573, without the scale.
public func rigidFit(_ moving: [PlanarPoint], _ fixed: [PlanarPoint], isMirrored: Bool = false) -> RigidTransform? {
    precondition(moving.count == fixed.count, "Partners must match: \(moving.count) against \(fixed.count) points.")
    guard moving.count >= 2 else { return nil }
    let sign = isMirrored ? -1.0 : 1.0
    let from = centroid(moving)
    let to = centroid(fixed)
    var along = 0.0
    var across = 0.0
    for (a, b) in zip(moving, fixed) {
        let (row, column) = (a.row - from.row, sign * (a.column - from.column))
        along += row * (b.row - to.row) + column * (b.column - to.column)
        across += row * (b.column - to.column) - column * (b.row - to.row)
    }
    guard along != 0 || across != 0 else { return nil }
    return .about(from, onto: to, rotationRad: Math.atan2(across, along), isMirrored: isMirrored)
}

/// The mean of the points; the origin for none.
func centroid(_ points: [PlanarPoint]) -> PlanarPoint {
    var sum = PlanarPoint(row: 0, column: 0)
    for point in points {
        sum.row += point.row
        sum.column += point.column
    }
    let count = Double(max(points.count, 1))
    return PlanarPoint(row: sum.row / count, column: sum.column / count)
}
