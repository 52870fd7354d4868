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
        let file = try HDF5File(reading: source.path)
        guard file.contains("/pixels") else { return nil }
        let shape = try file.dataset("/pixels").shape
        guard shape.count == 3, shape[0] > 0 else { return nil }
        let count = shape[0]
        let hasLayers = file.contains("/layer")
        let spacing = file.hasAttribute("spacing_um") ? try? file.attribute("spacing_um", as: Double.self) : nil
        let (rows, names) = try rows(of: file, count: count, columns: hasLayers ? 6 : 12)
        let tiles = try rows.map { row in
            try row.flatMap { patch -> [Image<RGB>?] in
                let pixels = try file.dataset("/pixels").read(
                    at: [patch, 0, 0], shape: [1, shape[1], shape[2]], as: UInt8.self)
                let gray = Image(rows: shape[1], columns: shape[2], elements: pixels)
                guard hasLayers else { return [gray.map { RGB(gray: $0) }] }
                let layers = try file.dataset("/layer").read(
                    at: [patch, 0, 0], shape: [1, shape[1], shape[2]], as: UInt8.self)
                return [gray.map { RGB(gray: $0) }, LayerColours.picture(layers, rows: shape[1], columns: shape[2])]
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
                ", \(NumberText.fixed(Double(shape[2]) * $0 / 1000, 1)) mm wide (\(shape[2]) px at \(NumberText.short($0)) µm)"
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
