internal import FoundationEssentials
internal import NDArray
internal import NIfTI
internal import Phantom
public import StageKit

/// The template of a phantom species: its tissue and area maps, and how often each place has each area.
public struct PhantomTemplate: Stage {
    public static let name = "phantom-template"
    public static let summary = "The template space of a phantom species: tissue, areas, adjacency, probabilities."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let spacingUm = try config.double("spacing_um", in: 200...3000)
        let sharesMm = try config.double("probability_spacing_um", in: 500...5000) / 1000
        let count = try config.integer("individuals", in: 1...1000)
        let species = PhantomSeeds.species(try config.text("species"), context)
        context.progress(0, "growing")
        let anatomy = BrainAnatomy(species: species, individual: nil)
        let fields = anatomy.fields(spacingUm: spacingUm, threads: context.cores)

        context.progress(0.2, "writing tissue")
        let shape = (fields.tissueUm.planes, fields.tissueUm.rows, fields.tissueUm.columns)
        let placed = UprightVolume(
            planes: shape.0, rows: shape.1, columns: shape.2, spacingMm: spacingUm / 1000,
            originMm: (fields.originUm.plane / 1000, fields.originUm.row / 1000, fields.originUm.column / 1000))
        let tissue = fields.tissueShares()
        try write(placed.image(tissue.gray), context, "gray", description: "share of gray matter")
        try write(placed.image(tissue.white), context, "white", description: "share of white matter")
        // Areas a little beyond the ribbon, so that points that lie beside it find theirs.
        try write(placed.image(fields.areas), context, "areas", description: "areas", isLabels: true)

        context.progress(0.3, "areas")
        let names = anatomy.architecture.names
        let contacts = fields.areaContacts()
        try text(
            names.enumerated().map { "\($0.offset + 1)\t\($0.element)" }, to: try context.output("labels"))
        try text(
            ["area\tneighbour\tcontact_mm2"]
                + contacts.map {
                    "\($0.first)\t\($0.second)\t\(Int(Double($0.faces) * spacingUm * spacingUm / 1e6))"
                }, to: try context.output("adjacency"))
        context.figure("areas", Double(names.count))
        context.figure("adjacent_pairs", Double(contacts.count))

        let grid = TemplateGrid(species: anatomy, spacingMm: Float(sharesMm))
        let individuals = (0..<count).map { number -> UInt64 in
            var generator = SeededGenerator(seed: species, stream: "sampled individual", number)
            return generator.next()
        }
        let shares = BrainAnatomy.areaProbabilities(
            species: species, individuals: individuals, on: grid, threads: context.cores
        ) { context.progress(0.35 + 0.6 * $0, "individuals") }
        context.progress(0.95, "writing probabilities")
        let upright = UprightVolume(
            planes: grid.planes, rows: grid.rows, columns: grid.columns, spacingMm: sharesMm,
            originMm: (Double(grid.originMm.plane), Double(grid.originMm.row), Double(grid.originMm.column)))
        let header = NIfTIHeader(
            shape: [grid.columns, grid.planes, grid.rows, shares.count], element: .float32,
            indexToRasMm: upright.indexToRasMm, description: "share of \(count) individuals")
        try NIfTIWriter.create(try context.output("probabilities"), header) { writer in
            for share in shares { try writer.write(upright.turned(share)) }
        }
    }

    private static func write<Voxel: NIfTIVoxel>(
        _ image: NIfTIImage<Voxel>, _ context: StageContext, _ port: String, description: String,
        isLabels: Bool = false
    ) throws {
        try image.write(
            to: try context.output(port),
            intentCode: isLabels ? NIfTIHeader.Intent.label : NIfTIHeader.Intent.none, description: description)
    }

    private static func text(_ lines: [String], to path: String) throws {
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    }
}

/// A brain's volume, (posterior-anterior, dorsal-ventral, left-right), laid out as image files have it: left to right, posterior
/// to anterior, and bottom to top.
struct UprightVolume {
    let planes: Int
    let rows: Int
    let columns: Int
    let spacingMm: Double
    let originMm: (plane: Double, row: Double, column: Double)

    var indexToRasMm: [Double] {
        [
            spacingMm, 0, 0, originMm.column,
            0, spacingMm, 0, originMm.plane,
            0, 0, spacingMm, -(originMm.row + Double(rows - 1) * spacingMm),
            0, 0, 0, 1,
        ]
    }

    func turned<Element>(_ volume: Volume<Element>) -> Volume<Element> {
        var elements: [Element] = []
        elements.reserveCapacity(volume.elements.count)
        for row in stride(from: rows - 1, through: 0, by: -1) {
            for plane in 0..<planes {
                let start = (plane * rows + row) * columns
                elements += volume.elements[start..<start + columns]
            }
        }
        return Volume(planes: rows, rows: planes, columns: columns, elements: elements)
    }

    func image<Voxel: NIfTIVoxel>(_ volume: Volume<Voxel>) -> NIfTIImage<Voxel> {
        NIfTIImage(volume: turned(volume), indexToRasMm: indexToRasMm)
    }
}
