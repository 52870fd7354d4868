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
    extremumFilter(image, size: size, threads: threads) { $1 < $0 ? $1 : $0 }
}

/// The largest value in the `size × size` window around each pixel; see `minimumFilter`.
///
/// Reference: `scipy.ndimage.maximum_filter`, mode `reflect`; results are equal.
public func maximumFilter(_ image: Image<Float>, size: Int, threads: Int = 1) -> Image<Float> {
    extremumFilter(image, size: size, threads: threads) { $1 > $0 ? $1 : $0 }
}

@inline(__always)
private func extremumFilter(
    _ image: Image<Float>, size: Int, threads: Int, choose: @escaping @Sendable (Float, Float) -> Float
) -> Image<Float> {
    precondition(size >= 1, "A filter's window needs a side of at least 1 pixel, not \(size).")
    guard size > 1 else { return image }
    return separableFilter(image, before: size / 2, after: size - 1 - size / 2, threads: threads) {
        line, output, count, width in
        var length = (count + size - 1) * width
        var window = 1
        while window * 2 <= size {
            let shift = window * width
            length -= shift
            // Reads run ahead of writes, so the line may be overwritten in place.
            for index in 0..<length { line[index] = choose(line[index], line[index + shift]) }
            window *= 2
        }
        let shift = (size - window) * width
        for index in 0..<count * width { output[index] = choose(line[index], line[index + shift]) }
    }
}
