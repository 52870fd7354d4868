internal import FoundationEssentials
internal import HDF5
internal import NDArray
internal import Phantom
public import StageKit

/// Holds one phantom brain's midsurface, points and coordinates against the truth.
///
/// A reconstruction lies in the frame of its base section; so what lies in it is carried into the brain's own space section by section: back
/// to the section by the stack, then by the section's true place in the brain.
public struct GeometryCheck: Stage {
    public static let name = "geometry-check"
    public static let summary =
        "Scores midsurface, midline points and MNI coordinates of a phantom brain against the truth."

    public static func run(_ context: StageContext) throws {
        context.progress(0, "truth")
        var truths: [String: SectionLineTruth] = [:]
        var order: [String] = []
        for input in try context.inputs("truth") {
            let section = try input.coordinate("section")
            truths[section] = try SectionLineTruth(input)
            order.append(section)
        }
        var figures: [(String, Double)] = []
        var midline: MidlineScore?
        if let input = try context.optionalInput("points") {
            context.progress(0.2, "midline")
            let score = MidlineScore(
                points: try MidlinePoints(input), truths: truths, order: order,
                coverUm: try context.config.double("cover_um", in: 1...10_000))
            figures += score.figures
            midline = score
        }
        var coordinates: [(String, CoordinateScore)] = []
        let map = try templateMap(context)
        for port in ["exact", "given", "registered"] {
            guard let input = try context.optionalInput(port) else { continue }
            context.progress(0.4, "coordinates")
            let score = try CoordinateScore(input, truths: truths, map: map)
            figures += score.figures(port)
            coordinates.append((port, score))
        }
        var surface: SurfaceScore?
        if let input = try context.optionalInput("surface") {
            context.progress(0.6, "midsurface")
            let stack = try StackArtifact(path: try context.input("stack").path)
            let score = try SurfaceScore(
                surface: input, truth: try context.input("brain"),
                toBrain: ReconstructionToBrain(stack: stack, truths: truths), cores: context.cores)
            figures += score.figures
            surface = score
        }
        guard !figures.isEmpty else {
            throw StageError(.badJob, "there is nothing to check: give it points, coordinates or a midsurface")
        }
        for (name, value) in figures { context.figure(name, value) }
        try context.write("scores") { file in
            if let midline {
                try file.write(midline.distanceUm, to: "/midline_distance_um")
                try file.write(texts: midline.sections, to: "/section")
                try file.write(midline.lineSamples.map(Int32.init), to: "/line_samples")
                try file.write(midline.coveredSamples.map(Int32.init), to: "/covered_samples")
            }
            for (port, score) in coordinates { try file.write(score.errorMm, to: "/\(port)_error_mm") }
            if let surface {
                try file.write(surface.foundToTruthUm, to: "/surface_to_truth_um")
                try file.write(surface.truthToFoundUm, to: "/truth_to_surface_um")
            }
            for (name, value) in figures where value.isFinite { try file.setAttribute(name, to: value) }
        }
        let table = Dictionary(
            figures.filter { $0.1.isFinite }.map { ($0.0, ($0.1 * 1e4).rounded() / 1e4) }, uniquingKeysWith: { $1 })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let json = try encoder.encode(["figures": table])
        guard FileManager.default.createFile(atPath: try context.output("summary"), contents: json) else {
            throw StageError(.inputOutput, "the summary cannot be written", port: "summary")
        }
    }

    /// The true map from the brain's space to the template's.
    private static func templateMap(_ context: StageContext) throws -> @Sendable (PointMm) -> SIMD3<Double> {
        let species = try context.config.text("species")
        guard species != "none" else { return { $0.rasMm } }
        let brain = try context.config.text("brain")
        let anatomy = BrainAnatomy(
            species: PhantomSeeds.species(species, context), individual: PhantomSeeds.brain(brain, context))
        return { [deformation = anatomy.deformation] in deformation.templatePoint($0).rasMm }
    }
}

/// How far coordinates in template space are from the true ones.
struct CoordinateScore {
    /// Distance in mm, one a point; NaN where the point got no coordinates.
    var errorMm: [Double]

    init(
        _ input: StageInput, truths: [String: SectionLineTruth], map: @Sendable (PointMm) -> SIMD3<Double>
    ) throws {
        let points = try MidlinePoints(input)
        let found = try HDF5File(reading: input.path).read("/mni_mm", as: Double.self)
        guard found.count == 3 * points.section.count else {
            throw StageError(
                .badInput, "/mni_mm does not have \(points.section.count) rows", port: input.port, file: input.path)
        }
        errorMm = points.section.indices.map { index in
            guard let truth = truths[points.section[index]] else { return .nan }
            let position = points.positionUm[index]
            let place = truth.transform.apply(row: position.x, column: position.y)
            let right = map(
                PointMm(
                    plane: Float(truth.positionUm / 1000), row: Float(place.row / 1000),
                    column: Float(place.column / 1000)))
            let offset = SIMD3(found[3 * index], found[3 * index + 1], found[3 * index + 2]) - right
            return (offset * offset).sum().squareRoot()
        }
    }

    func figures(_ port: String) -> [(String, Double)] {
        let errors = errorMm.filter(\.isFinite)
        let square = errors.reduce(0) { $0 + $1 * $1 }
        return [
            ("\(port)_error_median_mm", quantile(0.5, of: errors) ?? .nan),
            ("\(port)_error_95_mm", quantile(0.95, of: errors) ?? .nan),
            ("\(port)_error_rms_mm", errors.isEmpty ? .nan : (square / Double(errors.count)).squareRoot()),
            ("\(port)_without_coordinates", Double(errorMm.count - errors.count)),
        ]
    }
}
