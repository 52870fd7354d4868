internal import HDF5
internal import NDArray
internal import PNG
internal import ScoreTables
public import StageKit
internal import Statistics

/// Features in two and three dimensions, and how well brains, areas and hemispheres separate in them (Figures 2, 7 and 8; Supplement 7.2).
public struct Embedding: Stage {
    public static let name = "embedding"
    public static let summary =
        "UMAP of features and projections in two and three dimensions, with Calinski–Harabasz scores (Fig. 2, 7, 8)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let most = try config.integer("points", in: 10...)
        let dimensions = try config.doubles("dimensions").map { Int($0) }
        guard !dimensions.isEmpty, dimensions.allSatisfy({ (2...3).contains($0) }) else {
            throw StageError(.badJob, "config.dimensions must hold 2, 3 or both")
        }
        let settings = (
            neighbours: try config.integer("neighbours", in: 2...1000),
            minimumDistance: try config.double("minimum_distance", in: 0...1),
            epochs: try config.optionalInteger("epochs")
        )
        let inputs = try context.inputs("features")
        let table = try FeatureTable(inputs, vector: .features)
        let points = table.points
        let rows = subsample(Array(0..<points.count), count: most, seed: context.seed, stream: "embedded points")
        guard rows.count > settings.neighbours else {
            throw StageError(
                .badInput, "\(rows.count) points are too few for \(settings.neighbours) neighbours", port: "features")
        }
        let groupings = Grouping.all(rows, points)
        var spaces: [Space] = []
        /// Embeds a vector's points and keeps their scores.
        func embed(_ matrix: Matrix, _ name: String, dimensions: [Int], from: Double, to: Double) throws {
            spaces.append(Space(name: name, dataset: nil, points: matrix))
            context.progress(from, "neighbours of \(name)")
            let graph = try context.analysing {
                try FuzzyGraph(
                    of: matrix, neighbors: settings.neighbours, seed: streamSeed(context.seed, name),
                    threads: context.cores)
            }
            for (index, dimension) in dimensions.enumerated() {
                let share = Double(index + 1) / Double(dimensions.count + 1)
                context.progress(from + (to - from) * share, "UMAP of \(name) in \(dimension) dimensions")
                let found = try context.analysing {
                    try UMAP(
                        of: graph,
                        settings: UMAP.Settings(
                            dimensions: dimension, minimumDistance: settings.minimumDistance, epochs: settings.epochs,
                            seed: streamSeed(context.seed, name, dimension)), threads: context.cores)
                }
                let dataset = name == "features" ? "/umap\(dimension)" : "/projection_umap\(dimension)"
                spaces.append(Space(name: "\(name) umap\(dimension)", dataset: dataset, points: found.embedding))
            }
        }
        context.progress(0, "reading")
        let hasProjection = try FeatureTable.has(.projection, in: inputs)
        try embed(
            try table.matrix(rows: rows), "features", dimensions: dimensions, from: 0.02, to: hasProjection ? 0.55 : 0.9
        )
        if hasProjection {
            let projection = try FeatureTable(inputs, vector: .projection)
            try embed(
                try projection.matrix(rows: rows), "projection", dimensions: dimensions.filter { $0 == 2 }, from: 0.55,
                to: 0.9)
        }

        context.progress(0.92, "scoring")
        try context.write("embedding") { file in
            try points.write(rows: rows, to: file)
            for space in spaces {
                guard let dataset = space.dataset else { continue }
                try space.points.withUnsafeElements {
                    try file.write(Array($0), shape: [space.points.rows, space.points.columns], to: dataset)
                }
            }
        }
        let flat = spaces.filter { $0.dataset != nil && $0.points.columns == 2 }
        try writePNG(
            ScatterPicture().drawn(flat.flatMap { space in groupings.map { $0.panel(space.points) } }),
            to: try context.output("picture"))
        try summary(spaces, groupings, rows, points, context).write(to: context)
    }

    /// A matrix whose groups are scored.
    private struct Space {
        var name: String
        /// Where it is written; nil for features themselves.
        var dataset: String?
        var points: Matrix
    }

    private static func summary(
        _ spaces: [Space], _ groupings: [Grouping], _ rows: [Int], _ points: PointTable, _ context: StageContext
    ) throws -> ScoreSummary {
        var summary = ScoreSummary()
        summary.figures["points"] = Double(rows.count)
        var all: [[ScoreSummary.Cell]] = []
        var each: [[ScoreSummary.Cell]] = []
        let byBrain = points.brains.indices.map { brain in
            rows.indices.filter { Int(points.brain[rows[$0]]) == brain }
        }
        for space in spaces {
            let key = space.name.split(separator: " ").joined(separator: "_")
            var row: [ScoreSummary.Cell] = [.text(space.name)]
            for grouping in groupings {
                let score = grouping.score(space.points, places: Array(rows.indices))
                summary.figures["ch_\(key)_\(grouping.name)"] = score
                row.append(.number(score))
            }
            all.append(row)
            // Within one brain: the held-out brains beside the others (7.2).
            var pretrained: [String: [Double]] = [:]
            var heldOut: [String: [Double]] = [:]
            for (brain, places) in byBrain.enumerated() where !places.isEmpty {
                var row: [ScoreSummary.Cell] = [
                    .text(space.name), .text(points.brains[brain].name), .text(points.brains[brain].role),
                    .count(places.count),
                ]
                for grouping in groupings where grouping.name != "brain" {
                    let score = grouping.score(space.points, places: places)
                    row.append(.number(score))
                    guard score.isFinite else { continue }
                    if points.brains[brain].role == "unseen" {
                        heldOut[grouping.name, default: []].append(score)
                    } else {
                        pretrained[grouping.name, default: []].append(score)
                    }
                }
                each.append(row)
            }
            for name in ["area", "hemisphere"] {
                summary.figures["ch_\(key)_\(name)_pretrained_brain"] = MeanAndDeviation(pretrained[name] ?? []).mean
                summary.figures["ch_\(key)_\(name)_unseen_brain"] = MeanAndDeviation(heldOut[name] ?? []).mean
            }
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "calinski_harabasz",
                caption:
                    "Calinski–Harabasz index of brains, areas and hemispheres in the vectors themselves and in their embeddings",
                columns: ["space", "brain", "area", "hemisphere"], rows: all))
        summary.tables.append(
            ScoreSummary.Table(
                name: "calinski_harabasz_brains", caption: "The same within each brain",
                columns: ["space", "brain", "role", "points", "area", "hemisphere"], rows: each))
        return summary
    }
}

/// What points are grouped by.
private struct Grouping {
    let name: String
    /// Of each point; nil for none.
    let group: [Int?]

    static func all(_ rows: [Int], _ points: PointTable) -> [Grouping] {
        let labels = Set(rows.filter { points.hasArea($0) }.map { points.label[$0] }).sorted()
        let places = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($0.element, $0.offset) })
        return [
            Grouping(name: "brain", group: rows.map { Int(points.brain[$0]) }),
            Grouping(name: "area", group: rows.map { points.hasArea($0) ? places[points.label[$0]] : nil }),
            Grouping(name: "hemisphere", group: rows.map { Int(points.hemisphere[$0]) }),
        ]
    }

    /// Calinski–Harabasz of the points that have a group; NaN where there are fewer than two groups, or as many as points.
    func score(_ points: Matrix, places: [Int]) -> Double {
        let own = places.filter { group[$0] != nil }
        let labels = own.compactMap { group[$0] }
        let matrix = own.count == points.rows ? points : points.selecting(rows: own)
        return (try? calinskiHarabaszScore(matrix, labels: labels)) ?? .nan
    }

    func panel(_ points: Matrix) -> ScatterPicture.Panel {
        let colours = GroupColours(count: (group.compactMap { $0 }.max() ?? 0) + 1)
        return ScatterPicture.Panel(
            points: (0..<points.rows).map { SIMD2(Double(points[$0, 0]), Double(points[$0, 1])) },
            colours: group.map { colours[$0] })
    }
}
