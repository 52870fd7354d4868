public import NDArray

/// The smallest value in the `size × size` window around each pixel.
///
/// Along a row windows are built by doubling (a window of 5 is two of 4 that overlap, those two of 2).
/// Outside the image the picture goes on by reflection; a window of even size reaches one further up and left.
///
/// - Parameter size: side of the window in pixels, at least 1; 1 gives the image itself.
/// - Complexity: O(pixels · size), of which only the rows' share is more than a comparison of vectors.
///
/// Reference: `scipy.ndimage.minimum_filter`, mode `reflect`; results are equal.
public func minimumFilter(_ image: Image<Float>, size: Int, threads: Int = 1) -> Image<Float> {
    extremumFilter(image, size: size, threads: threads, choice: Smaller<Float>.self)
}

/// The largest value in the `size × size` window around each pixel; see `minimumFilter`.
///
/// Reference: `scipy.ndimage.maximum_filter`, mode `reflect`; results are equal.
public func maximumFilter(_ image: Image<Float>, size: Int, threads: Int = 1) -> Image<Float> {
    extremumFilter(image, size: size, threads: threads, choice: Larger<Float>.self)
}

/// The smallest value of 8-bit levels in the window around each pixel; see the filter of real numbers.
public func minimumFilter(_ image: Image<UInt8>, size: Int, threads: Int = 1) -> Image<UInt8> {
    extremumFilter(image, size: size, threads: threads, choice: Smaller<UInt8>.self)
}

/// The largest value of 8-bit levels in the window around each pixel; see the filter of real numbers.
public func maximumFilter(_ image: Image<UInt8>, size: Int, threads: Int = 1) -> Image<UInt8> {
    extremumFilter(image, size: size, threads: threads, choice: Larger<UInt8>.self)
}

private protocol Choice {
    associatedtype Element: Comparable & Sendable & BitwiseCopyable
    static func of(_ first: Element, _ second: Element) -> Element
}

private enum Smaller<Element: Comparable & Sendable & BitwiseCopyable>: Choice {
    @inline(__always) static func of(_ first: Element, _ second: Element) -> Element {
        second < first ? second : first
    }
}

private enum Larger<Element: Comparable & Sendable & BitwiseCopyable>: Choice {
    @inline(__always) static func of(_ first: Element, _ second: Element) -> Element {
        second > first ? second : first
    }
}

@inline(__always)
private func extremumFilter<Chosen: Choice>(
    _ image: Image<Chosen.Element>, size: Int, threads: Int, choice: Chosen.Type
) -> Image<Chosen.Element> {
    precondition(size >= 1, "A filter's window needs a side of at least 1 pixel, not \(size).")
    guard size > 1 else { return image }
    return separableFilter(
        image, before: size / 2, after: size - 1 - size / 2, threads: threads,
        kernel: ExtremumKernel<Chosen>(size: size))
}

private struct ExtremumKernel<Chosen: Choice>: LineKernel {
    typealias Element = Chosen.Element
    let size: Int

    func filter(along padded: UnsafeMutablePointer<Element>, into output: UnsafeMutablePointer<Element>, count: Int) {
        var length = count + size - 1
        var window = 1
        while window * 2 <= size {
            length -= window
            // Reads run ahead of writes, so the line may be overwritten in place.
            for index in 0..<length { padded[index] = Chosen.of(padded[index], padded[index + window]) }
            window *= 2
        }
        let shift = size - window
        for index in 0..<count { output[index] = Chosen.of(padded[index], padded[index + shift]) }
    }

    func filter(
        across lines: UnsafeBufferPointer<UnsafePointer<Element>>, into output: UnsafeMutablePointer<Element>,
        count: Int
    ) {
        let first = lines[0]
        if size == 5 {
            let (a, b, c, d) = (lines[1], lines[2], lines[3], lines[4])
            for index in 0..<count {
                output[index] = Chosen.of(
                    Chosen.of(Chosen.of(first[index], a[index]), Chosen.of(b[index], c[index])), d[index])
            }
            return
        }
        for index in 0..<count { output[index] = first[index] }
        for line in lines.dropFirst() {
            for index in 0..<count { output[index] = Chosen.of(output[index], line[index]) }
        }
    }
}
