import Foundation
import Testing
import Torch

extension TorchTests {
    @Suite struct GradientTests {
        @Test func gradientOfTheSumOfSquaresIsTwiceTheArgument() throws {
            let x = try Tensor([1, -2, 3] as [Float], shape: [3]).requiringGradient()
            #expect(x.gradient == nil)
            try (x * x).sum().backward()
            #expect(try x.gradient?.array(of: Float.self) == [2, -4, 6])
            try (x * x).sum().backward()  // gradients add up
            #expect(try x.gradient?.array(of: Float.self) == [4, -8, 12])
            try x.clearGradient()
            #expect(x.gradient == nil)
        }

        @Test func layersHaveTheGradientsOfFiniteDifferences() throws {
            // Double precision: the central difference's error is O(h²) + O(ε/h), about 1e-9 here; 1e-6 leaves room for curvature.
            func values(_ count: Int, _ phase: Double) -> [Double] { (0..<count).map { sin(1.7 * Double($0) + phase) } }
            let image = values(2 * 3 * 6 * 6, 0.1)
            let weight = try Tensor(values(4 * 3 * 3 * 3, 0.7), shape: [4, 3, 3, 3])
            let scale = try Tensor(values(4, 1), shape: [4])
            let shift = try Tensor(values(4, 2), shape: [4])
            let last = try Tensor(values(9, 3), shape: [9])
            let mix = try Tensor(values(5 * 9, 4), shape: [5, 9])
            func loss(_ image: Tensor) throws -> Tensor {
                let maps = try image.convolved(with: weight, stride: 1, padding: 1)
                    .batchNormalised(weight: scale, bias: shift, runningMean: nil, runningVariance: nil, training: true)
                    .gelu().maxPooled(window: 2, stride: 2).reshaped([2, 4, 9])
                let tokens = try maps.layerNormalised(weight: last, bias: last, epsilon: 1e-6).reshaped([2, 1, 4, 9])
                let attended = try tokens.attending(to: tokens, values: tokens).linear(weight: mix, bias: nil)
                return try (attended.logSoftmax(axis: -1) * attended.exponential()).mean()
            }
            let x = try Tensor(image, shape: [2, 3, 6, 6]).requiringGradient()
            try loss(x).backward()
            let gradient = try #require(x.gradient).array(of: Double.self)
            #expect(gradient.contains { abs($0) > 1e-4 })
            let step = 1e-5
            for index in stride(from: 0, to: image.count, by: 11) {
                var up = image
                var down = image
                up[index] += step
                down[index] -= step
                let slope =
                    try
                    (loss(Tensor(up, shape: [2, 3, 6, 6])).number() - loss(Tensor(down, shape: [2, 3, 6, 6])).number())
                    / (2 * step)
                #expect(abs(slope - gradient[index]) < 1e-6)
            }
        }

        @Test func withoutGradientsNothingIsKeptAndTheModeComesBack() throws {
            let x = try Tensor([1, 2] as [Float], shape: [2]).requiringGradient()
            #expect(try withoutGradients { try (x * x).requiresGradient } == false)
            struct Stop: Error {}
            #expect(throws: Stop.self) { try withoutGradients { throw Stop() } }
            #expect(try (x * x).requiresGradient)
            #expect(try (x * x).detached().requiresGradient == false)
        }

        @Test func onlyOneNumberHasGradients() throws {
            let x = try Tensor([1, 2] as [Float], shape: [2]).requiringGradient()
            let error = #expect(throws: TorchError.self) { try (x * x).backward() }
            #expect(error?.message.contains("gradients are those of one number") == true)
        }

        @Test func aCheckpointGivesTheSameGradientsAndRunsItsBodyTwice() throws {
            let weight = try Tensor([0.5, -1, 2, 0.25] as [Float], shape: [2, 2]).requiringGradient()
            let input: [Float] = [1, 2, 3, 4]
            func gradients(checkpoint: Bool) throws -> (input: [Float], weight: [Float], runs: [Bool]) {
                var runs: [Bool] = []
                func body(_ x: Tensor, replay: Bool) throws -> Tensor {
                    runs.append(replay)
                    return try x.matmul(weight).gelu() * Tensor.normal(shape: [2, 2])
                }
                try weight.clearGradient()
                try Torch.seed(3)
                let x = try Tensor(input, shape: [2, 2]).requiringGradient()
                let y = checkpoint ? try checkpointed(x, body) : try body(x, replay: false)
                _ = try Tensor.normal(shape: [100])  // the replay must not see this
                try (y * y).sum().backward()
                return try (
                    #require(x.gradient).array(of: Float.self), #require(weight.gradient).array(of: Float.self), runs
                )
            }
            let plain = try gradients(checkpoint: false)
            let saved = try gradients(checkpoint: true)
            #expect(saved.input == plain.input)
            #expect(saved.weight == plain.weight)
            #expect(plain.runs == [false])
            #expect(saved.runs == [false, true])
        }

        @Test func aCheckpointsBodyThatThrowsIsHeardBothTimes() throws {
            struct Stop: Error, CustomStringConvertible { var description: String { "stopped on purpose" } }
            let x = try Tensor([1, 2] as [Float], shape: [2]).requiringGradient()
            #expect(throws: Stop.self) { try checkpointed(x) { _, _ in throw Stop() } }
            let y = try checkpointed(x) { x, replay in
                if replay { throw Stop() }
                return try x * x
            }
            let error = #expect(throws: TorchError.self) { try y.sum().backward() }
            #expect(error?.message.contains("stopped on purpose") == true)
        }

        @Test func mixedPrecisionRoundsProductsAndComesBack() throws {
            let a = try Tensor([1 + 1 / 1024] as [Float], shape: [1, 1]).requiringGradient()
            let seen = try withMixedPrecision {
                let product = try a.matmul(a)
                let inside = try withMixedPrecision(false) { try a.matmul(a).type }
                return try (product: product, off: inside, on: a.matmul(a).type)
            }
            // 8 bits of mantissa: 1 + 2⁻¹⁰ is 1.
            #expect(try seen.product.type == .bfloat16 && seen.product.number() == 1)
            #expect(seen.off == .float32 && seen.on == .bfloat16)
            #expect(try a.matmul(a).type == .float32)
            try withMixedPrecision { try checkpointed(a) { x, _ in try x.matmul(a) } }.converted(to: .float32).sum()
                .backward()
            #expect(try a.gradient?.array(of: Float.self) == [2])
        }

        @Test func nothingIsLeftBehindByALoop() throws {
            func round() throws {
                let x = try Tensor.normal(shape: [8, 3, 16, 16]).requiringGradient()
                let w = try Tensor.normal(shape: [4, 3, 3, 3]).requiringGradient()
                let y = try checkpointed(x) { x, _ in try x.convolved(with: w, stride: 1, padding: 1).relu() }
                try (y * y).mean().backward()
                _ = try w.gradient?.array(of: Float.self)
                #expect(throws: TorchError.self) { try x.matmul(w) }
            }
            try round()
            let before = Torch.liveTensorCount
            for _ in 0..<20 { try round() }
            #expect(Torch.liveTensorCount == before)
        }
    }
}
