internal import HDF5
internal import Imaging
internal import NDArray
internal import SectionFiles
public import StageKit

/// Labels background, gray and white matter of one section (Methods 3.2); the algorithm is `segmentTissue`.
public struct TissueSegmentation: Stage {
    public static let name = "tissue-segmentation"
    public static let summary = "Labels background, gray and white matter of one section (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        let spacingUm = try context.config.double("spacing_um", in: 1...)
        let recipe = try SegmentationRecipe(context.config)
        let input = try context.input("section")
        // The cohort's word counts more than the file's; 0 stands for none.
        let told = try context.config.double("pixel_size_um", in: 0...)
        let pixelSizeUm = try input.optionalDouble("pixel_size_um") ?? (told > 0 ? told : nil)

        context.progress(0, "reading")
        let scan = try SectionScan(path: input.path, pixelSizeUm: pixelSizeUm)
        let image = try scan.reduced(
            toSpacingUm: spacingUm, threads: context.cores, progress: { context.progress(0.8 * $0, "reading") })

        context.progress(0.8, "segmenting")
        let result = segmentTissue(image, spacingUm: spacingUm, recipe: recipe, threads: context.cores)
        for warning in result.report.warnings { context.warn(warning) }
        context.figure("threshold", result.report.threshold)
        context.figure("otsu", result.report.otsu)
        context.figure("slide_level", result.report.slideLevel)
        context.figure("gray_fraction", result.report.grayFraction)
        context.figure("white_fraction", result.report.whiteFraction)
        context.figure("border_fraction", result.report.borderFraction)
        context.figure("padding_fraction", result.report.paddingFraction)

        context.progress(0.95, "writing")
        try context.write("labels") { file in
            try file.write(result.labels, to: "/labels")
            try file.write(image, to: "/image", layout: .grayLevels(of: image))
            try file.setAttribute("spacing_um", to: spacingUm)
            // Section coordinates count from the centre of the scan's first pixel.
            let firstUm = (spacingUm - (scan.pixelSize?.rowUm ?? spacingUm)) / 2
            try file.setAttribute("first_um", to: firstUm)
            try SectionLayout(labels: result.labels, gray: image, spacingUm: spacingUm, firstUm: firstUm)
                .write(to: file)
        }
    }
}

extension SegmentationRecipe {
    /// The recipe that a stage's config describes.
    init(_ config: StageConfig) throws {
        self.init()
        filterSizePx = try config.integer("filter_size_px", in: 1...)
        claheKernelPx = try config.integer("clahe_kernel_px", in: 0...)
        claheClipLimit = try config.double("clahe_clip_limit", in: 0...1)
        gaussianSigmaPx = try config.double("gaussian_sigma_px", in: 0...)
        histogramMedian = try config.integer("histogram_median", in: 1...)
        histogramMean = try config.integer("histogram_mean", in: 1...)
        background = try config.choice("background")
        evensLight = try config.bool("even_light")
        unmixesByDepth = try config.bool("unmix_by_depth")
        refinesEdges = try config.bool("refine_edges")
        minimumReach = try config.integer("minimum_reach", in: 0...255)
        minimumValleyDepth = try config.double("minimum_valley_depth", in: 0...1)
        maximumBorderShare = try config.double("maximum_border_share", in: 0...1)
        minimumContrast = try config.double("minimum_contrast", in: 0...)
        let known = try config.double("slide_from", in: 0...255)
        slideFrom = known > 0 ? known : nil
        darkBackground = try config.bool("dark_background")
        stainScaleMm = try config.double("stain_scale_mm", in: 0...)
        contourIterations = try config.integer("contour_iterations", in: 0...)
        contourSmoothing = try config.integer("contour_smoothing", in: 0...)
        minimumTissueMm2 = try config.double("minimum_tissue_mm2", in: 0...)
        maximumHoleMm2 = try config.double("maximum_hole_mm2", in: 0...)
        minimumIslandMm2 = try config.double("minimum_island_mm2", in: 0...)
        minimumIsletMm2 = try config.double("minimum_islet_mm2", in: 0...)
        rimUm = try config.double("rim_um", in: 0...)
        minimumWhiteDepthMm = try config.double("minimum_white_depth_mm", in: 0...)
    }
}
