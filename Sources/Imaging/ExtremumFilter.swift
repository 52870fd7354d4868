public import NDArray

/// The smallest value in the `size × size` window around each pixel.
///
/// Windows are built by doubling (a window of 5 is two of 4 that overlap, those two of 2), so the cost grows with the
/// logarithm of `size`. Outside the image the picture goes on by reflection; a window of even size reaches one further
/// up and left.
///
/// - Parameter size: side of the window in pixels, at least 1; 1 gives the image itself.
/// - Complexity: O(pixels · log size).
///
/// Reference: `scipy.ndimage.minimum_filter`, mode `reflect`; results are equal.
public func minimumFilter(_ image: Image<Float>, size: Int, threads: Int = 1) -> Image<Float> {
    extremumFilter(image, size: size, threads: threads, choice: Smaller.self)
}

/// The largest value in the `size × size` window around each pixel; see `minimumFilter`.
///
/// Reference: `scipy.ndimage.maximum_filter`, mode `reflect`; results are equal.
public func maximumFilter(_ image: Image<Float>, size: Int, threads: Int = 1) -> Image<Float> {
    extremumFilter(image, size: size, threads: threads, choice: Larger.self)
}

private protocol Choice {
    static func of(_ first: Float, _ second: Float) -> Float
}

private enum Smaller: Choice {
    @inline(__always) static func of(_ first: Float, _ second: Float) -> Float { second < first ? second : first }
}

private enum Larger: Choice {
    @inline(__always) static func of(_ first: Float, _ second: Float) -> Float { second > first ? second : first }
}

private func extremumFilter<Chosen: Choice>(
    _ image: Image<Float>, size: Int, threads: Int, choice: Chosen.Type
) -> Image<Float> {
    precondition(size >= 1, "A filter's window needs a side of at least 1 pixel, not \(size).")
    guard size > 1 else { return image }
    return separableFilter(
        image, before: size / 2, after: size - 1 - size / 2, threads: threads,
        kernel: ExtremumKernel<Chosen>(size: size))
}

private struct ExtremumKernel<Chosen: Choice>: LineKernel {
    let size: Int

    func filter(
        _ padded: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>, count: Int, width: Int
    ) {
        var length = (count + size - 1) * width
        var window = 1
        while window * 2 <= size {
            let shift = window * width
            length -= shift
            // Reads run ahead of writes, so the line may be overwritten in place.
            for index in 0..<length { padded[index] = Chosen.of(padded[index], padded[index + shift]) }
            window *= 2
        }
        let shift = (size - window) * width
        for index in 0..<count * width { output[index] = Chosen.of(padded[index], padded[index + shift]) }
    }
}
