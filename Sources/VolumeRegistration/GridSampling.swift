/// Where a point lies between eight voxels of a grid.
///
/// Outside the grid the point is moved to the nearest face: fields go on with their edge values, and tissue grids have an
/// empty margin, so that outside is empty. A grid has at least two voxels along each axis.
struct TrilinearPlace {
    let index: Int
    let along: SIMD3<Float>

    @inline(__always)
    init(_ point: SIMD3<Float>, size: SIMD3<Int32>) {
        // Spelled out by axes: the vectors' own minima are calls.
        let inside = SIMD3(
            min(max(point.x, 0), Float(size.x &- 1)), min(max(point.y, 0), Float(size.y &- 1)),
            min(max(point.z, 0), Float(size.z &- 1)))
        // The last cell takes points on the far face.
        let low = SIMD3(
            min(Int32(inside.x), size.x &- 2), min(Int32(inside.y), size.y &- 2), min(Int32(inside.z), size.z &- 2))
        along = inside - SIMD3<Float>(low)
        index = (Int(low.z) * Int(size.y) + Int(low.y)) * Int(size.x) + Int(low.x)
    }
}

/// Linear interpolation in three dimensions.
@inline(__always)
func sample(
    _ values: UnsafeBufferPointer<SIMD4<Float>>, at point: SIMD3<Float>, size: SIMD3<Int32>
) -> SIMD4<Float> {
    let place = TrilinearPlace(point, size: size)
    let base = values.baseAddress.unsafelyUnwrapped + place.index
    let (row, plane) = (Int(size.x), Int(size.x) * Int(size.y))
    let (x, y, z) = (place.along.x, place.along.y, place.along.z)
    let a = base[0] + x * (base[1] - base[0])
    let b = base[row] + x * (base[row + 1] - base[row])
    let c = base[plane] + x * (base[plane + 1] - base[plane])
    let d = base[plane + row] + x * (base[plane + row + 1] - base[plane + row])
    let low = a + y * (b - a)
    let high = c + y * (d - c)
    return low + z * (high - low)
}

/// A sample and its derivatives per voxel along x, y, z.
struct SampleWithSlope {
    var value: SIMD4<Float>
    var slopeX: SIMD4<Float>
    var slopeY: SIMD4<Float>
    var slopeZ: SIMD4<Float>
}

/// Linear interpolation with the interpolant's own derivative.
@inline(__always)
func sampleWithSlope(
    _ values: UnsafeBufferPointer<SIMD4<Float>>, at point: SIMD3<Float>, size: SIMD3<Int32>
) -> SampleWithSlope {
    let place = TrilinearPlace(point, size: size)
    let base = values.baseAddress.unsafelyUnwrapped + place.index
    let (row, plane) = (Int(size.x), Int(size.x) * Int(size.y))
    let (x, y, z) = (place.along.x, place.along.y, place.along.z)
    let (da, db) = (base[1] - base[0], base[row + 1] - base[row])
    let (dc, dd) = (base[plane + 1] - base[plane], base[plane + row + 1] - base[plane + row])
    let (a, b) = (base[0] + x * da, base[row] + x * db)
    let (c, d) = (base[plane] + x * dc, base[plane + row] + x * dd)
    let (low, high) = (a + y * (b - a), c + y * (d - c))
    let (lowX, highX) = (da + y * (db - da), dc + y * (dd - dc))
    let lowY = b - a
    return SampleWithSlope(
        value: low + z * (high - low), slopeX: lowX + z * (highX - lowX), slopeY: lowY + z * ((d - c) - lowY),
        slopeZ: high - low)
}
