import NDArray
import Testing

@Suite struct ParallelLoopTests {
    @Test(arguments: [1, 2, 7]) func everyIndexRunsOnce(threads: Int) {
        var seen = [Int](repeating: 0, count: 1000)
        seen.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelFor(1000, threads: threads) { slices[$0] += $0 + 1 }
        }
        #expect(seen == Array(1...1000))
    }

    @Test func bandsCoverTheRangeWithoutOverlap() {
        var seen = [Int](repeating: 0, count: 103)
        seen.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelBands(103, band: 10, threads: 3) { for index in $0 { slices[index] += 1 } }
        }
        #expect(seen.allSatisfy { $0 == 1 })
    }

    @Test func nothingToDoRunsNothing() {
        parallelFor(0, threads: 2) { _ in Issue.record("ran") }
    }
}

@Suite struct SeededGeneratorTests {
    /// First outputs of SplitMix64 for seed 1234567, from the reference implementation (prng.di.unimi.it/splitmix64.c).
    @Test func firstNumbersAreTheReferenceOnes() {
        var generator = SeededGenerator(seed: 1_234_567)
        #expect(generator.next() == 6_457_827_717_110_365_317)
        #expect(generator.next() == 3_203_168_211_198_807_973)
    }

    @Test func streamsOfOneSeedDiffer() {
        var first = SeededGenerator(seed: 1, stream: "a", 1)
        var second = SeededGenerator(seed: 1, stream: "a", 2)
        var third = SeededGenerator(seed: 1, stream: "b", 1)
        let draws = [first.next(), second.next(), third.next()]
        #expect(Set(draws).count == 3)
    }

    /// Mean 0 within 5 standard errors (5/√n), variance 1 within 5·√(2/n).
    @Test func normalHasMeanZeroAndVarianceOne() {
        var generator = SeededGenerator(seed: 3)
        let count = 100_000
        let draws = (0..<count).map { _ in generator.normal() }
        let mean = draws.reduce(0, +) / Double(count)
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
        #expect(abs(mean) < 5 / Double(count).squareRoot())
        #expect(abs(variance - 1) < 5 * (2 / Double(count)).squareRoot())
    }
}
