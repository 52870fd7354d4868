import NDArray
import Surfaces
import Testing

@Suite struct MarchingCubesTests {
    /// radius less distance from the centre: positive inside.
    static func ball(side: Int, radius: Float, centre: SIMD3<Float>? = nil) -> Volume<Float> {
        var field = Volume<Float>(planes: side, rows: side, columns: side, filledWith: 0)
        let middle = centre ?? SIMD3(repeating: Float(side - 1) / 2)
        for p in 0..<side {
            for r in 0..<side {
                for c in 0..<side {
                    let d = SIMD3(Float(p), Float(r), Float(c)) - middle
                    field[p, r, c] = radius - (d * d).sum().squareRoot()
                }
            }
        }
        return field
    }

    static func torus(side: Int, ring: Float, tube: Float) -> Volume<Float> {
        var field = Volume<Float>(planes: side, rows: side, columns: side, filledWith: 0)
        let middle = Float(side - 1) / 2 + 0.13
        for p in 0..<side {
            for r in 0..<side {
                for c in 0..<side {
                    let (x, y, z) = (Float(p) - middle, Float(r) - middle, Float(c) - middle)
                    let q = (x * x + y * y).squareRoot() - ring
                    field[p, r, c] = tube - (q * q + z * z).squareRoot()
                }
            }
        }
        return field
    }

    @Test func ballBecomesOneClosedSphere() {
        let radius: Float = 14.3
        let mesh = marchingCubes(Self.ball(side: 40, radius: radius), level: 0, threads: 2)
        let topology = MeshTopology(mesh)
        #expect(topology.isClosedManifold)
        #expect(topology.genus == 0 && topology.componentCount == 1)
        // Vertices on chords of a distance field lie off the sphere by at most h² / (8 R) (linear interpolation along an edge, second
        // derivative at most 1/R); chords of triangles of side √2 h take off as much again.
        let bound = 1 / (8 * radius)
        let middle = SIMD3<Float>(repeating: 19.5)
        for vertex in mesh.vertices {
            let d = vertex - middle
            #expect(abs((d * d).sum().squareRoot() - radius) <= bound + 0.002)
        }
        let exactArea = 4 * Double.pi * Double(radius * radius)
        let exactVolume = exactArea * Double(radius) / 3
        // Relative: two bounds of radius for the area, three for the volume, with the chords counted in.
        #expect(abs(mesh.area - exactArea) < 4 * Double(bound / radius) * exactArea)
        #expect(abs(mesh.volume - exactVolume) < 6 * Double(bound / radius) * exactVolume)
        #expect(mesh.volume > 0, "normals point outward, to the lower values")
    }

    @Test func torusHasOneHandle() {
        let mesh = marchingCubes(Self.torus(side: 48, ring: 13, tube: 5), level: 0, threads: 1)
        let topology = MeshTopology(mesh)
        #expect(topology.isClosedManifold && topology.genus == 1 && topology.eulerCharacteristic == 0)
        let exact = 4 * Double.pi * Double.pi * 13 * 5
        #expect(abs(mesh.area - exact) < 0.02 * exact)
    }

    @Test func threadsDoNotChangeTheResult() {
        var generator = SeededGenerator(seed: 3)
        let field = Volume(
            planes: 21, rows: 17, columns: 19, elements: (0..<21 * 17 * 19).map { _ in Float(generator.uniform()) })
        let one = marchingCubes(field, level: 0.5, threads: 1)
        #expect(one == marchingCubes(field, level: 0.5, threads: 4))
        #expect(!one.isEmpty)
    }

    @Test(arguments: [AmbiguityRule.trilinear, .insideApart])
    func everyPatternOfCornersGivesAManifold(_ rule: AmbiguityRule) {
        var generator = SeededGenerator(seed: 11)
        for signs in 0..<256 {
            for trial in 0..<20 {
                // The cell in a shell of outside, so that the surface must close.
                var field = Volume<Float>(planes: 4, rows: 4, columns: 4, filledWith: 0)
                for index in field.elements.indices { field.elements[index] = -Float(generator.uniform()) - 0.001 }
                for corner in 0..<8 {
                    // Values over several orders of magnitude reach all sub-cases.
                    let size = Float(Math.exp(6 * generator.uniform() - 3))
                    field[1 + (corner >> 2), 1 + (corner >> 1 & 1), 1 + (corner & 1)] =
                        signs >> corner & 1 == 1 ? size : -size
                }
                let topology = MeshTopology(marchingCubes(field, level: 0, rule: rule, threads: 1))
                #expect(topology.isClosedManifold, "pattern \(signs), trial \(trial): \(topology)")
            }
        }
    }

    @Test(arguments: [AmbiguityRule.trilinear, .insideApart])
    func noiseGivesAClosedManifold(_ rule: AmbiguityRule) {
        var generator = SeededGenerator(seed: 5)
        var field = Volume<Float>(planes: 30, rows: 30, columns: 30, filledWith: -1)
        for p in 1..<29 { for r in 1..<29 { for c in 1..<29 { field[p, r, c] = Float(generator.normal()) } } }
        let mesh = marchingCubes(field, level: 0, rule: rule, threads: 2)
        #expect(MeshTopology(mesh).isClosedManifold)
        #expect(mesh.faces.count > 20_000)
    }

    /// Components of the trilinear function's inside, counted on a fine grid, against those of the mesh's pieces in one cell.
    @Test func insideOfACellHangsTogetherAsTheTrilinearFunctionDoes() {
        var generator = SeededGenerator(seed: 17)
        var tunnels = 0
        for _ in 0..<400 {
            // Two opposite corners high, the others low: the case where only the interior decides.
            var values = (0..<8).map { _ in -Float(generator.uniform()) - 0.01 }
            values[0] = 1 + Float(generator.uniform())
            values[7] = 1 + Float(generator.uniform())
            var field = Volume<Float>(planes: 4, rows: 4, columns: 4, filledWith: -3)
            for corner in 0..<8 { field[1 + (corner >> 2), 1 + (corner >> 1 & 1), 1 + (corner & 1)] = values[corner] }
            let mesh = marchingCubes(field, level: 0, threads: 1)
            let slices = (0...200).map { Double($0) / 200 }
            // A path along the diagonal of the corner slices: some slice joins its two inside corners.
            let joined = slices.contains { t in
                func at(_ low: Int) -> Double { Double(values[low]) * (1 - t) + Double(values[low + 4]) * t }
                return at(0) > 0 && at(3) > 0 && at(0) * at(3) > at(1) * at(2)
            }
            let expected = joined ? 1 : 2
            if joined { tunnels += 1 }
            let found = MeshTopology(mesh)
            #expect(found.isClosedManifold && found.genus == 0)
            // A slice grid of 200 may miss a joint that is open for less than 1/200 of the height.
            if found.componentCount != expected { #expect(!joined && found.componentCount == 1) }
        }
        #expect(tunnels > 20 && tunnels < 380)
    }

    /// The same trilinear function on a grid 12 times finer has few ambiguous cells left; both must have one topology.
    @Test func noiseHasTheTopologyOfTheTrilinearFunction() {
        var generator = SeededGenerator(seed: 23)
        let side = 9
        var field = Volume<Float>(planes: side, rows: side, columns: side, filledWith: -1)
        for p in 1..<side - 1 {
            for r in 1..<side - 1 { for c in 1..<side - 1 { field[p, r, c] = Float(generator.normal()) } }
        }
        let scale = 12
        let fineSide = (side - 1) * scale + 1
        var fine = Volume<Float>(planes: fineSide, rows: fineSide, columns: fineSide, filledWith: 0)
        for p in 0..<fineSide {
            for r in 0..<fineSide {
                for c in 0..<fineSide {
                    var sum = 0.0
                    for corner in 0..<8 {
                        var weight = 1.0
                        var place = [p, r, c]
                        for axis in 0..<3 {
                            let cell = min(place[axis] / scale, side - 2)
                            let share = Double(place[axis] - cell * scale) / Double(scale)
                            let upper = corner >> (2 - axis) & 1
                            weight *= upper == 1 ? share : 1 - share
                            place[axis] = cell + upper
                        }
                        if weight > 0 { sum += weight * Double(field[place[0], place[1], place[2]]) }
                    }
                    fine[p, r, c] = Float(sum)
                }
            }
        }
        let coarse = MeshTopology(marchingCubes(field, level: 0, threads: 1))
        let exact = MeshTopology(marchingCubes(fine, level: 0, threads: 1))
        #expect(coarse.eulerCharacteristic == exact.eulerCharacteristic)
        #expect(coarse.componentCount == exact.componentCount)
        #expect(coarse.eulerCharacteristic < -20, "there is something to get right")
    }

    @Test func notANumberLeavesAHole() {
        var field = Self.ball(side: 20, radius: 7)
        field[10, 10, 16] = .nan
        let mesh = marchingCubes(field, level: 0, threads: 1)
        let topology = MeshTopology(mesh)
        #expect(topology.boundaryEdgeCount > 0 && topology.isManifold && topology.vertexCount == mesh.vertices.count)
    }

    @Test func degenerateFieldsGiveNothingOrLittle() {
        #expect(marchingCubes(Volume(planes: 0, rows: 0, columns: 0, elements: []), level: 0, threads: 1).isEmpty)
        #expect(marchingCubes(Volume(planes: 1, rows: 5, columns: 5, filledWith: 1), level: 0, threads: 1).isEmpty)
        #expect(marchingCubes(Volume(planes: 5, rows: 5, columns: 5, filledWith: .nan), level: 0, threads: 1).isEmpty)
        #expect(marchingCubes(Volume(planes: 5, rows: 5, columns: 5, filledWith: 1), level: 1, threads: 1).isEmpty)
        var one = Volume<Float>(planes: 3, rows: 3, columns: 3, filledWith: 0)
        one[1, 1, 1] = 1
        let mesh = marchingCubes(one, level: 0.5, origin: SIMD3(10, 0, 0), spacing: SIMD3(2, 1, 1), threads: 1)
        #expect(mesh.faces.count == 8 && mesh.vertices.count == 6)
        #expect(mesh.vertices.map(\.x).max() == 13 && mesh.vertices.map(\.x).min() == 11)
    }

    @Test func valuesOnTheLevelMakeNoCollapsedTriangle() {
        var field = Volume<Float>(planes: 6, rows: 6, columns: 6, filledWith: 0)
        for p in 2..<4 { for r in 2..<4 { for c in 2..<4 { field[p, r, c] = 1 } } }
        let mesh = marchingCubes(field, level: 0, threads: 1)
        #expect(MeshTopology(mesh).genus == 0)
        #expect(
            mesh.faces.indices.allSatisfy { face in
                let (a, b, c) = mesh.corners(face)
                return a != b && b != c && c != a
            })
    }
}
