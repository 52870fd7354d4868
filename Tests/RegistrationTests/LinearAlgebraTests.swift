import LinearAlgebra
import NDArray
import Testing

@Suite struct LinearAlgebraTests {
    @Test func theProductIsAllInnerProducts() {
        var random = SeededGenerator(seed: 1)
        let (rows, others, inner) = (5, 7, 3)
        // Small whole numbers: every sum is exact.
        let left = (0..<rows * inner).map { _ in Float(random.index(below: 9)) - 4 }
        let right = (0..<others * inner).map { _ in Float(random.index(below: 9)) - 4 }
        var product = [Float](repeating: .nan, count: rows * others)
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                product.withUnsafeMutableBufferPointer {
                    productWithTranspose(left, rows: rows, right, rows: others, inner: inner, into: $0)
                }
            }
        }
        for row in 0..<rows {
            for other in 0..<others {
                let sum = (0..<inner).reduce(Float(0)) { $0 + left[row * inner + $1] * right[other * inner + $1] }
                #expect(product[row * others + other] == sum)
            }
        }
    }

    @Test func theSolutionSolvesTheSystem() throws {
        let matrix = [4.0, 1, 0.5, 1, 3, -1, 0.5, -1, 5]
        let right = [1.0, -2, 7]
        let x = try #require(solveSymmetricPositive(matrix, right))
        for row in 0..<3 {
            let sum = (0..<3).reduce(0) { $0 + matrix[row * 3 + $1] * x[$1] }
            #expect(abs(sum - right[row]) < 1e-12)
        }
    }

    @Test func singularSystemsHaveNoSolution() {
        #expect(solveSymmetricPositive([1, 1, 1, 1], [1, 2]) == nil)
        #expect(solveSymmetricPositive([-1], [1]) == nil)
        #expect(solveSymmetricPositive([], []) == [])
    }
}
