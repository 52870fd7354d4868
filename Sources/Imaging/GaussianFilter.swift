public import NDArray

/// The image blurred by a Gaussian whose kernel is cut off at `truncate` standard deviations; reflection outside the
/// image.
///
/// - Parameters:
///   - sigmaPx: standard deviation in pixels; 0 gives the image itself.
///   - truncate: radius of the kernel in standard deviations.
/// - Complexity: O(pixels · sigmaPx).
///
/// Reference: `scipy.ndimage.gaussian_filter`, mode `reflect`; equal to a few units in the last place of a `Float`.
public func gaussianFilter(
    _ image: Image<Float>, sigmaPx: Double, truncate: Double = 4, threads: Int = 1
) -> Image<Float> {
    precondition(sigmaPx >= 0 && sigmaPx.isFinite, "A Gaussian's sigma must be finite and not negative: \(sigmaPx).")
    let radius = Int(truncate * sigmaPx + 0.5)
    guard radius > 0 else { return image }
    let weights = gaussianWeights(sigmaPx: sigmaPx, radius: radius)
    return separableFilter(
        image, before: radius, after: radius, threads: threads, kernel: SymmetricKernel(weights: weights))
}

/// A weighted sum whose weights are the same on both sides of the middle.
struct SymmetricKernel: LineKernel {
    /// From the middle outwards.
    let weights: [Float]

    func filter(along padded: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>, count: Int) {
        let radius = weights.count - 1
        withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: 2 * radius + 1) { shifted in
            for step in 0...2 * radius { shifted[step] = UnsafePointer(padded + step) }
            filter(across: UnsafeBufferPointer(shifted), into: output, count: count)
        }
    }

    func filter(
        across lines: UnsafeBufferPointer<UnsafePointer<Float>>, into output: UnsafeMutablePointer<Float>, count: Int
    ) {
        // A loop of known length for the small ones, which are most of them.
        switch weights.count - 1 {
        case 1: sum(lines, radius: 1, into: output, count: count)
        case 2: sum(lines, radius: 2, into: output, count: count)
        case 3: sum(lines, radius: 3, into: output, count: count)
        case 4: sum(lines, radius: 4, into: output, count: count)
        case let radius: sum(lines, radius: radius, into: output, count: count)
        }
    }

    @inline(__always) private func sum(
        _ lines: UnsafeBufferPointer<UnsafePointer<Float>>, radius: Int, into output: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        weights.withUnsafeBufferPointer { weights in
            let middle = weights[0]
            let centre = lines[radius]
            forEachBlock(of: SIMD16<Float>.self, count) { index in
                var sum: SIMD16<Float> = block(centre, index) * middle
                for step in 1...radius {
                    let pair: SIMD16<Float> = block(lines[radius - step], index) + block(lines[radius + step], index)
                    sum += pair * weights[step]
                }
                store(sum, at: output + index)
            } rest: { index in
                var sum = centre[index] * middle
                for step in 1...radius {
                    sum += (lines[radius - step][index] + lines[radius + step][index]) * weights[step]
                }
                output[index] = sum
            }
        }
    }
}

/// The weights of a Gaussian kernel from its middle outwards; the whole kernel sums to 1.
func gaussianWeights(sigmaPx: Double, radius: Int) -> [Float] {
    let raw = (0...radius).map { Math.exp(-0.5 * Double($0 * $0) / (sigmaPx * sigmaPx)) }
    let sum = 2 * raw.dropFirst().reduce(0, +) + raw[0]
    return raw.map { Float($0 / sum) }
}
