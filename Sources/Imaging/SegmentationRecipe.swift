public import NDArray

/// The constants of the tissue segmentation (Methods 3.2), each with the paper's value where the paper gives one.
///
/// Lengths and areas are physical, so that they mean the same at every pixel size; filter sizes are in pixels as in
/// the paper.
public struct SegmentationRecipe: Sendable, Equatable {
    /// On which image the slide is told from tissue.
    public enum Background: String, Sendable, CaseIterable {
        /// On the filtered image before its contrast is raised, where the slide's peak is sharp.
        case slide
        /// On the image with raised contrast: the paper's text to the letter.
        case equalized
    }

    /// Size of the minimum, maximum and mean filters, in pixels; in the paper 5.
    public var filterSizePx = 5
    /// Side of CLAHE's tiles, in pixels; in the paper 250.
    public var claheKernelPx = 250
    /// CLAHE's clip limit; the paper gives none, this is scikit-image's default.
    public var claheClipLimit = 0.004
    /// Standard deviation of the Gaussian blur after CLAHE, in pixels; in the paper 1.
    public var gaussianSigmaPx = 1.0
    /// Size of the median that smooths the histogram, in levels; in the paper 3.
    public var histogramMedian = 3
    /// Size of the mean that smooths the histogram, in levels; in the paper 5.
    public var histogramMean = 5
    public var background = Background.slide
    /// Whether uneven light is taken out first, as the slide shows it, and pale white matter looked for where dark tissue encloses it.
    public var evensLight = true
    /// Whether gray and white matter are told apart by what lies how deep; else by the least error over the whole tissue.
    public var unmixesByDepth = true
    /// Whether the edges of tissue and of white matter are moved half-way between the brightness of both sides nearby.
    public var refinesEdges = true
    /// How far from Otsu's threshold a minimum of the histogram may lie to be taken, in levels.
    public var minimumReach = 8
    /// How deep a minimum must lie below the lower of its two peaks to count, as a share of it.
    public var minimumValleyDepth = 0.2
    /// How much of the image's border may lie between the first and the second Otsu threshold, as a share, for the
    /// second to count.
    public var maximumBorderShare = 0.1
    /// Difference between tissue and slide, as an optical density, below which there is no tissue at all.
    public var minimumContrast = 0.03
    /// The gray level from which on everything is slide, where it is known; found from the histogram if nil.
    public var slideFrom: Double?
    /// Whether tissue is brighter than the background, as in fluorescence or an inverted scan.
    public var darkBackground = false
    /// Radius (standard deviation) of the window in which gray and white matter are told apart where the stain is
    /// uneven, in mm; 0 takes the whole section.
    public var stainScaleMm = 8.0
    /// Steps of the morphological Chan–Vese contour, at most; it stops when it repeats itself.
    public var contourIterations = 100
    /// Curvature operators after each step; more of them close the white matter of narrow gyri.
    public var contourSmoothing = 2
    /// Tissue pieces below this area go, in mm².
    public var minimumTissueMm2 = 2.0
    /// Enclosed holes in the tissue below this area are filled, in mm².
    public var maximumHoleMm2 = 0.1
    /// Islands of white in gray matter below this area, and of gray in white matter below twice of it, take the label around them, in mm².
    public var minimumIslandMm2 = 0.5
    /// Islands of white matter in gray from this area on are kept where they are as bright as white matter, however small; 0 keeps none, in mm².
    public var minimumIsletMm2 = 0.12
    /// White this thin along the tissue's edge is the pale first layer (or the edge's blur) and becomes gray, in µm; 0
    /// leaves it.
    public var rimUm = 800.0
    /// White matter lies under cortex: a piece of white nowhere as deep as this below the tissue's edge is none, in mm.
    public var minimumWhiteDepthMm = 1.5

    public init() {}
}

/// What a segmentation found out on its way, for figures and warnings.
public struct SegmentationReport: Sendable, Equatable {
    /// Gray level from which on a pixel is slide.
    public var threshold: Double = 0
    /// Otsu's threshold of the whole histogram.
    public var otsu: Double = 0
    /// Gray level of the slide, as the image's border shows it.
    public var slideLevel: Double = 0
    /// Share of the image that is padding (one level at the ends of the scale, at the border).
    public var paddingFraction: Double = 0
    public var grayFraction: Double = 0
    public var whiteFraction: Double = 0
    /// Share of the border that is tissue.
    public var borderFraction: Double = 0
    /// What a user should know, a sentence each.
    public var warnings: [String] = []

    public init() {}
}

/// A section's labels with the report on how they came about.
public struct TissueSegmentationResult: Sendable {
    /// 0 background, 1 gray matter, 2 white matter.
    public var labels: Image<UInt8>
    public var report: SegmentationReport

    public init(labels: Image<UInt8>, report: SegmentationReport) {
        self.labels = labels
        self.report = report
    }
}

/// Labels of a tissue segmentation.
public enum TissueLabel {
    public static let background: UInt8 = 0
    public static let gray: UInt8 = 1
    public static let white: UInt8 = 2
}
