internal import Cortex
internal import HDF5
internal import NDArray
public import StageKit

/// Computes the depth in the cortex of a brain: 0 at the pia, 1 at the white surface.
public struct CorticalDepthField: Stage {
    public static let name = "cortical-depth"
    public static let summary =
        "How deep gray matter lies, 0 at the pia and 1 at the white surface; touching banks stay apart (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        let bankUm = try context.config.double("bank_minimum_um", in: 0...)
        let farthestUm = try context.config.double("bank_maximum_um", in: 1...)
        let tolerance = try context.config.double("tolerance", in: 1e-12...0.1)
        var settings = CorticalDepthSettings()
        settings.bankThicknessShare = try context.config.double("bank_thickness_share", in: 0...1)
        settings.largestBankThicknessShare = try context.config.double("bank_thickness_limit", in: 0...)
        settings.bankAngleDeg = try context.config.double("bank_angle_deg", in: 0...180)
        settings.measure = try context.config.choice("measure", of: DepthMeasure.self)
        settings.separatesBanks = try context.config.bool("separates_banks")
        settings.maximumIterations = try context.config.integer("maximum_iterations", in: 1...100_000)
        settings.tolerance = tolerance
        context.progress(0, "reading")
        let input = try LabelVolumeArtifact(context, port: "volume")
        settings.smallestBankDistance = bankUm / input.spacingUm
        settings.largestBankDistance = farthestUm / input.spacingUm
        for (label, name) in [(UInt8(1), "gray"), (2, "white")] where !input.labels.elements.contains(label) {
            throw StageError(
                .badInput, "holds no \(name) matter, so the cortex has no depth; look at its sections' labels",
                port: "volume", file: input.path)
        }
        context.progress(0.1, "solving")
        let result = corticalDepth(
            labels: input.labels, fractions: input.fractions, excluded: input.excluded, settings: settings,
            threads: context.cores
        ) { residual in
            context.progress(0.2 + 0.6 * min(max(Math.log(residual) / Math.log(tolerance), 0), 1))
        }
        guard result.residual <= tolerance else {
            throw StageError(
                .noResult,
                "the residual is still \(result.residual) after \(result.iterations) iterations; "
                    + "raise config.maximum_iterations or config.tolerance", port: "volume", file: input.path)
        }
        context.progress(0.8, "writing")
        try context.write("depth") { file in
            try file.write(result.depth, to: "/depth")
            try input.writeGrid(to: file)
            try file.setAttribute("measure", to: settings.measure.rawValue)
            try file.setAttribute("residual", to: result.residual)
            try file.setAttribute("iterations", to: result.iterations)
            try file.setAttribute("separated_voxels", to: result.separatedVoxels)
        }
        context.figure("residual", result.residual)
        context.figure("iterations", Double(result.iterations))
        context.figure("gray_voxels", Double(result.grayVoxels))
        context.figure("separated_voxels", Double(result.separatedVoxels))
    }
}
