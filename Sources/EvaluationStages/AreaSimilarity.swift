internal import HDF5
internal import NDArray
internal import PNG
internal import ScoreTables
public import StageKit
internal import Statistics

/// How alike the features of areas are, by mean cosine similarity (Figure 2, bottom).
public struct AreaSimilarity: Stage {
    public static let name = "area-similarity"
    public static let summary = "Mean cosine similarity of features between areas, in all brains and in each (Fig. 2)."

    public static func run(_ context: StageContext) throws {
        let leastPoints = try context.config.integer("least_points", in: 2...)
        let table = try context.featureTable()
        let points = table.points
        context.progress(0, "summing")
        let groups = AreaGroups(points, leastPoints: leastPoints)
        guard !groups.keys.isEmpty else {
            throw StageError(
                .badInput, "no area has \(leastPoints) labelled points in a hemisphere", port: "features",
                file: points.sources.first?.input.path)
        }
        let sums = try DirectionSums(table, groups: groups) { context.progress(0.9 * $0) }
        let all = sums.similarity(brain: nil, leastPoints: leastPoints)
        let each = points.brains.indices.map { sums.similarity(brain: $0, leastPoints: leastPoints) }

        let count = groups.keys.count
        var pearson = [Double](repeating: .nan, count: each.count * each.count)
        var pairs: [(Int, Int, Double)] = []
        for first in each.indices {
            pearson[first * each.count + first] = 1
            for second in each.indices where second > first {
                let r = correlation(each[first], each[second], count)
                pearson[first * each.count + second] = r
                pearson[second * each.count + first] = r
                if r.isFinite { pairs.append((first, second, r)) }
            }
        }
        let meanR = MeanAndDeviation(pairs.map(\.2))
        let blocks = BlockContrast(all, groups: groups)

        context.progress(0.95, "writing")
        try context.write("similarity") { file in
            try file.write(groups.keys.map(\.label), to: "/groups/label")
            try file.write(groups.keys.map(\.hemisphere), to: "/groups/hemisphere")
            try file.write(texts: groups.keys.map { points.areaName($0.label) }, to: "/groups/name")
            try file.write(groups.keys.indices.map { Int64(sums.pointCount($0)) }, to: "/groups/points")
            try file.write(all, shape: [count, count], to: "/similarity")
            try file.write(texts: points.brains.map(\.name), to: "/brains/name")
            try file.write(texts: points.brains.map(\.role), to: "/brains/role")
            try file.write(each.flatMap { $0 }, shape: [each.count, count, count], to: "/brain_similarity")
            try file.write(pearson, shape: [each.count, each.count], to: "/pearson")
        }
        try writePNG(picture(all, count), to: try context.output("picture"))

        var summary = ScoreSummary()
        summary.figures["pearson_mean"] = meanR.mean
        summary.figures["pearson_sd"] = meanR.deviation
        summary.figures["within_areas"] = blocks.within
        summary.figures["between_areas"] = blocks.between
        summary.figures["across_hemispheres"] = blocks.acrossHemispheres
        summary.tables.append(
            ScoreSummary.Table(
                name: "area_similarity",
                caption:
                    "Mean cosine similarity of \(table.vector.rawValue): of points of one area and hemisphere, of one area "
                    + "in both hemispheres, of different areas; and Pearson's r of each brain's matrix with the other brains'",
                columns: ["brain", "role", "within", "across_hemispheres", "between", "pearson_mean", "pearson_sd"],
                rows: [row("all", "", blocks, meanR)]
                    + each.indices.map { brain in
                        row(
                            points.brains[brain].name, points.brains[brain].role,
                            BlockContrast(each[brain], groups: groups),
                            MeanAndDeviation(pairs.filter { $0.0 == brain || $0.1 == brain }.map(\.2)))
                    }))
        try summary.write(to: context)
    }

    private static func row(
        _ brain: String, _ role: String, _ blocks: BlockContrast, _ r: MeanAndDeviation
    ) -> [ScoreSummary.Cell] {
        [
            .text(brain), .text(role), .number(blocks.within), .number(blocks.acrossHemispheres),
            .number(blocks.between), .number(r.mean), .number(r.deviation),
        ]
    }

    /// Pearson's r over the pairs of groups, each once, that both brains have.
    private static func correlation(_ a: [Double], _ b: [Double], _ count: Int) -> Double {
        var (first, second): ([Double], [Double]) = ([], [])
        for row in 0..<count {
            for column in row..<count {
                let place = row * count + column
                guard a[place].isFinite, b[place].isFinite else { continue }
                first.append(a[place])
                second.append(b[place])
            }
        }
        return pearsonCorrelation(first, second)
    }

    /// The matrix in colours from its least to its greatest value.
    private static func picture(_ values: [Double], _ count: Int) -> Image<RGB> {
        let finite = values.filter(\.isFinite)
        let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
        let cell = max(1, 640 / count)
        return Image(
            rows: count * cell, columns: count * cell,
            elements: (0..<count * cell * count * cell).map { pixel in
                let (row, column) = (pixel / (count * cell) / cell, pixel % (count * cell) / cell)
                return gradedColour((values[row * count + column] - low) / max(high - low, 1e-12))
            })
    }
}
