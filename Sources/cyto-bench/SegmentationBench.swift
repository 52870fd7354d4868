internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Imaging
internal import NDArray

/// Times the tissue segmentation and its building blocks; `benchmarks/segmentation.py` runs scikit-image on the same file.
struct SegmentationBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segmentation",
        abstract: "Tissue segmentation and its building blocks on one gray image (.npy, uint8).")

    @Argument(help: "A two-dimensional uint8 array in NumPy's format.")
    var input: String

    @Option(help: "Pixel size in µm.")
    var spacingUm = 64.0

    @Option(help: "Threads to use.")
    var threads = 1

    @Option(help: "How often each part runs; the median counts.")
    var repeats = 3

    @Option(help: "On which image the slide is found: slide or equalized.")
    var background = "slide"

    @Option(help: "Where to write the labels (.npy).")
    var labels: String?

    func run() throws {
        let image = try NumpyFile.bytes(path: input)
        let floats = image.map { Float($0) / 255 }
        let threads = threads
        var recipe = SegmentationRecipe()
        guard let background = SegmentationRecipe.Background(rawValue: background) else {
            throw ValidationError("--background is slide or equalized, not \(background).")
        }
        recipe.background = background
        var seconds: [String: Double] = [:]
        seconds["minimum_5"] = median { _ = minimumFilter(floats, size: 5, threads: threads) }
        seconds["mean_5"] = median { _ = meanFilter(floats, size: 5, threads: threads) }
        seconds["gaussian_1"] = median { _ = gaussianFilter(floats, sigmaPx: 1, threads: threads) }
        seconds["clahe_250"] = median {
            _ = adaptiveHistogramEqualization(floats, kernelSizePx: 250, threads: threads)
        }
        let start = checkerboardLevelSet(rows: image.rows, columns: image.columns)
        seconds["morphological_chan_vese_100"] = median {
            _ = morphologicalChanVese(floats, iterations: 100, initial: start)
        }
        let bits = BitImage(image) { $0 < 200 }
        seconds["distance_transform"] = median { _ = distanceTransform(of: bits, threads: threads) }
        seconds["remove_small_objects"] = median { _ = removingSmallObjects(bits, maximumSizePx: 500) }
        var result: TissueSegmentationResult?
        seconds["segmentation"] = median {
            result = segmentTissue(image, spacingUm: spacingUm, recipe: recipe, threads: threads)
        }
        if let labels, let result { try NumpyFile.write(result.labels, path: labels) }
        let report = result?.report ?? SegmentationReport()
        let answer = Answer(
            rows: image.rows, columns: image.columns, threads: threads, cpuSeconds: seconds,
            threshold: report.threshold,
            otsu: report.otsu, slide: report.slideLevel, padding: report.paddingFraction,
            gray: report.grayFraction, white: report.whiteFraction, warnings: report.warnings)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(answer), as: UTF8.self))
    }

    /// Processor seconds, of all threads together: other work on the machine does not count.
    private func median(_ body: () -> Void) -> Double {
        let times = (0..<max(1, repeats)).map { _ in
            let start = clock()
            body()
            return Double(clock() - start) / Double(CLOCKS_PER_SEC)
        }.sorted()
        return times[times.count / 2]
    }

    private struct Answer: Encodable {
        var rows: Int
        var columns: Int
        var threads: Int
        var cpuSeconds: [String: Double]
        var threshold: Double
        var otsu: Double
        var slide: Double
        var padding: Double
        var gray: Double
        var white: Double
        var warnings: [String]
    }
}
