internal import HDF5
internal import NDArray
internal import Networks
internal import PNG
internal import ScoreTables
public import StageKit
internal import Statistics
internal import Torch

/// How much the class token of a vision transformer attends to each place of chosen patches in its first layer.
///
/// **Reference** Fig. 3 of the paper.
public struct AttentionMaps: Stage {
    public static let name = "attention-maps"
    public static let summary =
        "The class token's attention in the first layer, for chosen patches, all heads (Fig. 3)."

    public static func run(_ context: StageContext) throws {
        let input = try context.input("patches")
        let patches = try PatchSet(reading: input.path, sections: context.optionalInputs("sections"))
        let modelInput = try context.input("model")
        let device = try context.device()
        let model = try LoadedModel(modelInput, device: device, withProjection: false)
        guard let hybrid = model.backbone as? HybridNetwork, let shape = model.file.network.transformer else {
            throw StageError(
                .badInput,
                "the network has no transformer and so no attention; give one of network r50-vit or small-vit",
                port: "model", file: modelInput.path)
        }
        try model.check(patches, port: "patches")
        let chosen = try choose(context, try PatchRows([input]), count: patches.count)
        let inference = PatchInference(patchSide: model.patchSide, threads: context.cores, device: device)
        let side = model.file.network.residual.mapSide(imageSide: model.patchSide)
        var attention: [Float] = []
        try inference.run(patches, rows: chosen) {
            [try hybrid.firstLayerAttention($0)]
        } each: { range, values in
            attention += values[0]
            context.progress(0.8 * Double(range.upperBound) / Double(chosen.count), "attention")
        }
        let pixels = try inference.images(patches, rows: chosen).map { UInt8(($0 * 255).rounded()) }
        try context.write("attention") { file in
            try file.write(attention, shape: [chosen.count, shape.heads, side, side], to: "/attention")
            try file.write(pixels, shape: [chosen.count, model.patchSide, model.patchSide], to: "/pixels")
            try file.write(chosen.map { Int64($0) }, to: "/chosen")
            try copyDatasets(
                from: HDF5File(reading: input.path), to: file,
                skipping: Features.pixelDatasets.union(["/attention", "/chosen"]),
                selection: RowSelection(chosen, of: patches.count))
            try file.setAttribute("network", to: model.file.encodedNetwork)
            try file.setAttribute("spacing_um", to: patches.spacingUm)
        }
        let sheet = AttentionSheet(
            patchSide: model.patchSide, mapSide: side, heads: shape.heads,
            gamma: try context.config.double("gamma", in: 0.01...100),
            enlargement: max(1, 128 / model.patchSide))
        try writePNG(
            sheet.picture(pixels: pixels, attention: attention, count: chosen.count), to: try context.output("picture"))
        context.figure("patches", Double(chosen.count))
        context.figure("heads", Double(shape.heads))
    }

    /// The rows that the config lists, or some of several areas.
    private static func choose(_ context: StageContext, _ rows: PatchRows, count: Int) throws -> [Int] {
        if context.config.has("rows") {
            let listed = try context.config.doubles("rows")
            guard !listed.isEmpty, listed.allSatisfy({ $0 == $0.rounded() && $0 >= 0 && $0 < Double(count) }) else {
                throw StageError(
                    .badJob, "config.rows must list rows of the patch set, 0 … \(count - 1), not \(listed)")
            }
            return listed.map { Int($0) }
        }
        let perArea = try context.config.integer("per_area", in: 1...)
        let areas = try context.config.integer("areas", in: 1...)
        // Points without an area count as one area of their own, so that patches of unknown areas can be shown too.
        let labelled = (0..<count).filter { rows.label[$0] >= 0 }
        let pool = labelled.isEmpty ? Array(0..<count) : labelled
        let names = Set(pool.map { rows.label[$0] }).sorted()
        var generator = SeededGenerator(seed: context.seed, stream: "attention areas")
        let kept = Set(names.shuffled(using: &generator).prefix(areas))
        let candidates = pool.filter { kept.contains(rows.label[$0]) }
        return stratifiedSample(
            labels: candidates.map { rows.label[$0] }, perLabel: perArea, replacement: false, seed: context.seed
        ).map { candidates[$0] }
    }
}
