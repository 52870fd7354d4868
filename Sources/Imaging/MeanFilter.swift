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
    let scale = 1 / Float(size)
    return separableFilter(image, before: size / 2, after: size - 1 - size / 2, threads: threads) {
        line, output, count, width in
        if size <= 16 {
            for index in 0..<count * width { output[index] = line[index] + line[index + width] }
            for step in 2..<max(size, 2) {
                let shift = step * width
                for index in 0..<count * width { output[index] += line[index + shift] }
            }
            for index in 0..<count * width { output[index] *= scale }
        } else {
            for lane in 0..<width {
                var sum = 0.0
                for index in 0..<size { sum += Double(line[index * width + lane]) }
                for index in 0..<count {
                    output[index * width + lane] = Float(sum / Double(size))
                    if index + 1 < count {
                        sum += Double(line[(index + size) * width + lane]) - Double(line[index * width + lane])
                    }
                }
            }
        }
    }
}
