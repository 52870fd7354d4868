import EvaluationStages
import Foundation
import HDF5
import NDArray
import StageKit
import StageProtocol
import Testing

@Suite struct AreaSmoothingTests {
    let files: EvaluationFiles

    init() throws { files = try EvaluationFiles() }

    /// A transfer brain with two hemispheres and three sections of 30 points, areas 1 2 3 along each; logits that are right but for noise.
    private func scores(noise: Double, wrong: [Int: Int] = [:], logits: Bool = true, areas: Int = 3) throws -> String {
        let path = files.path("scores.h5")
        let count = 3 * 2 * 30
        var random = SeededGenerator(seed: 3)
        var truth: [Int32] = []
        var values: [Float] = []
        var (position, mni): ([Double], [Double]) = ([], [])
        for index in 0..<count {
            let along = index % 30
            let area = along / 10
            truth.append(Int32(area + 1))
            for other in 0..<areas {
                let isRight = other == wrong[index] ?? area
                values.append(Float((isRight ? 2 : 0) + noise * random.normal()))
            }
            position += [Double(index / 30 % 2) * 50_000, Double(along) * 1000]
            mni += [Double(along) * (index / 30 % 2 == 0 ? -1 : 1) - 20, Double(index / 60) * 2, 3]
        }
        try HDF5File.create(path) { file in
            try file.write([Int32](repeating: 0, count: count), to: "/brain")
            try file.write(texts: ["B3"], to: "/brains/name")
            try file.write(texts: ["transfer"], to: "/brains/role")
            try file.write(truth, to: "/true")
            try file.write(texts: (0..<count).map { "00\($0 / 60)" }, to: "/section_name")
            try file.write(position, shape: [count, 2], to: "/position_um")
            try file.write((0..<count).map { UInt8($0 / 30 % 2) }, to: "/hemisphere")
            try file.write(mni, shape: [count, 3], to: "/mni_mm")
            try file.write((0..<areas).map { Int32($0 + 1) }, to: "/classes")
            if logits { try file.write(values, shape: [count, areas], to: "/logits") }
            try file.setAttribute("strategy", to: "linear-probe")
            try file.setAttribute("variant", to: "features")
        }
        return path
    }

    private func run(
        _ scores: String, _ config: [String: ConfigValue] = [:], adjacency: [InputFile] = []
    ) throws -> [String: String] {
        let defaults: [String: ConfigValue] = [
            "strength": .real(1), "apart_cost": .real(4), "island_points": .integer(3), "temperature": .real(1),
            "along_mm": .real(2), "between_mm": .real(3),
        ]
        return try files.run(
            AreaSmoothing.self, ["scores": files.input(scores), "adjacency": adjacency], outputs: ["areas", "summary"],
            defaults.merging(config) { $1 })
    }

    @Test func noisyPredictionsBecomeBetterAndWithoutStrengthNothingChanges() throws {
        let path = try scores(noise: 1.2)
        let adjacency = files.input(try files.adjacency([1, 2, 3]))
        let smooth = try files.summary(try run(path, adjacency: adjacency)["summary"])
        #expect(smooth.figure("top1_smoothed_transfer") > smooth.figure("top1_transfer") + 0.1)
        #expect(smooth.figure("macro_f1_smoothed_transfer") > 0.9)
        #expect(smooth.figure("not_touching_smoothed") <= smooth.figure("not_touching"))
        let plain = try run(path, ["strength": .real(0), "island_points": .integer(1)], adjacency: adjacency)
        let file = try HDF5File(reading: plain["areas"] ?? "")
        #expect(try file.read("/smoothed", as: Int32.self) == file.read("/predicted", as: Int32.self))
        #expect(try files.summary(plain["summary"]).figure("changed_share") == 0)
    }

    @Test func anIslandOfAnAreaThatDoesNotTouchIsTakenOut() throws {
        // Two points of area 3 in the middle of area 1, sure of themselves.
        let path = try scores(noise: 0, wrong: [4: 2, 5: 2])
        let outputs = try run(
            path, ["strength": .real(0), "island_points": .integer(3)],
            adjacency: files.input(try files.adjacency([1, 2, 3])))
        let file = try HDF5File(reading: outputs["areas"] ?? "")
        let before = try file.read("/predicted", as: Int32.self)
        #expect(before[4] == 3 && before[5] == 3)
        #expect(try file.read("/smoothed", as: Int32.self) == file.read("/true", as: Int32.self))
        let contacts = try #require(try files.summary(outputs["summary"]).table("area_contacts"))
        #expect(contacts.column("islands") == [.integer(7), .integer(6)])
    }

    @Test func theResultIsTheSameTwice() throws {
        let path = try scores(noise: 1.5)
        let (one, two) = (try run(path), try run(path))
        #expect(try files.bytes(one["areas"]) == files.bytes(two["areas"]))
    }

    @Test func scoresWithoutLogitsAreRefused() throws {
        let path = try scores(noise: 0, logits: false)
        #expect(files.message { _ = try run(path) }.contains("/logits"))
    }
}
