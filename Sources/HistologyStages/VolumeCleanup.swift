internal import Cortex
internal import HDF5
internal import NDArray
public import StageKit

/// Mends a brain's label volume: defects of single sections, excluded parts, detached crumbs.
public struct VolumeCleanup: Stage {
    public static let name = "volume-cleanup"
    public static let summary =
        "Replaces tissue defects by the median along the sections, drops detached parts, takes out excluded ones, joins islands of white matter (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        let defectMm3 = try context.config.double("defect_mm3", in: 0...)
        let detached = try context.config.double("detached_fraction", in: 0...1)
        let joinedMm3 = try context.config.double("joined_white_mm3", in: 0...)
        let reachMm = try context.config.double("join_reach_mm", in: 0...)
        let input = try LabelVolumeArtifact(context, port: "volume")
        guard input.labels.elements.contains(1) else {
            throw StageError(
                .badInput, "holds no gray matter, so there is no cortex; look at the labels of its sections",
                port: "volume", file: input.path)
        }
        let voxelMm3 = input.spacingUm * input.spacingUm * input.spacingUm * 1e-9
        let mask = try context.optionalInput("exclusion").map {
            try ExclusionOnGrid.read($0, on: input, threads: context.cores)
        }
        context.progress(0.1, "mending")
        let cleaned = cleanedVolume(
            input.labels, fractions: input.fractions, excluding: mask,
            settings: VolumeCleanupSettings(
                defectVoxels: max(1, Int((defectMm3 / voxelMm3).rounded(.up))), detachedFraction: detached,
                joinedVoxels: reachMm > 0 ? max(1, Int((joinedMm3 / voxelMm3).rounded(.up))) : nil,
                joinReachVoxels: Int((reachMm * 1000 / input.spacingUm).rounded(.up))),
            threads: context.cores)
        guard cleaned.labels.elements.contains(1) else {
            throw StageError(
                .noResult, "no gray matter is left: the mask takes all of it out; check its orientation",
                port: "exclusion")
        }
        if mask != nil, cleaned.excludedVoxels == 0 {
            context.warn("the exclusion mask takes nothing out: it is empty, or lies beside the tissue")
        }
        context.progress(0.8, "writing")
        try context.write("volume") { file in
            try file.write(cleaned.labels, to: "/labels")
            try file.write(cleaned.excluded, to: "/excluded")
            if let fractions = cleaned.fractions {
                try file.write(fractions.gray, to: "/gray_fraction")
                try file.write(fractions.white, to: "/white_fraction")
            }
            try input.writeGrid(to: file)
        }
        context.figure("defects", Double(cleaned.defects))
        context.figure("replaced_mm3", Double(cleaned.replacedVoxels) * voxelMm3)
        context.figure("detached", Double(cleaned.detached))
        context.figure("dropped_mm3", Double(cleaned.droppedVoxels) * voxelMm3)
        context.figure("joined_white", Double(cleaned.joined))
        context.figure("joining_mm3", Double(cleaned.joiningVoxels) * voxelMm3)
        context.figure("excluded_mm3", Double(cleaned.excludedVoxels) * voxelMm3)
    }
}
