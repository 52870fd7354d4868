/// One step of the pipeline: reads input files, writes output files, and knows nothing of pipelines or stores.
///
/// A whole stage:
///
/// ```swift
/// internal import HDF5
/// internal import Imaging
/// public import StageKit
///
/// /// Labels background, gray and white matter of one section (Methods 3.2).
/// public struct TissueSegmentation: Stage {
///     public static let name = "tissue-segmentation"
///     public static let summary = "Labels background, gray and white matter of one section."
///
///     public static func run(_ context: StageContext) throws {
///         let spacingUm = try context.config.double("spacing_um", in: 1...)        // a wrong one is a clear error
///         let kernelPx = try context.config.integer("clahe_kernel_px", in: 8...)
///         let input = try context.input("section")                                 // one file; inputs(…) for a gathered port
///         context.progress(0, "reading")
///         let scan = try SectionScan(path: input.path)
///         let image = try scan.reduced(toSpacingUm: spacingUm, threads: context.cores)
///         context.progress(0.5, "segmenting")
///         let labels = segmentTissue(image, kernelPx: kernelPx, threads: context.cores)
///         context.figure("tissue_fraction", Double(labels.elements.count { $0 > 0 }) / Double(labels.count))
///         try context.write("labels") { file in                                    // an HDF5 file, checked after run returns
///             try file.write(labels, to: "/labels")
///             try file.setAttribute("spacing_um", to: spacingUm)
///         }
///     }
/// }
/// ```
///
/// Then one line in `Sources/HistologyStages/StageList.swift`, the manifest `stages/tissue-segmentation.yaml`, and the
/// types of its outputs in `stages/types.yaml`. The result depends on inputs, config and seed alone: not on `context.cores`,
/// not on the time, not on paths.
public protocol Stage: Sendable {
    /// The name as in the manifest, for example `tissue-segmentation`.
    static var name: String { get }
    /// One sentence, with where it is from.
    static var summary: String { get }
    /// Does the work: every output of `context` must have been written when it returns.
    static func run(_ context: StageContext) throws
}

/// A small command beside the stages, for example one that shows what stands in a scan: `cyto-stage section-info FILE`.
public struct StageTool: Sendable {
    public let name: String
    /// Arguments and one sentence, as the list of commands shows them.
    public let summary: String
    /// Gets the arguments after the name; gives what to print.
    public let run: @Sendable ([String]) throws -> String

    public init(name: String, summary: String, run: @escaping @Sendable ([String]) throws -> String) {
        self.name = name
        self.summary = summary
        self.run = run
    }
}
