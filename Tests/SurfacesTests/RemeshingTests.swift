import NDArray
import Surfaces
import Testing

@Suite struct RemeshingTests {
    /// Share of edges within ± 30 % of a length.
    static func share(_ mesh: TriangleMesh, near length: Float) -> Double {
        let lengths = mesh.edgeLengths()
        return Double(lengths.count { $0 > 0.7 * length && $0 < 1.3 * length }) / Double(lengths.count)
    }

    @Test(arguments: [Float(0.6), 1, 2])
    func ballGetsEvenEdges(_ edge: Float) {
        let ball = marchingCubes(
            MarchingCubesTests.ball(side: 40, radius: 14), level: 0, origin: SIMD3(-19.5, -19.5, -19.5), threads: 1)
        let mesh = isotropicRemeshing(ball, settings: RemeshingSettings(edgeLength: edge), threads: 2)
        let topology = MeshTopology(mesh)
        #expect(topology.isClosedManifold && topology.genus == 0 && topology.componentCount == 1)
        #expect(Self.share(mesh, near: edge) > 0.9)
        let mean = mesh.edgeLengths().reduce(0, +) / Float(topology.edgeCount)
        #expect(abs(mean - edge) < 0.1 * edge)
        // Vertices lie on the old mesh, within (h² + 3 h²) / 8 R of the ball (see PlaneCutTests).
        #expect(mesh.vertices.allSatisfy { abs(($0 * $0).sum().squareRoot() - 14) < 4.0 / (8 * 14) })
        // No triangle is turned over.
        #expect(
            mesh.faces.indices.allSatisfy { face in
                let (a, b, c) = mesh.corners(face)
                return (mesh.faceVector(face) * (a + b + c)).sum() > 0
            })
    }

    @Test func handlesStay() {
        let torus = marchingCubes(MarchingCubesTests.torus(side: 48, ring: 13, tube: 5), level: 0, threads: 1)
        let mesh = isotropicRemeshing(torus, settings: RemeshingSettings(edgeLength: 1.5), threads: 2)
        #expect(MeshTopology(mesh).isClosedManifold && MeshTopology(mesh).genus == 1)
        #expect(Self.share(mesh, near: 1.5) > 0.9)
        #expect(abs(mesh.area - torus.area) < 0.02 * torus.area)
    }

    @Test func crookedSurfaceKeepsItsGenus() {
        var generator = SeededGenerator(seed: 9)
        var field = MarchingCubesTests.ball(side: 30, radius: 10)
        for index in field.elements.indices { field.elements[index] += 1.5 * Float(generator.normal()) }
        let rough = marchingCubes(field, level: 0, threads: 1)
        let largest = rough.submesh(faces: rough.components()[0])
        let before = MeshTopology(largest)
        let mesh = isotropicRemeshing(largest, settings: RemeshingSettings(edgeLength: 0.8), threads: 2)
        let after = MeshTopology(mesh)
        #expect(before.isClosedManifold && after.isClosedManifold)
        #expect(after.genus == before.genus && after.componentCount == 1)
    }

    @Test func threadsDoNotChangeTheResult() {
        let torus = marchingCubes(MarchingCubesTests.torus(side: 48, ring: 13, tube: 5), level: 0, threads: 1)
        let settings = RemeshingSettings(edgeLength: 1.2)
        #expect(
            isotropicRemeshing(torus, settings: settings, threads: 1)
                == isotropicRemeshing(torus, settings: settings, threads: 4))
    }

    @Test func boundaryStays() {
        let ball = PlaneCutTests.ball
        let half = TriangleMesh(vertices: ball.vertices, faces: ball.faces.filter { ball.vertices[Int($0.x)].z > 0 })
            .withoutUnusedVertices()
        let mesh = isotropicRemeshing(half, settings: RemeshingSettings(edgeLength: 1), threads: 1)
        let before = MeshTopology(half)
        let after = MeshTopology(mesh)
        #expect(after.isManifold && after.boundaryEdgeCount == before.boundaryEdgeCount)
        #expect(after.eulerCharacteristic == before.eulerCharacteristic)
    }

    @Test func nothingStaysNothing() {
        #expect(isotropicRemeshing(TriangleMesh(), settings: RemeshingSettings(edgeLength: 1), threads: 1).isEmpty)
    }

    @Test func nearestPointsAgreeWithASearchThroughAllTriangles() {
        let ball = PlaneCutTests.ball
        let grid = TriangleGrid(ball, cell: 2)
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<300 {
            let point = SIMD3(
                Float(generator.normal()) * 12, Float(generator.normal()) * 12, Float(generator.normal()) * 12)
            let hit = grid.closest(to: point)
            // A triangle's nearest point lies no farther than its nearest corner and no nearer than that less the longest edge (√3).
            let corner = ball.vertices.map { (($0 - point) * ($0 - point)).sum().squareRoot() }.min() ?? 0
            #expect((hit?.distance ?? -1) <= corner + 1e-5)
            #expect((hit?.distance ?? -1) >= corner - 1.74)
            #expect(abs(abs((point * point).sum().squareRoot() - 14) - (hit?.distance ?? -1)) < 0.04)
            #expect(grid.closest(to: point, within: 0.5).map { $0.distance <= 0.5 } ?? ((hit?.distance ?? 0) > 0.5))
            #expect(grid.distance(to: point) == hit?.distance)
            #expect(grid.distance(to: point, within: 0.5) == grid.closest(to: point, within: 0.5)?.distance)
        }
        #expect(TriangleGrid(TriangleMesh(), cell: 1).closest(to: .zero) == nil)
    }
}
