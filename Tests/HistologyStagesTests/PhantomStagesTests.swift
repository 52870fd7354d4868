import Foundation
import HDF5
import HistologyStages
import NDArray
import PNG
import SectionFiles
import StageKit
import StageProtocol
import Testing

/// A private folder that goes away with the test.
private final class Folder {
    let path = NSTemporaryDirectory() + "phantom-" + UUID().uuidString
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func run(
        _ stage: any Stage.Type, item: [String: String] = [:], inputs: [String: [InputFile]] = [:],
        outputs: [String: String], config: [String: ConfigValue] = [:], cores: Int = 1
    ) throws {
        let job = StageJob(
            stage: stage.name, item: item.sorted { $0.key < $1.key }.map { Coordinate(axis: $0.key, value: $0.value) },
            inputs: inputs, outputs: outputs.mapValues { OutputFile(path: file($0)) }, config: config, seed: 0,
            cores: cores, scratch: path)
        try stage.run(StageContext(job: job))
    }

    func input(_ name: String, section: String? = nil) -> InputFile {
        InputFile(
            path: file(name), item: section.map { [Coordinate(axis: "section", value: $0)] } ?? [], digest: "")
    }

    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file(name))) }

    func makeBrain(_ name: String = "brain.h5", cores: Int = 2) throws {
        try run(
            PhantomBrain.self, outputs: ["brain": name, "truth": "truth-" + name],
            config: [
                "species": .text("human"), "brain": .text("B01"), "spacing_um": .real(1500), "laplace": .bool(false),
            ], cores: cores)
    }

    func makeSection(
        _ section: String, positionUm: Double, mirrored: Bool = false, spacingUm: Double = 256, suffix: String = "",
        cores: Int = 1
    ) throws {
        try run(
            PhantomSection.self, item: ["section": section], inputs: ["brain": [input("brain.h5")]],
            outputs: [
                "section": section + suffix + ".tif", "truth": section + suffix + ".h5",
                "annotation": section + suffix + "-annotation.h5",
            ],
            config: [
                "brain": .text("B01"), "section": .text(section), "position_um": .real(positionUm),
                "mirrored": .bool(mirrored), "spacing_um": .real(spacingUm), "truth_spacing_um": .real(256),
                "height_mm": .real(64), "width_mm": .real(76), "rotation_deg": .real(3), "shift_mm": .real(1.2),
                "stain": .text("usual"), "stain_spread": .real(0), "tear_fraction": .real(0), "fold_fraction": .real(0),
                "cells": .bool(false), "depth": .bool(false),
            ], cores: cores)
    }
}

@Suite struct PhantomStagesTests {
    @Test func sameConfigGivesSameBytesWhateverTheCores() throws {
        let folder = try Folder()
        try folder.makeBrain()
        try folder.makeBrain("again.h5", cores: 1)
        #expect(try folder.bytes("brain.h5") == folder.bytes("again.h5"))
        try folder.makeSection("0001", positionUm: 100)
        try folder.makeSection("0001", positionUm: 100, suffix: "b", cores: 3)
        #expect(try folder.bytes("0001.tif") == folder.bytes("0001b.tif"))
        #expect(try folder.bytes("0001.h5") == folder.bytes("0001b.h5"))
        try folder.makeSection("0002", positionUm: 100)
        #expect(try folder.bytes("0001.tif") != folder.bytes("0002.tif"))
    }

    @Test func theScanReadsBackAsAScanOfItsPixelSize() throws {
        let folder = try Folder()
        try folder.makeBrain()
        try folder.makeSection("0001", positionUm: 100, spacingUm: 128)
        let scan = try SectionScan(path: folder.file("0001.tif"))
        #expect(scan.rows == 500 && scan.columns == 594)
        // Written as 10,000,000 / 128,000 pixels per centimetre: exact.
        #expect(abs((scan.pixelSize?.rowUm ?? 0) - 128) < 1e-6)
        // Reduced by two it covers the truth's pixels: tissue is where the truth has it.
        let image = try scan.reduced(toSpacingUm: 256, threads: 1)
        let labels = try HDF5File(reading: folder.file("0001.h5")).readImage("/labels", as: UInt8.self)
        #expect(image.rows == labels.rows && image.columns == labels.columns)
        // The slide has 255 × 0.90 = 230, white matter about 206.
        var (dark, tissue, both) = (0, 0, 0)
        for (level, label) in zip(image.elements, labels.elements) {
            if level < 218 { dark += 1 }
            if label > 0 { tissue += 1 }
            if level < 218, label > 0 { both += 1 }
        }
        #expect(2 * Double(both) > 0.95 * Double(dark + tissue), "Dice of a plain threshold")
    }

    @Test func aPositionOutsideTheBrainIsAClearError() throws {
        let folder = try Folder()
        try folder.makeBrain()
        #expect {
            try folder.makeSection("0001", positionUm: 99_000)
        } throws: { error in
            "\(error)".contains("99000") && "\(error)".contains("nearer to its middle")
        }
    }

    @Test func theTruthScoresFullMarksAndAnErrorIsMeasured() throws {
        let folder = try Folder()
        try folder.makeBrain()
        let sections = ["0001", "0002", "0004"]
        var transforms: [[Double]] = []
        for (index, section) in sections.enumerated() {
            try folder.makeSection(section, positionUm: 1000 * Double(index), mirrored: index == 1)
            let truth = try HDF5File(reading: folder.file(section + ".h5"))
            let labels = try truth.readImage("/labels", as: UInt8.self)
            transforms.append(try truth.read("/matrix", as: Double.self))
            try HDF5File.create(folder.file(section + "-labels.h5")) { file in
                try file.write(labels, to: "/labels")
                try file.setAttribute("spacing_um", to: 256.0)
                try file.setAttribute("first_um", to: truth.attribute("first_um", as: Double.self))
            }
        }
        // Only the first pair's transform is given: right but for 100 µm along the columns. The other two lead nowhere.
        let (first, second) = (transforms[0], transforms[1])
        // The inverse of a mirroring rigid map: transpose, and the offset turned back.
        let down = -(second[0] * second[2] + second[3] * second[5])
        let across = -(second[1] * second[2] + second[4] * second[5])
        let back: [Double] = [second[0], second[3], down, second[1], second[4], across, 0, 0, 1]
        var pair = [Double](repeating: 0, count: 9)
        for row in 0..<3 {
            for column in 0..<3 {
                for inner in 0..<3 { pair[row * 3 + column] += back[row * 3 + inner] * first[inner * 3 + column] }
            }
        }
        pair[5] += 100
        for (index, section) in sections.enumerated() {
            try HDF5File.create(folder.file(section + "-transform.h5")) { file in
                try file.write(index == 0 ? pair : [1, 0, 0, 0, 1, 0, 0, 0, 1], shape: [3, 3], to: "/matrix")
                try file.setAttribute("offset", to: Int32(index == 0 ? 1 : 0))
            }
        }
        try HDF5File.create(folder.file("stack.h5")) { file in
            try file.write(transforms.flatMap { $0 }, shape: [3, 3, 3], to: "/matrices")
            try file.write(texts: sections, to: "/section")
        }
        try folder.run(
            ReconstructionCheck.self,
            inputs: [
                "truth": sections.map { folder.input($0 + ".h5", section: $0) },
                "labels": sections.map { folder.input($0 + "-labels.h5", section: $0) },
                "transforms": sections.map { folder.input($0 + "-transform.h5", section: $0) },
                "stack": [folder.input("stack.h5")],
            ], outputs: ["scores": "scores.h5", "summary": "summary.json"])
        let scores = try HDF5File(reading: folder.file("scores.h5"))
        func figure(_ name: String) throws -> Double { try scores.attribute(name) }
        #expect(try figure("gray_dice") == 1)
        #expect(try figure("white_dice") == 1)
        #expect(try figure("pairs") == 1)
        // Sums over points of up to 80,000 µm: 10⁻⁶ µm, and a rotation of 10⁻⁹ degrees from rounding.
        #expect(abs(try figure("pair_translation_median_um") - 100) < 1e-6)
        #expect(try figure("pair_rotation_median_deg") < 1e-6)
        #expect(try figure("pairs_with_wrong_mirroring") == 0)
        #expect(try figure("mirrored_found") == 1)
        #expect(try figure("mirrored_missed") == 0)
        #expect(try figure("mirrored_invented") == 0)
        #expect(try figure("stack_displacement_largest_um") < 1e-6)
        let summary = String(decoding: try folder.bytes("summary.json"), as: UTF8.self)
        #expect(summary.contains("\"gray_dice\" : 1"))
    }
}

@Suite struct SegmentationPreviewTests {
    @Test func sheetHasAPairForEachSectionAndDrawsBorders() throws {
        let folder = try Folder()
        for section in ["1", "2", "3"] {
            try HDF5File.create(folder.file(section + ".h5")) { file in
                var labels = Image<UInt8>(rows: 60, columns: 80, filledWith: 0)
                for row in 10..<50 { for column in 10..<70 { labels[row, column] = 1 } }
                for row in 20..<40 { for column in 20..<60 { labels[row, column] = 2 } }
                try file.write(labels, to: "/labels")
                try file.write(Image<UInt8>(rows: 60, columns: 80, filledWith: 200), to: "/image")
            }
        }
        try folder.run(
            SegmentationPreview.self,
            inputs: ["labels": ["1", "2", "3"].map { folder.input($0 + ".h5", section: $0) }],
            outputs: ["picture": "sheet.png"],
            config: ["sections": .integer(3), "width_px": .integer(80), "pairs_in_row": .integer(2)])
        let picture = try PNGFile(path: folder.file("sheet.png"))
        // Two pairs across, two rows; each picture 80 × 60 with 4 pixels about it.
        #expect(picture.columns == 2 * (2 * 80 + 8) && picture.rows == 2 * (60 + 8))
        let samples = try picture.samples()
        func colour(_ row: Int, _ column: Int) -> [UInt8] {
            Array(samples[(row * picture.columns + column) * 3..<(row * picture.columns + column) * 3 + 3])
        }
        #expect(colour(4 + 30, 5) == [200, 200, 200])
        // The outlined copy starts at column 84: tissue's left border lies at 9 | 10, white matter's at 19 | 20.
        #expect(colour(4 + 30, 84 + 9) == [224, 92, 20])
        #expect(colour(4 + 30, 84 + 19) == [20, 120, 210])
        #expect(colour(4 + 30, 84 + 30) == [200, 200, 200])
    }
}
