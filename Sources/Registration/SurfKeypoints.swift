internal import Imaging
public import NDArray

/// How keypoints are sought.
public struct SurfSettings: Sendable, Equatable {
    /// Octaves of filter sizes; each doubles the sizes and the sampling step. Bay: 4.
    public var octaves: Int
    /// Smallest determinant of the Hessian for gray levels of 0 … 1.
    public var threshold: Float
    /// At most so many keypoints, the strongest.
    public var maximumCount: Int
    /// How many times the image is enlarged first (1 not at all): finds detail of the size of a pixel.
    public var upsampling: Int

    public init(octaves: Int = 4, threshold: Float = 0.0004, maximumCount: Int = 4_000, upsampling: Int = 1) {
        precondition(octaves >= 1 && octaves <= 6, "There can be 1 to 6 octaves, not \(octaves).")
        precondition(upsampling >= 1, "The enlargement must be at least 1, not \(upsampling).")
        precondition(maximumCount >= 0, "The number of keypoints cannot be negative: \(maximumCount).")
        self.octaves = octaves
        self.threshold = threshold
        self.maximumCount = maximumCount
        self.upsampling = upsampling
    }
}

/// SURF: speeded-up robust features, with their oriented 64-number descriptors.
///
/// Spots and saddles of any size are maxima of the Hessian's determinant over place and scale, found with box filters on an integral
/// image, so that a large filter costs as much as a small one. Each gets a direction from the Haar responses around it and
/// a descriptor measured along that direction, which is thus the same after any rotation, shift and change of contrast.
///
/// - Parameters:
///   - image: gray levels 0 … 255.
///   - mask: where keypoints may lie, as large as the image; anywhere if nil.
///   - settings: how they are sought.
/// - Returns: the strongest first, positions and scales in pixels of `image`.
/// - Complexity: O(pixels · upsampling² · octaves + keypoints).
///
/// **Reference**: H. Bay, T. Tuytelaars, L. Van Gool, ECCV 2006; H. Bay, A. Ess, T. Tuytelaars, L. Van Gool, CVIU 110, 346 (2008),
/// doi:10.1016/j.cviu.2007.09.014.
/// **Differs**: the turning window of the orientation opens at every vector instead of in fixed steps.
public func surfKeypoints(
    _ image: Image<Float>, inside mask: Image<UInt8>? = nil, settings: SurfSettings = SurfSettings(), threads: Int = 1
) -> KeypointSet {
    if let mask {
        precondition(mask.rows == image.rows && mask.columns == image.columns, "Mask and image differ in size.")
    }
    guard image.rows > 2, image.columns > 2, settings.maximumCount > 0 else {
        return KeypointSet(keypoints: [], descriptors: [])
    }
    let factor = settings.upsampling
    let enlarged = enlarged(image, factor: factor, threads: threads)
    let largestFilterPx = 3 * ((1 << settings.octaves) * 4 + 1)
    let integral = IntegralImage(enlarged, margin: largestFilterPx / 2 + 10)
    var maxima: [HessianMaximum] = []
    let extents = (0..<enlarged.rows).map { row -> Range<Int> in
        guard let mask else { return 0..<enlarged.columns }
        let extent = mask.extent(ofRow: min(row / factor, mask.rows - 1))
        return extent.lowerBound * factor..<min(extent.upperBound * factor, enlarged.columns)
    }
    var finer: [Int: HessianResponse] = [:]
    for octave in 0..<settings.octaves {
        let step = 1 << octave
        let (searched, wanted) = searchedColumns(
            extents, columns: enlarged.columns, step: step, coarserOctaves: settings.octaves - 1 - octave)
        // Side = 3 (2^octave · interval + 1): 9, 15, 21, 27; 15, 27, 39, 51; … (Bay 2008, figure 7).
        func response(_ interval: Int) -> HessianResponse {
            let filterPx = 3 * ((2 << octave) * interval + 1)
            return HessianResponse(
                integral, filterPx: filterPx, step: step, wanted: wanted, finer: finer[filterPx], threads: threads)
        }
        var (below, middle) = (response(1), response(2))
        // The next octave begins with the second and the fourth of this one.
        var handedOn = [middle.filterPx: middle]
        for interval in 3...4 {
            let above = response(interval)
            maxima += hessianMaxima(
                integral, below: below, middle, above: above, searched: searched, threshold: settings.threshold,
                threads: threads
            ) { row, column in
                guard let mask else { return true }
                return mask[min(row / factor, mask.rows - 1), min(column / factor, mask.columns - 1)] != 0
            }
            (below, middle) = (middle, above)
        }
        handedOn[middle.filterPx] = middle
        finer = handedOn
    }
    maxima.sort { ($0.response, -$0.row, -$0.column, -$0.scalePx) > ($1.response, -$1.row, -$1.column, -$1.scalePx) }
    let kept = Array(maxima.prefix(settings.maximumCount))
    let describer = SurfDescriptor(integral: integral)
    var angles = [Float](repeating: 0, count: kept.count)
    var descriptors = [Float](repeating: 0, count: kept.count * KeypointSet.descriptorLength)
    guard !kept.isEmpty else { return KeypointSet(keypoints: [], descriptors: []) }
    angles.withUnsafeMutableBufferPointer { angles in
        descriptors.withUnsafeMutableBufferPointer { descriptors in
            let angles = DisjointSlices(angles)
            let descriptors = DisjointSlices(descriptors)
            // Neighbours one after the other: what one has read of the integral image is still at hand for the next.
            let nearby = kept.indices.sorted {
                (Int(kept[$0].row) / 32, kept[$0].column, $0) < (Int(kept[$1].row) / 32, kept[$1].column, $1)
            }
            parallelBands(kept.count, band: 16, threads: threads) { band in
                for index in nearby[band] {
                    let angle = describer.orientationRad(of: kept[index])
                    angles[index] = angle
                    describer.describe(kept[index], angleRad: angle, into: descriptors.base + index * 64)
                }
            }
        }
    }
    let keypoints = kept.indices.map { index in
        let maximum = kept[index]
        return Keypoint(
            position: PlanarPoint(
                row: (maximum.row + 0.5) / Double(factor) - 0.5, column: (maximum.column + 0.5) / Double(factor) - 0.5),
            scalePx: Float(maximum.scalePx / Double(factor)), angleRad: angles[index], response: maximum.response,
            laplacian: maximum.laplacian)
    }
    return KeypointSet(keypoints: keypoints, descriptors: descriptors)
}

/// The columns of an octave's grid where maxima are sought, and those whose responses that takes: here and, as they are handed on, in the
/// coarser octaves.
private func searchedColumns(
    _ extents: [Range<Int>], columns: Int, step: Int, coarserOctaves: Int
) -> (searched: [Range<Int>], wanted: [Range<Int>]) {
    let count = (columns + step - 1) / step
    let searched = stride(from: 0, to: extents.count, by: step).map { row -> Range<Int> in
        let extent = extents[row]
        return extent.isEmpty ? 0..<0 : extent.lowerBound / step..<min((extent.upperBound - 1) / step + 1, count)
    }
    // A neighbour in the coarsest octave lies twice as far away in the one before, and one step more by rounding.
    let reach = (2 << coarserOctaves) - 1
    let wanted = searched.indices.map { row -> Range<Int> in
        var hull = 0..<0
        for near in max(0, row - reach)...min(searched.count - 1, row + reach) where !searched[near].isEmpty {
            hull =
                hull.isEmpty
                ? searched[near]
                : min(hull.lowerBound, searched[near].lowerBound)..<max(hull.upperBound, searched[near].upperBound)
        }
        return hull.isEmpty ? hull : max(0, hull.lowerBound - reach)..<min(count, hull.upperBound + reach)
    }
    return (searched, wanted)
}

extension Image<UInt8> {
    /// The columns from the first to the last pixel of a row that is not zero.
    fileprivate func extent(ofRow row: Int) -> Range<Int> {
        elements.withUnsafeBufferPointer { pixels in
            let line = UnsafeBufferPointer(rebasing: pixels[row * columns..<(row + 1) * columns])
            guard let first = line.firstIndex(where: { $0 != 0 }), let last = line.lastIndex(where: { $0 != 0 }) else {
                return 0..<0
            }
            return first..<last + 1
        }
    }
}

/// The image on a grid `factor` times as fine, by cubic convolution (Keys 1981, a = −1/2); the outer edges coincide.
func enlarged(_ image: Image<Float>, factor: Int, threads: Int) -> Image<Float> {
    guard factor > 1 else { return image }
    let (rows, columns) = (image.rows * factor, image.columns * factor)
    // Each of the `factor` places between pixels has its own four weights.
    let taps: [(first: Int, weights: SIMD4<Float>)] = (0..<factor).map { phase in
        let place = (Double(phase) + 0.5) / Double(factor) - 0.5
        let base = place.rounded(.down)
        let t = place - base
        let weights = SIMD4<Double>(
            ((-0.5 * t + 1) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1, ((-1.5 * t + 2) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t)
        return (Int(base) - 1, SIMD4<Float>(weights))
    }
    let elements = [Float](unsafeUninitializedCapacity: rows * columns) { buffer, initialised in
        let output = DisjointSlices(buffer)
        parallelBands(image.rows, band: 8, threads: threads) { band in
            var line = [Float](repeating: 0, count: image.columns + 4)
            image.elements.withUnsafeBufferPointer { pixels in
                for row in band {
                    for phase in 0..<factor {
                        let (first, weights) = taps[phase]
                        line.withUnsafeMutableBufferPointer { line in
                            let sources = (0..<4).map { min(max(row + first + $0, 0), image.rows - 1) * image.columns }
                            let (a, b, c, d) = (sources[0], sources[1], sources[2], sources[3])
                            for column in 0..<image.columns {
                                line[column + 2] =
                                    weights[0] * pixels[a + column] + weights[1] * pixels[b + column]
                                    + weights[2] * pixels[c + column] + weights[3] * pixels[d + column]
                            }
                            line[0] = line[2]
                            line[1] = line[2]
                            line[image.columns + 2] = line[image.columns + 1]
                            line[image.columns + 3] = line[image.columns + 1]
                            let target = output.base + (row * factor + phase) * columns
                            for (phase, tap) in taps.enumerated() {
                                for column in 0..<image.columns {
                                    let at = column + tap.first + 2
                                    target[column * factor + phase] =
                                        tap.weights[0] * line[at] + tap.weights[1] * line[at + 1]
                                        + tap.weights[2] * line[at + 2] + tap.weights[3] * line[at + 3]
                                }
                            }
                        }
                    }
                }
            }
        }
        initialised = rows * columns
    }
    return Image(rows: rows, columns: columns, elements: elements)
}
