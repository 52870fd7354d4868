public import NDArray

/// The mean of the `size × size` window around each pixel.
///
/// Small windows are summed outright, along a row large ones by a sum that runs with them in double precision. Outside the
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

    func filter(along padded: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>, count: Int) {
        if size <= MeanKernel.largestOutright {
            withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: size) { shifted in
                for step in 0..<size { shifted[step] = UnsafePointer(padded + step) }
                filter(across: UnsafeBufferPointer(shifted), into: output, count: count)
            }
            return
        }
        var sum = 0.0
        for index in 0..<size { sum += Double(padded[index]) }
        for index in 0..<count {
            output[index] = Float(sum / Double(size))
            if index + 1 < count { sum += Double(padded[index + size]) - Double(padded[index]) }
        }
    }

    /// The largest window whose elements are summed outright along a line.
    private static let largestOutright = 16

    func filter(
        across lines: UnsafeBufferPointer<UnsafePointer<Float>>, into output: UnsafeMutablePointer<Float>, count: Int
    ) {
        let scale = 1 / Float(size)
        forEachBlock(of: SIMD16<Float>.self, count) { index in
            var sum: SIMD16<Float> = block(lines[0], index)
            for line in 1..<size { sum += block(lines[line], index) }
            store(sum * scale, at: output + index)
        } rest: { index in
            var sum = lines[0][index]
            for line in 1..<size { sum += lines[line][index] }
            output[index] = sum * scale
        }
    }
}
