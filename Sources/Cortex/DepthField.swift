public import NDArray

/// The cortical depth of a brain as a smooth function of place, for following its lines.
///
/// Between voxels the depth is that of a plane fitted to the 27 voxels around, weighted by the quadratic B-spline: where all of them are
/// cortex this is the spline smoothing of the field (standard deviation half a voxel), and at the rim of the cortex, where some are NaN, a
/// linear field is still met exactly, which an average of what is there would not do.
///
/// Places are (plane, row, column) in reconstruction µm.
public struct DepthField: Sendable {
    /// Depth and its slope at a place.
    public struct Sample: Sendable, Equatable {
        /// 0 pia, 1 white surface; beyond them by extrapolation.
        public var depth: Double
        /// Per µm, towards white matter.
        public var gradient: SIMD3<Double>
    }

    /// 0 at the pia, 1 at the white surface, NaN outside the cortex.
    public let volume: Volume<Float>
    public let spacingUm: Double
    /// Centre of voxel (0, 0, 0).
    public let originUm: SIMD3<Double>

    public init(_ volume: Volume<Float>, spacingUm: Double, originUm: SIMD3<Double>) {
        precondition(spacingUm > 0 && spacingUm.isFinite, "A voxel cannot be \(spacingUm) µm wide.")
        self.volume = volume
        self.spacingUm = spacingUm
        self.originUm = originUm
    }

    /// Depth and slope at a place; nil where less than a fifth of the weight around is cortex, or where what is there
    /// does not span space.
    public func sample(at placeUm: SIMD3<Double>) -> Sample? {
        volume.elements.withUnsafeBufferPointer { sample(at: placeUm, in: $0) }
    }

    /// The same through a pointer to `volume.elements`, for loops.
    func sample(at placeUm: SIMD3<Double>, in values: UnsafeBufferPointer<Float>) -> Sample? {
        let place = (placeUm - originUm) / spacingUm
        let nearest = place.rounded(.toNearestOrAwayFromZero)
        guard nearest.x > 0, nearest.y > 0, nearest.z > 0, nearest.x < Double(volume.planes - 1),
            nearest.y < Double(volume.rows - 1), nearest.z < Double(volume.columns - 1)
        else { return nil }
        let offset = place - nearest
        let (u, v, w) = (splineWeights(offset.x), splineWeights(offset.y), splineWeights(offset.z))
        let centre = (Int(nearest.x) * volume.rows + Int(nearest.y)) * volume.columns + Int(nearest.z)
        var sums = Moments()
        for i in 0..<3 {
            for j in 0..<3 {
                let line = centre + ((i - 1) * volume.rows + j - 1) * volume.columns - 1
                let side = SIMD3(Double(i - 1) - offset.x, Double(j - 1) - offset.y, 0)
                for k in 0..<3 {
                    let value = values[line + k]
                    guard !value.isNaN else { continue }
                    sums.add(
                        Double(value), at: side + SIMD3(0, 0, Double(k - 1) - offset.z), weight: u[i] * v[j] * w[k])
                }
            }
        }
        guard sums.weight >= 0.2, let plane = sums.plane else { return nil }
        return Sample(depth: plane.value, gradient: plane.slope / spacingUm)
    }

    /// The nearest voxel of the cortex, looked for within `reachUm`; nil where there is none.
    public func nearestCortex(to placeUm: SIMD3<Double>, withinUm reachUm: Double) -> SIMD3<Double>? {
        let place = (placeUm - originUm) / spacingUm
        let reach = reachUm / spacingUm
        guard reach > 0, reach.isFinite, (place - place) == SIMD3(0, 0, 0), place.max() < 1e6, place.min() > -1e6
        else { return nil }
        var best: (square: Double, at: SIMD3<Double>)?
        func range(_ middle: Double, _ count: Int) -> Range<Int> {
            let low = max(0, Int((middle - reach).rounded(.up)))
            return low..<max(low, min(count, Int((middle + reach).rounded(.down)) + 1))
        }
        for i in range(place.x, volume.planes) {
            for j in range(place.y, volume.rows) {
                for k in range(place.z, volume.columns) where !volume[i, j, k].isNaN {
                    let at = SIMD3(Double(i), Double(j), Double(k))
                    let square = ((at - place) * (at - place)).sum()
                    if square <= reach * reach, best.map({ square < $0.square }) ?? true { best = (square, at) }
                }
            }
        }
        return best.map { $0.at * spacingUm + originUm }
    }
}

/// Weights of the quadratic B-spline at −1, 0, 1 for a place `offset` from the middle, −½ … ½.
@inline(__always)
private func splineWeights(_ offset: Double) -> SIMD3<Double> {
    let (low, high) = (0.5 - offset, 0.5 + offset)
    return SIMD3(0.5 * low * low, 0.75 - offset * offset, 0.5 * high * high)
}

/// Sums of a weighted linear regression on three coordinates.
private struct Moments {
    var weight = 0.0
    var first = SIMD3(0.0, 0.0, 0.0)
    /// xx, yy, zz and yz, zx, xy.
    var squares = SIMD3(0.0, 0.0, 0.0)
    var products = SIMD3(0.0, 0.0, 0.0)
    var value = 0.0
    var slopes = SIMD3(0.0, 0.0, 0.0)

    @inline(__always)
    mutating func add(_ sample: Double, at place: SIMD3<Double>, weight w: Double) {
        let scaled = place * w
        weight += w
        first += scaled
        squares += scaled * place
        products += SIMD3(scaled.y * place.z, scaled.z * place.x, scaled.x * place.y)
        value += w * sample
        slopes += scaled * sample
    }

    /// Value at the origin and slope of the plane that fits best; nil where the places do not span space.
    var plane: (value: Double, slope: SIMD3<Double>)? {
        let mean = first / weight
        let level = value / weight
        // About the mean, per weight.
        let a = squares / weight - mean * mean
        let b = products / weight - SIMD3(mean.y * mean.z, mean.z * mean.x, mean.x * mean.y)
        let right = slopes / weight - mean * level
        // The symmetric matrix ((a.x, b.z, b.y), (b.z, a.y, b.x), (b.y, b.x, a.z)) by its adjugate.
        let diagonal = SIMD3(a.y * a.z - b.x * b.x, a.z * a.x - b.y * b.y, a.x * a.y - b.z * b.z)
        let off = SIMD3(b.y * b.z - a.x * b.x, b.z * b.x - a.y * b.y, b.x * b.y - a.z * b.z)
        let determinant = a.x * diagonal.x + b.z * off.z + b.y * off.y
        // All 27 voxels give (¼)³; below a thousandth of that they lie in a plane.
        guard determinant > 1.5e-5 else { return nil }
        let slope =
            SIMD3(
                diagonal.x * right.x + off.z * right.y + off.y * right.z,
                off.z * right.x + diagonal.y * right.y + off.x * right.z,
                off.y * right.x + off.x * right.y + diagonal.z * right.z) / determinant
        return (level - (slope * mean).sum(), slope)
    }
}
