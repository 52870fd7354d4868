internal import Foundation
internal import HDF5
internal import Networks
public import StageKit
internal import Torch

/// Trains a network on patches: CytoNet by places in the brain, or one of the methods it is compared with.
public struct Pretraining: Stage {
    public static let name = "pretraining"
    public static let summary = "Trains a network on patches: CytoNet, SimCLR, SupCon or from scratch (Methods 3.4)."

    public static func run(_ context: StageContext) throws {
        let input = try context.input("patches")
        let patches = try PatchSet(
            reading: input.path, sections: context.optionalInputs("sections"),
            cacheBytes: (context.memoryBytes ?? 4 << 30) / 4, threads: context.cores)
        let config = try PretrainingConfig(context.config, sampleCount: patches.count)
        try Torch.setThreads(context.cores)
        let run = try PretrainingRun(config, patches: patches, seed: context.seed, threads: context.cores)
        let fingerprint = try json(config) + " seed \(context.seed) patches \(input.digest)"
        let clock = ContinuousClock()
        let start = clock.now
        var first: Int?
        try run.train(checkpoint: context.scratch + "/checkpoint.h5", fingerprint: fingerprint) { report in
            let begun = first ?? report.step
            first = begun
            let seconds = max(1e-9, (clock.now - start) / .seconds(1))
            let rate = Double((report.step + 1 - begun) * config.batchSize) / seconds
            let left = Double((config.steps - report.step - 1) * config.batchSize) / rate
            context.progress(
                Double(report.step + 1) / Double(config.steps),
                String(
                    format: "step %d of %d, loss %.3f, rate %.2g, %.0f patches/s, %.0f s left", report.step + 1,
                    config.steps,
                    report.loss, report.learningRate, rate, left))
        }
        let model = try run.model()
        let losses = run.trainer.losses
        try context.write("model") { file in
            try model.write(to: file)
            try file.write(losses, to: "/history/loss")
            try file.write(losses.indices.map { config.rates.rate(step: $0) }, to: "/history/learning_rate")
        }
        context.figure("parameters", Double(run.trainer.parameters.parameterCount))
        context.figure("steps", Double(losses.count))
        let tail = losses.suffix(max(1, losses.count / 20))
        context.figure("final_loss", Double(tail.reduce(0, +)) / Double(tail.count))
    }
}
