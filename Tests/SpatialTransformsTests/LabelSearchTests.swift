import NDArray
import SpatialTransforms
import Testing

@Suite struct LabelSearchTests {
    /// 2 mm voxels along x; label 7 at x = 4 mm, 9 at x = 10 mm.
    private func map() throws -> PlacedVolume<Int32> {
        let place = AffineTransform(rowMajor: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1])
        return try PlacedVolume(
            Volume(planes: 1, rows: 1, columns: 6, elements: [0, 0, 7, 0, 0, 9]), indexToMm: place)
    }

    @Test func aPointTakesTheLabelOfItsVoxelOrTheNearestInReach() throws {
        let points: [SIMD3<Double>] = [[4, 0, 0], [4.9, 0, 0], [1.2, 0, 0], [6.2, 0, 0], [8.2, 0, 0], [0, 0, 0]]
        #expect(LabelSearch(try map()).labels(at: points, threads: 1) == [7, 7, 0, 0, 0, 0])
        #expect(LabelSearch(try map(), radiusMm: 2).labels(at: points, threads: 2) == [7, 7, 7, 7, 9, 0])
        #expect(LabelSearch(try map(), radiusMm: 4).label(at: [0, 0, 0]) == 7)
    }

    @Test func outsideAndWithoutCoordinatesThereIsNone() throws {
        let search = LabelSearch(try map(), radiusMm: 50)
        #expect(search.label(at: [40, 0, 0]) == 0)
        #expect(search.label(at: [.nan, 0, 0]) == 0)
        #expect(search.label(at: [.infinity, 0, 0]) == 0)
        #expect(search.labels(at: [], threads: 2) == [])
    }
}
