internal import NDArray

/// Tissue on an isotropic grid along the axes of a physical space (RAS mm): what the registration compares.
///
/// A voxel holds (gray, white, tissue, weight): the shares of gray matter, white matter and of both, 0 to 1, and how much
/// the voxel is known, 0 where nothing can be said of it. One vector a voxel lets a sample fetch all four at once.
struct ChannelGrid: Sendable {
    /// Voxels along x, y, z; (i, j, k) stands at `(k * size.y + j) * size.x + i`.
    let size: SIMD3<Int>
    /// Position of voxel (0, 0, 0) in mm.
    let originMm: SIMD3<Double>
    let spacingMm: Double
    var values: [SIMD4<Float>]

    init(size: SIMD3<Int>, originMm: SIMD3<Double>, spacingMm: Double) {
        self.size = size
        self.originMm = originMm
        self.spacingMm = spacingMm
        values = Array(repeating: SIMD4<Float>(), count: size.x * size.y * size.z)
    }

    /// The grid that covers a box; its voxel count along each axis is a multiple of `multiple`.
    init(covering box: BoxMm, spacingMm: Double, multiple: Int = 1) {
        var size = SIMD3<Int>()
        for axis in 0..<3 {
            let count = Int(((box.highMm[axis] - box.lowMm[axis]) / spacingMm).rounded(.up)) + 1
            size[axis] = (count + multiple - 1) / multiple * multiple
        }
        // What rounding adds is shared by both sides.
        let extent = SIMD3(Double(size.x - 1), Double(size.y - 1), Double(size.z - 1)) * spacingMm
        self.init(size: size, originMm: 0.5 * (box.lowMm + box.highMm - extent), spacingMm: spacingMm)
    }

    /// Half as many voxels along each axis, each the mean of eight.
    ///
    /// Tissue is averaged over what is known: an unknown voxel does not make its neighbours emptier.
    func halved(threads: Int) -> ChannelGrid {
        var half = ChannelGrid(
            size: SIMD3(size.x / 2, size.y / 2, size.z / 2),
            originMm: originMm + 0.5 * SIMD3(repeating: spacingMm), spacingMm: 2 * spacingMm)
        half.fill(threads: threads) { column, row, plane in
            var sum = SIMD4<Float>()
            for corner in 0..<8 {
                let value = values[
                    ((2 * plane + corner / 4) * size.y + 2 * row + corner / 2 % 2) * size.x + 2 * column + corner % 2]
                sum += weighted(value)
            }
            return unweighted(sum * 0.125)
        }
        return half
    }

    /// Sets every voxel to `value(column, row, plane)`.
    mutating func fill(threads: Int, _ value: @Sendable (Int, Int, Int) -> SIMD4<Float>) {
        let (size, count) = (size, values.count)
        guard count > 0 else { return }
        values.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelFor(size.z, threads: threads) { plane in
                for row in 0..<size.y {
                    let start = (plane * size.y + row) * size.x
                    for column in 0..<size.x { slices[start + column] = value(column, row, plane) }
                }
            }
        }
    }

    /// Takes away the detail below a Gaussian's width, so that far shifts are seen.
    ///
    /// - Parameter sigmaVoxels: standard deviation; 0 changes nothing.
    func smoothed(sigmaVoxels: Double, threads: Int) -> ChannelGrid {
        guard sigmaVoxels > 0 else { return self }
        let radius = Int((3 * sigmaVoxels).rounded(.up))
        var taps = (-radius...radius).map { Float(Math.exp(-0.5 * Double($0 * $0) / (sigmaVoxels * sigmaVoxels))) }
        let sum = taps.reduce(0, +)
        taps = taps.map { $0 / sum }
        var one = self
        one.fill(threads: threads) { [values, size] column, row, plane in
            weighted(values[(plane * size.y + row) * size.x + column])
        }
        var other = one
        for axis in 0..<3 {
            convolve(one, taps, radius, axis: axis, into: &other, threads: threads)
            swap(&one, &other)
        }
        other.fill(threads: threads) { [values = one.values, size] column, row, plane in
            unweighted(values[(plane * size.y + row) * size.x + column])
        }
        return other
    }
}

/// A box in mm.
struct BoxMm: Sendable {
    var lowMm: SIMD3<Double>
    var highMm: SIMD3<Double>

    func grown(byMm margin: Double) -> BoxMm {
        BoxMm(lowMm: lowMm - SIMD3(repeating: margin), highMm: highMm + SIMD3(repeating: margin))
    }

    func union(_ other: BoxMm) -> BoxMm {
        BoxMm(
            lowMm: pointwiseMin(lowMm, other.lowMm), highMm: pointwiseMax(highMm, other.highMm))
    }

    /// The longest edge.
    var longest: Double { (highMm - lowMm).max() }

    var corners: [SIMD3<Double>] {
        (0..<8).map { corner in
            SIMD3(
                corner % 2 == 0 ? lowMm.x : highMm.x, corner / 2 % 2 == 0 ? lowMm.y : highMm.y,
                corner / 4 == 0 ? lowMm.z : highMm.z)
        }
    }
}

/// Tissue times weight: what may be averaged.
@inline(__always)
func weighted(_ value: SIMD4<Float>) -> SIMD4<Float> {
    SIMD4(value.x * value.w, value.y * value.w, value.z * value.w, value.w)
}

/// Back from an average of tissue times weight.
@inline(__always)
func unweighted(_ mean: SIMD4<Float>) -> SIMD4<Float> {
    guard mean.w > 1e-3 else { return SIMD4<Float>() }
    let scale = 1 / mean.w
    return SIMD4(mean.x * scale, mean.y * scale, mean.z * scale, mean.w)
}

/// One pass of a separable filter; outside the grid the last voxel repeats.
private func convolve(
    _ input: ChannelGrid, _ taps: [Float], _ radius: Int, axis: Int, into output: inout ChannelGrid, threads: Int
) {
    let size = input.size
    let stride = [1, size.x, size.x * size.y][axis]
    let length = size[axis]
    output.values.withUnsafeMutableBufferPointer { buffer in
        guard buffer.count > 0 else { return }
        let slices = DisjointSlices(buffer)
        parallelFor(size.z, threads: threads) { plane in
            input.values.withUnsafeBufferPointer { values in
                taps.withUnsafeBufferPointer { taps in
                    for row in 0..<size.y {
                        for column in 0..<size.x {
                            let index = (plane * size.y + row) * size.x + column
                            let place = axis == 0 ? column : axis == 1 ? row : plane
                            var sum = SIMD4<Float>()
                            for tap in -radius...radius {
                                let near = min(max(place + tap, 0), length - 1)
                                sum += taps[tap + radius] * values[index + (near - place) * stride]
                            }
                            slices[index] = sum
                        }
                    }
                }
            }
        }
    }
}
