import Networks
import Testing
import Torch

/// Whole steps of training (network, head, loss, gradients, LARS, running statistics) against the same in PyTorch, both in
/// float64 (`Vectors/training.py`).
@Suite(.serialized) struct WholeTrainingTests {
    struct Recorded: Decodable {
        struct Training: Decodable {
            let losses: [Double]
            let first: [String: Probe]
            let last: [String: Probe]
        }
        let spatial: Training
        let pairedViews: Training
        let sameLabel: Training
    }

    /// - Parameters:
    ///   - checkpoints: blocks run again for their gradients; the same numbers.
    ///   - tolerance: of a tensor, in units of its mean magnitude.
    private func compare(
        _ objective: Objective, _ recorded: Recorded.Training, checkpoints: Bool, tolerance: Double
    ) throws {
        let (count, side) = (12, 32)
        let store = ParameterStore(seed: nil, precision: .double)
        let network = try ResidualNetwork(.small, parameters: store)
        let head = try ProjectionHead(features: 256, outputs: 16, parameters: store)
        try fill(store)
        let trainer = Trainer(
            backbone: network, output: head, parameters: store, objective: objective, optimizer: LARS(store),
            schedule: LearningRateSchedule(base: 0.05, totalSteps: 3))
        trainer.checkpoints = checkpoints
        let places = numbers("positions", 3 * count).map { Double($0) * 20 }
        let targets = BatchTargets(
            positionsMm: (0..<count).map { SIMD3(places[3 * $0], places[3 * $0 + 1], places[3 * $0 + 2]) },
            labels: (0..<count).map { $0 % 4 })
        for step in 0..<3 {
            let samples = objective.views * count
            let pixels = numbers("images \(step)", samples * side * side)
            let report = try trainer.train(
                images: Tensor(pixels, shape: [samples, 1, side, side]), targets: targets)
            // Losses are kept as float32, 2⁻²² here.
            #expect(abs(Double(report.loss) - recorded.losses[step]) < 1e-6)
            guard let probes = step == 0 ? recorded.first : step == 2 ? recorded.last : nil else { continue }
            #expect(Set(probes.keys) == Set(store.tensors.map(\.name)))
            for entry in store.tensors {
                #expect(
                    try probes[entry.name]?.difference(from: entry.tensor) ?? .infinity < tolerance,
                    "\(entry.name) after step \(step)")
            }
        }
    }

    @Test(arguments: [false, true])
    func threeStepsEqualThoseOfPyTorch(checkpoints: Bool) throws {
        let recorded: Recorded = try loadVectors("training")
        // SpatialNCE's shares are float32, to 2⁻²⁵, and a bias moves by up to ten times its size; the other shares are exact.
        try compare(
            .spatial(sigmaMm: 10, temperature: 0.1), recorded.spatial, checkpoints: checkpoints, tolerance: 5e-7)
        try compare(
            .pairedViews(temperature: 0.1), recorded.pairedViews, checkpoints: checkpoints, tolerance: 1e-12)
        try compare(.sameLabel(temperature: 0.1), recorded.sameLabel, checkpoints: checkpoints, tolerance: 1e-12)
    }
}
