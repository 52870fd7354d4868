import NDArray

extension ImageComponents {
    /// Which components hold a set pixel of `image`, by number.
    func touched(by image: BitImage) -> [Bool] {
        var touched = [Bool](repeating: false, count: sizes.count)
        image.words.withUnsafeBufferPointer { words in
            for (run, number) in zip(runs, numbers) where !touched[Int(number)] {
                let line = run.line * image.wordsPerRow
                forEachPart(of: run) { if words[line + $0] & $1 != 0 { touched[Int(number)] = true } }
            }
        }
        return touched
    }

    /// The words of a row that a run reaches into, by their place in the row, with its bits in them.
    @inline(__always)
    private func forEachPart(of run: RunForest.Run, _ body: (Int, UInt64) -> Void) {
        let (first, last) = (Int(run.start) >> 6, Int(run.end - 1) >> 6)
        let head = UInt64.max << UInt64(run.start & 63)
        let tail = UInt64.max >> UInt64(63 - (run.end - 1) & 63)
        if first == last { return body(first, head & tail) }
        body(first, head)
        for word in first + 1..<last { body(word, .max) }
        body(last, tail)
    }

    /// The pixels of the components for which `isKept` holds, asked once for each component by its number.
    public func pixels(where isKept: (Int) -> Bool) -> BitImage {
        var keeps = [Bool](repeating: false, count: sizes.count)
        for component in 1..<max(sizes.count, 1) { keeps[component] = isKept(component) }
        var image = BitImage(rows: rows, columns: columns)
        image.words.withUnsafeMutableBufferPointer { words in
            for (run, number) in zip(runs, numbers) where keeps[Int(number)] {
                let line = run.line * image.wordsPerRow
                forEachPart(of: run) { words[line + $0] |= $1 }
            }
        }
        return image
    }
}

/// The image without its connected components of at most `maximumSizePx` pixels.
///
/// Reference: `skimage.morphology.remove_small_objects(…, max_size=…)` (0.26).
public func removingSmallObjects(
    _ image: BitImage, maximumSizePx: Int, connectivity: Connectivity = .faces
) -> BitImage {
    guard maximumSizePx > 0 else { return image }
    let components = connectedComponents(of: image, connectivity: connectivity)
    return components.pixels { components.sizes[$0] > maximumSizePx }
}

/// The image with its holes of at most `maximumSizePx` pixels filled.
///
/// A hole is a connected component of pixels that are not set; one at the image's border counts as well, unless
/// `fillsAtBorder` is false.
///
/// Reference: `skimage.morphology.remove_small_holes(…, max_size=…)` (0.26).
public func fillingSmallHoles(
    _ image: BitImage, maximumSizePx: Int, connectivity: Connectivity = .faces, fillsAtBorder: Bool = true
) -> BitImage {
    guard maximumSizePx > 0 else { return image }
    let components = connectedComponents(of: ~image, connectivity: connectivity)
    let touching = fillsAtBorder ? [] : components.atBorder
    return image | components.pixels { components.sizes[$0] <= maximumSizePx && !touching.contains($0) }
}

/// The image with every hole filled that does not reach the image's border.
public func fillingHoles(_ image: BitImage, connectivity: Connectivity = .faces) -> BitImage {
    fillingSmallHoles(image, maximumSizePx: .max, connectivity: connectivity, fillsAtBorder: false)
}

extension ImageComponents {
    /// The numbers of the components with a pixel in the image's outermost rows or columns.
    public var atBorder: Set<Int> {
        var found: Set<Int> = []
        var latest: Int32 = 0
        for (run, number) in zip(runs, numbers) where number != latest {
            if run.line == 0 || run.line == rows - 1 || run.start == 0 || Int(run.end) == columns {
                found.insert(Int(number))
                latest = number
            }
        }
        return found
    }
}
