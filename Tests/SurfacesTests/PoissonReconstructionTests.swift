import NDArray
import Surfaces
import Testing

@Suite struct PoissonReconstructionTests {
    /// Points of a sphere in an even spiral, each with the same area.
    static func sphere(_ count: Int, radius: Double, centre: SIMD3<Double>) -> OrientedPoints {
        var points = OrientedPoints(positions: [], areaVectors: [])
        let area = 4 * Double.pi * radius * radius / Double(count)
        for index in 0..<count {
            let height = 1 - 2 * (Double(index) + 0.5) / Double(count)
            let turn = Double(index) * 2.399963229728653
            let ring = (1 - height * height).squareRoot()
            let normal = SIMD3(height, ring * Math.cos(turn), ring * Math.sin(turn))
            points.positions.append(SIMD3<Float>(centre + radius * normal))
            points.areaVectors.append(SIMD3<Float>(area * normal))
        }
        return points
    }

    @Test func sphereComesBackWithinTheSmoothingBound() throws {
        let centre = SIMD3(1000.0, -500, 30)
        let radius = 12.0
        let solid = try #require(
            poissonReconstruction(
                of: Self.sphere(8000, radius: radius, centre: centre), grid: SIMD3(0.25, 0.25, 0.25), spacing: 1,
                threads: 2))
        #expect(solid.relativeResidual < 1e-3)
        let mesh = solid.surface(rule: .insideApart, threads: 2)
        let topology = MeshTopology(mesh)
        #expect(topology.genus == 0 && topology.componentCount == 1 && mesh.volume > 0)
        // Smoothing by variance 1/4 moves the surface by (κ₁ + κ₂) / 8 = 1/48. Linear interpolation between voxels on the flank of the smoothed step,
        // an integrated B-spline f with |f''| ≤ 1/2 and |f'| ≥ 1/2 near its middle, errs by up to |f''| / (8 |f'|) = 1/8 at the worst place; half of that
        // is allowed here, as f'' vanishes in the very middle.
        let worst = mesh.vertices.map { vertex in
            let d = SIMD3<Double>(vertex) - centre
            return abs((d * d).sum().squareRoot() - radius)
        }.max()
        #expect((worst ?? 1) < 1.0 / 48 + 1.0 / 16)
        // The indicator is 1 inside and 0 outside.
        let place = ((centre - solid.origin) / solid.spacing).rounded(.toNearestOrEven)
        let middle = SIMD3(Int(place.x), Int(place.y), Int(place.z))
        #expect(abs(solid.field[middle.x, middle.y, middle.z] - 1) < 0.02)
        // Off 1/2 by curvature only.
        #expect(abs(solid.level - 0.5) < 0.04)
    }

    @Test func holesAreClosed() throws {
        var points = Self.sphere(8000, radius: 12, centre: .zero)
        // A hole of 8 voxels' width.
        let kept = points.positions.indices.filter { points.positions[$0].x < 11.3 }
        points = OrientedPoints(
            positions: kept.map { points.positions[$0] }, areaVectors: kept.map { points.areaVectors[$0] })
        let solid = try #require(poissonReconstruction(of: points, grid: .zero, spacing: 1, threads: 1))
        let mesh = solid.surface(rule: .trilinear, threads: 1)
        #expect(MeshTopology(mesh).isClosedManifold && MeshTopology(mesh).genus == 0)
    }

    @Test func threadsDoNotChangeTheResult() throws {
        let points = Self.sphere(3000, radius: 9, centre: .zero)
        let one = try #require(poissonReconstruction(of: points, grid: .zero, spacing: 0.7, threads: 1))
        let four = try #require(poissonReconstruction(of: points, grid: .zero, spacing: 0.7, threads: 4))
        #expect(one.field == four.field && one.level == four.level)
    }

    @Test func noPointsGiveNoSolid() {
        let none = OrientedPoints(positions: [], areaVectors: [])
        #expect(poissonReconstruction(of: none, grid: .zero, spacing: 1, threads: 1) == nil)
    }
}
