import LearningStages
import StageKit
import Testing

@Suite struct LayerMasksTests {
    @Test func eachPlaceTakesTheLabelOfMostPixels() throws {
        // 4 × 4 pixels onto 2 × 2 places.
        let layer: [UInt8] = [
            1, 1, 2, 3,
            1, 4, 3, 2,
            0, 0, 6, 6,
            0, 5, 6, 6,
        ]
        let masks = try LayerMasks(layer: layer, valid: nil, side: 4, mapSide: 2)
        #expect(masks.labels == [1, 2, 0, 6], "of 2 and 3, as often each, the lower")
    }

    @Test func mirroredPixelsDoNotCount() throws {
        let layer: [UInt8] = [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]
        // Of the first place 1 pixel is left, of the second 2, of the third none.
        let valid: [UInt8] = [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1]
        let masks = try LayerMasks(layer: layer, valid: valid, side: 4, mapSide: 2)
        #expect(masks.labels == [-1, 2, -1, 4])
    }

    @Test func sidesThatDoNotDivideAreShared() throws {
        // 5 px onto 2 places: rows 0, 1, 2 and 3, 4.
        let layer = (0..<25).map { UInt8($0 / 5 < 3 ? 1 : 2) }
        let masks = try LayerMasks(layer: layer, valid: nil, side: 5, mapSide: 2)
        #expect(masks.labels == [1, 1, 2, 2])
    }

    @Test func labelsAboveSixAndCoarseMasksAreRefused() {
        let error = #expect(throws: StageError.self) {
            try LayerMasks(layer: [0, 0, 0, 7], valid: nil, side: 2, mapSide: 1)
        }
        #expect(error?.message.contains("holds 7") == true)
        #expect(throws: StageError.self) { try LayerMasks(layer: [0, 0, 0, 1], valid: nil, side: 2, mapSide: 4) }
    }
}

@Suite struct LayerSplitsTests {
    private func splits(
        groups: [Int], fractions: [Double] = [0.01, 0.1, 1], foldTraining: LayerSplits.FoldTraining = .others,
        seed: UInt64 = 1
    ) throws -> LayerSplits {
        try LayerSplits(
            groups: groups, testFraction: 0.2, fractions: fractions, folds: 5, foldTraining: foldTraining, seed: seed)
    }

    @Test func aFifthIsKeptAndLargerSharesHoldSmallerOnes() throws {
        let splits = try splits(groups: Array(0..<200))
        #expect(splits.test.count == 40)
        #expect(splits.subsets.map(\.count) == [5, 16, 160], "at least a patch a fold")
        #expect(Set(splits.subsets[0]).isSubset(of: splits.subsets[1]))
        #expect(Set(splits.subsets[2]).isDisjoint(with: splits.test))
        #expect(try splits == self.splits(groups: Array(0..<200)))
        #expect(try splits != self.splits(groups: Array(0..<200), seed: 2))
    }

    @Test func foldsPartASubset() throws {
        let own = try splits(groups: Array(0..<200), foldTraining: .own)
        #expect(own.training[1].flatMap { $0 }.sorted() == own.subsets[1])
        let others = try splits(groups: Array(0..<200))
        for (fold, rest) in zip(own.training[1], others.training[1]) {
            #expect((fold + rest).sorted() == own.subsets[1])
        }
    }

    @Test func groupsStayTogether() throws {
        let groups = (0..<100).map { $0 / 7 }
        let splits = try splits(groups: groups)
        let tested = Set(splits.test.map { groups[$0] })
        #expect(tested.isDisjoint(with: splits.subsets[2].map { groups[$0] }))
        #expect(splits.test.count >= 20 && splits.test.count < 27)
    }

    @Test func tooFewPatchesAreRefused() {
        #expect(throws: StageError.self) { try splits(groups: [0, 1, 2, 3]) }
        #expect(throws: StageError.self) { try splits(groups: Array(repeating: 0, count: 50)) }
    }
}
