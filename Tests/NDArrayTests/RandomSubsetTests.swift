import NDArray
import Testing

@Suite struct RandomSubsetTests {
    @Test func numbersAreDistinctAscendingAndDecidedByTheSeed() {
        for (total, count) in [(10, 3), (1000, 999), (5, 0), (1, 1)] {
            var generator = SeededGenerator(seed: 3)
            let chosen = randomSubset(of: total, count: count, generator: &generator)
            #expect(chosen.count == count)
            #expect(zip(chosen, chosen.dropFirst()).allSatisfy { $0 < $1 })
            #expect(chosen.allSatisfy { $0 >= 0 && $0 < total })
            var again = SeededGenerator(seed: 3)
            #expect(randomSubset(of: total, count: count, generator: &again) == chosen)
        }
    }

    @Test func moreThanThereAreMeansAll() {
        var generator = SeededGenerator(seed: 1)
        #expect(randomSubset(of: 4, count: 9, generator: &generator) == [0, 1, 2, 3])
        #expect(randomSubset(of: 0, count: 9, generator: &generator) == [])
    }

    /// Each of 8 numbers is in 3/8 of the subsets: 4000 · 3/8 = 1500 with a standard deviation of 31; five of them are allowed.
    @Test func everyNumberIsEquallyLikely() {
        var generator = SeededGenerator(seed: 2)
        var hits = [Int](repeating: 0, count: 8)
        for _ in 0..<4000 { for number in randomSubset(of: 8, count: 3, generator: &generator) { hits[number] += 1 } }
        for count in hits { #expect(abs(count - 1500) < 155) }
    }
}
