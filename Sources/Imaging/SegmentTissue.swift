public import NDArray

/// Labels background, gray matter and white matter of a section by Methods 3.2.
///
/// Minimum, maximum and mean filters even out cells; the slide is told from tissue by the histogram
/// (`SlideThreshold`); then, inside the tissue, contrast is raised by CLAHE, blurred and filtered again, and a
/// morphological Chan–Vese contour parts gray from white. Both edges are moved half-way between what lies on their two
/// sides nearby (`HalfWayEdge`). Small pieces, holes and islands are cleaned away; nothing is closed, so that tight sulci
/// stay open.
///
/// - Parameters:
///   - image: gray levels, tissue darker than the slide (or the other way round, with `recipe.darkBackground`), about
///     64 µm a pixel.
///   - spacingUm: pixel size.
/// - Returns: labels of the image's size (0 background, 1 gray, 2 white) and a report. An image without tissue is all
///   background, with a warning.
///
/// Reference: Methods 3.2.
/// Differs: by default the slide is found before CLAHE and with a second Otsu threshold, as CLAHE spreads pale white
/// matter over the slide's levels; CLAHE and the filters after it see tissue only; `recipe.background = .equalized` is
/// the text to the letter.
public func segmentTissue(
    _ image: Image<UInt8>, spacingUm: Double, recipe: SegmentationRecipe = SegmentationRecipe(), threads: Int = 1
) -> TissueSegmentationResult {
    precondition(spacingUm > 0, "A pixel size must be positive: \(spacingUm) µm.")
    let image = recipe.darkBackground ? image.map { 255 - $0 } : image
    var segmentation = Segmentation(image: image, spacingUm: spacingUm, recipe: recipe, threads: threads)
    guard var tissue = segmentation.tissue(), !tissue.isEmpty else {
        segmentation.report.warnings.append(
            "no tissue was found: everything is background; is the slide empty, or the image of one gray level?")
        return TissueSegmentationResult(
            labels: Image(rows: image.rows, columns: image.columns, filledWith: TissueLabel.background),
            report: segmentation.report)
    }
    var white = segmentation.white(in: tissue)
    segmentation.refine(&white, in: tissue)
    segmentation.clean(&white, &tissue)
    white = white | segmentation.islets(beside: white, in: tissue)
    return segmentation.result(tissue: tissue, white: white)
}

/// The steps of one segmentation.
private struct Segmentation {
    /// With even light, once the slide is found.
    private(set) var image: Image<UInt8>
    /// The image blurred by a pixel: cells are gone, tight sulci still open.
    private(set) var blurred: Image<Float>
    let spacingUm: Double
    let recipe: SegmentationRecipe
    let threads: Int
    var report = SegmentationReport()
    /// The image with raised contrast, where the recipe to the letter has made it already.
    private var enhanced: Image<Float>?

    init(image: Image<UInt8>, spacingUm: Double, recipe: SegmentationRecipe, threads: Int) {
        self.image = image
        blurred = gaussianFilter(image.asFloat, sigmaPx: 1, threads: threads)
        self.spacingUm = spacingUm
        self.recipe = recipe
        self.threads = threads
    }

    private func pixels(mm2 area: Double) -> Int { Int(area * 1e6 / (spacingUm * spacingUm)) }

    /// Minimum, maximum and mean filters over the whole image.
    private func openedMean(_ image: Image<UInt8>) -> Image<Float> {
        let size = recipe.filterSizePx
        let low = minimumFilter(image, size: size, threads: threads)
        return meanFilter(maximumFilter(low, size: size, threads: threads).asFloat, size: size, threads: threads)
    }

    private func openedMean(_ image: Image<Float>) -> Image<Float> {
        let size = recipe.filterSizePx
        let low = minimumFilter(image, size: size, threads: threads)
        return meanFilter(maximumFilter(low, size: size, threads: threads), size: size, threads: threads)
    }

    /// The pixels that are not slide; nil where the image shows but one level.
    mutating func tissue() -> BitImage? {
        guard image.count > 0 else { return nil }
        let padding = padding(of: image)
        report.paddingFraction = Double(padding.setCount) / Double(image.count)
        var light: SlideLight?
        if recipe.background == .slide, recipe.evensLight, recipe.slideFrom == nil,
            let otsu = otsuThreshold(histogram(of: image, inside: ~padding))
        {
            light = SlideLight(blurred, bright: BitImage(blurred) { $0 > Float(otsu) } & ~padding)
        }
        if let light {
            (blurred, image) = light.flattened(blurred, image)
        }
        let opened = openedMean(image)
        let judged: Image<Float>
        let applied: Image<Float>
        switch recipe.background {
        case .slide:
            judged = opened
            // Tight sulci are open here, but not after the minimum and maximum filters.
            applied = blurred
        case .equalized:
            let equalized = adaptiveHistogramEqualization(
                opened.map { $0 / 255 }, kernelSizePx: recipe.claheKernelPx, clipLimit: recipe.claheClipLimit,
                threads: threads)
            let blurred = gaussianFilter(equalized, sigmaPx: recipe.gaussianSigmaPx, threads: threads)
            let enhanced = openedMean(blurred)
            self.enhanced = enhanced
            judged = enhanced.map { $0 * 255 }
            applied = judged
        }
        let levels = judged.levels()
        guard var found = SlideThreshold(levels: levels, counted: ~padding, recipe: recipe) else { return nil }
        if recipe.background == .equalized {
            let counts = histogram(of: levels)
            let smoothed = smoothedHistogram(
                counts, medianSize: recipe.histogramMedian, meanSize: recipe.histogramMean)
            let nearest = localMinima(of: smoothed).min { abs(Double($0) - found.otsu) < abs(Double($1) - found.otsu) }
            found.level = (nearest.map(Double.init) ?? found.otsu) + 0.5
            found.seedLevel = found.level
        } else if let known = recipe.slideFrom {
            found.level = known
            found.seedLevel = min(found.seedLevel, known)
        }
        var rim: BitImage?
        var whiteLevel: Double?
        var paleLevel: Double?
        if let light {
            let white = levelAboveEnclosedWhite(
                blurred, slide: light, otsu: found.otsu, padding: padding,
                leastPx: pixels(mm2: recipe.minimumIslandMm2))
            // Without white matter as pale as this there is nothing between tissue and slide.
            found.level = white.level ?? found.seedLevel
            found.seedLevel = min(found.seedLevel, found.level)
            whiteLevel = white.whiteLevel
            paleLevel = white.whiteLevel.map { ($0 + light.level) / 2 }
            rim = white.rim
        }
        report.threshold = found.level
        report.otsu = found.otsu
        report.slideLevel = found.slideLevel
        guard found.contrast >= recipe.minimumContrast else { return nil }
        if found.darkBorder > 0.6 && recipe.slideFrom == nil {
            let share = Int((found.darkBorder * 100).rounded())
            report.warnings.append(
                "\(share) % of the image's border is darker than Otsu's threshold \(Int(found.otsu)): "
                    + "is the background dark (set dark_background), or does tissue fill the image (set slide_from)?"
            )
        }
        let limit = Float(found.level)
        let seed = Float(found.seedLevel)
        var below = BitImage(applied) { $0 < limit } & ~padding
        if let rim { below = below & ~rim }
        var seeds = BitImage(opened) { $0 < seed } & below
        if let whiteLevel { seeds = seeds | paleSeeds(in: below, opened, darkerThan: Float(whiteLevel)) }
        let connected = seeds.reconstructed(inside: below)
        let tissue = recipe.background == .slide && recipe.slideFrom == nil ? connected : below
        let pieces = removingSmallObjects(
            light == nil ? tissue : tissue.withoutRim(), maximumSizePx: pixels(mm2: recipe.minimumTissueMm2) - 1)
        let filled = fillingHoles(
            of: pieces, in: applied, paleLevel: paleLevel ?? found.level + (found.brightLevel - found.level) / 6)
        guard recipe.background == .slide, recipe.refinesEdges else { return filled }
        return refined(
            filled, slideLevel: Float(light?.level ?? found.slideLevel), within: ~(padding | (rim ?? padding)))
    }

    /// Where a piece of tissue shows nothing darker than white matter (a gyrus cut along its first layer, a stump of the brain stem): broad
    /// patches as dark as white matter is that do not reach the image's border, where the cover slip's edge and frame are as dark.
    private func paleSeeds(in below: BitImage, _ opened: Image<Float>, darkerThan whiteLevel: Float) -> BitImage {
        let patches = (BitImage(opened) { $0 <= whiteLevel } & below).opened(radiusPx: 5)
        let pieces = connectedComponents(of: patches)
        let isAtBorder = pieces.touched(by: patches & ~patches.interior(from: SlideLight.margin(of: opened)))
        return pieces.pixels { !isAtBorder[$0] }
    }

    /// Tissue with its edge half-way between the slide and what lies two to five pixels below the edge.
    private func refined(_ tissue: BitImage, slideLevel: Float, within: BitImage) -> BitImage {
        let shell = tissue.eroded(radiusPx: 2) & ~tissue.eroded(radiusPx: 5)
        let moved = HalfWayEdge(windowPx: 9, threads: threads).moved(
            tissue, in: blurred, inside: .samples(shell), outside: .level(slideLevel), within: within)
        let pieces = removingSmallObjects(moved, maximumSizePx: pixels(mm2: recipe.minimumTissueMm2) - 1)
        return fillingSmallHoles(pieces, maximumSizePx: pixels(mm2: recipe.maximumHoleMm2), fillsAtBorder: false)
    }

    /// Moves white matter's edge half-way between white and gray matter nearby; the slide's blur counts for neither.
    func refine(_ white: inout BitImage, in tissue: BitImage) {
        guard recipe.background == .slide, recipe.refinesEdges else { return }
        let inner = tissue.eroded(radiusPx: 3)
        for _ in 0..<2 {
            let gray = inner & ~white.dilated(radiusPx: 2)
            let next = HalfWayEdge(windowPx: 15, threads: threads).moved(
                white, in: blurred, inside: .samples(white.eroded(radiusPx: 2)), outside: .samples(gray),
                within: tissue)
            if next == white { break }
            white = next
        }
    }

    /// Fills holes that are small, and those of any size that are on average darker than `paleLevel`: pale white
    /// matter, not slide, which shows its own level in a ventricle or a pocket of a sulcus.
    private func fillingHoles(of tissue: BitImage, in image: Image<Float>, paleLevel: Double) -> BitImage {
        let small = pixels(mm2: recipe.maximumHoleMm2)
        guard small > 0 else { return tissue }
        let holes = connectedComponents(of: ~tissue)
        let atBorder = holes.atBorder
        var sums = [Double](repeating: 0, count: holes.sizes.count)
        image.elements.withUnsafeBufferPointer { pixels in
            for (run, number) in zip(holes.runs, holes.numbers) {
                let hole = Int(number)
                guard holes.sizes[hole] > small, !atBorder.contains(hole) else { continue }
                for column in run.start..<run.end {
                    sums[hole] += Double(pixels[run.line * image.columns + Int(column)])
                }
            }
        }
        return tissue
            | holes.pixels { hole in
                !atBorder.contains(hole)
                    && (holes.sizes[hole] <= small || sums[hole] < paleLevel * Double(holes.sizes[hole]))
            }
    }

    /// The bright part of the tissue: told by depth where that can tell, else by contrast raised inside it; then a contour parts it in two.
    func white(in tissue: BitImage) -> BitImage {
        let filters = MaskedFilters(mask: tissue, size: recipe.filterSizePx, threads: threads)
        guard enhanced == nil, recipe.unmixesByDepth, recipe.minimumWhiteDepthMm > 0 else {
            return brightPart(raisedContrast(filters), in: tissue)
        }
        let opened = filters.openedMean(image).map { $0 / 255 }
        let contrast = filters.openedMean(filters.gaussian(opened, sigmaPx: recipe.gaussianSigmaPx))
        let depth = distanceTransform(of: holeless(tissue), threads: threads)
        let whiteDepthPx = recipe.minimumWhiteDepthMm * 1000 / spacingUm
        let levels = contrast.levels(scale: 255)
        switch DepthUnmixing(levels, depth: depth, whiteDepthPx: whiteDepthPx).finding {
        case .noWhite: return BitImage(rows: tissue.rows, columns: tissue.columns)
        case .unknown: return brightPart(raisedContrast(filters), in: tissue)
        case .threshold(let threshold):
            let counts = histogram(of: levels, inside: tissue)
            let middle = (Float(threshold) + 0.5) / 255
            let share = shareOfWay(counts, to: threshold)
            let (low, high) = (Float(quantile(0.05, of: counts)) / 255, Float(quantile(0.99, of: counts)) / 255)
            let kept = contrast.map { min(max($0, low), high) }
            let sigmaPx = recipe.stainScaleMm * 1000 / spacingUm
            let half = Float(whiteDepthPx / 2)
            let evened =
                sigmaPx > 0
                ? stainNormalized(
                    kept, tissue: tissue, threshold: middle, share: share, mayBeWhite: BitImage(depth) { $0 > half },
                    sigmaPx: sigmaPx, threads: threads) : nil
            // Beyond a half of the way a pixel is of its class for certain: the contour weighs both classes' spread alike.
            let reach = min(share, 1 - share)
            let judged =
                evened.map { $0.map { min(max(($0 - share) / reach, -1), 1) } }
                ?? kept.map { min(max(($0 - middle) * 16, -1), 1) }
            return contour(judged, above: 0, in: tissue)
        }
    }

    /// The tissue's brightness with contrast raised by CLAHE, in 0 … 1.
    private func raisedContrast(_ filters: MaskedFilters) -> Image<Float> {
        if let enhanced { return enhanced }
        let scaled = filters.openedMean(image).map { $0 / 255 }
        let equalized =
            recipe.claheKernelPx == 0
            ? scaled
            : adaptiveHistogramEqualization(
                scaled, kernelSizePx: recipe.claheKernelPx, clipLimit: recipe.claheClipLimit, inside: filters.mask,
                threads: threads)
        let blurred = filters.gaussian(equalized, sigmaPx: recipe.gaussianSigmaPx)
        return filters.openedMean(blurred)
    }

    /// The bright class by the histogram of all tissue.
    private func brightPart(_ contrast: Image<Float>, in tissue: BitImage) -> BitImage {
        let levels = contrast.levels(scale: 255)
        let counts = histogram(of: levels, inside: tissue)
        // Drawings, dirt and folds are far off; only which side of a threshold they are on counts.
        let low = quantile(0.05, of: counts)
        let high = quantile(0.99, of: counts)
        var clipped = counts
        clipped[low] += counts[..<low].reduce(0, +)
        clipped[high] += counts[(high + 1)...].reduce(0, +)
        // White matter may be a twentieth of the tissue.
        guard low < high,
            let threshold = minimumErrorThreshold(counts, levels: low..<high + 1, leastShare: 0.02)
                ?? otsuThreshold(clipped, levels: low..<high + 1)
        else { return tissue }
        let middle = (Float(threshold) + 0.5) / 255
        let kept = contrast.map { min(max($0, Float(low) / 255), Float(high) / 255) }
        let sigmaPx = recipe.stainScaleMm * 1000 / spacingUm
        let evened =
            sigmaPx > 0
            ? stainNormalized(kept, tissue: tissue, threshold: middle, sigmaPx: sigmaPx, threads: threads) : nil
        return contour(evened ?? kept, above: evened == nil ? middle : 0.5, in: tissue)
    }

    private func contour(_ contrast: Image<Float>, above level: Float, in tissue: BitImage) -> BitImage {
        morphologicalChanVese(
            contrast, iterations: recipe.contourIterations, initial: BitImage(contrast) { $0 > level } & tissue,
            inside: tissue, smoothing: recipe.contourSmoothing)
    }

    /// How far a level lies on the way from the mean of the counts up to it to the mean of those above.
    private func shareOfWay(_ counts: [Int], to level: Int) -> Float {
        func mean(_ levels: Range<Int>) -> Double {
            let total = counts[levels].reduce(0, +)
            return levels.reduce(0.0) { $0 + Double($1) * Double(counts[$1]) } / Double(max(total, 1))
        }
        let (gray, white) = (mean(0..<level + 1), mean(level + 1..<256))
        guard white > gray else { return 0.5 }
        return Float(min(max((Double(level) + 0.5 - gray) / (white - gray), 0.2), 0.8))
    }

    /// White matter and tissue without the pale rim of the cortex and without islands.
    ///
    /// A thin band of white along the tissue's edge is not white matter: where it is darker than white matter it is
    /// the pale first layer, which is gray matter; where it is brighter, more than half of it is slide.
    mutating func clean(_ white: inout BitImage, _ tissue: inout BitImage) {
        if recipe.rimUm > 0, !white.isEmpty {
            let middle = quantile(0.5, of: histogram(of: image, inside: white))
            let rimPx = recipe.rimUm / spacingUm
            let core = white.opened(radiusPx: rimPx / 2, threads: threads)
            let edge = tissue & ~holeless(tissue).eroded(radiusPx: rimPx, threads: threads)
            let rim = white & edge & ~core
            white = white & ~rim
            let bright = Float((Double(middle) + report.threshold) / 2)
            tissue = tissue & ~(rim & BitImage(blurred) { $0 > bright })
            tissue = removingSmallObjects(tissue, maximumSizePx: pixels(mm2: recipe.minimumTissueMm2) - 1)
            tissue = fillingSmallHoles(
                tissue, maximumSizePx: pixels(mm2: recipe.maximumHoleMm2), fillsAtBorder: false)
            white = white & tissue
        }
        let island = pixels(mm2: recipe.minimumIslandMm2)
        white = removingSmallObjects(white, maximumSizePx: island - 1)
        let deep = holeless(tissue).eroded(
            radiusPx: recipe.minimumWhiteDepthMm * 1000 / spacingUm, threads: threads)
        white = (deep & white).reconstructed(inside: white)
        // White matter of a gyrus near its end is small; gray specks in white matter are vessels and uneven stain.
        let gray = removingSmallObjects(tissue & ~white, maximumSizePx: 2 * island - 1)
        white = tissue & ~gray
    }

    /// White matter too thin for the filters and the contour.
    func islets(beside white: BitImage, in tissue: BitImage) -> BitImage {
        let smallest = pixels(mm2: recipe.minimumIsletMm2)
        guard smallest > 0, recipe.minimumWhiteDepthMm > 0, recipe.background == .slide else {
            return BitImage(rows: image.rows, columns: image.columns)
        }
        let sigmaUm =
            recipe.stainScaleMm > 0 ? recipe.stainScaleMm * 1000 : Double(image.rows + image.columns) * spacingUm
        return WhiteIslets(
            spacingUm: spacingUm, whiteDepthUm: recipe.minimumWhiteDepthMm * 1000, leastPx: smallest,
            sigmaPx: sigmaUm / spacingUm, threads: threads
        ).found(in: blurred, tissue: tissue, solid: holeless(tissue), white: white)
    }

    /// The tissue with vessels and other small holes filled: they are no edge of the brain.
    private func holeless(_ tissue: BitImage) -> BitImage {
        fillingSmallHoles(tissue, maximumSizePx: pixels(mm2: recipe.minimumTissueMm2), fillsAtBorder: false)
    }

    mutating func result(tissue: BitImage, white: BitImage) -> TissueSegmentationResult {
        var labels = tissue.bytes(value: TissueLabel.gray)
        labels.elements.withUnsafeMutableBufferPointer { labels in
            white.forEachSet { labels[$0] = TissueLabel.white }
        }
        let count = Double(max(image.count, 1))
        report.whiteFraction = Double(white.setCount) / count
        report.grayFraction = Double(tissue.setCount - white.setCount) / count
        let rows = image.rows
        let columns = image.columns
        var touching = 0
        for column in 0..<columns { touching += (tissue[0, column] ? 1 : 0) + (tissue[rows - 1, column] ? 1 : 0) }
        for row in 0..<rows { touching += (tissue[row, 0] ? 1 : 0) + (tissue[row, columns - 1] ? 1 : 0) }
        report.borderFraction = Double(touching) / Double(2 * (rows + columns))
        if report.borderFraction > 0.02 {
            let share = Int((report.borderFraction * 100).rounded())
            report.warnings.append("tissue touches \(share) % of the image's border: the scan may cut it off")
        }
        return TissueSegmentationResult(labels: labels, report: report)
    }
}

/// The level below and at which a share of a histogram's counts lie.
private func quantile(_ share: Double, of counts: [Int]) -> Int {
    let total = counts.reduce(0, +)
    var sum = 0
    for level in counts.indices {
        sum += counts[level]
        if Double(sum) > share * Double(total) { return level }
    }
    return counts.count - 1
}
