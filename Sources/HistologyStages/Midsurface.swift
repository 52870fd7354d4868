internal import HDF5
internal import NDArray
public import StageKit
internal import Surfaces

/// Builds the midsurface of a brain, one closed mesh a hemisphere.
public struct Midsurface: Stage {
    public static let name = "midsurface"
    public static let summary =
        "Meshes the surface half-way through the cortex: one closed surface of genus 0 and even edges a hemisphere (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        var settings = MidsurfaceSettings()
        settings.depth = Float(try context.config.double("depth", in: 0.05...0.95))
        settings.edgeLengthUm = try context.config.double("edge_length_um", in: 1...)
        settings.smallestPart = try context.config.double("smallest_part", in: 0...1)
        settings.gridSpacingUm = try context.config.optionalDouble("grid_spacing_um")
        settings.largestFilling = try context.config.integer("largest_filling_voxels", in: 0...)
        settings.remeshingIterations = try context.config.integer("remeshing_iterations", in: 0...100)
        settings.capDistanceUm = try context.config.double("cap_distance_um", in: 0...)
        context.progress(0, "reading")
        let volume = try LabelVolumeArtifact(context, port: "volume", withFractions: false)
        let originUm = SIMD3(volume.originUm[0], volume.originUm[1], volume.originUm[2])
        let sheet: TriangleMesh
        do {
            let depth = try readDepth(context, like: volume)
            context.progress(0.05, "marching cubes")
            sheet = midsurfaceSheet(
                depth: depth, labels: volume.labels, excluded: volume.excluded, originUm: originUm,
                spacingUm: volume.spacingUm, level: settings.depth, threads: context.cores)
        }
        guard !sheet.isEmpty else {
            throw StageError(
                .noResult, "the depth passes \(settings.depth) nowhere, so there is no midsurface; look at the depth",
                port: "depth", file: try context.input("depth").path)
        }
        let split = HemisphereSplit(
            sheet, labels: volume.labels, originUm: originUm, spacingUm: volume.spacingUm)
        context.figure("sheet_parts", Double(split.partCount))
        context.figure("sheet_area_mm2", sheet.area / 1e6)
        try context.write("surface") { file in
            var found: [String] = []
            for (index, side) in [("left", split.left), ("right", split.right)].enumerated() {
                guard let faces = side.1 else { continue }
                let base = 0.15 + 0.42 * Double(index)
                guard
                    let hemisphere = hemisphereSurface(
                        sheet: sheet.submesh(faces: faces), originUm: originUm, spacingUm: volume.spacingUm,
                        settings: settings, threads: context.cores,
                        progress: { context.progress(base + 0.42 * $0, "\(side.0): \($1)") })
                else { continue }
                try write(hemisphere, as: side.0, to: file)
                report(hemisphere, as: side.0, edgeLengthUm: settings.edgeLengthUm, to: context)
                found.append(side.0)
            }
            guard !found.isEmpty else {
                throw StageError(
                    .noResult, "no hemisphere's sheet encloses a solid; look at the depth and the labels",
                    port: "volume",
                    file: volume.path)
            }
            if found.count == 1 {
                context.warn(
                    "only the \(found[0]) hemisphere was found; the other group is absent (attribute hemispheres says which there are)"
                )
            }
            try file.setAttribute("hemispheres", to: found)
            try file.setAttribute("split", to: split.method.rawValue)
            try file.setAttribute("edge_length_um", to: settings.edgeLengthUm)
        }
    }

    private static func readDepth(_ context: StageContext, like volume: LabelVolumeArtifact) throws -> Volume<Float> {
        let file = try context.open("depth")
        let depth = try file.readVolume("/depth", as: Float.self)
        let spacingUm: Double = try file.attribute("spacing_um")
        guard depth.planes == volume.labels.planes, depth.rows == volume.labels.rows,
            depth.columns == volume.labels.columns, abs(spacingUm - volume.spacingUm) < 1e-6 * volume.spacingUm
        else {
            throw StageError(
                .badInput,
                "has \(depth.planes) × \(depth.rows) × \(depth.columns) voxels of \(spacingUm) µm, but the volume "
                    + "\(volume.labels.planes) × \(volume.labels.rows) × \(volume.labels.columns) of \(volume.spacingUm) µm; "
                    + "connect the depth of the same volume", port: "depth", file: file.path)
        }
        return depth
    }

    private static func write(_ surface: HemisphereSurface, as side: String, to file: HDF5File) throws {
        func flat(_ vectors: [SIMD3<Float>]) -> [Float] { vectors.flatMap { [$0.x, $0.y, $0.z] } }
        let count = surface.mesh.vertices.count
        try file.write(flat(surface.mesh.vertices), shape: [count, 3], to: "/\(side)/vertices")
        try file.write(
            surface.mesh.faces.flatMap { [$0.x, $0.y, $0.z] }, shape: [surface.mesh.faces.count, 3],
            to: "/\(side)/faces")
        try file.write(flat(surface.normals), shape: [count, 3], to: "/\(side)/normals")
        try file.write(surface.isCortex, shape: [count], to: "/\(side)/cortex")
    }

    private static func report(
        _ surface: HemisphereSurface, as side: String, edgeLengthUm: Double, to context: StageContext
    ) {
        let lengths = surface.mesh.edgeLengths().map { Double($0) }
        let near = lengths.count { abs($0 - edgeLengthUm) <= 0.3 * edgeLengthUm }
        let topology = MeshTopology(surface.mesh)
        context.figure("\(side)_vertices", Double(surface.mesh.vertices.count))
        context.figure("\(side)_area_mm2", surface.mesh.area / 1e6)
        context.figure("\(side)_edge_mean_um", lengths.reduce(0, +) / Double(max(lengths.count, 1)))
        context.figure("\(side)_edges_near_share", Double(near) / Double(max(lengths.count, 1)))
        context.figure("\(side)_handles_removed", Double(surface.topology.handlesBefore))
        context.figure("\(side)_changed_voxels", Double(surface.topology.changedVoxels))
        context.figure("\(side)_genus", Double(topology.genus ?? -1))
        let caps = surface.isCortex.count { $0 == 0 }
        context.figure("\(side)_cap_share", Double(caps) / Double(max(surface.isCortex.count, 1)))
        context.figure("\(side)_poisson_residual", surface.poissonResidual)
        if topology.genus != 0 || topology.componentCount != 1 {
            context.warn("the \(side) surface is no single closed manifold of genus 0")
        }
    }
}
