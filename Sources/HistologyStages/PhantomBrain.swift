internal import HDF5
internal import NDArray
internal import NIfTI
internal import Phantom
internal import SpatialTransforms
public import StageKit

/// Grows one phantom brain: the fields that its sections are cut from (design: the phantom cohort). Given maps of gray and white
/// matter, it makes the brain of these instead.
public struct PhantomBrain: Stage {
    public static let name = "phantom-brain"
    public static let summary = "Grows a folded two-hemisphere brain whose truth is known everywhere."

    public static func run(_ context: StageContext) throws {
        let laplace = try context.config.bool("laplace")
        context.progress(0, "growing")
        let grown = try context.optionalInput("gray") == nil ? recipe(context) : fromVolumes(context)
        context.progress(0.6, "writing")
        try context.write("brain") { file in
            try grown.fields.write(to: file)
            try grown.architecture.write(to: file)
        }
        context.progress(0.8, "telling the truth")
        try context.write("truth") { file in
            try grown.fields.writeTruth(
                to: file, names: grown.architecture.names, laplace: laplace, threads: context.cores)
        }
        context.figure("areas", Double(grown.architecture.names.count))
    }

    private struct Grown {
        var fields: BrainFields
        var architecture: BrainArchitecture
    }

    /// The procedural anatomy.
    private static func recipe(_ context: StageContext) throws -> Grown {
        let config = context.config
        let anatomy = BrainAnatomy(
            species: PhantomSeeds.species(try config.text("species"), context),
            individual: PhantomSeeds.brain(try config.text("brain"), context))
        let spacingUm = try config.double("spacing_um", in: 100...5000)
        return Grown(
            fields: anatomy.fields(spacingUm: spacingUm, threads: context.cores), architecture: anatomy.architecture)
    }

    /// The anatomy of maps of gray and white matter.
    private static func fromVolumes(_ context: StageContext) throws -> Grown {
        let config = context.config
        let anatomy: RealAnatomy
        do {
            anatomy = try RealAnatomy(
                gray: try map(context.input("gray")),
                white: try map(context.input("white")),
                areas: try context.optionalInput("areas").map { try map($0) },
                excluded: try config.choice("excluded_parts", of: RealAnatomy.ExcludedParts.self))
        } catch let error as RealAnatomyError {
            throw StageError(
                .badInput, error.message, port: error.map, file: try context.optionalInput(error.map)?.path)
        }
        let fields = anatomy.fields(
            spacingUm: try config.double("spacing_um", in: 100...5000), threads: context.cores)
        let prefix = try config.text("label_prefix")
        let length = Float(fields.tissueUm.planes) * Float(fields.spacingUm) / 1000
        let atlas = PhantomAtlas(
            speciesSeed: PhantomSeeds.species(try config.text("species"), context),
            names: anatomy.labels.map { prefix + String($0) }, centresMm: anatomy.centresMm(), halfLengthMm: length / 2)
        return Grown(
            fields: fields,
            architecture: atlas.architecture(individual: PhantomSeeds.brain(try config.text("brain"), context)))
    }

    private static func map(_ input: StageInput) throws -> RealAnatomy.Map {
        do {
            let image = try NIfTIImage<Float>(reading: input.path)
            let grid = try OrientedGrid(
                planes: image.volume.planes, rows: image.volume.rows, columns: image.volume.columns,
                indexToMm: AffineTransform(rowMajor: image.indexToRasMm))
            return RealAnatomy.Map(volume: image.volume, grid: grid)
        } catch let error as NIfTIError {
            throw StageError(.badInput, error.problem, port: input.port, file: input.path)
        } catch let error as SpatialTransformError {
            throw StageError(
                .badInput, "its matrix places no volume: \(error.message)", port: input.port, file: input.path)
        }
    }
}

extension BrainFields {
    /// Writes the fields plane by plane in chunks, so that a section reads its own planes only.
    func write(to file: HDF5File) throws {
        for (path, volume) in [("/tissue_um", tissueUm), ("/white_um", whiteUm)] {
            try file.write(volume, to: path, layout: .chunked(shape: [1, volume.rows, volume.columns], level: 1))
            try file.setAttribute("unit", to: "um", of: path)
        }
        for (path, volume) in [("/areas", areas), ("/parts", parts)] {
            try file.write(volume, to: path, layout: .chunked(shape: [1, volume.rows, volume.columns], level: 1))
        }
        try file.setAttribute("spacing_um", to: spacingUm)
        try file.setAttribute("origin_um", to: [originUm.plane, originUm.row, originUm.column])
        try file.setAttribute("axes", to: "posterior-anterior, dorsal-ventral, left-right")
    }

    /// Writes what checks compare with: depth and thickness in the cortex, NaN elsewhere, areas and parts, on the brain's grid.
    func writeTruth(to file: HDF5File, names: [String], laplace: Bool, threads: Int) throws {
        var depth = Volume<Float>(
            planes: tissueUm.planes, rows: tissueUm.rows, columns: tissueUm.columns, filledWith: .nan)
        var thickness = depth
        depth.elements.withUnsafeMutableBufferPointer { depth in
            thickness.elements.withUnsafeMutableBufferPointer { thickness in
                for index in depth.indices {
                    let (tissue, white) = (Float(tissueUm.elements[index]), Float(whiteUm.elements[index]))
                    guard tissue > 0, white <= 0, parts.elements[index] == 0 else { continue }
                    // To the nearest 4096th: the distances are whole µm. The largest number below one half lifts halves alone.
                    depth[index] = Float(Int32(tissue / (tissue - white) * 4096 + 0.499_999_97)) / 4096
                    thickness[index] = tissue - white
                }
            }
        }
        func layout<Element>(_ volume: Volume<Element>) -> HDF5Layout {
            .chunked(shape: [1, volume.rows, volume.columns], level: 1)
        }
        try file.write(depth, to: "/depth", layout: layout(depth))
        if laplace {
            // The other depth, that of Laplace's equation: what a midsurface from a Laplace field is compared with.
            var laplace = laplaceDepth(threads: threads)
            for index in laplace.elements.indices where !laplace.elements[index].isNaN {
                laplace.elements[index] = (laplace.elements[index] * 4096).rounded() / 4096
            }
            try file.write(laplace, to: "/laplace", layout: layout(laplace))
        }
        try file.write(thickness, to: "/thickness", layout: layout(thickness))
        try file.setAttribute("unit", to: "um", of: "/thickness")
        try file.write(areas, to: "/areas", layout: layout(areas))
        try file.write(parts, to: "/parts", layout: layout(parts))
        try file.setAttribute("names", to: BrainPart.allCases.map { String(describing: $0) }, of: "/parts")
        try file.setAttribute("names", to: names, of: "/areas")
        try file.setAttribute("spacing_um", to: spacingUm)
        try file.setAttribute("origin_um", to: [originUm.plane, originUm.row, originUm.column])
        try file.setAttribute("axes", to: "posterior-anterior, dorsal-ventral, left-right")
    }

    /// Reads the planes on both sides of a position.
    ///
    /// - Returns: a brain of two planes, or nil where the file's brain does not reach the position.
    static func read(from file: HDF5File, around positionUm: Double) throws -> BrainFields? {
        let spacingUm: Double = try file.attribute("spacing_um")
        let origin: [Double] = try file.attributeList("origin_um")
        let tissue = try file.dataset("/tissue_um")
        try tissue.requireRank(3)
        guard origin.count == 3, spacingUm > 0 else {
            throw StageError(
                .badInput, "holds no usable spacing_um and origin_um; make it again with phantom-brain", file: file.path
            )
        }
        let place = (positionUm - origin[0]) / spacingUm
        let planes = tissue.shape[0]
        guard place >= 0, place <= Double(planes - 1) else { return nil }
        let first = min(Int(place), max(planes - 2, 0))
        let count = min(2, planes)
        let shape = [count, tissue.shape[1], tissue.shape[2]]
        func volume<Element: HDF5Element>(_ path: String, as element: Element.Type) throws -> Volume<Element> {
            Volume(
                planes: shape[0], rows: shape[1], columns: shape[2],
                elements: try file.dataset(path).read(at: [first, 0, 0], shape: shape, as: element))
        }
        return BrainFields(
            tissueUm: try volume("/tissue_um", as: Int16.self), whiteUm: try volume("/white_um", as: Int16.self),
            areas: try volume("/areas", as: UInt8.self), parts: try volume("/parts", as: UInt8.self),
            spacingUm: spacingUm,
            originUm: (origin[0] + Double(first) * spacingUm, origin[1], origin[2]))
    }
}
