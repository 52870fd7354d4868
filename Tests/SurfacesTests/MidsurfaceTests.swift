import NDArray
import Surfaces
import Testing

@Suite struct MidsurfaceTests {
    /// Two balls of white matter of radius 9 with a cortex up to radius 15, side by side along the columns; depth falls linearly with the radius.
    struct Brain {
        var labels: Volume<UInt8>
        var depth: Volume<Float>
        var excluded: Volume<UInt8>

        init(centres: [SIMD3<Float>], bridge: Bool = false) {
            let (planes, rows, columns) = (40, 40, 76)
            labels = Volume(planes: planes, rows: rows, columns: columns, filledWith: 0)
            depth = Volume(planes: planes, rows: rows, columns: columns, filledWith: .nan)
            excluded = labels
            for p in 0..<planes {
                for r in 0..<rows {
                    for c in 0..<columns {
                        let place = SIMD3(Float(p), Float(r), Float(c))
                        let radius = centres.map { (($0 - place) * ($0 - place)).sum().squareRoot() }.min() ?? 99
                        var label: UInt8 = radius < 9 ? 2 : radius < 15 ? 1 : 0
                        // A beam of white matter from one to the other, as the corpus callosum.
                        if bridge, abs(p - 19) < 3, abs(r - 19) < 3, c > 19, c < 56 { label = 2 }
                        labels[p, r, c] = label
                        if label == 1 { depth[p, r, c] = (15 - radius) / 6 }
                    }
                }
            }
        }

        func sheet() -> TriangleMesh {
            midsurfaceSheet(
                depth: depth, labels: labels, excluded: excluded, originUm: SIMD3(100, 200, 300), spacingUm: 300,
                threads: 2)
        }

        func split() -> HemisphereSplit {
            HemisphereSplit(sheet(), labels: labels, originUm: SIMD3(100, 200, 300), spacingUm: 300)
        }
    }

    static let left = SIMD3<Float>(19.5, 19.5, 19)
    static let right = SIMD3<Float>(19.5, 19.5, 56)

    static func surface(_ brain: Brain, _ faces: [Int]) -> HemisphereSurface? {
        hemisphereSurface(
            sheet: brain.sheet().submesh(faces: faces), originUm: SIMD3(100, 200, 300), spacingUm: 300,
            settings: MidsurfaceSettings(), threads: 2)
    }

    @Test func twoBallsGiveTwoSpheresHalfWayThroughTheCortex() throws {
        let brain = Brain(centres: [Self.left, Self.right])
        let split = brain.split()
        #expect(split.method == .sheets)
        for (faces, centre) in [(split.left, Self.left), (split.right, Self.right)] {
            let sheetFaces = try #require(faces)
            let surface = try #require(Self.surface(brain, sheetFaces))
            let topology = MeshTopology(surface.mesh)
            #expect(topology.isClosedManifold && topology.genus == 0 && topology.componentCount == 1)
            #expect(RemeshingTests.share(surface.mesh, near: 300) > 0.9)
            #expect(surface.isCortex.allSatisfy { $0 == 1 } && surface.isCortex.count == surface.mesh.vertices.count)
            let middle = SIMD3<Float>(100, 200, 300) + 300 * centre
            for (vertex, normal) in zip(surface.mesh.vertices, surface.normals) {
                let d = vertex - middle
                let radius = (d * d).sum().squareRoot()
                // Radius 12 voxels; a fifth of a voxel covers what marching cubes, Poisson reconstruction and remeshing may do together.
                #expect(abs(radius - 3600) < 60)
                #expect((normal * d).sum() / radius > 0.9, "towards the pia")
            }
        }
    }

    @Test func bridgedHemispheresArePartedInTheMiddle() throws {
        let brain = Brain(centres: [Self.left, Self.right], bridge: true)
        let split = brain.split()
        let left = try #require(split.left)
        let right = try #require(split.right)
        #expect(abs(left.count - right.count) < left.count / 20)
        let surface = try #require(Self.surface(brain, left))
        #expect(MeshTopology(surface.mesh).genus == 0)
        // The beam leaves a hole in the sheet, which is closed.
        #expect(MeshTopology(surface.sheet).boundaryEdgeCount > 0)
        #expect(surface.mesh.vertices.allSatisfy { $0.z < 300 + 300 * 37.5 })
    }

    @Test func midsagittalPlaneIsFoundThoughTilted() throws {
        let brain = Brain(centres: [SIMD3(16, 19.5, 19), SIMD3(23, 19.5, 55)])
        let plane = try #require(MidsagittalPlane(labels: brain.labels))
        let exact = SIMD3<Double>(7, 0, 36) / (7.0 * 7 + 36 * 36).squareRoot()
        #expect((plane.normal * exact).sum() > 0.998, "\(plane)")
        #expect(abs(plane.distance(SIMD3(19.5, 19.5, 37))) < 0.7)
        #expect(plane.symmetry > 0.9 && plane.fissure < 0.1)
        #expect(MidsagittalPlane(labels: Volume(planes: 4, rows: 4, columns: 4, filledWith: 0)) == nil)
    }

    @Test func oneHemisphereIsNamedAfterItsRoundSide() {
        var brain = Brain(centres: [SIMD3(19.5, 19.5, 30)])
        // Cut flat towards the larger columns: a left hemisphere.
        for p in 0..<40 {
            for r in 0..<40 { for c in 33..<76 { brain.labels[p, r, c] = 0; brain.depth[p, r, c] = .nan } }
        }
        let split = brain.split()
        #expect(split.method == .single && split.left != nil && split.right == nil)
    }

    @Test func excludedPartsLeaveAHoleThatIsMarked() throws {
        var brain = Brain(centres: [Self.left])
        for p in 0..<40 {
            for r in 0..<40 {
                for c in 28..<36 where brain.labels[p, r, c] != 0 {
                    brain.labels[p, r, c] = 0
                    brain.depth[p, r, c] = .nan
                    brain.excluded[p, r, c] = 1
                }
            }
        }
        let sheet = brain.sheet()
        #expect(MeshTopology(sheet).boundaryEdgeCount > 0)
        #expect(sheet.vertices.allSatisfy { $0.z <= 300 + 300 * 28 })
        let surface = try #require(Self.surface(brain, sheet.faces.indices.map { $0 }))
        #expect(MeshTopology(surface.mesh).genus == 0)
        let caps = zip(surface.mesh.vertices, surface.isCortex).filter { $0.1 == 0 }.map(\.0)
        #expect(caps.count > 50, "the hole's radius is 2.4 mm, so its middle is farther than 1 mm from cortex")
        #expect(caps.allSatisfy { $0.z > 300 + 300 * 22 })
    }

    @Test func nothingGivesNothing() {
        let none = Volume<UInt8>(planes: 5, rows: 5, columns: 5, filledWith: 0)
        let sheet = midsurfaceSheet(
            depth: Volume(planes: 5, rows: 5, columns: 5, filledWith: .nan), labels: none, excluded: nil,
            originUm: .zero,
            spacingUm: 300, threads: 1)
        #expect(sheet.isEmpty)
        #expect(
            hemisphereSurface(sheet: sheet, originUm: .zero, spacingUm: 300, settings: MidsurfaceSettings(), threads: 1)
                == nil)
        let split = HemisphereSplit(sheet, labels: none, originUm: .zero, spacingUm: 300)
        #expect(split.left == nil && split.right == nil)
    }

    @Test func pictureShowsTheSurfaceAndNothingBesideIt() {
        let ball = PlaneCutTests.ball
        let mesh = ColouredMesh(
            mesh: ball, normals: ball.vertexNormals(), colours: ball.vertices.map { _ in SIMD3(1, 0.5, 0) })
        for view in MeshView.allCases {
            let picture = meshPicture(
                [mesh], view: view, low: SIMD3(repeating: -15), high: SIMD3(repeating: 15), spacing: 0.5)
            #expect(picture[0, 0] == RGB(gray: 255))
            let covered = picture.elements.count { $0 != RGB(gray: 255) }
            // A disk of radius 28 pixels, within a pixel at its rim.
            #expect(abs(Double(covered) - .pi * 28 * 28) < 2 * .pi * 28)
            #expect(picture[picture.rows / 2, picture.columns / 2].blue == 0)
        }
    }
}
