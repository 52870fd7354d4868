internal import HDF5
internal import NDArray
internal import StageKit

/// What the class token looks at: Figure 3.
enum AttentionSection {
    static func make(_ report: ReportContext) throws -> PageSection {
        var section = PageSection(id: "attention", title: "Attention")
        section.lead = """
            Which parts of a patch the transformer’s class token takes its features from. Only models with a transformer have such maps.
            """
        let sources = report.sources("attention_maps")
        guard let source = sources.first else {
            section.missing.append(
                "Figure 3 needs <code>attention-maps</code> of a model with a transformer, which this run does not have."
            )
            return section
        }
        let file = try HDF5File(reading: source.path)
        let shape = try file.dataset("/attention").shape
        let pixelShape = try file.dataset("/pixels").shape
        guard shape.count == 4, pixelShape.count == 3, pixelShape[0] == shape[0] else {
            throw StageError(
                .badInput, "/attention is not (patches, heads, rows, columns) of /pixels", port: source.port,
                file: source.path)
        }
        let names = try areaNames(file, count: shape[0])
        var parts: [Markup] = []
        for patch in chosen(names, most: 4) {
            let pixels = try file.dataset("/pixels").read(
                at: [patch, 0, 0], shape: [1, pixelShape[1], pixelShape[2]], as: UInt8.self)
            let attention = try file.dataset("/attention").read(
                at: [patch, 0, 0, 0], shape: [1, shape[1], shape[2], shape[3]], as: Float.self)
            let tiles = overlays(
                Image(rows: pixelShape[1], columns: pixelShape[2], elements: pixels), attention, heads: shape[1],
                rows: shape[2], columns: shape[3])
            // Two lines of tiles, so that a phone shows them large enough.
            let width = (tiles.count + 1) / 2
            guard let picture = tiled([Array(tiles.prefix(width)), Array(tiles.dropFirst(width))], gap: 3),
                let image = try report.pictures.image(
                    picture,
                    alternative:
                        "A patch of area \(names[patch]) and the attention of \(shape[1]) heads over it in red",
                    isPixelated: true)
            else { continue }
            parts.append(
                "<div class=\"chart\"><h4>\(names[patch])</h4><button class=\"zoom\" type=\"button\">\(image)</button></div>"
            )
        }
        section.blocks.append(
            Figure(
                name: "Figure 3",
                caption: """
                    Attention of the class token in the first transformer layer: the patch, then each of its \(shape[1]) heads over it; the redder, the \
                    more attention (from the head’s least to its most, square root, the paper’s gamma of 0.5).
                    """, body: Chart.row(parts, columns: 2), sources: sources
            ).markup(report))
        return section
    }

    private static func areaNames(_ file: HDF5File, count: Int) throws -> [String] {
        guard file.contains("/label"), file.contains("/areas/label") else {
            return (0..<count).map { "patch \($0 + 1)" }
        }
        let labels = try file.read("/label", as: Int.self)
        let names = Dictionary(
            zip(try file.read("/areas/label", as: Int.self), try file.readTexts("/areas/name")),
            uniquingKeysWith: { first, _ in first })
        return labels.map { names[$0] ?? "no area" }
    }

    /// Patches of different areas first.
    private static func chosen(_ names: [String], most: Int) -> [Int] {
        var seen: Set<String> = []
        let first = names.indices.filter { seen.insert(names[$0]).inserted }
        return Array((first + names.indices.filter { !first.contains($0) }).prefix(most))
    }

    private static func overlays(
        _ patch: Image<UInt8>, _ attention: [Float], heads: Int, rows: Int, columns: Int
    ) -> [Image<RGB>?] {
        var tiles: [Image<RGB>?] = [patch.map { RGB(gray: $0) }]
        for head in 0..<heads {
            let map = attention[head * rows * columns..<(head + 1) * rows * columns]
            // From the head's least to its most: the differences are what there is to see.
            let least = map.min() ?? 0
            let range = max((map.max() ?? 1) - least, 1e-12)
            let start = map.startIndex
            tiles.append(
                Image(
                    rows: patch.rows, columns: patch.columns,
                    elements: patch.elements.indices.map { pixel in
                        let (row, column) = (pixel / patch.columns, pixel % patch.columns)
                        let share = bilinear(
                            map, start, rows, columns, (Float(row) + 0.5) / Float(patch.rows) * Float(rows) - 0.5,
                            (Float(column) + 0.5) / Float(patch.columns) * Float(columns) - 0.5)
                        let weight = (max(share - least, 0) / range).squareRoot() * 0.75
                        let gray = Float(patch.elements[pixel])
                        func mix(_ colour: Float) -> UInt8 { UInt8(min(max(gray + (colour - gray) * weight, 0), 255)) }
                        return RGB(mix(220), mix(30), mix(40))
                    }))
        }
        return tiles
    }

    private static func bilinear(
        _ map: ArraySlice<Float>, _ start: Int, _ rows: Int, _ columns: Int, _ row: Float, _ column: Float
    ) -> Float {
        let (y, x) = (min(max(row, 0), Float(rows - 1)), min(max(column, 0), Float(columns - 1)))
        let (top, left) = (Int(y), Int(x))
        let (bottom, right) = (min(top + 1, rows - 1), min(left + 1, columns - 1))
        let (down, across) = (y - Float(top), x - Float(left))
        func value(_ r: Int, _ c: Int) -> Float { map[start + r * columns + c] }
        return (value(top, left) * (1 - across) + value(top, right) * across) * (1 - down)
            + (value(bottom, left) * (1 - across) + value(bottom, right) * across) * down
    }
}
