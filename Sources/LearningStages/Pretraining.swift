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
            coordinates: PretrainingConfig.Coordinates(context.config).rawValue,
            cacheBytes: (context.memoryBytes ?? 4 << 30) / 4, threads: context.cores)
        let config = try PretrainingConfig(context.config, sampleCount: patches.count)
        let processes = try TrainingProcesses(context)
        try Torch.setThreads(processes.threads)
        let run = try PretrainingRun(
            config, patches: patches, seed: context.seed, threads: processes.threads, device: processes.device,
            precision: context.precision(), group: processes.group)
        let fingerprint = try json(config) + " seed \(context.seed) patches \(input.digest)"
        let checkpoint = context.checkpoints + "/checkpoint.h5"
        let begun = try run.resume(checkpoint, fingerprint: fingerprint)
        if begun > 0, processes.isFirst { context.figure("resumed_at_step", Double(begun)) }
        let clock = ContinuousClock()
        let start = clock.now
        try run.train(checkpoint: checkpoint, fingerprint: fingerprint) { report in
            let seconds = max(1e-9, (clock.now - start) / .seconds(1))
            let rate = Double((report.step + 1 - begun) * config.recipe.batchSize) / seconds
            let left = Double((config.steps - report.step - 1) * config.recipe.batchSize) / rate
            context.progress(
                Double(report.step + 1) / Double(config.steps),
                String(
                    format: "step %d of %d, loss %.3f, rate %.2g, %.0f patches/s, %.0f s left", report.step + 1,
                    config.steps, report.loss, report.learningRate, rate, left))
        }
        if processes.isFirst { try write(run, config, context) }
        try processes.finish()
    }

    private static func write(_ run: PretrainingRun, _ config: PretrainingConfig, _ context: StageContext) throws {
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
