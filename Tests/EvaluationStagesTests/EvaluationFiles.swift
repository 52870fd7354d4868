import Foundation
import HDF5
import NDArray
import StageKit
import StageProtocol

/// Feature tables with a known structure, and stages run on them.
struct EvaluationFiles {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "cyto-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// What a table is made of.
    struct Table {
        var brains = [("B1", "seen"), ("B2", "seen"), ("B3", "transfer"), ("B4", "unseen")]
        var areas: [Int32] = [1, 2, 3, 4]
        var pointsPerArea = 20
        var width = 8
        /// How far areas, hemispheres and brains lie apart, in standard deviations of the noise.
        var areaStep: Float = 6
        var hemisphereStep: Float = 0
        var brainStep: Float = 0
        /// Of a millimetre.
        var positionStep: Float = 0
        var network = "{}"
        var seed: UInt64 = 1
        /// Changes a row before it is written.
        var change: (inout Row) -> Void = { _ in }
    }

    /// One point.
    struct Row {
        var brain: Int32
        var section: String
        var positionUm: SIMD2<Double>
        var hemisphere: UInt8
        var label: Int32
        var test: UInt8
        var mniMm: SIMD3<Double>
        var features: [Float]
    }

    /// Points of each area lie 1 mm apart along the line of a section, area after area, in five sections a brain and hemisphere; the fifth is
    /// a test section.
    func rows(_ table: Table) -> [Row] {
        var random = SeededGenerator(seed: table.seed)
        // Directions are the same for every seed, so that tables can be gathered.
        var shape = SeededGenerator(seed: 99)
        func direction() -> [Float] {
            (0..<table.width).map { _ in Float(shape.normal()) / Float(table.width).squareRoot() }
        }
        let areaDirections = table.areas.map { _ in direction() }
        let brainDirections = table.brains.map { _ in direction() }
        let hemisphereDirection = direction()
        let axes = (0..<3).map { _ in direction() }
        var rows: [Row] = []
        for brain in table.brains.indices {
            for section in 0..<5 {
                for hemisphere in [UInt8(0), 1] {
                    for (place, area) in table.areas.enumerated() {
                        let count = table.pointsPerArea / 10
                        for number in 0..<count {
                            let along = Double(place * count + number) * 1000
                            let mm = SIMD3(
                                (hemisphere == 0 ? -1 : 1) * (10 + along / 1000), Double(section) * 2,
                                5 + random.uniform())
                            let features = (0..<table.width).map { column -> Float in
                                var value = Float(random.normal())
                                value += table.areaStep * areaDirections[place][column]
                                value += table.brainStep * brainDirections[brain][column]
                                value += table.hemisphereStep * Float(hemisphere) * hemisphereDirection[column]
                                for axis in 0..<3 { value += table.positionStep * Float(mm[axis]) * axes[axis][column] }
                                return value
                            }
                            var row = Row(
                                brain: Int32(brain), section: "000\(section + 1)",
                                positionUm: [Double(hemisphere) * 40_000, along], hemisphere: hemisphere, label: area,
                                test: section == 4 ? 1 : 0, mniMm: mm, features: features)
                            table.change(&row)
                            rows.append(row)
                        }
                    }
                }
            }
        }
        return rows
    }

    /// Writes a table; its projection is the first half of its features.
    @discardableResult func write(_ table: Table, _ name: String = "features.h5") throws -> String {
        try write(rows(table), table, name)
    }

    @discardableResult func write(_ rows: [Row], _ table: Table, _ name: String = "features.h5") throws -> String {
        let path = path(name)
        try HDF5File.create(path) { file in
            let count = rows.count
            try file.write(rows.flatMap(\.features), shape: [count, table.width], to: "/features")
            try file.write(
                rows.flatMap { $0.features.prefix(table.width / 2) }, shape: [count, table.width / 2], to: "/projection"
            )
            try file.write(rows.map(\.brain), to: "/brain")
            try file.write(texts: table.brains.map(\.0), to: "/brains/name")
            try file.write(texts: table.brains.map(\.1), to: "/brains/role")
            try file.write(texts: rows.map(\.section), to: "/section_name")
            try file.write(rows.flatMap { [$0.positionUm.x, $0.positionUm.y] }, shape: [count, 2], to: "/position_um")
            try file.write(rows.map(\.hemisphere), to: "/hemisphere")
            try file.write(rows.map(\.label), to: "/label")
            try file.write(rows.map(\.test), to: "/test")
            try file.write(
                rows.flatMap { [$0.mniMm.x, $0.mniMm.y, $0.mniMm.z] }, shape: [count, 3], to: "/mni_mm")
            try file.write(table.areas, to: "/areas/label")
            try file.write(texts: table.areas.map { "A\($0)" }, to: "/areas/name")
            try file.setAttribute("network", to: table.network)
            try file.setAttribute("objective", to: "spatial")
            try file.setAttribute("spacing_um", to: 64.0)
        }
        return path
    }

    /// Areas in a row: each touches the next.
    func adjacency(_ areas: [Int32]) throws -> String {
        let lines = zip(areas, areas.dropFirst()).map { "\($0)\t\($1)\t12" }
        let text = (["area\tneighbour\tcontact_mm2"] + lines).joined(separator: "\n") + "\n"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path("adjacency.tsv")))
        return path("adjacency.tsv")
    }

    func input(_ paths: String...) -> [InputFile] { paths.map { InputFile(path: $0, item: [], digest: "") } }

    /// Runs a stage with files and config; gives the outputs' paths by port.
    func run<Kind: Stage>(
        _ stage: Kind.Type, _ inputs: [String: [InputFile]], outputs: [String], _ config: [String: ConfigValue],
        cores: Int = 1, seed: UInt64 = 0
    ) throws -> [String: String] {
        let run = UUID().uuidString
        var paths: [String: String] = [:]
        for port in outputs { paths[port] = path("\(run)-\(port)") }
        let job = StageJob(
            stage: stage.name, item: [], inputs: inputs, outputs: paths.mapValues { OutputFile(path: $0) },
            config: config, seed: seed, cores: cores, scratch: folder.path)
        try stage.run(StageContext(job: job))
        return paths
    }

    /// The message of what goes wrong.
    func message(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "nothing went wrong"
    }

    struct Summary: Decodable {
        struct Table: Decodable {
            var name: String
            var caption: String
            var columns: [String]
            var rows: [[ConfigValue]]

            /// The cells of a column by the text of the first.
            func column(_ name: String) -> [ConfigValue] {
                columns.firstIndex(of: name).map { place in rows.map { $0[place] } } ?? []
            }
        }
        var figures: [String: Double?]
        var tables: [Table]

        func figure(_ name: String) -> Double { (figures[name] ?? nil) ?? .nan }
        func table(_ name: String) -> Table? { tables.first { $0.name == name } }
    }

    func summary(_ path: String?) throws -> Summary {
        try JSONDecoder().decode(Summary.self, from: Data(contentsOf: URL(fileURLWithPath: path ?? "")))
    }

    func bytes(_ path: String?) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path ?? "")) }
}
