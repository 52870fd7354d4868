import Foundation
import NDArray
import Networks
import Testing
import Torch

@Suite struct LossTests {
    /// Float32: z·z/τ is at most 14, its rounding 14 · 6e-8 · a few; the loss is a mean of such numbers.
    static let tolerance = 1e-5

    private func features(_ count: Int = 8, _ width: Int = 6) throws -> Tensor {
        try Tensor(numbers("features", count * width), shape: [count, width]).requiringGradient()
    }

    private var positions: [SIMD3<Double>] {
        let values = numbers("positions", 24).map { Double($0) * 20 }
        return (0..<8).map { SIMD3(values[3 * $0], values[3 * $0 + 1], values[3 * $0 + 2]) }
    }

    private func expect(_ recorded: LossVectors.Loss, _ loss: (Tensor) throws -> Tensor) throws {
        let z = try features()
        let value = try loss(z)
        try value.backward()
        #expect(abs(try value.number() - recorded.loss) < Self.tolerance)
        let gradient = try #require(z.gradient).array(of: Float.self)
        #expect(gradient.count == recorded.gradient.count)
        for (ours, theirs) in zip(gradient, recorded.gradient) { #expect(abs(Double(ours) - theirs) < Self.tolerance) }
    }

    @Test(arguments: [4.0, 10, 40])
    func spatialNCEEqualsPyTorch(sigmaMm: Double) throws {
        let recorded = try #require(LossVectors.load().spatial["\(Int(sigmaMm))"])
        try expect(recorded) { try spatialNCE($0, positionsMm: positions, sigmaMm: sigmaMm) }
    }

    @Test func otherLossesEqualPyTorch() throws {
        let recorded = try LossVectors.load()
        try expect(recorded.ntXent) { try contrastiveLoss($0, .pairedViews(sampleCount: 8), temperature: 0.5) }
        try expect(recorded.supCon) { try contrastiveLoss($0, .sameLabel([0, 1, 0, 2, 1, 0, 3, 2]), temperature: 0.1) }
        try expect(recorded.crossEntropy) { try crossEntropy($0, labels: [0, 5, -1, 3, 3, -1, 2, 1]) }
    }

    @Test func spatialNCEEqualsAPlainLoopOverEquation1() throws {
        let z = numbers("features", 48).map { Double($0) }
        let rows = (0..<8).map { row -> [Double] in
            let vector = Array(z[6 * row..<6 * row + 6])
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return vector.map { $0 / length }
        }
        func similarity(_ i: Int, _ j: Int) -> Double { zip(rows[i], rows[j]).reduce(0) { $0 + $1.0 * $1.1 } / 0.07 }
        var sum = 0.0
        for i in 0..<8 {
            var weights = 0.0
            var terms = 0.0
            for j in 0..<8 where j != i {
                let difference = positions[i] - positions[j]
                let omega = exp(-(difference * difference).sum() / 200)
                let below = (0..<8).filter { $0 != i }.reduce(0) { $0 + exp(similarity(i, $1)) }
                weights += omega
                terms += omega * log(exp(similarity(i, j)) / below)
            }
            sum -= terms / weights
        }
        #expect(abs(try spatialNCE(features(), positionsMm: positions).number() - sum / 8) < Self.tolerance)
    }

    @Test func gradientsAreThoseOfFiniteDifferences() throws {
        // Float32 and a step of 1e-2: rounding 2e-6 / 2e-2 = 1e-4; the third derivative, about 1/τ³ · 1e-4 / 6, is kept small
        // by τ = 1.
        let values = numbers("features", 48)
        func loss(_ values: [Float]) throws -> Tensor {
            try spatialNCE(
                Tensor(values, shape: [8, 6]).requiringGradient(), positionsMm: positions, temperature: 1)
        }
        let z = try Tensor(values, shape: [8, 6]).requiringGradient()
        try spatialNCE(z, positionsMm: positions, temperature: 1).backward()
        let gradient = try #require(z.gradient).array(of: Float.self)
        for index in stride(from: 0, to: 48, by: 5) {
            var up = values
            var down = values
            up[index] += 1e-2
            down[index] -= 1e-2
            let slope = try (loss(up).number() - loss(down).number()) / 2e-2
            #expect(abs(slope - Double(gradient[index])) < 5e-4)
        }
        #expect(gradient.contains { abs($0) > 5e-3 })
    }

    @Test func aTinySigmaLeavesTheNearestNeighbour() throws {
        let line = [0.0, 1, 3, 3.5, 100].map { SIMD3($0, 0, 0) }
        let shares = try PositiveShares.byDistance(positionsMm: line, sigmaMm: 1e-3)
        let nearest = [1, 0, 3, 2, 3]
        for row in 0..<5 {
            for column in 0..<5 { #expect(shares.shares[5 * row + column] == (column == nearest[row] ? 1 : 0)) }
        }
        let between = try PositiveShares.byDistance(positionsMm: [0.0, 1, 2].map { SIMD3($0, 0, 0) }, sigmaMm: 1e-3)
        #expect(Array(between.shares[3..<6]) == [0.5, 0, 0.5])  // equally near ones share
        let smallest = try PositiveShares.byDistance(positionsMm: line, sigmaMm: 1e-300)
        #expect(smallest.shares.allSatisfy { $0.isFinite })
    }

    @Test func anEndlessSigmaTreatsAllOthersAlike() throws {
        let shares = try PositiveShares.byDistance(positionsMm: positions, sigmaMm: 1e12)
        for row in 0..<8 {
            for column in 0..<8 { #expect(shares.shares[8 * row + column] == (row == column ? 0 : Float(1.0 / 7))) }
        }
    }

    @Test func onePairHasNothingToLearn() throws {
        // The only other sample is the positive and the whole sum below: log 1 = 0, with a gradient of 0.
        let z = try Tensor([1, 2, -3, 0.5] as [Float], shape: [2, 2]).requiringGradient()
        let loss = try spatialNCE(z, positionsMm: [.zero, SIMD3(500, 0, 0)])
        try loss.backward()
        #expect(try loss.number() == 0)
        #expect(try #require(z.gradient).array(of: Float.self).allSatisfy { abs($0) < 1e-6 })
    }

    @Test func isolatedSamplesGiveNumbers() throws {
        // 10⁵ mm at σ = 10 mm: every ω is e^(−5·10⁷), which underflows to 0 in double precision too.
        let far = (0..<8).map { SIMD3(Double($0 * $0) * 1e5, 0, 0) }
        let z = try features()
        let loss = try spatialNCE(z, positionsMm: far)
        try loss.backward()
        #expect(try loss.isFinite())
        #expect(try #require(z.gradient).isFinite())
        // Labels that are all different: no positive anywhere, a loss of 0.
        let alone = try contrastiveLoss(features(), .sameLabel(Array(0..<8)), temperature: 0.1)
        #expect(try alone.number() == 0)
        #expect(PositiveShares.sameLabel([-1, 2, -1, 2]).shares == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0])
        // A feature vector of zeros has no direction, but its loss is a number.
        let zeros = try Tensor([Float](repeating: 0, count: 12), shape: [4, 3]).requiringGradient()
        let flat = try contrastiveLoss(zeros, .pairedViews(sampleCount: 4), temperature: 0.07)
        try flat.backward()
        #expect(abs(try flat.number() - log(3)) < 1e-6)
        #expect(try #require(zeros.gradient).isFinite())
        #expect(try crossEntropy(features(), labels: Array(repeating: -1, count: 8)).number() == 0)
    }

    @Test func theOrderOfSamplesAndTheLengthOfFeaturesDoNotMatter() throws {
        let order = [3, 1, 7, 0, 2, 6, 5, 4]
        let z = try features()
        let indices = try Tensor(order.map { Int64($0) }, shape: [8])
        let here = try spatialNCE(z, positionsMm: positions).number()
        let there = try spatialNCE(z.selecting(indices, axis: 0) * 7, positionsMm: order.map { positions[$0] }).number()
        #expect(abs(here - there) < Self.tolerance)
    }

    @Test func theRowsOfProcessesAddUpToTheWhole() throws {
        let z = try features()
        let whole = try spatialNCE(z, positionsMm: positions).number()
        let parts = try [0..<3, 3..<8].map { rows in
            let shares = try PositiveShares.byDistance(positionsMm: positions, sigmaMm: 10, rows: rows)
            return try contrastiveLoss(z, shares, temperature: 0.07).number() * Double(rows.count) / 8
        }
        #expect(abs(parts[0] + parts[1] - whole) < Self.tolerance)
    }

    @Test func dataThatCannotBeLearnedFromIsRefused() throws {
        let z = try features()
        var bad = positions
        bad[2].y = .nan
        let error = #expect(throws: NetworkError.self) { try spatialNCE(z, positionsMm: bad) }
        #expect(error?.message.contains("Sample 2") == true)
        #expect(throws: NetworkError.self) { try spatialNCE(z, positionsMm: positions, sigmaMm: 0) }
        #expect(throws: NetworkError.self) { try spatialNCE(z, positionsMm: Array(positions.dropLast())) }
        #expect(throws: NetworkError.self) { try spatialNCE(z, positionsMm: positions, temperature: 0) }
        #expect(throws: NetworkError.self) { try PositiveShares.pairedViews(sampleCount: 7) }
        #expect(throws: NetworkError.self) { try crossEntropy(z, labels: [0, 1, 2, 3, 4, 5, 6, 0]) }
        #expect(throws: NetworkError.self) { try crossEntropy(z, labels: [0]) }
    }
}
