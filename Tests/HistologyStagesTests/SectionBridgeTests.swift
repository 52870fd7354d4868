import Foundation
import HDF5
import HistologyStages
import NDArray
import PNG
import StageKit
import StageProtocol
import Testing

/// Small sections through keypoints, alignment, bridge and stack.
private final class StackFolder {
    let path = NSTemporaryDirectory() + "bridge-" + UUID().uuidString
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func run(
        _ stage: any Stage.Type, inputs: [String: [InputFile]], output: (port: String, name: String),
        config: [String: ConfigValue]
    ) throws {
        try stage.run(
            StageContext(
                job: StageJob(
                    stage: stage.name, item: [], inputs: inputs,
                    outputs: [output.port: OutputFile(path: path + "/" + output.name)], config: config, seed: 0,
                    cores: 1,
                    scratch: path)))
    }

    /// What the cohort says of the sections' sides, by section.
    var faceDown: [String: String] = [:]

    func input(_ name: String, _ section: String, _ number: Int = 0) -> InputFile {
        var attributes: [String: ConfigValue] = [
            "position_um": .real(Double(number) * 100), "pixel_size_um": .real(64),
        ]
        if let side = faceDown[section] { attributes["face_down"] = .text(side) }
        return InputFile(
            path: path + "/" + name, item: [Coordinate(axis: "section", value: section)], digest: "",
            attributes: ["section": attributes])
    }

    func isMirrored(_ section: String) throws -> Bool {
        try HDF5File(reading: path + "/" + section + "-transform.h5").read("/mirrored", as: UInt8.self) == [1]
    }

    static let alignment: [String: ConfigValue] = [
        "ratio": .real(0.85), "mutual": .bool(true), "tolerance_um": .real(128), "confidence": .real(0.999),
        "maximum_iterations": .integer(20_000), "minimum_inliers": .integer(6), "refine": .bool(true),
        "search": .bool(true), "search_correlation": .real(0.75),
    ]

    /// Tissue with spots, moved by whole pixels; another seed is another brain.
    func makeSection(_ name: String, seed: UInt64, rowPx: Int, columnPx: Int) throws {
        var random = SeededGenerator(seed: seed, stream: "spots")
        let spots = (0..<150).map { _ in
            (200 * random.uniform(), 240 * random.uniform(), 1.5 + 4 * random.uniform(), 120 * random.uniform() - 80)
        }
        var image = Image<UInt8>(rows: 200, columns: 240, filledWith: 240)
        for row in 0..<200 {
            for column in 0..<240 {
                let (y, x) = (Double(row - rowPx), Double(column - columnPx))
                let (v, u) = (y / 200 - 0.5, x / 240 - 0.5)
                guard v * v / 0.14 + u * u / 0.16 < 1 else { continue }
                var level = 140.0
                for spot in spots {
                    let square = ((y - spot.0) * (y - spot.0) + (x - spot.1) * (x - spot.1)) / (2 * spot.2 * spot.2)
                    if square < 12 { level += spot.3 * exp(-square) }
                }
                image[row, column] = UInt8(min(max(level, 20), 190))
            }
        }
        try writePNG(image, to: path + "/" + name + ".png", pixelSizeUm: 64)
        try run(
            SectionKeypoints.self, inputs: ["section": [input(name + ".png", name)]],
            output: ("keypoints", name + "-keypoints.h5"),
            config: [
                "spacing_um": .real(64), "upsampling": .integer(1), "octaves": .integer(4), "threshold": .real(0.0004),
                "maximum_keypoints": .integer(4000), "margin_um": .real(256),
            ])
    }

    func align(_ moving: String, _ fixed: String?) throws {
        var config = StackFolder.alignment
        config["all_neighbours"] = .bool(false)
        try run(
            SectionAlignment.self,
            inputs: [
                "moving": [input(moving + "-keypoints.h5", moving)],
                "fixed": fixed.map { [input($0 + "-keypoints.h5", $0)] } ?? [],
            ], output: ("transform", moving + "-transform.h5"), config: config)
    }

    func bridge(_ names: [String]) throws -> (moving: [String], fixed: [String]) {
        var config = StackFolder.alignment
        config["span"] = .integer(4)
        try run(
            SectionBridge.self,
            inputs: [
                "transforms": names.map { input($0 + "-transform.h5", $0) },
                "keypoints": names.map { input($0 + "-keypoints.h5", $0) },
            ], output: ("bridges", "bridges.h5"), config: config)
        let file = try HDF5File(reading: path + "/bridges.h5")
        return (try file.readTexts("/moving"), try file.readTexts("/fixed"))
    }

    /// Shift of each section in the stack, in pixels.
    func stack(_ names: [String]) throws -> (linked: [UInt8], shifts: [SIMD2<Double>]) {
        try run(
            SectionStack.self,
            inputs: [
                "transforms": names.enumerated().map { input($1 + "-transform.h5", $1, $0) },
                "bridges": [input("bridges.h5", "")],
            ], output: ("stack", "stack.h5"),
            config: [
                "base_section": .text(names[0]), "section_interval_um": .null, "upright": .bool(false),
                "straighten": .text("none"), "straighten_columns": .bool(false), "straighten_span": .real(0.8),
                "straighten_sections": .integer(300), "symmetry_range_deg": .real(30), "symmetry_minimum": .real(0.85),
                "symmetry_contrast": .real(0.1),
            ])
        let file = try HDF5File(reading: path + "/stack.h5")
        let matrices = try file.read("/matrices", as: Double.self)
        return (
            try file.read("/linked", as: UInt8.self),
            names.indices.map { SIMD2(matrices[9 * $0 + 2], matrices[9 * $0 + 5]) / 64 }
        )
    }
}

@Suite struct SectionBridgeTests {
    @Test func aSectionThatFitsNowhereIsBridged() throws {
        let folder = try StackFolder()
        let names = ["1", "2", "spoiled", "4"]
        try folder.makeSection("1", seed: 1, rowPx: 0, columnPx: 0)
        try folder.makeSection("2", seed: 1, rowPx: 6, columnPx: -4)
        try folder.makeSection("spoiled", seed: 9, rowPx: 0, columnPx: 0)
        try folder.makeSection("4", seed: 1, rowPx: -9, columnPx: 11)
        for (moving, fixed) in zip(names, names.dropFirst()) { try folder.align(moving, fixed) }
        try folder.align("4", nil)
        let found = try folder.bridge(names)
        #expect(found.moving == ["2"] && found.fixed == ["4"])
        let stack = try folder.stack(names)
        #expect(stack.linked == [1, 1, 0, 1])
        // Whole pixels, found on gray values: to a tenth of a pixel.
        for (section, shift) in [(1, SIMD2(-6.0, 4)), (3, SIMD2(9, -11))] {
            let error = stack.shifts[section] - shift
            #expect((error * error).sum().squareRoot() < 0.1, "section \(names[section]): \(stack.shifts[section]) px")
        }
    }

    @Test func aPairOverTheSectionBeforeTheBreakIsTriedToo() throws {
        // "2" fits "1" and nothing else: with the last pair refused, only 1 -> 3 can hold, which ends at the break.
        let folder = try StackFolder()
        for (number, name) in ["1", "2", "3"].enumerated() {
            try folder.makeSection(name, seed: 3, rowPx: 4 * number, columnPx: -3 * number)
        }
        try folder.align("1", "2")
        for name in ["2", "3"] { try folder.align(name, nil) }
        let found = try folder.bridge(["1", "2", "3"])
        #expect(found.moving == ["1"] && found.fixed == ["3"])
        #expect(try folder.stack(["1", "2", "3"]).linked == [1, 1, 1])
    }

    @Test func aStackWithoutBreaksNeedsNoBridge() throws {
        let folder = try StackFolder()
        try folder.makeSection("1", seed: 2, rowPx: 0, columnPx: 0)
        try folder.makeSection("2", seed: 2, rowPx: 3, columnPx: 5)
        try folder.align("1", "2")
        try folder.align("2", nil)
        #expect(try folder.bridge(["1", "2"]).moving.isEmpty)
        #expect(try folder.stack(["1", "2"]).linked == [1, 1])
    }

    @Test func aBreakThatNothingLeadsOverIsSaidAndLeft() throws {
        let folder = try StackFolder()
        for (number, name) in ["1", "2", "3"].enumerated() {
            try folder.makeSection(name, seed: UInt64(20 + number), rowPx: 0, columnPx: 0)
        }
        try folder.align("1", "2")
        try folder.align("2", "3")
        try folder.align("3", nil)
        #expect(try folder.bridge(["1", "2", "3"]).moving.isEmpty)
        #expect(try folder.stack(["1", "2", "3"]).linked == [1, 0, 0])
    }

    @Test func aCohortSaysWhichSideWasScanned() throws {
        let folder = try StackFolder()
        try folder.makeSection("1", seed: 4, rowPx: 0, columnPx: 0)
        try folder.makeSection("2", seed: 4, rowPx: 5, columnPx: -3)
        try folder.align("1", "2")
        #expect(try !folder.isMirrored("1"))
        // Told otherwise, only a mirrored fit may be found; of spots at random there is none.
        folder.faceDown = ["1": "no", "2": "yes"]
        try folder.align("1", "2")
        // Closed again at once: the next alignment writes the file anew.
        let accepted = try HDF5File(reading: folder.path + "/1-transform.h5").read("/accepted", as: UInt8.self)
        #expect(try folder.isMirrored("1") || accepted == [0])
        folder.faceDown = ["1": "never", "2": "false"]
        try folder.align("1", "2")
        #expect(try !folder.isMirrored("1"))
        folder.faceDown = ["1": "perhaps"]
        #expect(throws: StageError.self) { try folder.align("1", "2") }
    }
}
