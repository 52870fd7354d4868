import NDArray
import Registration
import Testing

@Suite struct MatchingTests {
    func randomSet(_ count: Int, seed: UInt64) -> KeypointSet {
        var random = SeededGenerator(seed: seed)
        var descriptors: [Float] = []
        for _ in 0..<count {
            let raw = (0..<64).map { _ in Float(random.normal()) }
            let length = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
            descriptors += raw.map { $0 / length }
        }
        return KeypointSet(
            keypoints: (0..<count).map { _ in
                Keypoint(
                    position: PlanarPoint(row: 0, column: 0), scalePx: 1, angleRad: 0, response: 1,
                    laplacian: random.uniform() < 0.5 ? 1 : -1)
            }, descriptors: descriptors)
    }

    /// The plain double loop over all pairs.
    func slowMatches(_ moving: KeypointSet, _ fixed: KeypointSet, ratio: Float) -> [(Int, Int)] {
        moving.keypoints.indices.compactMap { one in
            let distances = fixed.keypoints.indices.filter {
                fixed.keypoints[$0].laplacian == moving.keypoints[one].laplacian
            }.map { other in
                (
                    (0..<64).reduce(Float(0)) { sum, index in
                        let difference = moving.descriptors[one * 64 + index] - fixed.descriptors[other * 64 + index]
                        return sum + difference * difference
                    }.squareRoot(), other
                )
            }.sorted { $0 < $1 }
            guard distances.count > 1, distances[0].0 < ratio * distances[1].0 else { return nil }
            return (one, distances[0].1)
        }
    }

    @Test func blocksOfProductsGiveThePlainLoopsMatches() {
        let (moving, fixed) = (randomSet(600, seed: 1), randomSet(311, seed: 2))
        let matches = matchKeypoints(moving, fixed, ratio: 0.93)
        let slow = slowMatches(moving, fixed, ratio: 0.93)
        #expect(slow.count > 20)
        #expect(matches.map(\.moving) == slow.map(\.0))
        #expect(matches.map(\.fixed) == slow.map(\.1))
        #expect(matches == matchKeypoints(moving, fixed, ratio: 0.93, threads: 3))
    }

    @Test func mutualMatchesAreTheOnesThatHoldBothWays() {
        let (moving, fixed) = (randomSet(200, seed: 3), randomSet(150, seed: 4))
        let ours = matchKeypoints(moving, fixed, ratio: 1)
        let theirs = matchKeypoints(fixed, moving, ratio: 1)
        let both = ours.filter { match in theirs.contains { $0.moving == match.fixed && $0.fixed == match.moving } }
        #expect(!both.isEmpty && both.count < ours.count)
        #expect(matchKeypoints(moving, fixed, ratio: 1, mutual: true) == both)
    }

    @Test func emptySetsHaveNoMatches() {
        let none = KeypointSet(keypoints: [], descriptors: [])
        #expect(matchKeypoints(none, randomSet(5, seed: 1)).isEmpty)
        #expect(matchKeypoints(randomSet(5, seed: 1), none).isEmpty)
    }

    @Test func mirroringTwiceGivesTheDescriptorBack() {
        var set = randomSet(9, seed: 6)
        let original = set.descriptors
        set.descriptors = set.mirroredDescriptors
        #expect(set.descriptors != original)
        #expect(set.mirroredDescriptors == original)
    }
}

@Suite struct ConsensusTests {
    /// `count` points, a share of them moved by `truth` with some noise, the others anywhere.
    func scene(
        _ count: Int, inlierShare: Double, truth: RigidTransform, noise: Double, seed: UInt64
    ) -> (moving: [PlanarPoint], fixed: [PlanarPoint], inliers: Int) {
        var random = SeededGenerator(seed: seed)
        func anywhere() -> PlanarPoint { PlanarPoint(row: 1000 * random.uniform(), column: 1000 * random.uniform()) }
        let inliers = Int(Double(count) * inlierShare)
        let moving = (0..<count).map { _ in anywhere() }
        let fixed = (0..<count).map { index -> PlanarPoint in
            guard index < inliers else { return anywhere() }
            let moved = truth(moving[index])
            return PlanarPoint(row: moved.row + noise * random.normal(), column: moved.column + noise * random.normal())
        }
        return (moving, fixed, inliers)
    }

    @Test(arguments: [false, true]) func theTruthIsFoundAmongEightyPercentOutliers(isMirrored: Bool) throws {
        let truth = RigidTransform(
            rotationRad: 2.6, isMirrored: isMirrored, translation: PlanarPoint(row: 700, column: 120))
        let scene = scene(300, inlierShare: 0.2, truth: truth, noise: 0.5, seed: 11)
        var random = SeededGenerator(seed: 1)
        let found = try #require(
            rigidConsensus(
                scene.moving, scene.fixed, isMirrored: isMirrored, settings: .init(tolerance: 2), generator: &random))
        // 60 points with σ = 0.5 fix the angle to 0.5 / (290 √60) rad and the shift to a tenth; six times that.
        #expect(abs((found.transform.rotationRad - 2.6).remainder(dividingBy: 2 * .pi)) < 0.0014)
        #expect(found.transform(scene.moving[0]).distance(to: truth(scene.moving[0])) < 0.6)
        // A point within σ = 0.5 of its place is further off than 2 once in 3000.
        #expect(found.inliers.count >= 58 && found.inliers.count < 66)
        // The mean square of two normal deviations is 2 σ².
        #expect(abs(found.residual - 0.5 * 2.squareRoot()) < 0.15)
    }

    @Test func fewSamplesAreEnoughWhereAllAgree() throws {
        let truth = RigidTransform(rotationRad: -0.2, translation: PlanarPoint(row: 4, column: 5))
        let scene = scene(50, inlierShare: 1, truth: truth, noise: 0, seed: 2)
        var random = SeededGenerator(seed: 1)
        let found = try #require(
            rigidConsensus(scene.moving, scene.fixed, settings: .init(tolerance: 1), generator: &random))
        #expect(found.inliers.count == 50)
        #expect(found.iterations < 20)
        #expect(found.residual < 1e-9)
    }

    @Test func oneMatchIsNoConsensus() {
        var random = SeededGenerator(seed: 1)
        let point = [PlanarPoint(row: 1, column: 1)]
        #expect(rigidConsensus(point, point, settings: .init(tolerance: 1), generator: &random) == nil)
        let same = Array(repeating: point[0], count: 8)
        #expect(
            rigidConsensus(same, same, settings: .init(tolerance: 1, maximumIterations: 50), generator: &random) == nil)
    }

    @Test func theSeedDecides() {
        let scene = scene(
            80, inlierShare: 0.3, truth: .identity, noise: 1, seed: 9)
        func run(_ seed: UInt64) -> RigidConsensus? {
            var random = SeededGenerator(seed: seed)
            return rigidConsensus(scene.moving, scene.fixed, settings: .init(tolerance: 3), generator: &random)
        }
        #expect(run(4) == run(4))
    }
}
