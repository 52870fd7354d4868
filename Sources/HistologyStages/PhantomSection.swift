internal import HDF5
internal import NDArray
internal import Phantom
public import StageKit

/// Cuts, stains and scans one section of a phantom brain; the truth goes into files of its own.
public struct PhantomSection: Stage {
    public static let name = "phantom-section"
    public static let summary =
        "Scans one section of a phantom brain, and tells the truth about it in a file of its own."

    public static func run(_ context: StageContext) throws {
        context.progress(0, "cutting")
        let truthSpacingUm = try context.config.double("truth_spacing_um", in: 0.5...)
        let scan = try prepare(context)
        let spacingUm = scan.spacingUm

        context.progress(0.1, "scanning")
        let writer = try TiledScanWriter(
            path: try context.output("section"), rows: scan.rows, columns: scan.columns, spacingUm: spacingUm)
        try writer.write(
            progress: { context.progress(0.1 + 0.8 * $0, "scanning") },
            band: { rows, pixels in scan.scan(rows: rows, into: pixels, threads: context.cores) })

        context.progress(0.9, "telling the truth")
        let maps = scan.truth(spacingUm: max(truthSpacingUm, spacingUm), threads: context.cores)
        let line = scan.midDepthLine()
        let cells = try context.config.bool("cells") ? scan.cells() : nil
        let details = try Details(context, scan, truthSpacingUm: max(truthSpacingUm, spacingUm))
        try context.write("truth") { file in
            try file.write(maps, depth: details.depth)
            try file.write(line)
            if let cells { try file.write(cells, firstUm: scan.firstUm) }
            try details.write(to: file)
        }
        let contours = scan.areaContours()
        try context.write("annotation") { file in try file.write(contours) }
    }

    /// Cuts the section and decides how it was laid down and stained.
    private static func prepare(_ context: StageContext) throws -> PhantomScan {
        let config = context.config
        let spacingUm = try config.double("spacing_um", in: 0.5...1000)
        let positionUm = try config.double("position_um")
        let (brain, section) = (try config.text("brain"), try config.text("section"))
        let file = try context.open("brain")
        guard let fields = try BrainFields.read(from: file, around: positionUm),
            let plane = BrainPlane(fields, positionUm: positionUm)
        else {
            throw StageError(
                .badInput, "the brain does not reach the position \(positionUm) µm; take one nearer to its middle",
                port: "brain", file: file.path)
        }
        let slide = PhantomSlide(
            brain: brain, section: section, seed: context.seed, mirrored: try config.bool("mirrored"),
            rotationDeg: try config.double("rotation_deg", in: 0...60),
            shiftMm: try config.double("shift_mm", in: 0...50), tears: try config.double("tear_fraction", in: 0...1),
            folds: try config.double("fold_fraction", in: 0...1),
            laboratory: try config.choice("stain", of: SectionStain.Laboratory.self),
            stainSpread: try config.double("stain_spread", in: 0...3))
        let heightMm = try config.optionalDouble("height_mm")
        let widthMm = try config.optionalDouble("width_mm")
        var size: (heightUm: Double, widthUm: Double)?
        if let heightMm, let widthMm {
            guard (1...500).contains(heightMm), (1...500).contains(widthMm) else {
                throw StageError(
                    .badJob, "height_mm and width_mm are between 1 and 500, not \(heightMm) and \(widthMm)")
            }
            size = (heightMm * 1000, widthMm * 1000)
        }
        return try slide.scan(
            plane: plane, architecture: try BrainArchitecture(from: file), spacingUm: spacingUm, sizeUm: size,
            region: { try region(config, in: $0) })
    }

    /// The part of the field that is asked for, nil for all of it.
    private static func region(_ config: StageConfig, in field: FieldOfView) throws -> ScanRegion? {
        guard config.has("region_um") else { return nil }
        let values = try config.doubles("region_um")
        guard values.count == 4, values[2] > 0, values[3] > 0, values[0] >= 0, values[1] >= 0,
            values[0] + values[2] <= field.heightUm, values[1] + values[3] <= field.widthUm
        else {
            throw StageError(
                .badJob,
                "region_um is [row, column, height, width] within the field of \(field.heightUm) × \(field.widthUm) µm, "
                    + "not \(values)")
        }
        return ScanRegion(rowUm: values[0], columnUm: values[1], heightUm: values[2], widthUm: values[3])
    }
}

/// What the truth says about the section as a whole.
private struct Details {
    let depth: Bool
    private let scan: PhantomScan
    private let truthSpacingUm: Double
    private let mirrored: Bool

    init(_ context: StageContext, _ scan: PhantomScan, truthSpacingUm: Double) throws {
        depth = try context.config.bool("depth")
        mirrored = try context.config.bool("mirrored")
        (self.scan, self.truthSpacingUm) = (scan, truthSpacingUm)
    }

    func write(to file: HDF5File) throws {
        let transform = scan.transform
        try file.write(transform.elements, shape: [3, 3], to: "/matrix")
        try file.setAttribute("unit", to: "um", of: "/matrix")
        try file.setAttribute("spacing_um", to: truthSpacingUm)
        // Centre of the first label's pixel in the section, whose zero is the centre of the scan's first pixel.
        try file.setAttribute("first_um", to: (truthSpacingUm - scan.spacingUm) / 2)
        try file.setAttribute("position_um", to: scan.plane.positionUm)
        try file.setAttribute("rotation_rad", to: transform.rotationRad)
        try file.setAttribute("mirrored", to: UInt8(mirrored ? 1 : 0))
        try file.setAttribute("stain_gain", to: scan.stain.gain)
        try file.setAttribute("stain_gamma", to: scan.stain.gamma)
        try file.setAttribute("tears", to: UInt8(scan.lay.artefacts.count { $0.kind == .tear }))
        try file.setAttribute("folds", to: UInt8(scan.lay.artefacts.count { $0.kind == .fold }))
    }
}
