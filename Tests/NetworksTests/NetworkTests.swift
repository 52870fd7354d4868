import Foundation
import Networks
import Testing
import Torch

/// The networks against the same ones written in PyTorch (`Vectors/networks.py`).
@Suite(.serialized) struct NetworkTests {
    static let smallTransformer = VisionTransformerShape(width: 48, layers: 3, heads: 4, hidden: 96)

    /// Float32 sums of up to 4608 products in another order differ by about √4608 · 6e-8 = 4e-6 a layer; R50 has 53.
    static let tolerance = 1e-4
    /// Gradients go through every layer twice, and batch statistics of few values amplify.
    static let gradientTolerance = 2e-3

    private func checksum(_ store: ParameterStore) -> String {
        let text = store.tensors.sorted { $0.name < $1.name }
            .map { "\($0.name):\($0.tensor.shape.map(String.init).joined(separator: "x"))" }.joined(separator: ";")
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    @Test func namesShapesAndCountsAreThoseOfPyTorch() throws {
        let counts = try Vectors.load().counts
        func expect(_ name: String, _ store: ParameterStore) throws {
            let count = try #require(counts[name])
            #expect(store.parameterCount == count.parameters)
            #expect(store.tensors.count == count.tensors)
            #expect(checksum(store) == count.checksum, "names and shapes of \(name)")
        }
        let r50 = ParameterStore(seed: nil)
        _ = try ResidualNetwork(.r50, parameters: r50)
        try expect("r50", r50)
        let hybrid = ParameterStore(seed: nil)
        _ = try HybridNetwork(.r50, .base, imageSide: 2048, parameters: hybrid)
        try expect("hybrid", hybrid)
        let small = ParameterStore(seed: nil)
        _ = try ResidualNetwork(.small, parameters: small)
        try expect("small", small)
        let head = ParameterStore(seed: nil)
        _ = try ProjectionHead(features: 2048, parameters: head)
        #expect(head.parameterCount == counts["head"]?.parameters)
        #expect(head.tensors.count == counts["head"]?.tensors)
    }

    @Test func theMapOfA2048PixelPatchIs32By32By2048() {
        #expect(ResidualNetworkShape.r50.mapSide(imageSide: 2048) == 32)
        #expect(ResidualNetworkShape.r50.featureCount == 2048)
        #expect(ResidualNetworkShape.small.mapSide(imageSide: 64) == 8)
        #expect(ResidualNetworkShape.small.featureCount == 256)
    }

    private func compare(
        _ network: any Backbone, _ recorded: Vectors.Network, head: ProjectionHead? = nil, checkpoints: Bool = false
    ) throws {
        let side = recorded.side
        let images = try Tensor(
            numbers("images", recorded.samples * side * side), shape: [recorded.samples, 1, side, side])
        let output = try withoutGradients { try network(images, .inference) }
        #expect(try recorded.features.difference(from: output.features) ?? .infinity < Self.tolerance)
        #expect(try recorded.map.difference(from: output.map) ?? .infinity < Self.tolerance)
        if let hybrid = network as? HybridNetwork {
            let attention = try withoutGradients { try hybrid.firstLayerAttention(images) }
            let places = attention.shape[2] * attention.shape[3]
            let flat = try attention.reshaped([attention.shape[0], attention.shape[1], places])
            #expect(try recorded.attention?.difference(from: flat) ?? .infinity < Self.tolerance)
        }
        guard let training = recorded.training else { return }
        let pass = ForwardPass.training(checkpoints: checkpoints)
        let features = try network(images, pass).features
        let result = try head?(features, pass) ?? features
        #expect(try training.difference(from: result) ?? .infinity < 10 * Self.tolerance)
        try (result * Tensor(numbers("mix", result.count), shape: result.shape)).sum().backward()
        for (name, probe) in (recorded.gradients ?? [:]).sorted(by: { $0.key < $1.key }) {
            let gradient = try #require(network.parameters.tensor(named: name)?.gradient, "no gradient at \(name)")
            #expect(try probe.difference(from: gradient) ?? .infinity < Self.gradientTolerance, "gradient of \(name)")
        }
        for (name, probe) in (recorded.statistics ?? [:]).sorted(by: { $0.key < $1.key }) {
            let statistic = try #require(network.parameters.tensor(named: name))
            #expect(try probe.difference(from: statistic) ?? .infinity < 10 * Self.tolerance, "\(name)")
        }
    }

    @Test(arguments: [false, true])
    func theSmallNetworkEqualsPyTorchForwardsAndBackwards(checkpoints: Bool) throws {
        let store = ParameterStore(seed: nil)
        let network = try ResidualNetwork(.small, parameters: store)
        try fill(store)
        // The head of the record is a network of its own, whose names have no prefix.
        let headStore = ParameterStore(seed: nil)
        let head = try ProjectionHead(features: 256, outputs: 64, parameters: headStore)
        try fillHead(headStore)
        try compare(network, Vectors.load().small, head: head, checkpoints: checkpoints)
    }

    @Test(arguments: [false, true])
    func theSmallHybridEqualsPyTorchForwardsAndBackwards(checkpoints: Bool) throws {
        let store = ParameterStore(seed: nil)
        let network = try HybridNetwork(.small, Self.smallTransformer, imageSide: 64, parameters: store)
        try fill(store)
        try compare(network, Vectors.load().smallHybrid, checkpoints: checkpoints)
    }

    @Test(arguments: [false, true])
    func aNetworkOfSeveralBlocksAStageEqualsPyTorchForwardsAndBackwards(checkpoints: Bool) throws {
        let store = ParameterStore(seed: nil)
        let shape = ResidualNetworkShape(
            stemWidth: 8, stemStride: 4, widths: [8, 16, 24], blocks: [2, 3, 1], strides: [1, 2, 1])
        let network = try ResidualNetwork(shape, parameters: store)
        try fill(store)
        try compare(network, Vectors.load().deeper, checkpoints: checkpoints)
    }

    @Test func r50EqualsPyTorchForwards() throws {
        let store = ParameterStore(seed: nil)
        let network = try ResidualNetwork(.r50, parameters: store)
        try fill(store)
        try compare(network, Vectors.load().r50)
    }

    /// Ten seconds and 2 GiB; CYTO_LARGE=1 asks for it.
    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["CYTO_LARGE"] != nil, "set CYTO_LARGE=1 for patches of 2048 px"))
    func networksOfFullSizeEqualPyTorchOnAPatchOf2048Pixels() throws {
        let store = ParameterStore(seed: nil)
        let r50 = try ResidualNetwork(.r50, parameters: store)
        try fill(store)
        try compare(r50, Vectors.load().r50Large)
        let whole = ParameterStore(seed: nil)
        let hybrid = try HybridNetwork(.r50, .base, imageSide: 2048, parameters: whole)
        try fill(whole)
        try compare(hybrid, Vectors.load().hybridLarge)
    }

    @Test func attentionAndWhatTheTokenKeepsSumToOne() throws {
        let store = ParameterStore(seed: 5)
        let network = try HybridNetwork(.small, Self.smallTransformer, imageSide: 32, parameters: store)
        let images = try Tensor(numbers("images", 2 * 32 * 32), shape: [2, 1, 32, 32])
        let attention = try withoutGradients { try network.firstLayerAttention(images) }
        #expect(attention.shape == [2, 4, 4, 4])
        for sum in try attention.sum([2, 3]).array(of: Float.self) { #expect(sum > 0 && sum < 1) }
    }

    @Test func firstValuesDependOnSeedAndNameAlone() throws {
        func values(seed: UInt64, threads: Int, _ name: String, stem: Int = 16) throws -> [Float] {
            let store = ParameterStore(seed: seed, threads: threads)
            var shape = ResidualNetworkShape.small
            shape.blocks[0] = stem
            _ = try ResidualNetwork(shape, parameters: store)
            return try #require(store.tensor(named: name)).array(of: Float.self)
        }
        let name = "layer3.0.conv2.weight"
        let reference = try values(seed: 1, threads: 1, name)
        #expect(try values(seed: 1, threads: 3, name, stem: 2) == reference)
        #expect(try values(seed: 2, threads: 1, name) != reference)
        // He: variance 2 / (64 · 9) of 36,864 normal values; the relative error's sd is √(2 / 36864) = 0.7 %.
        let variance = reference.reduce(0) { $0 + Double($1) * Double($1) } / Double(reference.count)
        #expect(abs(variance * 64 * 9 / 2 - 1) < 0.04)
    }

    @Test func mixedPrecisionStaysNearFullPrecision() throws {
        let store = ParameterStore(seed: 3)
        let network = try ResidualNetwork(.small, parameters: store)
        let images = try Tensor(numbers("images", 8 * 64 * 64), shape: [8, 1, 64, 64])
        var pass = ForwardPass.training()
        pass.updatesStatistics = false
        let full = try network(images, pass).features.array(of: Float.self)
        let mixed = try withMixedPrecision { try network(images, pass).features }.converted(to: .float32)
        try (mixed * mixed).sum().backward()
        #expect(try store.trained.allSatisfy { try $0.tensor.gradient?.isFinite() == true })
        // bfloat16 rounds by 2⁻⁹ each time; 13 layers with normalisation between them stay within a few percent.
        let scale = full.reduce(0) { $0 + abs($1) } / Float(full.count)
        let worst = try zip(full, mixed.array(of: Float.self)).map { abs($0 - $1) }.max() ?? 0
        #expect(worst < 0.15 * scale && worst > 0)
    }

    @Test func inferenceLeavesTheStatisticsAlone() throws {
        let store = ParameterStore(seed: 3)
        let network = try ResidualNetwork(.small, parameters: store)
        let images = try Tensor(numbers("images", 2 * 64 * 64), shape: [2, 1, 64, 64])
        _ = try withoutGradients { try network(images, .inference) }
        #expect(try #require(store.tensor(named: "bn1.running_mean")).array(of: Float.self).allSatisfy { $0 == 0 })
        _ = try withoutGradients { try network(images, .training()) }
        #expect(try #require(store.tensor(named: "bn1.running_mean")).array(of: Float.self).contains { $0 != 0 })
    }

    @Test func sizesThatNoNetworkHasAreRefused() throws {
        let store = ParameterStore(seed: 1)
        var shape = ResidualNetworkShape.small
        shape.strides = [1, 2]
        #expect(throws: NetworkError.self) { try ResidualNetwork(shape, parameters: store) }
        let odd = VisionTransformerShape(width: 50, layers: 1, heads: 4, hidden: 8)
        #expect(throws: NetworkError.self) { try HybridNetwork(.small, odd, imageSide: 64, parameters: store) }
        let network = try HybridNetwork(
            .small, Self.smallTransformer, imageSide: 32, parameters: ParameterStore(seed: 1))
        let error = #expect(throws: NetworkError.self) {
            try network(Tensor.zeros(shape: [1, 1, 64, 64]), .inference)
        }
        #expect(error?.message.contains("positions were learned for 4 × 4") == true)
        #expect(throws: NetworkError.self) { try store.set("conv9.weight", to: [1]) }
        let single = try ResidualNetwork(.small, parameters: ParameterStore(seed: 1))
        #expect(throws: TorchError.self) { try single(Tensor.zeros(shape: [1, 3, 64, 64]), .inference) }
    }
}
