import Foundation
import HDF5
import HistologyStages
import NDArray
import StageKit
import StageProtocol
import Testing

@Suite struct PhantomLayerPatchesTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "layers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private func brain() throws -> [InputFile] {
        let job = StageJob(
            stage: PhantomBrain.name, item: [], inputs: [:],
            outputs: ["brain": OutputFile(path: path("brain.h5")), "truth": OutputFile(path: path("truth.h5"))],
            config: [
                "species": .text("human"), "brain": .text("B01"), "spacing_um": .real(1500), "laplace": .bool(false),
            ], seed: 0, cores: 2, scratch: folder.path)
        try PhantomBrain.run(StageContext(job: job))
        return ["B01", "B02"].map {
            InputFile(
                path: path("brain.h5"), item: [Coordinate(axis: "brain", value: $0)],
                digest: "", attributes: ["brain": ["role": .text("seen"), "stain": .text("usual")]])
        }
    }

    private func run(_ brains: [InputFile], _ config: [String: ConfigValue] = [:], cores: Int = 1) throws -> String {
        let output = path("patches-\(UUID().uuidString).h5")
        let base: [String: ConfigValue] = [
            "patches": .integer(11), "sections_per_brain": .integer(2), "patch_side_px": .integer(32),
            "patch_spacing_um": .real(128), "irregular_share": .real(0.5), "apart_mm": .real(1), "cells": .bool(true),
            "stain_spread": .real(1),
        ]
        let job = StageJob(
            stage: PhantomLayerPatches.name, item: [], inputs: ["brains": brains],
            outputs: ["patches": OutputFile(path: output)], config: base.merging(config) { $1 }, seed: 0, cores: cores,
            scratch: folder.path)
        try PhantomLayerPatches.run(StageContext(job: job))
        return output
    }

    @Test func patchesHaveLayersCellsAndRowsAndTheSameBytesWhateverTheCores() throws {
        let brains = try brain()
        let output = try run(brains)
        let again = try run(brains, cores: 3)
        #expect(try Data(contentsOf: URL(filePath: output)) == Data(contentsOf: URL(filePath: again)))
        let file = try HDF5File(reading: output)
        #expect(try file.dataset("/pixels").shape == [11, 32, 32])
        let layers = try file.read("/layer", as: UInt8.self)
        let valid = try file.read("/valid", as: UInt8.self)
        let pixels = try file.read("/pixels", as: UInt8.self)
        #expect(layers.max() == 6 && Set(valid) == [0, 1])
        #expect(try file.read("/brain", as: Int32.self) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
        #expect(try file.read("/label", as: Int32.self).allSatisfy { $0 > 0 })
        #expect(try file.read("/mni_mm", as: Double.self).allSatisfy(\.isNaN))
        #expect(try file.attribute("spacing_um", as: Double.self) == 128)
        var irregular = 0
        for patch in 0..<11 {
            func at(_ row: Int, _ column: Int) -> Int { (patch * 32 + row) * 32 + column }
            // What was there is a rectangle; around it pixels and layers are reflected.
            let rows = (0..<32).filter { row in (0..<32).contains { valid[at(row, $0)] == 1 } }
            let columns = (0..<32).filter { column in (0..<32).contains { valid[at($0, column)] == 1 } }
            #expect(rows.count * columns.count == (0..<1024).count { valid[patch * 1024 + $0] == 1 })
            guard let top = rows.first, let left = columns.first, rows.count < 32 || columns.count < 32 else {
                continue
            }
            irregular += 1
            if top > 0 {
                for column in columns {
                    #expect(pixels[at(top - 1, column)] == pixels[at(top, column)])
                    #expect(layers[at(top - 1, column)] == layers[at(top, column)])
                }
            }
            if left > 0 { for row in rows { #expect(pixels[at(row, left - 1)] == pixels[at(row, left)]) } }
        }
        #expect(irregular > 0 && irregular < 11)
        // Cells lie in their own layer, but for those beside its border, which the pixels draw coarsely.
        let owners = try file.read("/cells_patch", as: Int32.self)
        let places = try file.read("/cells_um", as: Double.self)
        let own = try file.read("/cells_layer", as: UInt8.self)
        var right = 0
        for (cell, owner) in owners.enumerated() {
            let row = Int((places[2 * cell] / 128 + 15.5).rounded())
            let column = Int((places[2 * cell + 1] / 128 + 15.5).rounded())
            let index = (Int(owner) * 32 + row) * 32 + column
            #expect(valid[index] == 1)
            if layers[index] == own[cell] { right += 1 }
        }
        #expect(owners.count > 10_000)
        #expect(Double(right) / Double(owners.count) > 0.7)
    }

    @Test func withoutIrregularOnesAllIsValidAndCellsCanBeLeftOut() throws {
        let file = try HDF5File(reading: run(brain(), ["irregular_share": .real(0), "cells": .bool(false)]))
        #expect(try file.read("/valid", as: UInt8.self).allSatisfy { $0 == 1 })
        #expect(try file.read("/cells_patch", as: Int32.self).isEmpty)
    }

    @Test func moreThanFitIsAnErrorThatSaysWhatToDo() throws {
        let brains = try brain()
        #expect {
            try run(brains, ["patches": .integer(5000), "apart_mm": .real(20), "cells": .bool(false)])
        } throws: {
            "\($0)".contains("raise sections_per_brain")
        }
        #expect {
            try run(brains, ["patch_side_px": .integer(33)])
        } throws: {
            "\($0)".contains("must be even")
        }
    }
}
