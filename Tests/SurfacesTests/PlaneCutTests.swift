import NDArray
import Surfaces
import Testing

@Suite struct PlaneCutTests {
    static let ball = marchingCubes(
        MarchingCubesTests.ball(side: 40, radius: 14), level: 0, origin: SIMD3(-19.5, -19.5, -19.5), threads: 1)

    @Test func planeCutsABallInACircle() {
        let cutter = MeshCutter(Self.ball)
        for height: Float in [-12, -5.3, 0, 0.25, 7, 13] {
            let lines = cutter.cut(atPlane: height)
            #expect(lines.count == 1)
            guard let line = lines.first else { continue }
            #expect(line.isClosed)
            let radius = (14 * 14 - Double(height * height)).squareRoot()
            // Vertices lie within h² / 8 R of the ball, triangles (edges up to √3 h) within three times that of their vertices: 4 / (8 · 14) voxels
            // together. At height z an error along the radius is R / r times larger in the plane.
            let tolerance = 4.0 / (8 * 14) * 14 / radius
            for (point, normal) in zip(line.points, line.normals) {
                #expect(abs(point.x - height) < 1e-4)
                #expect(abs(Double((point.y * point.y + point.z * point.z).squareRoot()) - radius) < tolerance)
                #expect((normal * point).sum() / 14 > 0.97, "normals point outward")
            }
            #expect(abs(line.length - 2 * .pi * radius) < 0.02 * 2 * .pi * radius)
        }
        #expect(
            cutter.cut(atPlane: 15).isEmpty && cutter.cut(atPlane: -20).isEmpty && cutter.cut(atPlane: .nan).isEmpty)
    }

    @Test func upperSideLiesOnTheLeftSeenFromOutside() {
        let line = MeshCutter(Self.ball).cut(atPlane: 0.1)[0]
        for index in line.points.indices {
            let along = line.points[(index + 1) % line.points.count] - line.points[index]
            let normal = line.normals[index]
            // left = normal × direction
            let left = SIMD3(
                normal.y * along.z - normal.z * along.y, normal.z * along.x - normal.x * along.z,
                normal.x * along.y - normal.y * along.x)
            #expect(left.x > 0)
        }
    }

    @Test func verticesInThePlaneMakeNoTrouble() {
        // An octahedron: the plane through its four middle vertices, one through its tip, and one through an edge's ends.
        let octahedron = TriangleMesh(
            vertices: [
                SIMD3(1, 0, 0), SIMD3(-1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, -1, 0), SIMD3(0, 0, 1), SIMD3(0, 0, -1),
            ],
            faces: [
                SIMD3(0, 2, 4), SIMD3(2, 1, 4), SIMD3(1, 3, 4), SIMD3(3, 0, 4), SIMD3(2, 0, 5), SIMD3(1, 2, 5),
                SIMD3(3, 1, 5),
                SIMD3(0, 3, 5),
            ])
        #expect(MeshTopology(octahedron).isClosedManifold && octahedron.volume > 0)
        let cutter = MeshCutter(octahedron)
        let equator = cutter.cut(atPlane: 0)
        #expect(equator.count == 1 && equator[0].isClosed && equator[0].points.count == 4)
        #expect(abs(equator[0].length - 4 * 2.0.squareRoot()) < 1e-6)
        #expect(cutter.cut(atPlane: 1).isEmpty, "a tip alone is no line")
        #expect(cutter.cut(normal: SIMD3(1, 1, 1), offset: 0).allSatisfy { $0.isClosed && $0.points.count == 6 })
        let tilted = cutter.cut(normal: SIMD3(1, -1, 0), offset: 0)
        #expect(tilted.count == 1 && tilted[0].isClosed && tilted[0].points.count == 4)
    }

    @Test func everyCutOfAClosedSurfaceIsClosedAndDivided() {
        let torus = marchingCubes(MarchingCubesTests.torus(side: 48, ring: 13, tube: 5), level: 0, threads: 1)
        let cutter = MeshCutter(torus)
        let whole = (0...470).map { cutter.cut(atPlane: Float($0) / 10) }
        let openCount = whole.joined().count { !$0.isClosed }
        #expect(openCount == 0)
        #expect(whole[236].count == 2, "two circles through the middle")
        #expect(whole[360].count == 1)
        for line in whole.joined() {
            #expect(line.points.count == line.faces.count && line.normals.count == line.points.count)
        }
    }

    @Test func openSurfaceGivesOpenLinesAndThePlaneOfAnyDirectionAgrees() {
        let half = TriangleMesh(
            vertices: Self.ball.vertices, faces: Self.ball.faces.filter { Self.ball.vertices[Int($0.x)].z > 0 })
        let lines = MeshCutter(half).cut(atPlane: 1)
        #expect(lines.count == 1 && !lines[0].isClosed)
        #expect(abs(lines[0].length - .pi * 195.0.squareRoot()) < 0.05 * .pi * 195.0.squareRoot())
        let other = MeshCutter(half).cut(normal: SIMD3(1, 0, 0), offset: 1)
        #expect(other == lines)
    }
}
