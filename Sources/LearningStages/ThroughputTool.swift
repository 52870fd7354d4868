internal import Foundation
internal import NDArray
internal import Networks
internal import StageKit
internal import Torch

/// Times training steps or forward passes on random images; `benchmarks/torch_throughput.py` does the same in Python.
let throughputTool = StageTool(
    name: "throughput",
    summary:
        "NETWORK SIDE BATCH STEPS THREADS [bf16] [forward]: times training steps of small, small-vit, r50 or r50-vit, as JSON"
) { arguments in
    guard arguments.count >= 5, let architecture = PretrainingConfig.Architecture(rawValue: arguments[0]),
        let side = Int(arguments[1]), let batch = Int(arguments[2]), let steps = Int(arguments[3]), steps >= 1,
        let threads = Int(arguments[4]), Set(arguments.dropFirst(5)).isSubset(of: ["bf16", "forward"])
    else {
        throw StageError(.badJob, "expected NETWORK SIDE BATCH STEPS THREADS [bf16] [forward]")
    }
    let mixed = arguments.contains("bf16")
    let forward = arguments.contains("forward")
    try Torch.setThreads(threads)
    let store = ParameterStore(seed: 1, threads: threads)
    let network = try architecture.network(imageSide: side).build(store)
    let head = try ProjectionHead(features: network.featureCount, parameters: store)
    let trainer = Trainer(
        backbone: network, output: head, parameters: store, objective: .spatial(sigmaMm: 10, temperature: 0.07),
        optimizer: LARS(store), schedule: LearningRateSchedule(base: 0.01, totalSteps: steps + 1))
    trainer.mixedPrecision = mixed
    var generator = SeededGenerator(seed: 1)
    let images = try Tensor(
        (0..<batch * side * side).map { _ in Float(generator.uniform()) }, shape: [batch, 1, side, side])
    let targets = BatchTargets(positionsMm: (0..<batch).map { SIMD3(Double($0), 0, 0) })
    func once() throws {
        if forward {
            _ = try withoutGradients {
                try withMixedPrecision(mixed) { try network(images, .inference).features }
                    .converted(to: .float32).array(of: Float.self)
            }
        } else {
            _ = try trainer.train(images: images, targets: targets)
        }
    }
    try once()  // the first one makes plans and fills caches
    let clock = ContinuousClock()
    var seconds: [Double] = []
    for _ in 0..<steps { seconds.append(try clock.measure { try once() } / .seconds(1)) }
    seconds.sort()
    let median = seconds[steps / 2]
    return String(
        format: """
            {"program": "cyto-learn", "libtorch": "%@", "network": "%@", "side": %d, "batch": %d, "threads": %d, "bf16": %@, \
            "mode": "%@", "median_s": %.4f, "fastest_s": %.4f, "images_per_s": %.2f}
            """, Torch.version, architecture.rawValue, side, batch, threads, mixed ? "true" : "false",
        forward ? "forward" : "train", median, seconds[0], Double(batch) / median)
}
