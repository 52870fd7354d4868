public import NDArray

/// How far a found transform is from the true one, measured where there is tissue.
public struct TransformError: Sendable, Equatable {
    /// Difference of the rotations, 0 to 180; between maps of which one mirrors, 180.
    public var rotationDeg: Double
    /// How far the middle of the tissue is off.
    public var translationUm: Double
    /// Root mean square over the tissue of how far a point is off.
    public var displacementUm: Double
    /// Whether both mirror or neither does.
    public var mirroringAgrees: Bool

    /// Compares two maps over the points of the tissue.
    ///
    /// - Parameters:
    ///   - tissueUm: (row, column) in the space that both maps start from; the origin alone where it is empty.
    public init(found: PlaneTransform, truth: PlaneTransform, tissueUm: [SIMD2<Double>]) {
        let points = tissueUm.isEmpty ? [SIMD2(0, 0)] : tissueUm
        var sum = SIMD2<Double>(0, 0)
        var squares = 0.0
        for point in points {
            let ours = found.apply(row: point.x, column: point.y)
            let right = truth.apply(row: point.x, column: point.y)
            let off = SIMD2(ours.row - right.row, ours.column - right.column)
            sum += off
            squares += (off * off).sum()
        }
        sum /= Double(points.count)
        translationUm = (sum * sum).sum().squareRoot()
        displacementUm = (squares / Double(points.count)).squareRoot()
        mirroringAgrees = found.mirrors == truth.mirrors
        if mirroringAgrees {
            let turn = (found.rotationRad - truth.rotationRad) / (2 * Double.pi)
            rotationDeg = abs(turn - turn.rounded()) * 360
        } else {
            rotationDeg = 180
        }
    }
}

/// Points of the tissue on a coarse lattice, (row, column) in µm from the centre of the first pixel.
public func tissuePoints(_ labels: Image<UInt8>, spacingUm: Double, everyPx: Int = 8) -> [SIMD2<Double>] {
    precondition(everyPx > 0, "A lattice needs a step of at least one pixel.")
    var points: [SIMD2<Double>] = []
    for row in stride(from: 0, to: labels.rows, by: everyPx) {
        for column in stride(from: 0, to: labels.columns, by: everyPx) where labels[row, column] > 0 {
            points.append(SIMD2(Double(row), Double(column)) * spacingUm)
        }
    }
    return points
}

/// The value below which a share of the values lies, linear between them; nil for no values.
public func quantile(_ share: Double, of values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let place = min(max(share, 0), 1) * Double(values.count - 1)
    let rank = Int(place)
    var values = values
    let first = values.withUnsafeMutableBufferPointer { select(rank, of: $0) }
    // What stands behind the value of a rank is not smaller.
    let second = values[(rank + 1)...].min() ?? first
    return first + (place - Double(rank)) * (second - first)
}

/// The value of a rank, 0 for the smallest; smaller values are moved before it, larger ones behind it.
///
/// **Reference**: Hoare 1961, DOI 10.1145/366622.366647 (FIND).
private func select(_ rank: Int, of values: UnsafeMutableBufferPointer<Double>) -> Double {
    var (low, high) = (0, values.count - 1)
    while low < high {
        // The middle of three, so that sorted values are no bad case.
        let (one, two, three) = (values[low], values[(low + high) / 2], values[high])
        let pivot = max(min(one, two), min(max(one, two), three))
        var (left, right) = (low, high)
        while left <= right {
            while values[left] < pivot { left += 1 }
            while values[right] > pivot { right -= 1 }
            if left <= right {
                values.swapAt(left, right)
                left += 1
                right -= 1
            }
        }
        if rank <= right { high = right } else if rank >= left { low = left } else { break }
    }
    return values[rank]
}
