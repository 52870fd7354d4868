internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import NDArray
internal import Phantom

/// Times the phantom's scanning: how many pixels a core renders in a second, and what a section costs besides.
struct PhantomBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phantom", abstract: "Renders one section of a phantom brain at several pixel sizes.")

    @Option(help: "Pixel sizes in µm.")
    var spacingUm: [Double] = [64, 32, 16, 2]

    @Option(help: "Position along the brain in µm.")
    var positionUm = 1000.0

    @Option(help: "Edge of a voxel of the brain's fields in µm.")
    var gridUm = 300.0

    @Option(help: "At most so many pixels of a section: of finer ones the middle rows are rendered.")
    var pixels = 20_000_000

    @Option(help: "How often each part runs; the median counts.")
    var repeats = 3

    @Option(help: "Threads to use; the figures are for a core.")
    var threads = 1

    func run() throws {
        let anatomy = BrainAnatomy(species: 7, individual: 2)
        var brain: BrainFields?
        let growing = processorSeconds(1) { brain = anatomy.fields(spacingUm: gridUm, threads: threads) }
        guard let brain, let plane = BrainPlane(brain, positionUm: positionUm) else {
            throw ValidationError("The brain does not reach \(positionUm) µm.")
        }
        let cut = SectionCut(
            positionUm: positionUm, rotationRad: 0.05, shiftUm: SectionPoint(row: 500, column: -300), mirrored: false)
        let field = cut.field(around: plane)
        let cutting = processorSeconds(repeats) { _ = BrainPlane(brain, positionUm: positionUm) }
        var answer = Answer(growingSeconds: growing, planeSeconds: cutting, threads: threads)
        for spacing in spacingUm {
            let whole = field.heightUm * field.widthUm / spacing / spacing
            let height = min(1, Double(pixels) / whole) * field.heightUm
            let region = ScanRegion(
                rowUm: (field.heightUm - height) / 2, columnUm: 0, heightUm: height, widthUm: field.widthUm)
            func scan() -> PhantomScan {
                PhantomScan(
                    plane: plane, architecture: anatomy.architecture, field: field, stain: SectionStain(),
                    spacingUm: spacing, region: height < field.heightUm ? region : nil, texture: 4, seed: 5)
            }
            let prepared = scan()
            var row = Answer.Row(spacingUm: spacing, rows: prepared.rows, columns: prepared.columns)
            row.prepareSeconds = processorSeconds(repeats) { _ = scan() }
            let rendering = processorSeconds(repeats) { _ = prepared.image(threads: threads) }
            row.megapixelsPerCoreSecond = Double(prepared.rows * prepared.columns) / 1e6 / rendering
            if spacing >= 16 {
                row.truthSeconds = processorSeconds(repeats) {
                    _ = prepared.truth(spacingUm: max(spacing, 64), threads: threads)
                }
                row.midlineSeconds = processorSeconds(repeats) { _ = prepared.midDepthLine() }
                row.contoursSeconds = processorSeconds(repeats) { _ = prepared.areaContours() }
            }
            answer.scans.append(row)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        print(String(decoding: try encoder.encode(answer), as: UTF8.self))
    }

    /// Median of the processor seconds of all threads together: other work on the machine does not count.
    private func processorSeconds(_ repeats: Int, _ body: () -> Void) -> Double {
        let times = (0..<max(1, repeats)).map { _ in
            let start = clock()
            body()
            return Double(clock() - start) / Double(CLOCKS_PER_SEC)
        }.sorted()
        return times[times.count / 2]
    }

    private struct Answer: Encodable {
        struct Row: Encodable {
            var spacingUm: Double
            var rows: Int
            var columns: Int
            var prepareSeconds = 0.0
            var megapixelsPerCoreSecond = 0.0
            var truthSeconds: Double?
            var midlineSeconds: Double?
            var contoursSeconds: Double?
        }
        var growingSeconds: Double
        var planeSeconds: Double
        var threads: Int
        var scans: [Row] = []
    }
}
