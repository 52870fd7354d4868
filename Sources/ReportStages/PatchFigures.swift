internal import HDF5
internal import NDArray
internal import StageKit

/// Patches as the networks get them, a row a brain; and patches with their layers.
enum PatchFigures {
    static func make(_ report: ReportContext) throws -> [Figure] {
        var figures: [Figure] = []
        for port in ["patches", "layer_patches"] {
            let sources = report.sources(port)
            guard let source = sources.first else { continue }
            if let figure = try figure(source, all: sources, report) { figures.append(figure) }
        }
        return figures
    }

    private static func figure(_ source: ReportSource, all: [ReportSource], _ report: ReportContext) throws -> Figure? {
        var tiles: [[Image<RGB>?]] = []
        var names: [String] = []
        var (count, side, hasLayers): (Int, Int, Bool) = (0, 0, false)
        var spacing: Double?
        // One file with all brains, or one a brain.
        for source in all.prefix(12) {
            let file = try HDF5File(reading: source.path)
            guard file.contains("/pixels") else { continue }
            let shape = try file.dataset("/pixels").shape
            guard shape.count == 3, shape[0] > 0, shape[1] == shape[2] else { continue }
            if count == 0 {
                (side, hasLayers) = (shape[1], file.contains("/layer"))
                if file.hasAttribute("spacing_um") { spacing = try file.attribute("spacing_um", as: Double.self) }
            }
            guard shape[1] == side else { continue }
            count += shape[0]
            let (rows, brains) = try rows(of: file, count: shape[0], columns: hasLayers ? 6 : 12)
            for (row, brain) in zip(rows, brains) where tiles.count < 8 {
                tiles.append(try row.flatMap { try pictures(of: $0, in: file, side: side, withLayer: hasLayers) })
                names.append(brain)
            }
        }
        guard let picture = tiled(tiles, gap: 3),
            let image = try report.pictures.image(
                picture,
                alternative: "patches of the cortex, one row for each of the brains \(names.joined(separator: ", "))",
                isPixelated: true)
        else { return nil }
        let width =
            spacing.map {
                ", \(NumberText.fixed(Double(side) * $0 / 1000, 1)) mm wide (\(side) px at \(NumberText.short($0)) µm)"
            } ?? ""
        let what: Markup =
            hasLayers
            ? "Patches and their cortical layers, layer I to VI from dark to light; white is background."
            : "Windows around points of the cortex, wide enough to be turned and shifted."
        return Figure(
            name: hasLayers ? "Patches with layers" : "Patches",
            caption:
                "\(what) \(NumberText.grouped(count)) of them\(width); one row for each brain: \(names.joined(separator: ", ")).",
            body: "<button class=\"zoom\" type=\"button\">\(image)</button>", sources: all)
    }

    private static func pictures(
        of patch: Int, in file: HDF5File, side: Int, withLayer: Bool
    ) throws -> [Image<RGB>?] {
        let pixels = try file.dataset("/pixels").read(at: [patch, 0, 0], shape: [1, side, side], as: UInt8.self)
        let gray = Image(rows: side, columns: side, elements: pixels.map { RGB(gray: $0) })
        guard withLayer else { return [gray] }
        let layers = try file.dataset("/layer").read(at: [patch, 0, 0], shape: [1, side, side], as: UInt8.self)
        return [gray, LayerColours.picture(layers, rows: side, columns: side)]
    }

    /// Patches evenly along each brain's rows; one row without brains where the file names none.
    private static func rows(of file: HDF5File, count: Int, columns: Int) throws -> ([[Int]], [String]) {
        guard file.contains("/brain"), file.contains("/brains/name") else {
            return ([(0..<min(columns, count)).map { $0 * count / columns }], ["unknown"])
        }
        let brains = try file.read("/brain", as: Int.self)
        let names = try file.readTexts("/brains/name")
        var rows: [[Int]] = []
        var shown: [String] = []
        for (index, name) in names.enumerated() {
            let own = brains.indices.filter { brains[$0] == index }
            guard !own.isEmpty else { continue }
            rows.append((0..<min(columns, own.count)).map { own[(2 * $0 + 1) * own.count / (2 * columns)] })
            shown.append(name)
            if rows.count == 8 { break }
        }
        return (rows, shown)
    }
}

/// Colours of the cortical layers, from dark to light so that they can be told apart without colours, too.
enum LayerColours {
    static let colours = [
        RGB(255, 255, 255), RGB(48, 18, 59), RGB(84, 48, 130), RGB(146, 68, 140), RGB(205, 92, 108), RGB(242, 140, 80),
        RGB(250, 210, 110),
    ]

    /// Gray where nothing is scored (255).
    static func colour(_ layer: UInt8) -> RGB {
        Int(layer) < colours.count ? colours[Int(layer)] : RGB(gray: 200)
    }

    static func picture(_ layers: [UInt8], rows: Int, columns: Int) -> Image<RGB> {
        Image(rows: rows, columns: columns, elements: layers.map(colour))
    }
}
