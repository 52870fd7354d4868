import NDArray

/// Where the slide begins on the gray scale, found from an image's histogram and its border.
///
/// White matter can be nearly as bright as the slide, and then the histogram has no two classes but three: gray
/// matter, white matter, slide. Otsu's threshold parts gray matter from the other two, and the minimum next to it
/// would give the white matter away. So the bright class is parted once more by Otsu. Where the first threshold has
/// found the slide already, the second one cuts the slide's own peak in two; the image's border tells, for it shows
/// slide, at its darkest: the second threshold counts only if hardly any of the border lies between the two.
struct SlideThreshold {
    /// Levels from here on are slide.
    var level: Double
    /// Levels below are tissue for certain: what lies between is tissue where it is connected to such.
    var seedLevel: Double
    var otsu: Double
    var slideLevel: Double
    /// Median gray level of all that is brighter than the threshold.
    var brightLevel: Double
    /// Share of the border that is darker than Otsu's threshold.
    var darkBorder: Double
    /// Difference of the two classes that Otsu's threshold makes, as an optical density.
    var contrast: Double

    /// - Parameters:
    ///   - levels: the filtered image.
    ///   - counted: the pixels that count (no padding).
    init?(levels: Image<UInt8>, counted: BitImage, recipe: SegmentationRecipe) {
        let counts = histogram(of: levels, inside: counted)
        guard counts.count(where: { $0 > 0 }) > 1, let first = otsuThreshold(counts) else { return nil }
        let smoothed = smoothedHistogram(
            counts, medianSize: recipe.histogramMedian, meanSize: recipe.histogramMean)
        let minima = localMinima(of: smoothed).filter { valleyDepth(of: smoothed, at: $0) >= recipe.minimumValleyDepth }
        otsu = Double(first)
        contrast = SlideThreshold.contrast(counts, threshold: first)
        let border = SlideThreshold.borderLevels(levels, counted: counted)
        let bright = border.filter { Int($0) > first }.sorted()
        darkBorder = border.isEmpty ? 0 : 1 - Double(bright.count) / Double(border.count)
        if bright.count * 10 >= border.count, !bright.isEmpty {
            slideLevel = Double(bright[bright.count / 2])
        } else {
            // Tissue all along the border: the commonest bright level must do.
            slideLevel = Double((first + 1..<256).max { counts[$0] < counts[$1] } ?? 255)
        }
        func nearestMinimum(to otsu: Int) -> Double {
            let candidates = minima.filter { abs($0 - otsu) <= recipe.minimumReach }
            return Double(candidates.min { abs($0 - otsu) < abs($1 - otsu) } ?? otsu) + 0.5
        }
        seedLevel = nearestMinimum(to: first)
        var chosen = seedLevel
        let certain = seedLevel
        // White matter may be a small part of the bright class: where Otsu's threshold does not hold, the least error's may, or
        // a valley that shows, the deepest first.
        var candidates = [
            otsuThreshold(counts, levels: first + 1..<256), minimumErrorThreshold(counts, levels: first + 1..<256),
        ].compactMap { $0 }.map { nearestMinimum(to: $0) }
        candidates += minima.filter { Double($0) > certain }
            .map { (level: $0, depth: valleyDepth(of: smoothed, at: $0)) }
            .sorted { ($0.depth, $1.level) > ($1.depth, $0.level) }.map { Double($0.level) + 0.5 }
        for upper in candidates where chosen == certain && upper > certain {
            let between = border.count { Double($0) > certain && Double($0) < upper }
            if Double(between) <= recipe.maximumBorderShare * Double(border.count) { chosen = upper }
        }
        let limit = chosen
        level = limit
        var above = counts.indices.reduce(0) { Double($1) > limit ? $0 + counts[$1] : $0 } / 2
        var median = Int(limit) + 1
        while median < 255 && above >= counts[median] {
            above -= counts[median]
            median += 1
        }
        brightLevel = Double(median)
    }

    /// Difference of the two classes' mean brightness as an optical density (decadic).
    private static func contrast(_ counts: [Int], threshold: Int) -> Double {
        func mean(_ levels: Range<Int>) -> Double {
            let total = counts[levels].reduce(0, +)
            return levels.reduce(0.0) { $0 + Double($1) * Double(counts[$1]) } / Double(max(total, 1))
        }
        // One level keeps pure black finite.
        return Math.log((mean(threshold + 1..<256) + 1) / (mean(0..<threshold + 1) + 1)) / Math.log(10)
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

/// What was never scanned: a region of the scale's first or last level at the image's border, next to which the slide
/// is of another, even level.
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
        // A few pixels of transition are left out.
        let inner = region.dilated(by: .square, iterations: 4)
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
