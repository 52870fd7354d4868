import Foundation
import HDF5
import LearningStages
import NDArray
import Networks
import PNG
import StageKit
import StageProtocol
import Testing

@Suite(.serialized) struct AttentionMapsTests {
    private let bench: StageBench

    init() throws { bench = try StageBench() }

    private func run(model: String, patches: String, _ changes: [String: ConfigValue] = [:]) throws -> Int32 {
        let base: [String: ConfigValue] = [
            "rows": .null, "areas": .integer(2), "per_area": .integer(2), "gamma": .real(0.5),
        ]
        return try bench.run(
            "attention-maps", inputs: ["model": [model], "patches": [patches]],
            outputs: ["attention": "attention.h5", "picture": "picture.png"], config: base.merging(changes) { $1 })
    }

    @Test func aMapAHeadForPatchesOfSeveralAreas() throws {
        let patches = try bench.patches("p.h5")
        #expect(try run(model: bench.model("m.h5", transformer: .small), patches: patches) == WorkerExit.success)
        let file = try HDF5File(reading: bench.path("attention.h5"))
        let attention = try file.dataset("/attention")
        #expect(attention.shape == [4, 4, 4, 4])
        let values = try attention.read(as: Float.self)
        for map in stride(from: 0, to: values.count, by: 16) {
            let sum = values[map..<map + 16].reduce(0, +)
            #expect(values[map..<map + 16].allSatisfy { $0 >= 0 } && sum > 0.5 && sum <= 1.0001)
        }
        let labels = try file.dataset("/label").read(as: Int32.self)
        #expect(Set(labels).count == 2 && labels.count == 4)
        let chosen = try file.dataset("/chosen").read(as: Int64.self)
        let all = try HDF5File(reading: patches).dataset("/label").read(as: Int32.self)
        #expect(chosen.map { all[Int($0)] } == labels)
        #expect(try file.dataset("/areas/name").readTexts().count == 3)
        let picture = try PNGFile(path: bench.path("picture.png"))
        #expect(picture.channels == 3 && picture.rows == 4 * 132 - 4 && picture.columns == 5 * 132 - 4)
    }

    @Test func listedRowsAreTakenInTheirOrder() throws {
        let patches = try bench.patches("p.h5")
        let rows: [String: ConfigValue] = ["rows": .list([.integer(7), .integer(2)])]
        let model = try bench.model("m.h5", transformer: .small)
        #expect(try run(model: model, patches: patches, rows) == WorkerExit.success)
        #expect(try HDF5File(reading: bench.path("attention.h5")).dataset("/chosen").read(as: Int64.self) == [7, 2])
        #expect(try run(model: model, patches: patches, ["rows": .list([.integer(60)])]) != WorkerExit.success)
        #expect(try run(model: model, patches: patches, ["rows": .list([])]) != WorkerExit.success)
    }

    @Test func aNetworkWithoutATransformerHasNoAttention() throws {
        #expect(try run(model: bench.model("m.h5"), patches: bench.patches("p.h5")) != WorkerExit.success)
    }

    @Test func theStrongestPlaceIsRedAndNoAttentionIsGray() {
        let sheet = AttentionSheet(patchSide: 4, mapSide: 2, heads: 2, gamma: 0.5, enlargement: 1)
        let picture = sheet.picture(
            pixels: [UInt8](repeating: 200, count: 16), attention: [0, 0, 0, 0.4, 0, 0, 0, 0], count: 1)
        #expect(picture.rows == 4 && picture.columns == 20)
        #expect(picture[0, 0] == RGB(gray: 200) && picture[0, 4] == RGB(gray: 255))
        #expect(picture[3, 11].red > 240 && picture[3, 11].green < 40, "the corner of the strongest place")
        #expect(picture[0, 8] == RGB(gray: 200))
        #expect(picture[0, 16] == RGB(gray: 200), "a head without any attention")
    }
}
