import Foundation
import HDF5
import NDArray
import PNG
import ReportStages
import StageKit
import StageProtocol

/// A small run's artifacts in a folder of their own, and the report made from them.
final class SmallRun {
    let folder: String
    var inputs: [String: [InputFile]] = [:]

    init() throws {
        folder = NSTemporaryDirectory() + "cyto-report-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { folder + "/" + name }

    /// Where the page goes.
    var page: String { path("report.html") }

    func add(
        _ port: String, _ name: String, _ item: [(String, String)] = [],
        attributes: [String: [String: ConfigValue]] = [:]
    ) {
        // Not the file's digest: the stage only repeats what the job says.
        let number = inputs.values.reduce(0) { $0 + $1.count } + 1
        let digits = String(number, radix: 16)
        inputs[port, default: []].append(
            InputFile(
                path: path(name), item: item.map { Coordinate(axis: $0.0, value: $0.1) },
                digest: digits + String(repeating: "a", count: 64 - digits.count), attributes: attributes))
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
    }

    static let chromium = "/usr/bin/chromium"
    static var hasChromium: Bool { FileManager.default.isExecutableFile(atPath: chromium) }
    static var vega: String { "/usr/share/javascript/vega" }
    static var hasVega: Bool { FileManager.default.fileExists(atPath: vega + "/vega-view.min.js") }

    static func config(vega: String = SmallRun.vega) -> [String: ConfigValue] {
        [
            "title": .text("A small run"), "subtitle": .text("of a test"), "pipeline": .text("pipelines/p.yaml"),
            "seed_axes": .list([.text("training_seed")]), "embedding_points": .integer(1000),
            "picture_width_px": .integer(400), "pictures_mb": .integer(4), "vega": .text(vega),
        ]
    }

    /// Makes the page; gives its text.
    func report(vega: String = SmallRun.vega) throws -> String {
        let job = StageJob(
            stage: "report", item: [], inputs: inputs,
            outputs: ["page": OutputFile(path: page)], config: SmallRun.config(vega: vega), seed: 0, cores: 1,
            scratch: folder)
        try Report.run(StageContext(job: job))
        return try String(contentsOfFile: page, encoding: .utf8)
    }

    // MARK: Artifacts

    private static let models = [("cytonet", 0.6), ("simclr", 0.4)]

    /// Two models with three seeds: scores, layers, losses, an embedding, similarities, pictures of two brains.
    func addAll() throws {
        for (brain, role) in [("B01", "seen"), ("B02", "transfer")] {
            try writePNG(
                Image(
                    rows: 60, columns: 900,
                    elements: (0..<54_000).map { RGB(UInt8($0 % 251), UInt8($0 % 7), UInt8($0 / 900)) }),
                to: path("view-\(brain).png"))
            add("volume_views", "view-\(brain).png", [("brain", brain)], attributes: ["brain": ["role": .text(role)]])
            try write("geometry-\(brain).json", #"{"figures": {"given_error_median_mm": 2.5}, "sections": [{"a": 1}]}"#)
            add("geometry_check", "geometry-\(brain).json", [("brain", brain)])
        }
        for (model, level) in SmallRun.models {
            for seed in 0..<3 { try addModel(model, level: level, seed: seed) }
        }
    }

    private func addModel(_ model: String, level: Double, seed: Int) throws {
        let item = [("model", model), ("training_seed", "\(seed)")]
        let attributes: [String: [String: ConfigValue]] = [
            "model": ["method": .text(model), "network": .text("small")]
        ]
        func name(_ kind: String) -> String { "\(kind)-\(model)-\(seed).h5" }
        let points = 240
        let brains = (0..<points).map { Int32($0 % 2) }
        let truth = (0..<points).map { Int32($0 % 4 + 1) }
        try HDF5File.create(path(name("model"))) { file in
            try file.write((0..<500).map { Float(5 - Double($0) / 200) }, to: "/history/loss")
        }
        add("pretraining", name("model"), item, attributes: attributes)
        try HDF5File.create(path(name("scores"))) { file in
            let hops = (0..<points).map { Int32($0 % 3) }
            try file.write(brains, to: "/brain")
            try file.write(texts: ["B01", "B02"], to: "/brains/name")
            try file.write(texts: ["seen", "transfer"], to: "/brains/role")
            try file.write(truth, to: "/true")
            try file.write(zip(truth, hops).map { $1 == 0 ? $0 : $0 % 4 + 1 }, to: "/predicted")
            try file.write(hops, to: "/hops")
            try file.write(hops.map { 3 / Float($0 + 1) }, to: "/margin")
            try file.write(texts: ["seen", "transfer"], to: "/scores/set")
            for metric in ["macro_f1", "top1", "top3"] {
                try file.write(
                    [level + 0.1 + 0.01 * Double(seed), level + 0.01 * Double(seed)], to: "/scores/\(metric)")
            }
            try file.setAttribute("strategy", to: "linear-probe")
            try file.setAttribute("variant", to: "features")
            try file.setAttribute("labels_per_area", to: Int64(0))
        }
        add("area_classification", name("scores"), item, attributes: attributes)
        // Two draws of five labels an area.
        try HDF5File.create(path(name("few"))) { file in
            try file.write(texts: ["seen", "transfer"], to: "/scores/set")
            for metric in ["macro_f1", "top1", "top3"] {
                try file.write([level - 0.1, level - 0.2], to: "/scores/\(metric)")
                try file.write(
                    [level - 0.1, level - 0.2, level, level - 0.1], shape: [2, 2], to: "/repeats/\(metric)")
            }
            try file.setAttribute("strategy", to: "linear-probe")
            try file.setAttribute("variant", to: "features")
            try file.setAttribute("labels_per_area", to: Int64(5))
        }
        add("area_classification", name("few"), item, attributes: attributes)
        try HDF5File.create(path(name("layers"))) { file in
            try file.write([0.01, 1.0], to: "/fraction")
            try file.write([level, level + 0.02, level + 0.1, level + 0.12], shape: [2, 2], to: "/macro_f1")
            try file.setAttribute("strategy", to: "linear-probe")
        }
        add("layer_segmentation", name("layers"), item, attributes: attributes)
        try HDF5File.create(path(name("embedding"))) { file in
            try file.write((0..<2 * points).map { Float($0 % 17) }, shape: [points, 2], to: "/umap2")
            try file.write((0..<3 * points).map { Float($0 % 13) }, shape: [points, 3], to: "/umap3")
            try file.write(brains, to: "/brain")
            try file.write(texts: ["B01", "B02"], to: "/brains/name")
            try file.write(truth, to: "/label")
            try file.write([1, 2, 3, 4] as [Int32], to: "/areas/label")
            try file.write(texts: ["a", "b", "<i>c</i>", "d"], to: "/areas/name")
            try file.write((0..<points).map { UInt8($0 % 2) }, to: "/hemisphere")
            try file.write(
                (0..<3 * points).map { $0 == 3 ? .nan : Double($0 % 60) }, shape: [points, 3], to: "/mni_mm")
        }
        add("embedding", name("embedding"), item, attributes: attributes)
        try HDF5File.create(path(name("similarity"))) { file in
            try file.write(texts: ["a", "b"], to: "/groups/name")
            try file.write([0, 1] as [UInt8], to: "/groups/hemisphere")
            try file.write([1, 0.5, 0.5, .nan], shape: [2, 2], to: "/similarity")
        }
        add("area_similarity", name("similarity"), item, attributes: attributes)
    }
}
