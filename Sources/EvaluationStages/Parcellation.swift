internal import HDF5
internal import NDArray
internal import PNG
internal import ScoreTables
public import StageKit
internal import Statistics

/// Whether areas appear by themselves in one brain's features: k-means without labels (Methods 3.8; Figures 6 C and 9).
///
/// Features are taken as they are, without PCA, scaling or smoothing; points of both hemispheres are clustered together.
public struct Parcellation: Stage {
    public static let name = "parcellation"
    public static let summary =
        "Clusters one brain's features by k-means and compares the clusters with areas and hemispheres (Fig. 6C, 9)."

    /// How points are chosen before they are clustered.
    enum Selection: String, CaseIterable {
        case label, probability
    }

    public static func run(_ context: StageContext) throws {
        let clusters = try context.config.integer("clusters", in: 2...1000)
        let runs = try context.config.integer("runs", in: 1...10_000)
        let table = try context.featureTable()
        let points = table.points
        let named = try context.config.optionalText("brain").map { try points.brainIndex(named: $0, port: "features") }
        let brain = named ?? points.brains.firstIndex { $0.role == "transfer" } ?? 0
        let chosen = try choose(points, brain: brain, context)
        guard chosen.rows.count > clusters else {
            throw StageError(
                .badInput,
                "\(chosen.rows.count) points of brain \(points.brains[brain].name) lie in the areas "
                    + "\(chosen.areas.map { points.areaName($0) }.joined(separator: ", ")), too few for \(clusters) clusters",
                port: "features")
        }
        context.progress(0.05, "reading")
        let features = try table.matrix(rows: chosen.rows)
        let labels = chosen.labels.map { Int($0) }
        let hemispheres = chosen.rows.map { Int(points.hemisphere[$0]) }

        var measured: [RunScores] = []
        var best: (inertia: Double, clusters: [Int])?
        for run in 0..<runs {
            let found = try context.analysing {
                try KMeans(
                    of: features, clusters: clusters, seed: streamSeed(context.seed, "k-means", run),
                    threads: context.cores)
            }
            measured.append(
                RunScores(
                    clusters: found.labels, labels: labels, hemispheres: hemispheres, inertia: found.inertia))
            if best == nil || found.inertia < best?.inertia ?? 0 { best = (found.inertia, found.labels) }
            context.progress(0.05 + 0.9 * Double(run + 1) / Double(runs), "clustering")
        }
        guard let best else { return }

        context.progress(0.96, "writing")
        try context.write("clusters") { file in
            try points.write(rows: chosen.rows, to: file)
            try file.write(best.clusters.map { Int32($0) }, to: "/cluster")
            try file.write(chosen.labels, to: "/area")
            try file.write(measured.map(\.purityOfLabels), to: "/runs/purity_label")
            try file.write(measured.map(\.purityOfHemispheres), to: "/runs/purity_hemisphere")
            try file.write(measured.map(\.accuracy), to: "/runs/accuracy")
            try file.write(measured.map(\.inertia), to: "/runs/inertia")
            try file.setAttribute("brain", to: points.brains[brain].name)
            try file.setAttribute("clusters", to: Int64(clusters))
        }
        try writePNG(
            picture(chosen, best.clusters, points, clusters), to: try context.output("picture"))
        try summary(measured, chosen, best.clusters, points, points.brains[brain].name, clusters).write(to: context)
    }

    /// The points of the chosen areas, and their area.
    struct Chosen {
        var areas: [Int32]
        var rows: [Int]
        var labels: [Int32]
    }

    private static func choose(_ points: PointTable, brain: Int, _ context: StageContext) throws -> Chosen {
        let config = context.config
        let own = points.rows(ofBrain: brain)
        let named = try config.texts("areas").map { try points.areaLabel($0, key: "areas") }
        let areas =
            named.isEmpty ? try points.neighbouringAreas(among: own, graph: try context.adjacency()) : named
        guard areas.count >= 2, Set(areas).count == areas.count else {
            throw StageError(.badJob, "config.areas must name two or more different areas")
        }
        switch try config.choice("select", of: Selection.self) {
        case .label:
            let rows = own.filter { areas.contains(points.label[$0]) }
            return Chosen(areas: areas, rows: rows, labels: rows.map { points.label[$0] })
        case .probability:
            let threshold = try config.double("threshold", in: 0...1)
            guard let maps = try context.optionalInput("probabilities") else {
                throw StageError(
                    .badJob, "config.select is probability, which needs the maps", port: "probabilities")
            }
            let order = try LabelNames(try context.optionalInput("labels"))?.labels.filter { $0 != 0 }
            let shares = try TemplateMaps.probabilities(
                maps, of: areas, order: order, at: own.map { points.mniMm[$0] })
            var (rows, labels): ([Int], [Int32]) = ([], [])
            for (place, row) in own.enumerated() {
                let likeliest = areas.indices.max { shares[$0][place] < shares[$1][place] } ?? 0
                guard Double(shares[likeliest][place]) > threshold else { continue }
                rows.append(row)
                labels.append(areas[likeliest])
            }
            return Chosen(areas: areas, rows: rows, labels: labels)
        }
    }

    /// Areas above clusters, left hemisphere beside right, along the two directions in which the points reach furthest.
    private static func picture(
        _ chosen: Chosen, _ clusters: [Int], _ points: PointTable, _ count: Int
    ) -> Image<RGB> {
        let flat = flattened(chosen.rows, points)
        let colours = (areas: GroupColours(count: chosen.areas.count), clusters: GroupColours(count: count))
        var panels: [ScatterPicture.Panel] = []
        for isCluster in [false, true] {
            for hemisphere in [UInt8(0), 1] {
                let own = chosen.rows.indices.filter { points.hemisphere[chosen.rows[$0]] == hemisphere }
                panels.append(
                    ScatterPicture.Panel(
                        points: own.map { flat[$0] },
                        colours: own.map {
                            isCluster
                                ? colours.clusters[clusters[$0]]
                                : colours.areas[chosen.areas.firstIndex(of: chosen.labels[$0])]
                        }))
            }
        }
        return ScatterPicture(panelPx: 400, across: 2).drawn(panels)
    }

    /// The points in the plane of their two principal axes, hemisphere by hemisphere; NaN where coordinates are unknown.
    private static func flattened(_ rows: [Int], _ points: PointTable) -> [SIMD2<Double>] {
        var result = [SIMD2<Double>](repeating: SIMD2(repeating: .nan), count: rows.count)
        for hemisphere in [UInt8(0), 1] {
            let own = rows.indices.filter {
                points.hemisphere[rows[$0]] == hemisphere && points.cortexMm(rows[$0]) != nil
            }
            let places = Matrix(
                rows: own.count, columns: 3,
                elements: own.flatMap { index -> [Float] in
                    let place = points.cortexMm(rows[index]) ?? .zero
                    return [Float(place.x), Float(place.y), Float(place.z)]
                })
            guard own.count >= 3, let axes = try? PrincipalComponents(of: places, count: 2) else { continue }
            let flat = axes.transform(places)
            for (place, index) in own.enumerated() {
                result[index] = SIMD2(Double(flat[place, 0]), Double(flat[place, 1]))
            }
        }
        return result
    }

    private static func summary(
        _ runs: [RunScores], _ chosen: Chosen, _ clusters: [Int], _ points: PointTable, _ brain: String, _ count: Int
    ) -> ScoreSummary {
        var summary = ScoreSummary()
        var row: [ScoreSummary.Cell] = [.text(brain), .count(count), .count(chosen.rows.count), .count(runs.count)]
        for (name, value) in [
            ("purity_label", \RunScores.purityOfLabels), ("purity_hemisphere", \.purityOfHemispheres),
            ("accuracy", \.accuracy),
        ] as [(String, KeyPath<RunScores, Double>)] {
            let statistics = MeanAndDeviation(runs.map { $0[keyPath: value] })
            summary.figures[name] = statistics.mean
            summary.figures["\(name)_sd"] = statistics.deviation
            row += [.number(statistics.mean), .number(statistics.deviation)]
        }
        summary.figures["points"] = Double(chosen.rows.count)
        let names = chosen.areas.map { points.areaName($0) }.joined(separator: ", ")
        summary.tables.append(
            ScoreSummary.Table(
                name: "parcellation",
                caption:
                    "k-means of features in \(names): mean share of a cluster's commonest area and commonest hemisphere, and "
                    + "accuracy where each area is given one cluster; mean and sd over the runs",
                columns: [
                    "brain", "clusters", "points", "runs", "purity_label", "purity_label_sd", "purity_hemisphere",
                    "purity_hemisphere_sd", "accuracy", "accuracy_sd",
                ], rows: [row]))
        var byArea: [[ScoreSummary.Cell]] = []
        for area in chosen.areas {
            for (hemisphere, side) in ["left", "right"].enumerated() {
                var counts = [Int](repeating: 0, count: count)
                for (place, row) in chosen.rows.enumerated()
                where chosen.labels[place] == area && Int(points.hemisphere[row]) == hemisphere {
                    counts[clusters[place]] += 1
                }
                byArea.append([.text(points.areaName(area)), .text(side)] + counts.map { .count($0) })
            }
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "cluster_areas",
                caption: "Points of each area and hemisphere by cluster, in the run of least inertia",
                columns: ["area", "hemisphere"] + (0..<count).map { "cluster_\($0)" }, rows: byArea))
        return summary
    }
}

/// How one run's clusters agree with what is known.
struct RunScores {
    /// Mean over the clusters of the share of their commonest label (Methods 3.8).
    let purityOfLabels: Double
    let purityOfHemispheres: Double
    /// Of the best assignment of clusters to labels, one to one.
    let accuracy: Double
    let inertia: Double

    init(clusters: [Int], labels: [Int], hemispheres: [Int], inertia: Double) {
        purityOfLabels = RunScores.meanPurity(clusters, labels)
        purityOfHemispheres = RunScores.meanPurity(clusters, hemispheres)
        accuracy = matchedAccuracy(clusters: clusters, labels: labels)
        self.inertia = inertia
    }

    /// The mean of the clusters' purities; an empty cluster has none and is left out.
    ///
    /// **Differs** from the usual purity (`Statistics.purity`) in that every cluster counts the same, as the paper has it.
    static func meanPurity(_ clusters: [Int], _ labels: [Int]) -> Double {
        var members: [Int: [Int]] = [:]
        for (cluster, label) in zip(clusters, labels) { members[cluster, default: []].append(label) }
        return MeanAndDeviation(
            members.keys.sorted().map { cluster in
                let own = members[cluster] ?? []
                return purity(clusters: own.map { _ in 0 }, labels: own)
            }
        ).mean
    }
}
