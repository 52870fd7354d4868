import Foundation
import Synchronization
import Testing
import Torch

extension TorchTests {
    /// Groups whose members are threads of this process: c10d does not care.
    @Suite struct ProcessGroupTests {
        /// Runs a body as every rank of a group of two; gives what each came to.
        private func inTwo<Result: Sendable>(
            timeoutSeconds: Double = 20, _ body: @escaping @Sendable (ProcessGroup) throws -> Result
        ) throws -> [Swift.Result<Result, any Error>] {
            let server = try Rendezvous(address: "127.0.0.1", port: 0, serves: true, timeoutSeconds: timeoutSeconds)
            let port = try server.port()
            let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
            let all = DispatchGroup()
            for rank in 0..<2 {
                let thread = Thread {
                    let result = Swift.Result {
                        let store = try Rendezvous(
                            address: "127.0.0.1", port: port, serves: false, timeoutSeconds: timeoutSeconds)
                        return try body(
                            ProcessGroup(store, rank: rank, size: 2, timeoutSeconds: timeoutSeconds))
                    }
                    results.withLock { $0[rank] = result }
                    all.leave()
                }
                thread.stackSize = 8 << 20
                all.enter()
                thread.start()
            }
            all.wait()
            withExtendedLifetime(server) {}
            return results.withLock { found in (0..<2).compactMap { found[$0] } }
        }

        @Test func sumsAndGathersGoOverAllProcesses() throws {
            let results = try inTwo { group in
                let own = Float(group.rank + 1)
                let vector = try Tensor([own, 10 * own] as [Float], shape: [2])
                let matrix = try Tensor([own, 2, 3, 4] as [Float], shape: [2, 2])
                try group.sum([vector, matrix])
                let parts = try group.gathered(Tensor([own, own] as [Float], shape: [1, 2]))
                return try vector.array(of: Float.self) + matrix.array(of: Float.self) + parts.array(of: Float.self)
            }
            for result in results { #expect(try result.get() == [3, 30, 3, 4, 6, 8, 1, 1, 2, 2]) }
        }

        @Test func theGradientOfASharedLossComesBackToEachPart() throws {
            // L = Σ rᵢ² over both parts, which every process computes whole: dL/dr = 2 r for the own rows, not twice that.
            let results = try inTwo { group in
                let own = try Tensor([Float(group.rank + 1), 5], shape: [1, 2]).requiringGradient()
                let all = try group.gathered(own)
                try (all * all).sum().backward()
                return try own.gradient?.array(of: Float.self) ?? []
            }
            #expect(try results.map { try $0.get() } == [[2, 10], [4, 10]])
        }

        @Test(arguments: [1, 3])
        func batchStatisticsOfTwoHalvesAreThoseOfTheWhole(rowsOfTheFirst: Int) throws {
            // Float32 sums of 48 values near 3: 10⁻⁶ of them.
            let values = (0..<4 * 3 * 2 * 2).map { (index: Int) -> Float in
                Float(index * 37 % 23) / 7 + Float(index % 3) * 2
            }
            let mix = (0..<values.count).map { (index: Int) -> Float in Float(index * 11 % 13) / 5 - 1 }
            struct Found: Sendable, Equatable {
                var output: [Float] = []
                var input: [Float] = []
                var weight: [Float] = []
                var bias: [Float] = []
                var mean: [Float] = []
                var variance: [Float] = []
            }
            @Sendable func run(rows: Range<Int>, _ group: ProcessGroup?) throws -> Found {
                let part = rows.lowerBound * 12..<rows.upperBound * 12
                let x = try Tensor(Array(values[part]), shape: [rows.count, 3, 2, 2]).requiringGradient()
                let weight = try Tensor([1, 2, 0.5] as [Float], shape: [3]).requiringGradient()
                let bias = try Tensor([0, -1, 0.25] as [Float], shape: [3]).requiringGradient()
                let mean = try Tensor([0, 0, 0] as [Float], shape: [3])
                let variance = try Tensor([1, 1, 1] as [Float], shape: [3])
                let y: Tensor
                if let group {
                    y = try x.batchNormalised(
                        over: group, weight: weight, bias: bias, runningMean: mean, runningVariance: variance)
                } else {
                    y = try x.batchNormalised(
                        weight: weight, bias: bias, runningMean: mean, runningVariance: variance, training: true)
                }
                try (y * Tensor(Array(mix[part]), shape: x.shape)).sum().backward()
                if let group, let a = weight.gradient, let b = bias.gradient { try group.sum([a, b]) }
                return Found(
                    output: try y.array(of: Float.self), input: try x.gradient?.array(of: Float.self) ?? [],
                    weight: try weight.gradient?.array(of: Float.self) ?? [],
                    bias: try bias.gradient?.array(of: Float.self) ?? [],
                    mean: try mean.array(of: Float.self), variance: try variance.array(of: Float.self))
            }
            let whole = try run(rows: 0..<4, nil)
            let halves = try inTwo { group in
                try run(rows: group.rank == 0 ? 0..<rowsOfTheFirst : rowsOfTheFirst..<4, group)
            }.map { try $0.get() }
            func near(_ a: [Float], _ b: [Float]) -> Bool {
                a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 2e-5 }
            }
            #expect(near(halves[0].output + halves[1].output, whole.output))
            #expect(near(halves[0].input + halves[1].input, whole.input))
            for half in halves {
                #expect(near(half.weight, whole.weight) && near(half.bias, whole.bias))
                #expect(near(half.mean, whole.mean) && near(half.variance, whole.variance))
            }
        }

        @Test func aProcessThatLeavesEndsWhatTheOthersWaitFor() throws {
            let results = try inTwo(timeoutSeconds: 3) { group in
                let one = try Tensor([1] as [Float], shape: [1])
                try group.sum([one])
                if group.rank == 0 { try group.sum([one]) }
                return try one.number()
            }
            #expect(throws: TorchError.self) { try results[0].get() }
            #expect(try results[1].get() == 2)
        }

        @Test func aGroupThatNeverMeetsIsToldAfterItsTimeout() throws {
            let server = try Rendezvous(address: "127.0.0.1", port: 0, serves: true, timeoutSeconds: 1)
            #expect(throws: TorchError.self) { try ProcessGroup(server, rank: 0, size: 2, timeoutSeconds: 1) }
            let port = try server.port()
            #expect(throws: TorchError.self) {
                try Rendezvous(address: "127.0.0.1", port: port, serves: true, timeoutSeconds: 1)
            }
        }

        @Test func devicesAreFoundByTheirNames() throws {
            #expect(try Device(named: "cpu") == .cpu)
            #expect(throws: TorchError.self) { try Device(named: "gpu") }
            #expect(throws: TorchError.self) { try Device(named: "cuda:x") }
            if try Torch.cudaDeviceCount() == 0 {
                #expect(try Device(named: "auto") == .cpu)
                let error = #expect(throws: TorchError.self) { try Device(named: "cuda") }
                #expect(error?.message.contains("no CUDA device 0") == true && !Torch.cudaAbsence.isEmpty)
            }
        }
    }
}
