internal import HDF5
internal import NDArray
internal import Phantom
public import StageKit

/// Cuts, stains and scans one section of a phantom brain; the truth goes into a file of its own.
public struct PhantomSection: Stage {
    public static let name = "phantom-section"
    public static let summary =
        "Scans one section of a phantom brain, and tells the truth about it in a file of its own."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let spacingUm = try config.double("spacing_um", in: 0.5...1000)
        let labelSpacingUm = try config.double("truth_spacing_um", in: spacingUm...)
        let heightMm = try config.double("height_mm", in: 1...500)
        let widthMm = try config.double("width_mm", in: 1...500)
        let positionUm = try config.double("position_um")
        let brain = try config.text("brain")
        let section = try config.text("section")

        context.progress(0, "cutting")
        let file = try context.open("brain")
        guard let fields = try BrainFields.read(from: file, around: positionUm),
            let plane = BrainPlane(fields, positionUm: positionUm)
        else {
            throw StageError(
                .badInput, "the brain does not reach the position \(positionUm) µm; take one nearer to its middle",
                port: "brain", file: file.path)
        }
        // Seeds come from names in the config, never from the item: equal config gives equal bytes.
        var random = SeededGenerator(seed: context.seed, stream: "section \(brain) \(section)")
        var texture = SeededGenerator(seed: context.seed, stream: "texture \(brain)")
        let cut = SectionCut.drawn(
            positionUm: positionUm, mirrored: try config.bool("mirrored"),
            rotationDeg: try config.double("rotation_deg", in: 0...60),
            shiftMm: try config.double("shift_mm", in: 0...50),
            generator: &random)
        let stain = SectionStain.drawn(
            gainSpread: try config.double("stain_spread", in: 0...2), generator: &random)
        let scan = PhantomScan(
            plane: plane, cut: cut, stain: stain, rows: Int((heightMm * 1000 / spacingUm).rounded()),
            columns: Int((widthMm * 1000 / spacingUm).rounded()), spacingUm: spacingUm, texture: texture.next(),
            seed: random.next())

        context.progress(0.1, "scanning")
        let writer = try TiledScanWriter(
            path: try context.output("section"), rows: scan.rows, columns: scan.columns, spacingUm: spacingUm)
        try writer.write(
            progress: { context.progress(0.1 + 0.8 * $0, "scanning") },
            band: { rows, pixels in
                let target = DisjointSlices(pixels)
                parallelBands(rows.count, band: 32, threads: context.cores) { part in
                    scan.scan(
                        rows: rows.lowerBound + part.lowerBound..<rows.lowerBound + part.upperBound,
                        into: UnsafeMutableBufferPointer(
                            start: target.base + part.lowerBound * scan.columns, count: part.count * scan.columns))
                }
            })

        context.progress(0.9, "telling the truth")
        let labels = scan.labels(spacingUm: labelSpacingUm, threads: context.cores)
        try context.write("truth") { file in
            try file.write(labels, to: "/labels")
            try file.write(scan.transform.elements, shape: [3, 3], to: "/matrix")
            try file.setAttribute("unit", to: "um", of: "/matrix")
            try file.setAttribute("spacing_um", to: labelSpacingUm)
            // Centre of the first label's pixel in the section, whose zero is the centre of the scan's first pixel.
            try file.setAttribute("first_um", to: (labelSpacingUm - spacingUm) / 2)
            try file.setAttribute("position_um", to: positionUm)
            try file.setAttribute("rotation_rad", to: cut.rotationRad)
            try file.setAttribute("mirrored", to: UInt8(cut.mirrored ? 1 : 0))
            try file.setAttribute("stain_gain", to: stain.gain)
        }
    }
}
