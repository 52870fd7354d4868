public import NDArray

/// The mean of the `size × size` window around each pixel.
///
/// Small windows are summed outright, large ones by sums that run along the line in double precision. Outside the
/// image the picture goes on by reflection; a window of even size reaches one further up and left.
///
/// - Parameter size: side of the window in pixels, at least 1; 1 gives the image itself.
///
/// Reference: `scipy.ndimage.uniform_filter`, mode `reflect`; equal to a few units in the last place of a `Float`.
public func meanFilter(_ image: Image<Float>, size: Int, threads: Int = 1) -> Image<Float> {
    precondition(size >= 1, "A filter's window needs a side of at least 1 pixel, not \(size).")
    guard size > 1 else { return image }
    return separableFilter(
        image, before: size / 2, after: size - 1 - size / 2, threads: threads, kernel: MeanKernel(size: size))
}

private struct MeanKernel: LineKernel {
    let size: Int

    func filter(
        _ padded: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>, count: Int, width: Int
    ) {
        let scale = 1 / Float(size)
        if size == 5 {
            // The paper's size, in one pass; the order of the sum is that of the loop below.
            let (second, third, fourth, fifth) = (width, 2 * width, 3 * width, 4 * width)
            for index in 0..<count * width {
                let sum = padded[index] + padded[index + second] + padded[index + third] + padded[index + fourth]
                output[index] = (sum + padded[index + fifth]) * scale
            }
        } else if size <= 16 {
            for index in 0..<count * width { output[index] = padded[index] + padded[index + width] }
            for step in 2..<max(size, 2) {
                let shift = step * width
                for index in 0..<count * width { output[index] += padded[index + shift] }
            }
            for index in 0..<count * width { output[index] *= scale }
        } else {
            for lane in 0..<width {
                var sum = 0.0
                for index in 0..<size { sum += Double(padded[index * width + lane]) }
                for index in 0..<count {
                    output[index * width + lane] = Float(sum / Double(size))
                    if index + 1 < count {
                        sum += Double(padded[(index + size) * width + lane]) - Double(padded[index * width + lane])
                    }
                }
            }
        }
    }
}
