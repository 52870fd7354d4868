import Cortex
import NDArray
import Testing

/// A shell of cortex between two spheres or cylinders (the axis along the planes) whose depth is known.
private struct KnownShell {
    let field: DepthField
    let centreUm: SIMD3<Double>
    static let (inner, outer, spacing) = (3000.0, 5400.0, 300.0)

    /// - Parameter isLaplace: the potential instead of the share of the way.
    init(cylinder: Bool = false, isLaplace: Bool = false) {
        let side = 44
        let origin = SIMD3(-120.0, 70.0, 400.0)
        centreUm = origin + SIMD3(21.3, 21.6, 21.45) * KnownShell.spacing
        var volume = Volume<Float>(planes: side, rows: side, columns: side, filledWith: .nan)
        for i in 0..<side {
            for j in 0..<side {
                for k in 0..<side {
                    var offset = origin + SIMD3(Double(i), Double(j), Double(k)) * KnownShell.spacing - centreUm
                    if cylinder { offset.x = 0 }
                    let radius = (offset * offset).sum().squareRoot()
                    guard radius >= KnownShell.inner, radius <= KnownShell.outer else { continue }
                    let (a, b) = (KnownShell.inner, KnownShell.outer)
                    volume[i, j, k] = Float(
                        isLaplace ? (1 / radius - 1 / b) / (1 / a - 1 / b) : (b - radius) / (b - a))
                }
            }
        }
        field = DepthField(volume, spacingUm: KnownShell.spacing, originUm: origin)
    }

    /// A point at a radius in some direction.
    func point(_ direction: SIMD3<Double>, radius: Double) -> SIMD3<Double> {
        centreUm + direction * (radius / (direction * direction).sum().squareRoot())
    }
}

@Suite struct TraverseTests {
    static let directions = [
        SIMD3(1.0, 0, 0), SIMD3(0, 1.0, 0), SIMD3(0.3, -0.5, 0.8), SIMD3(-0.7, 0.7, 0.1), SIMD3(0.57, 0.58, -0.58),
    ]

    @Test(arguments: directions) func shellHasItsThicknessAndItsNormal(direction: SIMD3<Double>) throws {
        let shell = KnownShell()
        let settings = TraverseSettings(stepUm: 150)
        let place = shell.point(direction, radius: 4300)
        let way = try #require(shell.field.traverse(from: place, settings: settings))
        // The depth is linear along radii, so only the bend of its level sets within a voxel is missed: h²/(8 r) ≈ 3 µm a side, and the rims'
        // fits from one side only, a few per cent of a voxel.
        #expect(abs(way.lengthUm - 2400) < 60)
        let size = (direction * direction).sum().squareRoot()
        let cosine = (way.outward * direction).sum() / size
        #expect(cosine > 0.9995)
        let depth = 1100.0 / 2400
        #expect(abs(way.depth - depth) < 0.01)
        // The ends lie on the two spheres.
        for (end, radius) in [(way.pathUm[0], 5400.0), (way.pathUm[way.pathUm.count - 1], 3000.0)] {
            let offset = end - shell.centreUm
            let found = (offset * offset).sum().squareRoot()
            #expect(abs(found - radius) < 60)
        }
    }

    @Test func laplacePotentialGivesTheSameThickness() throws {
        let shell = KnownShell(isLaplace: true)
        let way = try #require(
            shell.field.traverse(
                from: shell.point(SIMD3(0.3, -0.5, 0.8), radius: 4200), settings: TraverseSettings(stepUm: 150)))
        // The rims are carried on straight, where the potential still bends: a twentieth.
        #expect(abs(way.lengthUm - 2400) < 120)
    }

    @Test func thicknessDoesNotDependOnWhereTheWayIsEntered() throws {
        let shell = KnownShell()
        let lengths = try [3400.0, 4000, 4600, 5100].map { radius in
            try #require(
                shell.field.traverse(
                    from: shell.point(SIMD3(0.2, 0.9, 0.4), radius: radius), settings: TraverseSettings(stepUm: 100))
            ).lengthUm
        }
        let spread = (lengths.max() ?? 0) - (lengths.min() ?? 0)
        #expect(spread < 40)
    }

    @Test func wayInASectionStaysInItAndIsLongerByTheCut() throws {
        // A cylinder along the planes is cut across: nothing changes. A sphere off its middle is cut obliquely.
        var settings = TraverseSettings(stepUm: 100)
        settings.staysInSection = true
        let cylinder = KnownShell(cylinder: true)
        let across = try #require(
            cylinder.field.traverse(from: cylinder.point(SIMD3(0, 0.6, 0.8), radius: 4200), settings: settings))
        #expect(abs(across.lengthUm - 2400) < 60)
        let sphere = KnownShell()
        let place = sphere.point(SIMD3(0.5, 0.6, 0.62), radius: 4200)
        let oblique = try #require(sphere.field.traverse(from: place, settings: settings))
        #expect(oblique.pathUm.allSatisfy { abs($0.x - place.x) < 1e-9 })
        // The section is a ring between radii √(r² − h²).
        let h = place.x - sphere.centreUm.x
        let (outer, inner) = (29_160_000 - h * h, 9_000_000 - h * h)
        let ring = outer.squareRoot() - inner.squareRoot()
        #expect(abs(oblique.lengthUm - ring) < 0.05 * ring)
    }

    @Test func pointBesideTheCortexStartsFromItsNearestVoxelAndOneFarOffHasNoWay() {
        let shell = KnownShell()
        let settings = TraverseSettings(stepUm: 150)
        let near = shell.field.traverse(from: shell.point(SIMD3(0, 1, 0), radius: 5650), settings: settings)
        #expect(near.map { abs($0.lengthUm - 2400) < 100 } == true)
        #expect(shell.field.traverse(from: shell.point(SIMD3(0, 1, 0), radius: 6400), settings: settings) == nil)
        #expect(shell.field.traverse(from: SIMD3(1e9, 0, 0), settings: settings) == nil)
        #expect(shell.field.traverse(from: SIMD3(.nan, 0, 0), settings: settings) == nil)
    }

    @Test func fieldsWithoutSlopeOrCortexHaveNoWay() {
        let flat = DepthField(
            Volume<Float>(planes: 9, rows: 9, columns: 9, filledWith: 0.5), spacingUm: 300, originUm: .zero)
        #expect(flat.traverse(from: SIMD3(1200, 1200, 1200), settings: TraverseSettings(stepUm: 100)) == nil)
        let empty = DepthField(
            Volume<Float>(planes: 9, rows: 9, columns: 9, filledWith: .nan), spacingUm: 300, originUm: .zero)
        #expect(empty.traverse(from: SIMD3(1200, 1200, 1200), settings: TraverseSettings(stepUm: 100)) == nil)
        #expect(empty.nearestCortex(to: .zero, withinUm: 500) == nil)
    }

    @Test func linearFieldIsMetExactlyAtItsRimToo() throws {
        var volume = Volume<Float>(planes: 8, rows: 12, columns: 8, filledWith: .nan)
        for i in 0..<8 { for j in 3..<9 { for k in 0..<8 { volume[i, j, k] = Float(j) / 8 + Float(k) / 64 } } }
        let field = DepthField(volume, spacingUm: 100, originUm: .zero)
        for row in [3.0, 3.4, 5.25, 7.9] {
            let sample = try #require(field.sample(at: SIMD3(410, 100 * row, 377)))
            let depth = row / 8 + 3.77 / 64
            #expect(abs(sample.depth - depth) < 1e-5)
            #expect(abs(sample.gradient.y - 0.00125) < 1e-7)
            #expect(abs(sample.gradient.z - 0.00015625) < 1e-7)
            #expect(abs(sample.gradient.x) < 1e-7)
        }
    }
}
