internal import FoundationEssentials
internal import NDArray
internal import Phantom
internal import SpatialTransforms
public import StageKit
internal import TransformFiles

/// The transforms from one phantom brain to its species' template, in the files that registration tools write.
public struct PhantomTransforms: Stage {
    public static let name = "phantom-transforms"
    public static let summary = "Transforms from a phantom brain to the template: exact, realistic, linear."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let species = PhantomSeeds.species(try config.text("species"), context)
        let brain = try config.text("brain")
        let individual = PhantomSeeds.brain(brain, context)
        let anatomy = BrainAnatomy(species: species, individual: individual)
        let transforms = try BrainTransforms(
            anatomy.deformation, halfAxesMm: anatomy.halfAxesMm,
            spacingMm: try config.double("spacing_mm", in: 0.5...10),
            errorMm: try config.double("error_mm", in: 0...20), seed: individual, threads: context.cores)
        for (port, field) in [
            ("exact", transforms.exact), ("realistic", transforms.realistic), ("error", transforms.error),
        ] {
            try write(.displacement(field), to: try context.output(port), ending: ".nii.gz", context)
        }
        try write(.affine(transforms.linear), to: try context.output("linear"), ending: ".txt", context)

        // What the fields' grid costs, and the fit of the linear one, over the brain.
        var random = SeededGenerator(seed: individual, stream: "transform check")
        var (worst, squares, error) = (0.0, 0.0, 0.0)
        let count = 20_000
        for _ in 0..<count {
            let half = anatomy.halfAxesMm
            func within(_ axis: Float) -> Float { axis * Float(2 * random.uniform() - 1) }
            let point = PointMm(plane: within(half.plane), row: within(half.row), column: within(half.column))
            let right = anatomy.deformation.templatePoint(point).rasMm
            guard let exact = transforms.exact(point.rasMm), let wrong = transforms.realistic(point.rasMm) else {
                throw StageError(.badJob, "the fields don't cover the brain; this is a mistake in phantom-transforms")
            }
            worst = max(worst, length(exact - right))
            error += square(wrong - right)
            squares += square(transforms.linear(point.rasMm) - right)
        }
        context.figure("exact_error_max_mm", worst)
        context.figure("realistic_error_rms_mm", (error / Double(count)).squareRoot())
        context.figure("linear_error_rms_mm", (squares / Double(count)).squareRoot())
    }

    /// Transform files are told apart by their names when they are written, by their content when they are read.
    private static func write(
        _ transform: SpatialTransform, to path: String, ending: String, _ context: StageContext
    ) throws {
        let named = path.hasSuffix(ending) ? path : path + ending
        do {
            try TransformFile.write(transform, to: named)
            guard named != path else { return }
            // What an earlier attempt left behind is replaced.
            try? FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: named, toPath: path)
        } catch let error as TransformFileError {
            throw StageError(.badJob, error.problem, file: error.file)
        }
    }

    private static func square(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum() }
    private static func length(_ vector: SIMD3<Double>) -> Double { square(vector).squareRoot() }
}
