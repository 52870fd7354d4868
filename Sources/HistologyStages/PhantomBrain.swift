internal import HDF5
internal import NDArray
internal import Phantom
public import StageKit

/// Grows one phantom brain: the fields that its sections are cut from (design: the phantom cohort).
public struct PhantomBrain: Stage {
    public static let name = "phantom-brain"
    public static let summary = "Grows a folded two-hemisphere brain whose truth is known everywhere."

    public static func run(_ context: StageContext) throws {
        let spacingUm = try context.config.double("spacing_um", in: 100...5000)
        let species = try context.config.text("species")
        let brain = try context.config.text("brain")
        context.progress(0, "growing")
        // Seeds come from names in the config, never from the item: equal config gives equal bytes.
        var shared = SeededGenerator(seed: context.seed, stream: "species \(species)")
        var own = SeededGenerator(seed: context.seed, stream: "brain \(brain)")
        let anatomy = BrainAnatomy(species: shared.next(), individual: own.next())
        let fields = anatomy.fields(spacingUm: spacingUm, threads: context.cores)
        context.progress(0.7, "writing")
        try context.write("brain") { file in
            try fields.write(to: file)
            try anatomy.architecture.write(to: file)
        }
    }
}

extension BrainFields {
    /// Writes the fields plane by plane in chunks, so that a section reads its own planes only.
    func write(to file: HDF5File) throws {
        for (path, volume) in [("/tissue_um", tissueUm), ("/white_um", whiteUm)] {
            try file.write(volume, to: path, layout: .chunked(shape: [1, volume.rows, volume.columns], level: 2))
            try file.setAttribute("unit", to: "um", of: path)
        }
        for (path, volume) in [("/areas", areas), ("/parts", parts)] {
            try file.write(volume, to: path, layout: .chunked(shape: [1, volume.rows, volume.columns], level: 2))
        }
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
