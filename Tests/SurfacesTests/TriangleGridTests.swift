import NDArray
import Surfaces
import Testing

@Suite struct TriangleGridTests {
    /// A ball of radius 9 voxels in the middle of 24.
    private let ball: TriangleMesh = {
        var field = Volume<Float>(planes: 24, rows: 24, columns: 24, filledWith: 0)
        for plane in 0..<24 {
            for row in 0..<24 {
                for column in 0..<24 {
                    let away = SIMD3<Float>(Float(plane), Float(row), Float(column)) - 11.5
                    field[plane, row, column] = 9 - (away * away).sum().squareRoot()
                }
            }
        }
        return marchingCubes(field, level: 0, threads: 1)
    }()

    @Test func smallCellsFindWhatOneCellForAllFinds() throws {
        let (fine, whole) = (TriangleGrid(ball, cell: 0.8), TriangleGrid(ball, cell: 100))
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let point = SIMD3<Float>.random(in: -4...28, using: &generator)
            let (near, far) = (try #require(fine.closest(to: point)), try #require(whole.closest(to: point)))
            #expect(near.distance == far.distance)
            #expect(fine.distance(to: point) == near.distance)
            for limit in [near.distance.nextDown, near.distance, 2 * near.distance] {
                #expect(fine.isWithin(limit, of: point) == (fine.closest(to: point, within: limit) != nil))
            }
        }
    }

    @Test func aPointOnAVertexIsTheVertex() throws {
        // All faces around it are at distance 0.
        let grid = TriangleGrid(ball, cell: 1.5)
        for vertex in ball.vertices {
            #expect(try #require(grid.closest(to: vertex)).point == vertex)
        }
    }

    @Test func onlyFacesThatLookTheSameWayCount() throws {
        let grid = TriangleGrid(ball, cell: 1)
        let point = SIMD3<Float>(11.5, 11.5, 16)
        let (near, across) = (
            try #require(grid.closest(to: point, facing: SIMD3(0, 0, 1))),
            try #require(grid.closest(to: point, facing: SIMD3(0, 0, -1)))
        )
        #expect(near.point.z > 20 && across.point.z < 13)
    }
}
