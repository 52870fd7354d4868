internal import NDArray

/// Which samples make up which batch: every epoch in another order, which the seed decides. The last samples of an epoch that
/// do not fill a batch wait for another epoch.
public struct EpochOrder: Sendable, Equatable {
    public let sampleCount: Int
    public let batchSize: Int
    public let seed: UInt64

    /// - Throws: `NetworkError` where there are fewer samples than a batch needs.
    public init(sampleCount: Int, batchSize: Int, seed: UInt64) throws {
        guard batchSize >= 1, sampleCount >= batchSize else {
            throw NetworkError(.invalidData, "\(sampleCount) samples do not fill a batch of \(batchSize).")
        }
        self.sampleCount = sampleCount
        self.batchSize = batchSize
        self.seed = seed
    }

    public var batchesPerEpoch: Int { sampleCount / batchSize }

    /// The epoch that a step belongs to.
    public func epoch(ofStep step: Int) -> Int { step / batchesPerEpoch }

    /// All samples in the order of an epoch (Fisher, Yates; Durstenfeld 1964).
    public func order(ofEpoch epoch: Int) -> [Int] {
        var generator = SeededGenerator(seed: seed, stream: "order", epoch)
        var order = Array(0..<sampleCount)
        for last in stride(from: sampleCount - 1, to: 0, by: -1) {
            order.swapAt(last, generator.index(below: last + 1))
        }
        return order
    }

    /// The samples of a step, counted from 0 over all epochs.
    public func batch(ofStep step: Int) -> [Int] {
        let start = step % batchesPerEpoch * batchSize
        return Array(order(ofEpoch: epoch(ofStep: step))[start..<start + batchSize])
    }
}
