import Foundation
import HDF5
import HistologyStages
import NDArray
import PNG
import StageKit
import StageProtocol
import Testing

/// Points, scans and contours of two small brains, and the stages run on them.
@Suite struct PatchSamplingTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "patches-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private func item(_ brain: String, _ section: String? = nil) -> [Coordinate] {
        [Coordinate(axis: "brain", value: brain)] + (section.map { [Coordinate(axis: "section", value: $0)] } ?? [])
    }

    /// A scan of 40 × 50 pixels of 10 µm; every section has its own gray levels.
    private func scan(_ brain: String, _ section: String) throws -> InputFile {
        let path = path("\(brain)-\(section).png")
        let base = (brain == "B01" ? 0 : 60) + (section == "0001" ? 0 : 120)
        try writePNG(
            Image(rows: 40, columns: 50, elements: (0..<2000).map { UInt8(base + ($0 / 50 + $0 % 50) % 60) }), to: path)
        return InputFile(
            path: path, item: item(brain, section), digest: "", attributes: ["section": ["pixel_size_um": .real(10)]])
    }

    /// 60 points, half of them in each of two sections; every tenth has no place, every fourth no area.
    private func points(_ brain: String, _ change: (HDF5File) throws -> Void = { _ in }) throws -> InputFile {
        let path = path("\(brain)-\(UUID().uuidString).h5")
        var random = SeededGenerator(seed: brain == "B01" ? 1 : 2)
        try HDF5File.create(path) { file in
            try file.write(texts: (0..<60).map { $0 < 30 ? "0001" : "0002" }, to: "/section_name")
            try file.write(
                (0..<60).flatMap { _ in [random.uniform() * 390, random.uniform() * 490] }, shape: [60, 2],
                to: "/position_um")
            try file.write((0..<60).map { UInt8($0 % 2) }, to: "/hemisphere")
            try file.write(
                (0..<60).flatMap { $0 % 10 == 9 ? [Double.nan, .nan, .nan] : [Double($0), 0, 1] }, shape: [60, 3],
                to: "/mni_mm")
            try file.write((0..<60).map { Int32($0 % 4) }, to: "/area_id")
            try file.write([Int32(1), 2, 3], to: "/areas/label")
            try file.write(texts: ["one", "two", "three"], to: "/areas/name")
            try change(file)
        }
        return InputFile(
            path: path, item: item(brain), digest: "",
            attributes: ["brain": ["role": .text(brain == "B01" ? "seen" : "unseen")]])
    }

    private func sections() throws -> [InputFile] {
        try ["B01", "B02"].flatMap { brain in try ["0001", "0002"].map { try scan(brain, $0) } }
    }

    private func sample(
        _ points: [InputFile], _ sections: [InputFile], _ config: [String: ConfigValue] = [:], cores: Int = 1
    ) throws -> String {
        let output = path("set-\(UUID().uuidString).h5")
        let base: [String: ConfigValue] = [
            "count": .null, "per_area": .null, "split": .text("all"), "labelled": .bool(false), "placed": .bool(true),
            "patch_side_px": .integer(6), "patch_spacing_um": .real(10), "turned": .bool(true),
            "maximum_shift_mm": .real(0.01), "pixels": .text("cached"),
        ]
        let job = StageJob(
            stage: PatchSampling.name, item: [], inputs: ["points": points, "sections": sections],
            outputs: ["patches": OutputFile(path: output)], config: base.merging(config) { $1 }, seed: 5, cores: cores,
            scratch: folder.path)
        try PatchSampling.run(StageContext(job: job))
        return output
    }

    @Test func windowsAreCutAroundTheirPointsAndRowsKeepWhatTheTablesSay() throws {
        let set = try HDF5File(
            reading: sample([points("B01"), points("B02")], sections()))
        let count = 108  // 60 less 6 without a place, of two brains
        #expect(try set.dataset("/pixels").shape == [count, 12, 12])
        #expect(try set.readTexts("/brains/name") == ["B01", "B02"])
        #expect(try set.readTexts("/brains/role") == ["seen", "unseen"])
        #expect(try set.attribute("spacing_um", as: Double.self) == 10)
        #expect(try set.attribute("window_side_px", as: Int.self) == 12)
        #expect(try set.attribute("patch_side_px", as: Int.self) == 6)
        let brain = try set.read("/brain", as: Int32.self)
        let section = try set.readTexts("/section_name")
        let position = try set.read("/position_um", as: Double.self)
        let row = try set.read("/row", as: Int64.self).map { Int($0) }
        let label = try set.read("/label", as: Int32.self)
        let place = try set.read("/mni_mm", as: Double.self)
        let pixels = try set.read("/pixels", as: UInt8.self)
        #expect(brain == [Int32](repeating: 0, count: 54) + [Int32](repeating: 1, count: 54))
        func reflected(_ index: Int, _ length: Int) -> Int {
            index < 0 ? -1 - index : index >= length ? 2 * length - 1 - index : index
        }
        for index in 0..<count {
            #expect(row[index] % 10 != 9)
            #expect(label[index] == (row[index] % 4 == 0 ? -1 : Int32(row[index] % 4)))
            #expect(place[3 * index] == Double(row[index]))
            #expect(section[index] == (row[index] < 30 ? "0001" : "0002"))
            let base = (brain[index] == 0 ? 0 : 60) + (section[index] == "0001" ? 0 : 120)
            // The window's edge nearest to the point: half of 12 pixels before it.
            let top = Int((position[2 * index] / 10 + 0.5 - 6 + 0.5).rounded(.down))
            let left = Int((position[2 * index + 1] / 10 + 0.5 - 6 + 0.5).rounded(.down))
            for (r, c) in [(0, 0), (0, 11), (5, 6), (11, 0), (11, 11)] {
                let expected = base + (reflected(top + r, 40) + reflected(left + c, 50)) % 60
                #expect(Int(pixels[index * 144 + r * 12 + c]) == expected)
            }
        }
    }

    @Test func theBytesDoNotDependOnTheCoresAndTheSeedDecidesTheChoice() throws {
        let (points, sections) = ([try points("B01"), try points("B02")], try sections())
        func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
        let one = try sample(points, sections, ["count": .integer(20)])
        #expect(try bytes(one) == bytes(sample(points, sections, ["count": .integer(20)], cores: 3)))
        let rows = try HDF5File(reading: one).read("/row", as: Int64.self)
        #expect(rows.count == 20)
        let keys = zip(try HDF5File(reading: one).read("/brain", as: Int32.self), rows).map { Int64($0) * 100 + $1 }
        #expect(zip(keys, keys.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func pointsOfAnAreaAreLimitedAndPointsWithoutAreaGo() throws {
        let set = try HDF5File(reading: sample([points("B01")], sections(), ["per_area": .integer(5)]))
        let labels = try set.read("/label", as: Int32.self)
        for area in 1...3 { #expect(labels.count { $0 == Int32(area) } == 5) }
        #expect(labels.count == 15)
        let labelled = try HDF5File(reading: sample([points("B01")], sections(), ["labelled": .bool(true)]))
        #expect(try labelled.read("/label", as: Int32.self).allSatisfy { $0 > 0 })
    }

    @Test func withoutPixelsTheRowsAloneAreWritten() throws {
        let set = try HDF5File(reading: sample([points("B01")], [], ["pixels": .text("none")]))
        #expect(!set.contains("/pixels"))
        #expect(try set.attribute("window_side_px", as: Int.self) == 12)
        #expect(try set.read("/row", as: Int64.self).count == 54)
        let plain = try HDF5File(reading: sample([points("B01")], sections(), ["turned": .bool(false)]))
        #expect(try plain.dataset("/pixels").shape == [54, 6, 6])
    }

    @Test func trainAndTestPointsAreToldApart() throws {
        let points = try points("B01") { try $0.write((0..<60).map { UInt8($0 < 30 ? 0 : 1) }, to: "/test") }
        for (split, section) in [("train", "0001"), ("test", "0002")] {
            let set = try HDF5File(reading: sample([points], sections(), ["split": .text(split)]))
            #expect(try Set(set.readTexts("/section_name")) == [section])
        }
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch { return "\(error)" }
    }

    @Test func mistakesInTheDataAreToldWithTheirPlace() throws {
        let (points, sections) = (try points("B01"), try sections())
        let missing = message { _ = try sample([points], sections.filter { $0.item.last?.value != "0002" }) }
        #expect(missing.contains("sections: there is no scan of the sections B01 0002"))
        let outside = try self.points("B02") { _ in }
        try HDF5File.create(path("far.h5")) { file in
            try file.write(texts: ["0001"], to: "/section_name")
            try file.write([10.0, 9000], shape: [1, 2], to: "/position_um")
            try file.write([UInt8(0)], to: "/hemisphere")
            try file.write([0.0, 0, 0], shape: [1, 3], to: "/mni_mm")
        }
        let far = InputFile(path: path("far.h5"), item: item("B02"), digest: "")
        let message1 = message { _ = try sample([outside, far], sections) }
        #expect(message1.contains("lies outside the scan") && message1.contains("point 0 of brain B02, section 0001"))
        try HDF5File.create(path("empty.h5")) { try $0.write([1.0], to: "/nothing") }
        let empty = InputFile(path: path("empty.h5"), item: item("B02"), digest: "")
        #expect(message { _ = try sample([empty], sections) }.contains("no /section_name"))
        let none = message { _ = try sample([points], sections, ["split": .text("test")]) }
        #expect(none.contains("none of the 60 points is left"))
        let other = try self.points("B02") { _ in }
        let named = try HDF5File(reading: other.path).readTexts("/areas/name")
        #expect(named == ["one", "two", "three"])
        #expect(message { _ = try sample([points], sections, ["split": .text("both")]) }.contains("config.split"))
    }
}
