internal import NDArray
internal import NIfTI
internal import SpatialTransforms
internal import StageKit

/// An exclusion mask, laid on the grid of a label volume.
enum ExclusionOnGrid {
    /// Reads a mask and takes the value of its nearest voxel at each voxel of the volume; 0 beyond the mask.
    ///
    /// - Returns: 1 where the mask is not zero.
    /// - Throws: `badInput` where the mask is no volume of numbers, its matrix is singular, or it lies elsewhere altogether.
    static func read(_ input: StageInput, on volume: LabelVolumeArtifact, threads: Int) throws -> Volume<UInt8> {
        func problem(_ sentence: String) -> StageError {
            StageError(.badInput, sentence, port: input.port, file: input.path)
        }
        let mask = try NIfTIImage<Float>(reading: input.path)
        guard mask.nanCount == 0 else {
            throw problem("the mask has \(mask.nanCount) voxels that are not numbers (NaN); save it as a label map")
        }
        let labels = volume.labels
        let toMm = ReconstructionSpace.indexToRasMm(
            originUm: SIMD3(volume.originUm[0], volume.originUm[1], volume.originUm[2]), spacingUm: volume.spacingUm)
        let toMask: AffineTransform
        do {
            toMask = try AffineTransform(rowMajor: mask.indexToRasMm).inverted().after(toMm)
        } catch {
            throw problem("the matrix of the mask is singular; save it with a valid qform or sform")
        }
        let (planes, rows, columns) = (labels.planes, labels.rows, labels.columns)
        let source = mask.volume
        var laid = Volume<UInt8>(planes: planes, rows: rows, columns: columns, filledWith: 0)
        var covered = [Int](repeating: 0, count: planes)
        laid.elements.withUnsafeMutableBufferPointer { laid in
            covered.withUnsafeMutableBufferPointer { covered in
                let (laid, covered) = (DisjointSlices(laid), DisjointSlices(covered))
                parallelFor(planes, threads: threads) { plane in
                    var inside = 0
                    source.elements.withUnsafeBufferPointer { voxels in
                        for row in 0..<rows {
                            for column in 0..<columns {
                                // Indices of image files run column, row, plane.
                                let place = toMask(SIMD3(Double(column), Double(row), Double(plane)))
                                guard let i = nearestIndex(place.x, below: source.columns),
                                    let j = nearestIndex(place.y, below: source.rows),
                                    let k = nearestIndex(place.z, below: source.planes)
                                else { continue }
                                inside += 1
                                if voxels[(k * source.rows + j) * source.columns + i] != 0 {
                                    laid[(plane * rows + row) * columns + column] = 1
                                }
                            }
                        }
                    }
                    covered[plane] = inside
                }
            }
        }
        guard covered.contains(where: { $0 > 0 }) else {
            let low = toMm(SIMD3(0, 0, 0))
            let high = toMm(SIMD3(Double(columns - 1), Double(rows - 1), Double(planes - 1)))
            throw problem(
                "the mask lies outside the volume, which reaches from \(low.text) to \(high.text) mm (RAS); "
                    + "draw it on the exported tissue volume")
        }
        return laid
    }
}

/// The whole number next to a place, halves away from 0; nil below 0 and from `count` on.
@inline(__always)
private func nearestIndex(_ place: Double, below count: Int) -> Int? {
    guard place > -0.5, place < Double(count) else { return nil }
    // The largest number below one half, so that what lies just below a half is not lifted over it.
    let index = Int(place + 0.499_999_999_999_999_94)
    return index < count ? index : nil
}

extension SIMD3<Double> {
    /// A point as a message shows it, to a hundredth.
    fileprivate var text: String {
        let parts = (0..<3).map { "\((self[$0] * 100).rounded() / 100)" }
        return "(" + parts.joined(separator: ", ") + ")"
    }
}
