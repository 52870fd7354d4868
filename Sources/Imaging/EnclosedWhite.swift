import NDArray

/// The gray level that parts pale white matter from the slide, where the section shows white matter: between its brightness and the slide's.
///
/// What is bright and enclosed by dark tissue is white matter or, where it is as bright as the slide, a hole. So the slide's spread is known from
/// outside, the white matter's brightness from inside, and the level is looked for between the two: where the fewest pixels are, and of
/// such places the one nearest to half-way.
///
/// - Parameters:
///   - image: brightness with even light (`SlideLight`), blurred by a pixel.
///   - otsu: parts the dark tissue from all that is bright.
///   - leastPx: smaller areas of white matter say nothing.
/// - Returns: the level and the white matter's own, nil where no white matter is seen; and the darker rim of a cover slip along the
///   image's border, which is no tissue.
func levelAboveEnclosedWhite(
    _ image: Image<Float>, slide: SlideLight, otsu: Double, padding: BitImage, leastPx: Int
) -> (level: Double?, whiteLevel: Double?, rim: BitImage) {
    let bright = BitImage(image) { Double($0) > otsu } & ~padding
    let components = connectedComponents(of: bright)
    let atBorder = components.atBorder
    // Two pixels from any edge: no mixture of dark and bright.
    let core = bright.eroded(radiusPx: 2)
    let spread = max(slide.spread, 0.7)
    let below = BitImage(image) { Double($0) < slide.level - 3.5 * spread } & core
    let enclosed = components.pixels { !atBorder.contains($0) } & below
    // Through a tear, or where a section ends in white matter, it hangs together with the slide; a cover slip's rim lies at the image's border.
    let broad = (below & ~enclosed).opened(radiusPx: 5)
    let pieces = connectedComponents(of: broad)
    let margin = max(8, min(image.rows, image.columns) / 40)
    var atRim: Set<Int> = []
    var reach = [Int](repeating: 0, count: pieces.sizes.count)
    for (run, number) in zip(pieces.runs, pieces.numbers) {
        let vertically = min(run.line, image.rows - 1 - run.line)
        func away(_ column: Int) -> Int { min(vertically, min(column, image.columns - 1 - column)) }
        let (first, last) = (Int(run.start), Int(run.end) - 1)
        let piece = Int(number)
        if min(away(first), away(last)) < margin { atRim.insert(piece) }
        reach[piece] = max(reach[piece], away(min(max((image.columns - 1) / 2, first), last)))
    }
    let open = pieces.pixels { !atRim.contains($0) && pieces.sizes[$0] > leastPx }
    let rim = pieces.pixels { atRim.contains($0) && reach[$0] < 2 * margin }.dilated(radiusPx: 4)
    var white: [Float] = []
    let seen = enclosed | open
    white.reserveCapacity(seen.setCount)
    seen.forEachSet { white.append(image.elements[$0]) }
    let dark = image.count - bright.setCount - padding.setCount
    guard white.count > max(leastPx, dark / 250) else { return (nil, nil, rim) }
    let lowest = Double(white.orderStatistic(white.count / 10))
    let highest = slide.level - 3 * spread
    // Quarters of a level from the darkest white matter to the slide.
    let width = 0.25
    let bins = Int((slide.level - 2 * spread - lowest) / width)
    let median = Double(white.orderStatistic(white.count / 2))
    guard bins > 6 else { return (min((lowest + slide.level) / 2, highest), median, rim) }
    var counts = [Float](repeating: 0, count: bins)
    counts.withUnsafeMutableBufferPointer { counts in
        image.elements.withUnsafeBufferPointer { pixels in
            (core & ~rim).interior(from: SlideLight.margin(of: image)).forEachSet { pixel in
                let place = (Double(pixels[pixel]) - lowest) / width
                if place >= 0, place < Double(bins) { counts[Int(place)] += 1 }
            }
        }
    }
    let all = gaussianFilter(Image(rows: 1, columns: bins, elements: counts), sigmaPx: 2, threads: 1).elements
    // What is enclosed may be pale gray matter too: white matter is the brightest peak before the slide's flank, and apart from it.
    let flank = max(1, min(bins, Int((highest - lowest) / width)))
    let peaks = all.indices.prefix(flank).filter { bin in
        all[max(bin - 3, 0)...min(bin + 3, bins - 1)].allSatisfy { $0 <= all[bin] }
            && all[bin...].contains { $0 < 0.7 * all[bin] }
    }
    let tallest = peaks.map { all[$0] }.max() ?? 0
    let peak = peaks.last { all[$0] >= 0.2 * tallest } ?? max(0, min(flank, Int((median - lowest) / width)) - 1)
    let whiteLevel = lowest + (Double(peak) + 0.5) * width
    let halfway = min((whiteLevel + slide.level) / 2, highest)
    let smooth = Array(all[peak...])
    let (least, most) = (smooth.min() ?? 0, smooth.max() ?? 0)
    let quiet = smooth.indices.filter { smooth[$0] <= least + 0.03 * most }
        .map { lowest + (Double(peak + $0) + 0.5) * width }
    let level = quiet.min { abs($0 - halfway) < abs($1 - halfway) } ?? halfway
    return (min(level, highest), whiteLevel, rim)
}

extension BitImage {
    /// Without pieces that lie along the image's border and nowhere deeper in it than a twentieth of its side: the rim of a
    /// cover slip, not tissue.
    func withoutRim() -> BitImage {
        let pieces = connectedComponents(of: self)
        let atBorder = pieces.atBorder
        guard !atBorder.isEmpty else { return self }
        let depth = max(16, min(rows, columns) / 20)
        var isDeep = [Bool](repeating: false, count: pieces.sizes.count)
        for (run, number) in zip(pieces.runs, pieces.numbers)
        where run.line >= depth && run.line < rows - depth && Int(run.start) < columns - depth && Int(run.end) > depth {
            isDeep[Int(number)] = true
        }
        return pieces.pixels { !atBorder.contains($0) || isDeep[$0] }
    }
}
