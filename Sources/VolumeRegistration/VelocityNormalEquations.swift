internal import NDArray

/// What the images say about a change of the velocity, cell by cell: ½ δᵀ H δ − gᵀ δ, summed over the cell's voxels.
struct VelocityNormalEquations: Sendable {
    /// H's diagonal (xx, yy, zz) and off-diagonal (yz, xz, xy) entries in each cell.
    var diagonal: [SIMD4<Float>]
    var mixed: [SIMD4<Float>]
    /// g in each cell.
    var force: [SIMD4<Float>]
    /// Half the weighted sum of squared differences.
    var energy: Double
    var misfit: Double

    /// H applied to a field in the cells.
    func apply(to field: [SIMD4<Float>], threads: Int) -> [SIMD4<Float>] {
        var result = field
        let count = field.count
        result.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelBands(count, band: 16384, threads: threads) { band in
                for index in band {
                    let (v, d, m) = (slices[index], diagonal[index], mixed[index])
                    slices[index] =
                        d * v
                        + SIMD4(m.z * v.y + m.y * v.z, m.z * v.x + m.x * v.z, m.y * v.x + m.x * v.y, 0)
                }
            }
        }
        return result
    }
}

/// Compares two images half-way between them and linearises the difference in the velocity.
///
/// The template is seen through `back` (the flow of −v/2), the brain through `forth` (of v/2): neither of the two is the reference, so
/// that exchanging them gives the inverse map.
///
/// - Parameters:
///   - template, brain: on one grid.
///   - forth, back: displacements in cells, on a grid of `cells` whose edge is `voxelsPerCell` voxels.
///   - voxelMm: edge of a voxel; H and g are per mm of velocity and sums over mm³.
func linearise(
    template: ChannelGrid, brain: ChannelGrid, forth: [SIMD4<Float>], back: [SIMD4<Float>], cells: SIMD3<Int>,
    voxelsPerCell: Int, channelWeights: SIMD4<Float>, threads: Int
) -> VelocityNormalEquations {
    let size = SIMD3<Int32>(truncatingIfNeeded: template.size)
    let cellSize = SIMD3<Int32>(truncatingIfNeeded: cells)
    let cellCount = cells.x * cells.y * cells.z
    let empty = [SIMD4<Float>](repeating: SIMD4(), count: cellCount)
    var sums = VelocityNormalEquations(diagonal: empty, mixed: empty, force: empty, energy: 0, misfit: 0)
    var energies = [SIMD2<Double>](repeating: SIMD2(), count: cells.z)
    let perCell = Float(voxelsPerCell)
    // A voxel's centre in cells, and a displacement of cells in voxels.
    let (scale, shift) = (1 / perCell, 0.5 / perCell - 0.5)
    let voxelMm = Float(template.spacingMm)
    // dr = −½ (∇F + ∇M) · δ with slopes per voxel.
    let slopeScale = 0.5 / voxelMm
    let volume = voxelMm * voxelMm * voxelMm
    sums.diagonal.withUnsafeMutableBufferPointer { diagonal in
        sums.mixed.withUnsafeMutableBufferPointer { mixed in
            sums.force.withUnsafeMutableBufferPointer { force in
                energies.withUnsafeMutableBufferPointer { energies in
                    let (diagonal, mixed) = (DisjointSlices(diagonal), DisjointSlices(mixed))
                    let (force, energies) = (DisjointSlices(force), DisjointSlices(energies))
                    template.values.withUnsafeBufferPointer { fixed in
                        brain.values.withUnsafeBufferPointer { moving in
                            forth.withUnsafeBufferPointer { forth in
                                back.withUnsafeBufferPointer { back in
                                    let (fixed, moving) = (SharedBuffer(fixed), SharedBuffer(moving))
                                    let (forth, back) = (SharedBuffer(forth), SharedBuffer(back))
                                    parallelFor(cells.z, threads: threads) { cellPlane in
                                        var energy = SIMD2<Double>()
                                        for voxel in 0..<voxelsPerCell {
                                            let plane = cellPlane * voxelsPerCell + voxel
                                            for row in 0..<Int(size.y) {
                                                var line = SIMD2<Float>()
                                                // The cell of a column, and the column where the next one begins.
                                                var index =
                                                    (cellPlane * cells.y + row / voxelsPerCell) * cells.x - 1
                                                var next = 0
                                                for column in 0..<Int(size.x) {
                                                    if column == next {
                                                        index += 1
                                                        next += voxelsPerCell
                                                    }
                                                    let voxel = SIMD3(Float(column), Float(row), Float(plane))
                                                    let place = voxel * scale + shift
                                                    let ahead = sample(forth.buffer, at: place, size: cellSize)
                                                    let behind = sample(back.buffer, at: place, size: cellSize)
                                                    let one = sampleWithSlope(
                                                        fixed.buffer,
                                                        at: voxel + perCell * SIMD3(behind.x, behind.y, behind.z),
                                                        size: size)
                                                    let other = sampleWithSlope(
                                                        moving.buffer,
                                                        at: voxel + perCell * SIMD3(ahead.x, ahead.y, ahead.z),
                                                        size: size)
                                                    let weight = one.value.w * other.value.w
                                                    guard weight > 0 else { continue }
                                                    let w = weight * volume * channelWeights
                                                    let r = one.value - other.value
                                                    line +=
                                                        SIMD2(
                                                            (w * r * r).sum(),
                                                            (w
                                                                * (one.value * one.value
                                                                    + other.value * other.value))
                                                                .sum())
                                                    let x = slopeScale * (one.slopeX + other.slopeX)
                                                    let y = slopeScale * (one.slopeY + other.slopeY)
                                                    let z = slopeScale * (one.slopeZ + other.slopeZ)
                                                    let (wx, wy, wz) = (w * x, w * y, w * z)
                                                    diagonal[index] += SIMD4(
                                                        (wx * x).sum(), (wy * y).sum(), (wz * z).sum(), 0)
                                                    mixed[index] += SIMD4(
                                                        (wy * z).sum(), (wx * z).sum(), (wx * y).sum(), 0)
                                                    force[index] += SIMD4(
                                                        (wx * r).sum(), (wy * r).sum(), (wz * r).sum(), 0)
                                                }
                                                energy += SIMD2<Double>(line)
                                            }
                                        }
                                        energies[cellPlane] = energy
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    let total = energies.reduce(SIMD2<Double>(), +)
    sums.energy = 0.5 * total.x
    sums.misfit = total.y > 0 ? total.x / total.y : 1
    return sums
}
