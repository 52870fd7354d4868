internal import HDF5
internal import Networks
public import StageKit

/// What a trained network makes of patches: a feature vector each, and its projection where the model has a head for it.
public struct Features: Stage {
    public static let name = "features"
    public static let summary = "Feature vectors of patches by a trained network (Methods 3.3, 3.4)."

    /// Datasets of a patch set that are no row of a table, or too large to be copied.
    static let pixelDatasets: Set<String> = [
        "/pixels", "/layer", "/valid", "/cells_patch", "/cells_um", "/cells_layer",
    ]

    public static func run(_ context: StageContext) throws {
        let input = try context.input("patches")
        let patches = try PatchSet(
            reading: input.path, sections: context.optionalInputs("sections"),
            cacheBytes: (context.memoryBytes ?? 4 << 30) / 4, threads: context.cores)
        let device = try context.device()
        let model = try LoadedModel(context.input("model"), device: device)
        try model.check(patches, port: "patches")
        let inference = PatchInference(
            patchSide: model.patchSide, batchSize: try context.config.optionalInteger("batch_size", in: 1...),
            mixedPrecision: try context.config.bool("mixed_precision"), threads: context.cores, device: device)
        let count = patches.count
        let width = model.backbone.featureCount
        let network = try model.file.encodedNetwork
        try context.write("features") { file in
            // Feature vectors are noise to a compressor: as they are.
            let features = try file.makeDataset(
                "/features", element: .float32, shape: [count, width], layout: .contiguous)
            let projections =
                model.projection == nil
                ? nil
                : try file.makeDataset(
                    "/projection", element: .float32, shape: [count, model.projectionCount], layout: .contiguous)
            try inference.run(patches, rows: Array(0..<count)) { images in
                let features = try model.backbone(images, .inference).features  // (n, d)
                return try [features] + (model.projection.map { [try $0(features, .inference)] } ?? [])
            } each: { range, values in
                try features.write(values[0], at: [range.lowerBound, 0], shape: [range.count, width])
                try projections?.write(
                    values[1], at: [range.lowerBound, 0], shape: [range.count, model.projectionCount])
                context.progress(
                    Double(range.upperBound) / Double(count), "patch \(range.upperBound) of \(count)")
            }
            try copyDatasets(from: HDF5File(reading: input.path), to: file, skipping: pixelDatasets)
            try file.setAttribute("network", to: network)
            try file.setAttribute("objective", to: try model.file.encodedObjective)
            try file.setAttribute("spacing_um", to: patches.spacingUm)
        }
        context.figure("points", Double(count))
        context.figure("features", Double(width))
    }
}
