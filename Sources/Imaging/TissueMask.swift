public import NDArray

/// The stained tissue of a section: the darker class of Otsu's threshold, without specks and pinholes.
///
/// A quick mask for matching and overlap. It takes bright white matter for slide where that is nearly as bright; the
/// full answer is `segmentTissue`.
///
/// - Parameters:
///   - image: gray levels, tissue darker than the slide.
///   - minimumSizePx: connected pieces of the mask with fewer pixels go, holes with fewer are filled.
/// - Returns: the tissue's pixels; empty for an image of one gray level.
public func tissueMask(of image: Image<UInt8>, minimumSizePx: Int = 64) -> BitImage {
    let counts = histogram(of: image)
    guard counts.count(where: { $0 > 0 }) > 1, let threshold = otsuThreshold(counts) else {
        return BitImage(rows: image.rows, columns: image.columns)
    }
    let mask = BitImage(image) { Int($0) <= threshold }
    let pieces = removingSmallObjects(mask, maximumSizePx: minimumSizePx - 1)
    return fillingSmallHoles(pieces, maximumSizePx: minimumSizePx - 1, fillsAtBorder: false)
}
