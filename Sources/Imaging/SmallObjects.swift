import NDArray

extension ImageComponents {
    /// The pixels of the components for which `isKept` holds, asked once for each component by its number.
    public func pixels(where isKept: (Int) -> Bool) -> BitImage {
        var keeps = [Bool](repeating: false, count: sizes.count)
        for component in 1..<max(sizes.count, 1) { keeps[component] = isKept(component) }
        return BitImage(labels) { keeps[Int($0)] }
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
        guard labels.count > 0 else { return found }
        for column in 0..<labels.columns {
            found.insert(Int(labels[0, column]))
            found.insert(Int(labels[labels.rows - 1, column]))
        }
        for row in 0..<labels.rows {
            found.insert(Int(labels[row, 0]))
            found.insert(Int(labels[row, labels.columns - 1]))
        }
        found.remove(0)
        return found
    }
}
