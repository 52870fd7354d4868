internal import HDF5
internal import NDArray
internal import PNG
internal import ScoreTables
public import StageKit
internal import Statistics

/// The patches whose features are nearest to those of chosen ones (Supplement 7.6, Figure 10).
public struct Retrieval: Stage {
    public static let name = "retrieval"
    public static let summary =
        "Nearest patches by cosine similarity, to look at and counted: same area, same brain, close by (Fig. 10)."

    /// Which points no query may find.
    enum Exclusion: String, CaseIterable {
        case point, section, brain
    }

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let shown = try config.integer("queries", in: 1...1000)
        let neighbours = try config.integer("neighbours", in: 1...100)
        let scored = try config.integer("scored_queries", in: 1...)
        let nearMm = try config.double("near_mm", in: 0...)
        let exclude = try config.choice("exclude", of: Exclusion.self)
        let table = try context.featureTable()
        let points = table.points

        // A query stands for an area, so that "the same area" can be told.
        let candidates = (0..<points.count).filter { points.hasArea($0) }
        guard !candidates.isEmpty else {
            throw StageError(.badInput, "no point has an area in /label", port: "features")
        }
        let chosen = try config.optionalIntegers("rows") ?? pick(shown, candidates, points, context.seed)
        for row in chosen where !(0..<points.count).contains(row) {
            throw StageError(.badJob, "config.rows holds \(row), but the features have \(points.count) rows")
        }
        let queries =
            chosen
            + subsample(candidates, count: scored, seed: context.seed, stream: "scored queries")
        let search = NearestByDirection(
            queries: queries, neighbours: neighbours, exclude: exclude, threads: context.cores)
        let found = try search.run(table) { context.progress(0.9 * $0, "searching") }
        let lists = Array(found.prefix(chosen.count))
        guard lists.allSatisfy({ !$0.isEmpty }) else {
            throw StageError(
                .noResult, "a query finds no point beyond its own \(exclude.rawValue); change config.exclude",
                port: "features")
        }
        let shares = NeighbourShares(
            queries: Array(queries.dropFirst(chosen.count)), found: Array(found.dropFirst(chosen.count)),
            points: points,
            nearMm: nearMm, exclude: exclude, seed: context.seed)

        context.progress(0.92, "copying patches")
        let pixels = try PatchPixels(
            context.optionalInputs("patches"), points: points, sidePx: try config.optionalInteger("patch_side_px"))
        try context.write("neighbours") { file in
            let rows = lists.map { $0.map(\.row) }
            try file.write(chosen.map { Int64($0) }, to: "/query_row")
            try write(rows, Int64.init, neighbours, missing: -1, to: file, "/neighbour_row")
            try file.write(
                lists.flatMap { list in (0..<neighbours).map { $0 < list.count ? list[$0].similarity : .nan } },
                shape: [chosen.count, neighbours], to: "/similarity")
            try file.write(chosen.map { points.label[$0] }, to: "/query_label")
            try write(rows, { points.label[$0] }, neighbours, missing: -1, to: file, "/neighbour_label")
            try file.write(chosen.map { points.brain[$0] }, to: "/query_brain")
            try write(rows, { points.brain[$0] }, neighbours, missing: -1, to: file, "/neighbour_brain")
            try write(
                lists.indices.map { index in rows[index].map { points.distanceMm(chosen[index], $0) } }, { $0 },
                neighbours, missing: .nan, to: file, "/distance_mm")
            try file.write(texts: points.brains.map(\.name), to: "/brains/name")
            let labels = points.areaNames.keys.sorted()
            try file.write(labels, to: "/areas/label")
            try file.write(texts: labels.map { points.areaName($0) }, to: "/areas/name")
            guard let pixels else { return }
            try file.write(
                try chosen.flatMap { try pixels.patch($0) }, shape: [chosen.count, pixels.sidePx, pixels.sidePx],
                to: "/query_pixels")
            let blank = [UInt8](repeating: 255, count: pixels.sidePx * pixels.sidePx)
            try file.write(
                try rows.flatMap { list in
                    try (0..<neighbours).flatMap { $0 < list.count ? try pixels.patch(list[$0]) : blank }
                }, shape: [chosen.count, neighbours, pixels.sidePx, pixels.sidePx], to: "/neighbour_pixels")
            try file.setAttribute("spacing_um", to: pixels.spacingUm)
        }
        try writePNG(
            try sheet(chosen, lists, neighbours, points, pixels), to: try context.output("picture"))
        try summary(shares, points, table, chosen, lists, nearMm).write(to: context)
    }

    /// Queries of different areas, drawn at random, as long as there are areas.
    private static func pick(_ count: Int, _ candidates: [Int], _ points: PointTable, _ seed: UInt64) -> [Int] {
        var random = SeededGenerator(seed: seed, stream: "shown queries")
        var order = candidates
        order.shuffle(using: &random)
        var seen: Set<Int32> = []
        let first = order.filter { seen.insert(points.label[$0]).inserted }
        let taken = Set(first)
        return Array((first + order.filter { !taken.contains($0) }).prefix(count))
    }

    private static func write<Value, Element: HDF5Element>(
        _ lists: [[Value]], _ value: (Value) -> Element, _ width: Int, missing: Element, to file: HDF5File,
        _ path: String
    ) throws {
        let values = lists.flatMap { list in (0..<width).map { $0 < list.count ? value(list[$0]) : missing } }
        try file.write(values, shape: [lists.count, width], to: path)
    }

    /// Each query at the left of its neighbours; a green border where the area is the same, orange where not.
    private static func sheet(
        _ queries: [Int], _ lists: [[NearestByDirection.Found]], _ width: Int, _ points: PointTable,
        _ pixels: PatchPixels?
    ) throws -> Image<RGB> {
        guard let pixels else { return Image(rows: 8, columns: 8, filledWith: GroupColours.none) }
        let (side, gap) = (pixels.sidePx, 3)
        let cell = side + 2 * gap
        var sheet = Image(rows: queries.count * cell, columns: (width + 1) * cell, filledWith: RGB(gray: 255))
        func paste(_ row: Int, atRow place: Int, column: Int, frame: RGB) throws {
            for r in 0..<cell {
                for c in 0..<cell where r < gap || c < gap || r >= side + gap || c >= side + gap {
                    sheet[place * cell + r, column * cell + c] = frame
                }
            }
            let patch = try pixels.patch(row)
            for r in 0..<side {
                for c in 0..<side {
                    sheet[place * cell + gap + r, column * cell + gap + c] = RGB(gray: patch[r * side + c])
                }
            }
        }
        for (index, query) in queries.enumerated() {
            try paste(query, atRow: index, column: 0, frame: RGB(gray: 0))
            for (place, found) in lists[index].enumerated() {
                let same = points.label[found.row] == points.label[query]
                try paste(
                    found.row, atRow: index, column: place + 1, frame: same ? RGB(0, 158, 115) : RGB(230, 159, 0))
            }
        }
        return sheet
    }

    private static func summary(
        _ shares: NeighbourShares, _ points: PointTable, _ table: FeatureTable, _ queries: [Int],
        _ lists: [[NearestByDirection.Found]], _ nearMm: Double
    ) -> ScoreSummary {
        var summary = ScoreSummary()
        let rows: [(String, Double, Double)] = [
            ("same_area", shares.sameArea.found, shares.sameArea.chance),
            ("near", shares.near.found, shares.near.chance),
            ("same_brain", shares.sameBrain.found, shares.sameBrain.chance),
            ("same_hemisphere", shares.sameHemisphere.found, shares.sameHemisphere.chance),
        ]
        for (name, found, chance) in rows {
            summary.figures["\(name)_share"] = found
            summary.figures["\(name)_chance"] = chance
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "retrieval",
                caption:
                    "Shares of the nearest neighbours by cosine similarity of \(table.vector.rawValue) that share a property "
                    + "with their query (near: within \(nearMm) mm in the template), and of points drawn at random under the same "
                    + "exclusion", columns: ["property", "neighbours", "chance"],
                rows: rows.map { [.text($0.0), .number($0.1), .number($0.2)] }))
        summary.tables.append(
            ScoreSummary.Table(
                name: "retrieved", caption: "The queries that are shown and their nearest neighbours",
                columns: ["query", "rank", "brain", "section", "area", "similarity", "distance_mm"],
                rows: zip(queries, lists).enumerated().flatMap { number, entry in
                    let (query, list) = entry
                    func row(_ point: Int, _ rank: Int, _ similarity: Double) -> [ScoreSummary.Cell] {
                        [
                            .count(number), .count(rank), .text(points.brainName(point)),
                            .text(points.sections[Int(points.section[point])].name),
                            .text(points.hasArea(point) ? points.areaName(points.label[point]) : ""),
                            .number(similarity), .number(points.distanceMm(query, point)),
                        ]
                    }
                    return [row(query, 0, 1)]
                        + list.enumerated().map { row($0.element.row, $0.offset + 1, Double($0.element.similarity)) }
                }))
        return summary
    }
}

extension PointTable {
    /// How far two points lie apart in the template's space, mm; NaN where that is unknown.
    func distanceMm(_ first: Int, _ second: Int) -> Double {
        let offset = mniMm[first] - mniMm[second]
        return (offset * offset).sum().squareRoot()
    }
}

extension StageConfig {
    /// A list of whole numbers, or nil where the key is null.
    func optionalIntegers(_ key: String) throws -> [Int]? {
        guard has(key) else { return nil }
        return try doubles(key).map { number in
            guard let whole = Int(exactly: number) else {
                throw StageError(.badJob, "config.\(key) holds \(number), but must be a list of whole numbers")
            }
            return whole
        }
    }
}
