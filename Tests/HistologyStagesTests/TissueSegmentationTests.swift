import Foundation
import HDF5
import HistologyStages
import NDArray
import PNG
import StageKit
import StageProtocol
import Testing

/// Real data lie beside the project, or where CYTO_DATA says.
private let humanSection = URL(
    fileURLWithPath: ProcessInfo.processInfo.environment["CYTO_DATA"] ?? "../shared/data"
).appending(path: "human-section/bigbrain-coronal.png").path

struct TissueSegmentationTests {
    /// Runs the stage on an image file and gives what it wrote.
    private func run(
        _ path: String, _ changes: [String: ConfigValue] = [:], cores: Int = 1
    ) throws -> (labels: Image<UInt8>, image: Image<UInt8>, spacingUm: Double, bytes: Data) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cyto-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let output = folder.appending(path: "labels.h5").path
        let job = StageJob(
            stage: TissueSegmentation.name, item: [],
            inputs: ["section": [InputFile(path: path, item: [], digest: "")]],
            outputs: ["labels": OutputFile(path: output)],
            config: config.merging(changes) { $1 }, seed: 0, cores: cores, scratch: folder.path)
        try TissueSegmentation.run(StageContext(job: job))
        let file = try HDF5File(reading: output)
        return (
            try file.readImage("/labels", as: UInt8.self), try file.readImage("/image", as: UInt8.self),
            try file.attribute("spacing_um"),
            try Data(contentsOf: URL(fileURLWithPath: output))
        )
    }

    private func run(
        _ image: Image<UInt8>, _ changes: [String: ConfigValue] = [:], cores: Int = 1
    ) throws -> (labels: Image<UInt8>, image: Image<UInt8>, spacingUm: Double, bytes: Data) {
        let path = FileManager.default.temporaryDirectory.appending(path: "cyto-\(UUID().uuidString).png").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try writePNG(image, to: path)
        return try run(path, ["pixel_size_um": .real(64)].merging(changes) { $1 }, cores: cores)
    }

    /// A brain of disks: white of 12 mm radius in gray of 15 mm on a slide, with noise and stain that changes across it.
    private func disks(tilt: Double = 0, slide: Double = 240, noise: Double = 3) -> (Image<UInt8>, Image<UInt8>) {
        var image = Image<UInt8>(rows: 520, columns: 560, filledWith: 0)
        var truth = image
        var random = SeededGenerator(seed: 3)
        for row in 0..<520 {
            for column in 0..<560 {
                let (y, x) = (Double(row) - 260, Double(column) - 280)
                let radius = (y * y + x * x).squareRoot() * 0.064
                let label: UInt8 = radius < 12 ? 2 : radius < 15 ? 1 : 0
                let level = [slide, 150, 205][Int(label)] + (label > 0 ? tilt * x / 280 : 0)
                let spread = (0..<4).reduce(0.0) { sum, _ in sum + random.uniform() - 0.5 } * 1.7
                image[row, column] = UInt8(min(max(level + noise * spread, 0), 255))
                truth[row, column] = label
            }
        }
        return (image, truth)
    }

    private func dice(_ first: Image<UInt8>, _ second: Image<UInt8>, label: UInt8) -> Double {
        var (both, all) = (0, 0)
        for (a, b) in zip(first.elements, second.elements) {
            both += a == label && b == label ? 1 : 0
            all += (a == label ? 1 : 0) + (b == label ? 1 : 0)
        }
        return all > 0 ? 2 * Double(both) / Double(all) : 1
    }

    // A border of one pixel all around each disk would cost 0.03 and 0.01.
    @Test(arguments: [0.0, 20]) func disksAreFound(tilt: Double) throws {
        let (image, truth) = disks(tilt: tilt)
        let found = try run(image)
        #expect(found.image == image && found.spacingUm == 64)
        #expect(dice(found.labels, truth, label: 1) > 0.95)
        #expect(dice(found.labels, truth, label: 2) > 0.98)
    }

    @Test func paleWhiteMatterIsNotTakenForSlide() throws {
        let (image, truth) = disks(slide: 228, noise: 1.5)
        #expect(dice(try run(image).labels, truth, label: 2) > 0.98)
    }

    /// The disks with light that falls off towards the corners, by up to `fall` of the brightness.
    private func dimmed(_ image: Image<UInt8>, fall: Double) -> Image<UInt8> {
        var result = image
        for row in 0..<image.rows {
            for column in 0..<image.columns {
                let (y, x) = (Double(row) / 260 - 1, Double(column) / 280 - 1)
                result[row, column] = UInt8(Double(image[row, column]) * (1 - fall * (y * y + x * x) / 2))
            }
        }
        return result
    }

    @Test func paleWhiteMatterIsFoundUnderUnevenLight() throws {
        // In the corners the slide is darker than the white matter in the middle.
        let (image, truth) = disks(slide: 222, noise: 1.5)
        let labels = try run(dimmed(image, fall: 0.12)).labels
        #expect(dice(labels, truth, label: 2) > 0.97)
        #expect(dice(labels, truth, label: 1) > 0.93)
    }

    @Test func whiteMatterThatATearOpensIsNoSlide() throws {
        var (image, truth) = disks(slide: 226, noise: 1.5)
        for row in 255..<265 {
            for column in 280..<560 where truth[row, column] == 1 {
                (image[row, column], truth[row, column]) = (226, 0)
            }
        }
        #expect(dice(try run(image).labels, truth, label: 2) > 0.97)
    }

    @Test func aSectionOfGrayMatterAloneHasNoWhiteMatter() throws {
        // A disk of 6 mm with a paler band along its edge, as cortex cut along its layers.
        var image = Image<UInt8>(rows: 300, columns: 300, filledWith: 235)
        var random = SeededGenerator(seed: 8)
        for row in 0..<300 {
            for column in 0..<300 {
                let (y, x) = (Double(row) - 150, Double(column) - 150)
                let radius = (y * y + x * x).squareRoot() * 0.064
                let level = radius < 4.8 ? 150.0 : radius < 6 ? 178 : 235
                image[row, column] = UInt8(level + 6 * (random.uniform() - 0.5))
            }
        }
        let labels = try run(image).labels
        #expect(!labels.elements.contains(2))
        #expect(labels[150, 150] == 1 && labels[5, 5] == 0)
    }

    @Test func whiteMatterOfATwentiethOfTheTissueIsFound() throws {
        var image = Image<UInt8>(rows: 300, columns: 300, filledWith: 235)
        var truth = image.map { _ in UInt8(0) }
        var random = SeededGenerator(seed: 9)
        for row in 0..<300 {
            for column in 0..<300 {
                let (y, x) = (Double(row) - 150, Double(column) - 150)
                let radius = (y * y + x * x).squareRoot() * 0.064
                // Layers of three gray levels around white matter of 1.4 mm.
                let level = radius < 1.4 ? 206.0 : radius < 3 ? 140 : radius < 4.5 ? 165 : radius < 6 ? 150 : 235
                image[row, column] = UInt8(level + 6 * (random.uniform() - 0.5))
                truth[row, column] = radius < 1.4 ? 2 : radius < 6 ? 1 : 0
            }
        }
        let labels = try run(image).labels
        // Told by depth, the paler layer from 1.5 mm below the edge on passes for white matter, as the shell above shows none of its kind.
        withKnownIssue("a deep pale layer passes for white matter where hardly any is there") {
            #expect(dice(labels, truth, label: 2) > 0.9)
            #expect(dice(labels, truth, label: 1) > 0.97)
        }
    }

    @Test func neitherThreadsNorRepetitionChangeAByte() throws {
        let (image, _) = disks()
        let first = try run(image).bytes
        #expect(try run(image, cores: 3).bytes == first)
    }

    @Test func invertedScanNeedsTheSwitch() throws {
        let (image, truth) = disks()
        let found = try run(image.map { 255 - $0 }, ["dark_background": .bool(true)])
        #expect(dice(found.labels, truth, label: 2) > 0.98)
    }

    @Test func emptySlideIsAllBackground() throws {
        var random = SeededGenerator(seed: 1)
        let noisy = Image(
            rows: 300, columns: 400, elements: (0..<120_000).map { _ in UInt8(238 + random.uniform() * 9) })
        #expect(try run(noisy).labels.elements.allSatisfy { $0 == 0 })
        #expect(try run(Image(rows: 80, columns: 90, filledWith: 200)).labels.elements.allSatisfy { $0 == 0 })
        #expect(try run(Image(rows: 1, columns: 1, filledWith: 200)).labels.elements == [0])
    }

    @Test func tissueThatFillsTheImageNeedsTheSlidesLevel() throws {
        var image = Image<UInt8>(rows: 300, columns: 300, filledWith: 150)
        for row in 60..<240 { for column in 60..<240 { image[row, column] = 205 } }
        let labels = try run(image, ["slide_from": .real(230)]).labels
        #expect(labels.elements.allSatisfy { $0 > 0 })
        #expect(labels[150, 150] == 2 && labels[5, 5] == 1)
    }

    @Test func wrongConfigNamesTheKey() {
        #expect(throws: StageError.self) {
            try run(Image(rows: 9, columns: 9, filledWith: 1), ["background": .text("sky")])
        }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: humanSection), "The real section is not there."))
    func whiteMatterOfTheRealSectionIsWhiteMatter() throws {
        let labels = try run(humanSection, ["pixel_size_um": .real(130), "spacing_um": .real(65)]).labels
        func label(_ row: Int, _ column: Int) -> UInt8 { labels[2 * row, 2 * column] }
        // Places in the picture, chosen by eye.
        for (row, column) in [(300, 450), (330, 870), (460, 690), (560, 480), (700, 1010), (250, 720)] {
            #expect(label(row, column) == 2, "white matter at \(row), \(column)")
        }
        for (row, column) in [(600, 160), (230, 300), (380, 655), (480, 1090), (790, 930), (600, 800)] {
            #expect(label(row, column) == 1, "gray matter at \(row), \(column)")
        }
        for (row, column) in [(900, 100), (30, 250), (540, 680), (270, 690), (900, 900)] {
            #expect(label(row, column) == 0, "slide at \(row), \(column)")
        }
    }
}

/// The defaults of the stage's manifest.
private let config: [String: ConfigValue] = [
    "spacing_um": .real(64), "pixel_size_um": .real(0), "filter_size_px": .integer(5), "clahe_kernel_px": .integer(250),
    "clahe_clip_limit": .real(0.004), "gaussian_sigma_px": .real(1), "histogram_median": .integer(3),
    "histogram_mean": .integer(5), "background": .text("slide"), "even_light": .bool(true),
    "unmix_by_depth": .bool(true), "refine_edges": .bool(true),
    "minimum_reach": .integer(8),
    "minimum_valley_depth": .real(0.2), "maximum_border_share": .real(0.1), "minimum_contrast": .real(0.03),
    "slide_from": .real(0), "dark_background": .bool(false), "stain_scale_mm": .real(8),
    "contour_iterations": .integer(100), "contour_smoothing": .integer(2), "minimum_tissue_mm2": .real(2),
    "maximum_hole_mm2": .real(0.1), "minimum_island_mm2": .real(0.5), "minimum_islet_mm2": .real(0.12),
    "rim_um": .real(800),
    "minimum_white_depth_mm": .real(1.5),
]
