internal import NDArray
internal import Networks
internal import StageKit
public import Torch

/// Runs a network over patches as they are: the middle of each window, no augmentation, learned statistics.
///
/// Batches go to as many threads as may be used, each with libtorch on one thread, so that no sum depends on their number.
public struct PatchInference: Sendable {
    /// Side of the network's images, px.
    public var patchSide: Int
    /// Patches that go through the network at once on a thread; a function of the patch alone, not of the machine.
    public var batchSize: Int
    /// Products in bfloat16.
    public var mixedPrecision: Bool
    /// Batches at a time.
    public var threads: Int
    /// Where the network's weights lie.
    public var device: Device

    /// - Parameter batchSize: nil for as many as hold 2²⁰ pixels, 256 at most.
    public init(
        patchSide: Int, batchSize: Int? = nil, mixedPrecision: Bool = false, threads: Int, device: Device = .cpu
    ) {
        self.patchSide = patchSide
        self.batchSize = batchSize ?? min(max((1 << 20) / (patchSide * patchSide), 1), 256)
        self.mixedPrecision = mixedPrecision
        self.threads = threads
        self.device = device
    }

    /// The middles of some windows, (n, 1, side, side) in 0 … 1.
    ///
    /// Between two pixels, where window and patch are not both even or both odd, they are interpolated.
    public func images(_ patches: some PatchWindows, rows: [Int]) throws -> [Float] {
        try patches.patches(
            of: rows, patchSide: patchSide, draws: rows.map { _ in AugmentationDraw() }, threads: threads)
    }

    /// Runs batch after batch and hands over what comes out, in order.
    ///
    /// - Parameters:
    ///   - rows: of the patch set.
    ///   - network: gets (n, 1, side, side); gives tensors with n rows each. Called from several threads at once, without gradients.
    ///   - each: gets the places in `rows` and the values of each tensor, in float32.
    /// - Throws: `StageError` where a value is not a number.
    public func run(
        _ patches: some PatchWindows, rows: [Int], _ network: (Tensor) throws -> [Tensor],
        each: (Range<Int>, [[Float]]) throws -> Void
    ) throws {
        let batches = stride(from: 0, to: rows.count, by: batchSize).map { $0..<min($0 + batchSize, rows.count) }
        try withoutActuallyEscaping(network) { network in
            let shared = SharedNetwork(call: network)
            for start in stride(from: 0, to: batches.count, by: threads) {
                let group = Array(batches[start..<min(start + threads, batches.count)])
                let images = try group.map { try self.images(patches, rows: $0.map { rows[$0] }) }
                let results = onThreads(group.count) { index in
                    try shared.values(
                        images[index], shape: [group[index].count, 1, patchSide, patchSide],
                        mixedPrecision: mixedPrecision, device: device)
                }
                for (range, result) in zip(group, results) {
                    let values = try result.get()
                    for output in values {
                        let width = output.count / range.count
                        if let bad = output.firstIndex(where: { !$0.isFinite }) {
                            throw StageError(
                                .noResult,
                                "the network makes values that are not numbers of patch \(rows[range.lowerBound + bad / width]); "
                                    + (mixedPrecision ? "try mixed_precision: false" : "its training may have diverged")
                            )
                        }
                    }
                    try each(range, values)
                }
            }
        }
    }

    /// Results of a body for each index, on as many threads.
    private func onThreads<Value: Sendable>(
        _ count: Int, _ body: @Sendable (Int) throws -> Value
    ) -> [Result<Value, any Error>] {
        var results = [Result<Value, any Error>?](repeating: nil, count: count)
        results.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelFor(count, threads: count) { index in
                slices[index] = Result { try body(index) }
            }
        }
        return results.compactMap { $0 }
    }
}

/// A network that several threads run at once.
private struct SharedNetwork: @unchecked Sendable {
    // Sendable because inference only reads the weights; every other tensor belongs to the thread that makes it.
    let call: (Tensor) throws -> [Tensor]

    func values(_ images: [Float], shape: [Int], mixedPrecision: Bool, device: Device) throws -> [[Float]] {
        try Torch.setThreads(1)
        return try withoutGradients {
            let tensors = try withMixedPrecision(mixedPrecision, on: device) {
                try call(try Tensor(images, shape: shape).moved(to: device))
            }
            return try tensors.map { try $0.converted(to: .float32).array(of: Float.self) }
        }
    }
}
