import NDArray

/// Where the slide begins on the gray scale, found from an image's histogram and its border.
///
/// White matter can be nearly as bright as the slide, and then the histogram has no two classes but three: gray matter, white matter, slide. Otsu's
/// threshold parts gray matter from the other two, and the minimum next to it would give the white matter away. So the bright class is parted once more by Otsu, and
/// the second threshold counts if it lies clearly below the slide's level as the image's border shows it; otherwise it would cut the slide's own peak in two, and the first one stays.
struct SlideThreshold {
    /// Levels from here on are slide.
    var level: Double
    /// Levels below are tissue for certain: what lies between is tissue where it is connected to such.
    var seedLevel: Double
    var otsu: Double
    var slideLevel: Double
    var slideSpread: Double
    /// Share of the border that is darker than Otsu's threshold.
    var darkBorder: Double
    /// Whether anything is clearly darker than the slide.
    var separates: Bool

    /// - Parameters:
    ///   - levels: the filtered image.
    ///   - counted: the pixels that count (no padding).
    init?(levels: Image<UInt8>, counted: BitImage, recipe: SegmentationRecipe) {
        let counts = histogram(of: levels, inside: counted)
        guard counts.count(where: { $0 > 0 }) > 1, let first = otsuThreshold(counts) else { return nil }
        let minima = localMinima(
            of: smoothedHistogram(counts, medianSize: recipe.histogramMedian, meanSize: recipe.histogramMean))
        let border = SlideThreshold.borderLevels(levels, counted: counted)
        let bright = border.filter { Int($0) > first }.sorted()
        let middle: Double
        var spread = 1.0
        if bright.count * 10 >= border.count, !bright.isEmpty {
            middle = Double(bright[bright.count / 2])
            let deviations = bright.map { abs(Double($0) - middle) }.sorted()
            spread = max(1, 1.4826 * deviations[deviations.count / 2])
        } else {
            // Tissue all along the border: the commonest bright level must do.
            middle = Double((first + 1..<256).max { counts[$0] < counts[$1] } ?? 255)
        }
        func nearest(to otsu: Int) -> Double {
            let candidates = minima.filter { abs($0 - otsu) <= recipe.minimumReach && Double($0) < middle - spread }
            return Double(candidates.min { abs($0 - otsu) < abs($1 - otsu) } ?? otsu) + 0.5
        }
        // A robust deviation: 4 of them hold all but 1 in 16,000 of a normal distribution's pixels.
        let certain = middle - 4 * spread
        otsu = Double(first)
        slideLevel = middle
        slideSpread = spread
        darkBorder = border.isEmpty ? 0 : 1 - Double(bright.count) / Double(border.count)
        seedLevel = nearest(to: first)
        level = seedLevel
        if let second = otsuThreshold(counts, levels: first + 1..<256), Double(second) < certain {
            level = max(nearest(to: second), seedLevel)
        }
        separates = level < certain + spread
        if !separates {
            level = middle - 6 * spread
            seedLevel = level
        }
    }

    /// The gray levels along the border, a fiftieth of the image's side deep.
    private static func borderLevels(_ levels: Image<UInt8>, counted: BitImage) -> [UInt8] {
        let depth = max(1, min(levels.rows, levels.columns) / 50)
        var found: [UInt8] = []
        for row in 0..<levels.rows {
            let isFull = row < depth || row >= levels.rows - depth
            for column in 0..<levels.columns where isFull || column < depth || column >= levels.columns - depth {
                if counted[row, column] { found.append(levels[row, column]) }
            }
        }
        return found
    }
}

/// What was never scanned: a region of the scale's first or last level at the image's border, next to which the slide is of another, even level.
///
/// A slide that is itself saturated is no padding: what lies next to it is nearly as bright.
func padding(of image: Image<UInt8>) -> BitImage {
    var found = BitImage(rows: image.rows, columns: image.columns)
    for extreme: UInt8 in [0, 255] {
        let level = BitImage(image) { $0 == extreme }
        guard level.touchesBorder else { continue }
        let components = connectedComponents(of: level)
        let atBorder = components.atBorder
        let region = components.pixels { atBorder.contains($0) && components.sizes[$0] >= 64 }
        guard !region.isEmpty else { continue }
        // Two pixels of transition are left out.
        let inner = region.dilated(by: .square, iterations: 2)
        let frontier = inner.dilated(by: .square, iterations: 3) & ~inner
        let counts = histogram(of: image, inside: frontier)
        let total = counts.reduce(0, +)
        guard let mode = counts.indices.max(by: { counts[$0] < counts[$1] }), total > 0 else { continue }
        let near = counts[max(0, mode - 4)...min(255, mode + 4)].reduce(0, +)
        // Even, brighter than middle gray, and another level than the padding's.
        if near * 2 > total, mode > 128, abs(mode - Int(extreme)) > 5 { found = found | inner }
    }
    return found
}
