import NDArray
import Surfaces
import Testing

/// An icosahedron cut finer `levels` times and drawn to a sphere.
private func sphere(radius: Float, levels: Int) -> TriangleMesh {
    let g = Float((1 + 5.0.squareRoot()) / 2)
    var vertices: [SIMD3<Float>] = [
        SIMD3(-1, g, 0), SIMD3(1, g, 0), SIMD3(-1, -g, 0), SIMD3(1, -g, 0), SIMD3(0, -1, g), SIMD3(0, 1, g),
        SIMD3(0, -1, -g), SIMD3(0, 1, -g), SIMD3(g, 0, -1), SIMD3(g, 0, 1), SIMD3(-g, 0, -1), SIMD3(-g, 0, 1),
    ]
    var faces: [SIMD3<UInt32>] = [
        SIMD3(0, 11, 5), SIMD3(0, 5, 1), SIMD3(0, 1, 7), SIMD3(0, 7, 10), SIMD3(0, 10, 11), SIMD3(1, 5, 9),
        SIMD3(5, 11, 4), SIMD3(11, 10, 2), SIMD3(10, 7, 6), SIMD3(7, 1, 8), SIMD3(3, 9, 4), SIMD3(3, 4, 2),
        SIMD3(3, 2, 6), SIMD3(3, 6, 8), SIMD3(3, 8, 9), SIMD3(4, 9, 5), SIMD3(2, 4, 11), SIMD3(6, 2, 10),
        SIMD3(8, 6, 7), SIMD3(9, 8, 1),
    ]
    for _ in 0..<levels {
        var middles: [SIMD2<UInt32>: UInt32] = [:]
        func middle(_ a: UInt32, _ b: UInt32) -> UInt32 {
            let key = SIMD2(min(a, b), max(a, b))
            if let known = middles[key] { return known }
            vertices.append((vertices[Int(a)] + vertices[Int(b)]) / 2)
            middles[key] = UInt32(vertices.count - 1)
            return UInt32(vertices.count - 1)
        }
        faces = faces.flatMap { face in
            let (ab, bc, ca) = (middle(face.x, face.y), middle(face.y, face.z), middle(face.z, face.x))
            return [SIMD3(face.x, ab, ca), SIMD3(face.y, bc, ab), SIMD3(face.z, ca, bc), SIMD3(ab, bc, ca)]
        }
    }
    return TriangleMesh(
        vertices: vertices.map { $0 * (radius / ($0 * $0).sum().squareRoot()) }, faces: faces)
}

/// A torus with `around` × `across` vertices, the ring's radius and the tube's.
private func torus(ring: Double, tube: Double, around: Int, across: Int) -> TriangleMesh {
    var vertices: [SIMD3<Float>] = []
    var faces: [SIMD3<UInt32>] = []
    for i in 0..<around {
        for j in 0..<across {
            let (u, v) = (2 * Double.pi * Double(i) / Double(around), 2 * Double.pi * Double(j) / Double(across))
            let out = ring + tube * Math.cos(v)
            vertices.append(SIMD3(Float(out * Math.cos(u)), Float(out * Math.sin(u)), Float(tube * Math.sin(v))))
            func id(_ a: Int, _ b: Int) -> UInt32 { UInt32((a % around) * across + b % across) }
            faces.append(SIMD3(id(i, j), id(i + 1, j), id(i + 1, j + 1)))
            faces.append(SIMD3(id(i, j), id(i + 1, j + 1), id(i, j + 1)))
        }
    }
    return TriangleMesh(vertices: vertices, faces: faces)
}

@Suite struct MeanCurvatureTests {
    @Test(arguments: [1.0, 5, 4000]) func sphereHasOneOverItsRadiusEverywhere(radius: Double) {
        let mesh = sphere(radius: Float(radius), levels: 4)
        // At the twelve vertices of five faces areas and edges are not in the proportion of six: 15 %, which spreading over an edge evens out.
        let edge = mesh.edgeLengths().reduce(0) { $0 + Double($1) } / Double(mesh.edgeLengths().count)
        for value in mesh.meanCurvatures(smoothing: edge) {
            let share = Double(value) * radius
            #expect(abs(share - 1) < 0.03)
        }
        for value in mesh.meanCurvatures() {
            let share = Double(value) * radius
            #expect(abs(share - 1) < 0.15)
        }
    }

    @Test func turnedInsideOutItIsNegative() {
        var mesh = sphere(radius: 3, levels: 3)
        mesh.faces = mesh.faces.map { SIMD3($0.x, $0.z, $0.y) }
        for value in mesh.meanCurvatures(smoothing: 0.5) { #expect(abs(value + 0.33333) < 0.02) }
    }

    @Test func torusIsCurvedAsItsFormulaSays() {
        let (ring, tube) = (10.0, 3.0)
        let mesh = torus(ring: ring, tube: tube, around: 240, across: 72)
        let found = mesh.meanCurvatures()
        for (vertex, value) in zip(mesh.vertices, found) {
            let out = Double((vertex.x * vertex.x + vertex.y * vertex.y).squareRoot())
            // H = ½ (1/r + cos v / (R + r cos v)).
            let second = (out - ring) / (tube * out)
            let truth = 0.5 / tube + 0.5 * second
            #expect(abs(Double(value) - truth) < 0.01)
        }
    }

    @Test func sumOverAConvexBodyIsThatOfSteinersFormula() {
        // A cube of side a: ∫ H dA = ½ Σ β ℓ = ½ · 12 · a · π/2 = 3π a, its area 6 a².
        let a: Float = 2
        var vertices: [SIMD3<Float>] = []
        for corner in 0..<8 {
            vertices.append(SIMD3(Float(corner >> 2), Float(corner >> 1 & 1), Float(corner & 1)) * a)
        }
        let quads: [[UInt32]] = [
            [0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3],
        ]
        let mesh = TriangleMesh(
            vertices: vertices, faces: quads.flatMap { [SIMD3($0[0], $0[1], $0[2]), SIMD3($0[0], $0[2], $0[3])] })
        #expect(mesh.volume > 0)
        // So many rounds make it even: the mean over the cube.
        for value in mesh.meanCurvatures(smoothing: 40) {
            let truth = Double.pi / 4
            #expect(abs(Double(value) - truth) < 1e-3)
        }
    }

    @Test func flatSheetIsNotCurvedAndItsRimHoldsNothing() {
        var vertices: [SIMD3<Float>] = []
        var faces: [SIMD3<UInt32>] = []
        for i in 0..<10 {
            for j in 0..<10 {
                vertices.append(SIMD3(Float(i), Float(j), 0.3 * Float(i)))
                guard i < 9, j < 9 else { continue }
                let id = UInt32(i * 10 + j)
                faces += [SIMD3(id, id + 10, id + 11), SIMD3(id, id + 11, id + 1)]
            }
        }
        for value in TriangleMesh(vertices: vertices, faces: faces).meanCurvatures(smoothing: 2) {
            #expect(abs(value) < 1e-5)
        }
    }

    @Test func verticesThatDoNotCountGiveNothing() {
        let mesh = sphere(radius: 2, levels: 2)
        let counts = mesh.vertices.map { $0.x < 1 }
        let found = mesh.meanCurvatures(smoothing: 0.5, counts: counts)
        for (value, counted) in zip(found, counts) { #expect(value.isNaN != counted) }
        #expect(TriangleMesh().meanCurvatures(smoothing: 1).isEmpty)
        #expect(TriangleMesh(vertices: [.zero], faces: []).meanCurvatures()[0].isNaN)
    }

    @Test func valuesAtVerticesAreLinearBetweenThem() {
        let mesh = TriangleMesh(
            vertices: [SIMD3(0, 0, 0), SIMD3(4, 0, 0), SIMD3(0, 4, 0)], faces: [SIMD3(0, 1, 2)])
        let grid = TriangleGrid(mesh, cell: 1)
        let value = grid.interpolated([1, 5, 9], at: SIMD3(1, 2, 0.7), within: 1)
        #expect(value.map { abs($0 - 6) < 1e-5 } == true)
        #expect(grid.interpolated([1, 5, 9], at: SIMD3(1, 2, 5), within: 1) == nil)
    }
}
