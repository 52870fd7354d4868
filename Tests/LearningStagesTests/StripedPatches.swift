import Foundation
import HDF5
import NDArray
import StageProtocol

/// A patch-set of stripes whose direction and width tell the place.
func writeStripedPatches(
    to path: String, count: Int = 48, side: Int = 52, _ change: (HDF5File) throws -> Void = { _ in }
) throws {
    var generator = SeededGenerator(seed: 2)
    var pixels: [UInt8] = []
    var positions: [Double] = []
    var labels: [Int32] = []
    for _ in 0..<count {
        let place = generator.uniform()
        let phase = generator.uniform() * 6
        positions += [place * 60, 0, 0]
        labels.append(Int32(place * 3))
        for index in 0..<side * side {
            let along = place * Double(index / side) + (1 - place) * Double(index % side)
            pixels.append(UInt8(128 + 100 * cos(along * (0.4 + place) + phase) + 10 * generator.uniform()))
        }
    }
    try HDF5File.create(path) { file in
        try file.write(pixels, shape: [count, side, side], to: "/pixels")
        try file.write(positions, shape: [count, 3], to: "/mni_mm")
        try file.write(labels, to: "/label")
        try file.setAttribute("spacing_um", to: 64.0)
        try change(file)
    }
}

/// A config of `pretraining` that is small enough for a test.
func smallTraining(_ changes: [String: ConfigValue] = [:]) -> [String: ConfigValue] {
    let base: [String: ConfigValue] = [
        "method": .text("cytonet"), "network": .text("small"), "patch_side_px": .integer(32), "sigma_mm": .integer(5),
        "temperature": .real(0.1), "projection_width": .integer(16), "batch_size": .integer(16), "epochs": .integer(3),
        "optimizer": .text("lars"), "learning_rate": .real(0.4), "schedule": .text("cosine"),
        "warm_up_fraction": .real(0.1), "momentum": .real(0.9), "trust": .real(0.02), "weight_decay": .real(0.0001),
        "mixed_precision": .bool(false), "gradient_checkpoints": .bool(false), "checkpoint_steps": .integer(4),
    ]
    return base.merging(changes) { $1 }
}

/// The programs that are built beside the tests.
enum BuiltPrograms {
    static let folder: URL = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: bundle).deletingLastPathComponent()
    }()
    static func path(_ name: String) -> String { folder.appending(path: name).path }
    static func areThere(_ names: String...) -> Bool {
        names.allSatisfy { FileManager.default.isExecutableFile(atPath: path($0)) }
    }
}
