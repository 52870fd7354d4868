internal import Foundation
internal import NDArray
internal import Networks
internal import StageKit
internal import Torch

/// Times training steps or forward passes on random images; `benchmarks/torch_peer.py` does the same in Python.
let throughputTool = StageTool(
    name: "throughput",
    summary:
        "NETWORK SIDE BATCH STEPS THREADS [bf16] [forward] [checkpoints] [tuned] [cuda]: times training steps of small, "
        + "small-vit, r50 or r50-vit, as JSON"
) { arguments in
    let options: Set = ["bf16", "forward", "checkpoints", "tuned", "cuda"]
    guard arguments.count >= 5, let architecture = PretrainingConfig.Architecture(rawValue: arguments[0]),
        let side = Int(arguments[1]), let batch = Int(arguments[2]), let steps = Int(arguments[3]), steps >= 1,
        let threads = Int(arguments[4]), options.isSuperset(of: arguments.dropFirst(5))
    else {
        throw StageError(
            .badJob, "expected NETWORK SIDE BATCH STEPS THREADS [bf16] [forward] [checkpoints] [tuned] [cuda]")
    }
    let device = try Device(named: arguments.contains("cuda") ? "cuda" : "cpu")
    if arguments.contains("tuned") { try Torch.tuneConvolutions() }
    let mixed = arguments.contains("bf16")
    let forward = arguments.contains("forward")
    try Torch.setThreads(threads)
    let store = ParameterStore(seed: 1, device: device, threads: threads)
    let network = try architecture.network(imageSide: side).build(store)
    let head = try ProjectionHead(features: network.featureCount, parameters: store)
    let trainer = Trainer(
        backbone: network, output: head, parameters: store, objective: .spatial(sigmaMm: 10, temperature: 0.07),
        optimizer: LARS(store), schedule: LearningRateSchedule(base: 0.01, totalSteps: steps + 1))
    trainer.mixedPrecision = mixed
    trainer.checkpoints = arguments.contains("checkpoints")
    var generator = SeededGenerator(seed: 1)
    let noise = (0..<side * side).map { _ in Float(generator.uniform()) }
    var pixels: [Float] = []
    pixels.reserveCapacity(batch * noise.count)
    for sample in 0..<batch {  // the same noise, begun at another place: quick to make for many large images
        let start = sample * 104_729 % noise.count
        pixels += noise[start...] + noise[..<start]
    }
    let images = try Tensor(pixels, shape: [batch, 1, side, side]).moved(to: device)
    let targets = BatchTargets(positionsMm: (0..<batch).map { SIMD3(Double($0), 0, 0) })
    func once() throws {
        if forward {
            _ = try withoutGradients {
                try withMixedPrecision(mixed, on: device) { try network(images, .inference).features }
                    .converted(to: .float32).array(of: Float.self)
            }
        } else {
            _ = try trainer.train(images: images, targets: targets)
        }
    }
    try once()  // the first one makes plans and fills caches
    try Torch.synchronise(device)
    let clock = ContinuousClock()
    var seconds: [Double] = []
    var cpuSeconds: [Double] = []
    for _ in 0..<steps {
        let begun = processSeconds()
        seconds.append(try clock.measure { try once() } / .seconds(1))
        cpuSeconds.append(processSeconds() - begun)
    }
    seconds.sort()
    cpuSeconds.sort()
    let median = seconds[steps / 2]
    let peak = try Torch.peakMemory(device)
    let memory = peak.map { "\($0.allocated >> 20), \"reserved_mib\": \($0.reserved >> 20)" } ?? "null"
    return String(
        format: """
            {"program": "cyto-learn", "libtorch": "%@", "network": "%@", "side": %d, "batch": %d, "threads": %d, "bf16": %@, \
            "device": "%@", "checkpoints": %@, "tuned": %@, "mode": "%@", "median_s": %.4f, "fastest_s": %.4f, "cpu_s": %.4f, "images_per_s": %.2f, \
            "peak_memory_mib": %@}
            """, Torch.version, architecture.rawValue, side, batch, threads, mixed ? "true" : "false",
        device.description, trainer.checkpoints ? "true" : "false", arguments.contains("tuned") ? "true" : "false",
        forward ? "forward" : "train", median, seconds[0], cpuSeconds[steps / 2], Double(batch) / median, memory)
}
