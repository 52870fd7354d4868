internal import HDF5
internal import NDArray
internal import NIfTI
internal import Registration
internal import SpatialTransforms
public import StageKit

/// The parts of a brain that the cortex's pipeline must leave out, on the grid of its volume: subcortex, cerebellum, brainstem.
///
/// In the paper people draw them in 3D Slicer (Methods 3.2). So may you: export the tissue volume, draw, give the file to the
/// cohort as `exclusion`. A phantom's are laid out from what is true of its sections, the way a person sees them: in the
/// reconstruction. Without either nothing is left out.
public struct ExclusionMask: Stage {
    public static let name = "exclusion-mask"
    public static let summary = "The parts of a brain that are not cortex: drawn by hand, or a phantom's true ones."

    public static func run(_ context: StageContext) throws {
        let file = try context.open("volume")
        let grid = try ReconstructionGrid(file)
        let drawn = try context.optionalInput("drawn")
        let truth = context.optionalInputs("truth")
        if let drawn {
            guard truth.isEmpty else {
                throw StageError(
                    .badJob, "there are a drawn mask and a phantom's truth; give one of them", port: "drawn",
                    file: drawn.path)
            }
            // Taken as it is; volume-cleanup lays it on the volume by its matrix and says where it does not fit.
            let image = try NIfTIImage<Float>(reading: drawn.path)
            guard image.nanCount == 0 else {
                throw StageError(
                    .badInput,
                    "the mask has \(image.nanCount) voxels that are not numbers (NaN); save it as a label map",
                    port: "drawn", file: drawn.path)
            }
            let mask = Volume(
                planes: image.volume.planes, rows: image.volume.rows, columns: image.volume.columns,
                elements: image.volume.elements.map { UInt8($0 == 0 ? 0 : 1) })
            try write(context, mask, indexToRasMm: image.indexToRasMm)
            return
        }
        var mask = Volume(planes: grid.planes, rows: grid.rows, columns: grid.columns, filledWith: UInt8(0))
        if truth.isEmpty {
            context.warn("no mask was drawn: nothing is left out; subcortex and cerebellum, if any, pass for cortex")
        } else {
            mask.elements = try laidOut(context, truth, on: grid)
        }
        try write(context, mask, indexToRasMm: grid.indexToRasMm)
    }

    /// What a phantom's sections say is excluded, where their stack lays them.
    private static func laidOut(
        _ context: StageContext, _ truth: [StageInput], on grid: ReconstructionGrid
    ) throws -> [UInt8] {
        let stack = try StackArtifact(path: try context.input("stack").path)
        var paths: [String: String] = [:]
        for input in truth { paths[try input.coordinate("section")] = input.path }
        let members = stack.sections.indices.filter { paths[stack.sections[$0]] != nil }
        var planes = VolumePlanes(
            grid: grid, positionsUm: members.map { stack.positionsUm[$0] }, fillGapUm: .infinity, interpolates: true,
            emptyGray: 0, threads: context.cores
        ) { member in
            let index = members[member]
            let path = paths[stack.sections[index]] ?? ""
            let section = try HDF5File(reading: path)
            let parts = try section.readImage("/excluded", as: UInt8.self)
            let labels = parts.map { UInt8($0 == 0 ? 0 : 1) }
            return PlacedSection(
                labels: labels, gray: labels, background: 0, spacingUm: try section.attribute("spacing_um"),
                firstUm: try section.attribute("first_um"), transform: stack.transforms[index])
        }
        var elements: [UInt8] = []
        elements.reserveCapacity(grid.planes * grid.rows * grid.columns)
        for plane in 0..<grid.planes {
            elements += try planes.plane(plane).labels.elements
            context.progress(Double(plane + 1) / Double(grid.planes), "laying out")
        }
        return elements
    }

    private static func write(_ context: StageContext, _ mask: Volume<UInt8>, indexToRasMm: [Double]) throws {
        let image = NIfTIImage(volume: mask, indexToRasMm: indexToRasMm)
        try image.write(
            to: try context.output("mask"), intentCode: NIfTIHeader.Intent.label,
            description: "parts that are not cortex")
        context.figure("excluded_voxels", Double(mask.elements.count { $0 != 0 }))
    }
}

extension ReconstructionGrid {
    /// The grid of a volume's file.
    init(_ file: HDF5File, dataset: String = "/labels") throws {
        let shape = try file.dataset(dataset).shape
        let spacingUm: Double = try file.attribute("spacing_um")
        let originUm: [Double] = try file.attributeList("origin_um")
        guard shape.count == 3, originUm.count == 3, spacingUm > 0 else {
            throw StageError(
                .badInput, "\(dataset) is no volume with spacing_um and origin_um; make it again with tissue-volume",
                file: file.path)
        }
        self.init(planes: shape[0], rows: shape[1], columns: shape[2], spacingUm: spacingUm, originUm: originUm)
    }

    /// Row-major 4 × 4 from (column, row, plane, 1) to RAS mm of the reconstruction.
    var indexToRasMm: [Double] {
        ReconstructionSpace.indexToRasMm(
            originUm: SIMD3(originUm[0], originUm[1], originUm[2]), spacingUm: spacingUm
        ).rowMajor
    }
}
