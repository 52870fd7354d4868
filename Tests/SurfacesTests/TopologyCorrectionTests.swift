import NDArray
import Surfaces
import Testing

@Suite struct TopologyCorrectionTests {
    static func solid(_ field: Volume<Float>, level: Float = 0) -> SolidIndicator {
        SolidIndicator(field: field, origin: .zero, spacing: 1, level: level)
    }

    static func check(_ solid: inout SolidIndicator, largestFilling: Int = 64) throws -> (TopologyReport, TriangleMesh)
    {
        let made = solid.correctTopology(largestFilling: largestFilling, threads: 2)
        let report = try #require(made)
        let mesh = solid.surface(rule: .insideApart, threads: 2)
        let topology = MeshTopology(mesh)
        #expect(topology.isClosedManifold && topology.genus == 0 && topology.componentCount == 1, "\(topology)")
        return (report, mesh)
    }

    @Test func torusIsCutAtOnePlace() throws {
        var solid = Self.solid(MarchingCubesTests.torus(side: 48, ring: 13, tube: 5))
        let before = solid.surface(rule: .insideApart, threads: 1).area
        let (report, mesh) = try Self.check(&solid)
        #expect(report.handlesBefore == 1 && report.filledVoxels == 0)
        // A slit of one voxel through a tube of area π 5².
        #expect(report.cutVoxels > 40 && report.cutVoxels < 2 * 79)
        // Its two sides.
        #expect(mesh.area - before < 2.5 * 79)
    }

    @Test func narrowTunnelIsFilled() throws {
        var field = MarchingCubesTests.ball(side: 40, radius: 14)
        // A tunnel of one voxel through the whole ball, 4 voxels off its middle... and a handle cannot be cut more cheaply.
        for plane in 0..<40 { field[plane, 19, 24] = -1 }
        var solid = Self.solid(field)
        let (report, _) = try Self.check(&solid)
        #expect(report.handlesBefore == 1 && report.filledTunnels == 1 && report.cutVoxels == 0)
        // One layer across the tunnel would do; the front may leave more, never more than the tunnel.
        #expect(report.filledVoxels >= 1 && report.filledVoxels <= 28)
    }

    @Test func partsAndCavitiesGo() throws {
        var field = MarchingCubesTests.ball(side: 40, radius: 12)
        field[19, 19, 19] = -1
        field[2, 2, 2] = 1
        var solid = Self.solid(field)
        let (report, _) = try Self.check(&solid)
        #expect(
            report.cavityVoxels == 1 && report.droppedVoxels == 1 && report.handlesBefore == 0 && report.cutVoxels == 0)
    }

    @Test(arguments: [0, 8, 64])
    func noisySolidsBecomeBalls(_ largestFilling: Int) throws {
        for seed in 0..<4 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var field = MarchingCubesTests.ball(side: 36, radius: 13)
            for index in field.elements.indices { field.elements[index] += 5 * Float(generator.normal()) }
            for p in 0..<36 {
                for r in 0..<36 {
                    field[p, r, 0] = -9; field[p, r, 35] = -9; field[p, 0, r] = -9; field[p, 35, r] = -9;
                    field[0, p, r] = -9; field[35, p, r] = -9
                }
            }
            var solid = Self.solid(field)
            let (report, _) = try Self.check(&solid, largestFilling: largestFilling)
            #expect(report.handlesBefore > 50)
            var again = Self.solid(field)
            _ = again.correctTopology(largestFilling: largestFilling, threads: 1)
            #expect(again.field == solid.field)
        }
    }

    @Test func nothingAboveTheLevelIsNoSolid() {
        var solid = Self.solid(Volume(planes: 8, rows: 8, columns: 8, filledWith: 0))
        let report = solid.correctTopology(threads: 1)
        #expect(report == nil)
    }
}
