import NDArray
import Surfaces
import Testing

@Suite struct MeshRepairTests {
    /// Corners and faces of a tetrahedron that looks outward.
    static let tetrahedron = TriangleMesh(
        vertices: [SIMD3(0, 0, 0), SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)],
        faces: [SIMD3(0, 2, 1), SIMD3(0, 1, 3), SIMD3(1, 2, 3), SIMD3(2, 0, 3)])

    @Test func soundMeshStaysAsItIs() {
        let ball = PlaneCutTests.ball
        let (mesh, report) = ball.repaired()
        #expect(mesh == ball && report == MeshRepairReport())
        #expect(abs(Self.tetrahedron.volume - 1.0 / 6) < 1e-7 && Self.tetrahedron.repaired().mesh == Self.tetrahedron)
    }

    @Test func badFacesGo() {
        var mesh = Self.tetrahedron
        mesh.faces += [SIMD3(1, 1, 2), SIMD3(2, 1, 0), SIMD3(3, 0, 1)]
        let (mended, report) = mesh.repaired()
        #expect(report.degenerateFaces == 1 && report.duplicateFaces == 2)
        #expect(MeshTopology(mended).isClosedManifold)
    }

    @Test func turnedFacesTurnBackAndHolesAreFilled() {
        var mesh = PlaneCutTests.ball
        for face in stride(from: 0, to: mesh.faces.count, by: 3) {
            mesh.faces[face] = SIMD3(mesh.faces[face].x, mesh.faces[face].z, mesh.faces[face].y)
        }
        mesh.faces.removeSubrange(100..<103)
        let before = MeshTopology(mesh)
        #expect(before.inconsistentEdgeCount > 0 && before.boundaryEdgeCount > 0)
        let (mended, report) = mesh.repaired()
        let topology = MeshTopology(mended)
        #expect(topology.isClosedManifold && topology.genus == 0 && mended.volume > 0)
        #expect(report.filledHoles >= 1 && report.turnedFaces > 1000)
        #expect(abs(mended.volume - PlaneCutTests.ball.volume) < 0.001 * PlaneCutTests.ball.volume)
    }

    @Test func solidsThatTouchInAVertexOrAnEdgeComeApart() {
        // Two tetrahedra that share vertex 0, and two that share the edge (0, 1).
        let vertex = TriangleMesh(
            vertices: Self.tetrahedron.vertices + Self.tetrahedron.vertices.dropFirst().map { -$0 },
            faces: Self.tetrahedron.faces
                + Self.tetrahedron.faces.map { face in
                    func other(_ id: UInt32) -> UInt32 { id == 0 ? 0 : id + 3 }
                    return SIMD3(other(face.x), other(face.z), other(face.y))
                })
        #expect(MeshTopology(vertex).nonManifoldVertexCount == 1)
        let apart = vertex.repaired()
        #expect(apart.report.splitVertices == 1 && MeshTopology(apart.mesh).componentCount == 2)
        #expect(MeshTopology(apart.mesh).isClosedManifold)

        let edge = TriangleMesh(
            vertices: Self.tetrahedron.vertices + [SIMD3(0, -1, 0), SIMD3(0, 0, -1)],
            faces: Self.tetrahedron.faces + [SIMD3(0, 4, 1), SIMD3(0, 1, 5), SIMD3(1, 4, 5), SIMD3(4, 0, 5)])
        #expect(MeshTopology(edge).nonManifoldEdgeCount == 1)
        let parted = MeshTopology(edge.repaired().mesh)
        #expect(parted.isClosedManifold && parted.componentCount == 2)
    }

    @Test func smallPartsAreDropped() {
        let crumb = Self.tetrahedron.mapVertices { $0 * 0.1 + 30 }
        let ball = PlaneCutTests.ball
        let offset = UInt32(ball.vertices.count)
        let both = TriangleMesh(
            vertices: ball.vertices + crumb.vertices, faces: ball.faces + crumb.faces.map { $0 &+ offset })
        let (mended, report) = both.repaired()
        #expect(mended == ball && report.droppedParts == 1)
    }

    @Test func emptyMeshStaysEmpty() {
        #expect(TriangleMesh().repaired().mesh.isEmpty)
        #expect(MeshTopology(TriangleMesh()).eulerCharacteristic == 0)
    }
}
