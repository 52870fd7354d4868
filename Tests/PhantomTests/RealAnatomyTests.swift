import NDArray
import Phantom
import SpatialTransforms
import Testing

/// Maps of a ball of white matter of 12 mm in a shell of gray matter up to 15 mm, voxels of 1 mm, middle at (3, −2, 5) mm.
private struct BallOfCortex {
    var gray: Volume<Float>
    var white: Volume<Float>
    var areas: Volume<Float>
    let grid: OrientedGrid

    init() throws {
        let side = 41
        grid = try OrientedGrid(
            planes: side, rows: side, columns: side,
            indexToMm: AffineTransform(x: [1, 0, 0], y: [0, 1, 0], z: [0, 0, 1], translation: [-17, -22, -15]))
        gray = Volume(planes: side, rows: side, columns: side, filledWith: 0)
        (white, areas) = (gray, gray)
        for plane in 0..<side {
            for row in 0..<side {
                for column in 0..<side {
                    let point = grid.point(plane: plane, row: row, column: column) - SIMD3(3, -2, 5)
                    let radius = Float((point * point).sum().squareRoot())
                    let inner = min(max(12.5 - radius, 0), 1)
                    let all = min(max(15.5 - radius, 0), 1)
                    white[plane, row, column] = inner
                    gray[plane, row, column] = all - inner
                    if radius > 12, radius < 15 { areas[plane, row, column] = point.z > 0 ? 17 : 4 }
                }
            }
        }
    }

    func anatomy() throws(RealAnatomyError) -> RealAnatomy {
        func map(_ volume: Volume<Float>) -> RealAnatomy.Map { RealAnatomy.Map(volume: volume, grid: grid) }
        return try RealAnatomy(gray: map(gray), white: map(white), areas: map(areas), excluded: .none)
    }
}

@Suite struct RealAnatomyTests {
    @Test(arguments: [1000.0, 500])
    func distancesInAShellAreThoseToItsTwoSpheres(spacingUm: Double) throws {
        let anatomy = try BallOfCortex().anatomy()
        #expect(anatomy.labels == [4, 17])
        let fields = anatomy.fields(spacingUm: spacingUm, threads: 2)
        var (worst, checked) = (0.0, 0)
        for plane in 0..<fields.tissueUm.planes {
            for row in 0..<fields.tissueUm.rows {
                for column in 0..<fields.tissueUm.columns {
                    guard let depth = fields.depth(plane, row, column) else { continue }
                    let point = SIMD3(
                        (fields.originUm.column + Double(column) * spacingUm) / 1000,
                        (fields.originUm.plane + Double(plane) * spacingUm) / 1000,
                        -(fields.originUm.row + Double(row) * spacingUm) / 1000)
                    let away = point - SIMD3(3, -2, 5)
                    let radius = (away * away).sum().squareRoot()
                    worst = max(worst, abs(Double(depth) - (15 - radius) / 3))
                    checked += 1
                    #expect(fields.areas[plane, row, column] == (away.z > 0 ? 2 : 1) || abs(away.z) <= 1)
                }
            }
        }
        #expect(checked > 4000)
        // Borders to a tenth of the map's voxel, sweeps to h log 3 / 2 of 0.5 mm; of a thickness of 3 mm.
        #expect(worst < 0.15, "depth errs by \(worst)")
    }

    @Test func threadsDoNotChangeABrainFromVolumes() throws {
        let anatomy = try BallOfCortex().anatomy()
        let (one, three) = (anatomy.fields(spacingUm: 800, threads: 1), anatomy.fields(spacingUm: 800, threads: 3))
        #expect(one.tissueUm == three.tissueUm && one.whiteUm == three.whiteUm && one.areas == three.areas)
    }

    @Test func badMapsAreNamed() throws {
        func code(_ change: (inout BallOfCortex) -> Void) throws -> RealAnatomyError.Code? {
            var ball = try BallOfCortex()
            change(&ball)
            do {
                _ = try ball.anatomy()
                return nil
            } catch {
                return error.code
            }
        }
        #expect(try code { _ in } == nil)
        #expect(try code { $0.gray[20, 20, 20] = .nan } == .notFinite)
        #expect(try code { $0.white.elements = $0.white.elements.map { _ in 0 } } == .empty)
        #expect(try code { $0.gray.elements = $0.gray.elements.map { $0 * 20 } } == .scale)
        // Shares in a byte are shares.
        #expect(try code { $0.gray.elements = $0.gray.elements.map { $0 * 255 } } == nil)
        #expect(try code { $0.areas[20, 20, 20] = 0.5 } == .notLabels)
        #expect(try code { $0.areas.elements = $0.areas.elements.map { _ in 0 } } == .empty)
        // Labels of another space: all in a corner.
        #expect(
            try code {
                $0.areas.elements = $0.areas.elements.map { _ in 0 }
                for index in 0..<500 { $0.areas.elements[index] = 3 }
            } == .apart)
    }
}
