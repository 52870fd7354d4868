import Foundation
import NDArray
import Surfaces
import Testing

/// Two hemispheres as long rolls along the planes, which turn and drift from plane to plane as a stack of sections does; their banks touch here and there.
@Suite struct HemisphereSplitTests {
    struct TwistedBrain {
        static let planes = 90
        static let rows = 64
        static let columns = 100
        static let spacingUm = 300.0
        static let originUm = SIMD3(100.0, 200, 300)
        /// Distance of a hemisphere's axis from the true middle, voxels; the rolls' radius is 15, that of the sheet 12, so the sheets lie 8 apart.
        static let axis = 16.0
        static let bridges = stride(from: 15.0, through: 75, by: 12)

        var labels = Volume<UInt8>(planes: planes, rows: rows, columns: columns, filledWith: 0)
        var depth = Volume<Float>(planes: planes, rows: rows, columns: columns, filledWith: .nan)

        /// Place in a section's own frame: (along the planes, down, right of the true middle).
        static func inSection(_ voxel: SIMD3<Double>) -> SIMD3<Double> {
            let phase = 2 * Double.pi * voxel.x / Double(planes)
            let roll = 0.157 * sin(2 * phase + 1)
            let moved = SIMD2(voxel.y - 31.5 - 3 * cos(2 * phase), voxel.z - 49.5 - 9 * sin(2 * phase))
            return SIMD3(
                voxel.x, cos(roll) * moved.x - sin(roll) * moved.y, sin(roll) * moved.x + cos(roll) * moved.y)
        }

        init(isBridged: Bool) {
            for p in 0..<Self.planes {
                for r in 0..<Self.rows {
                    for c in 0..<Self.columns {
                        let q = Self.inSection(SIMD3(Double(p), Double(r), Double(c)))
                        let beyond = q.x - min(max(q.x, 18), 71)
                        let side = abs(q.z) - Self.axis
                        let radius = (beyond * beyond + q.y * q.y + side * side).squareRoot()
                        labels[p, r, c] = radius < 9 ? 2 : radius < 15 ? 1 : 0
                        if radius >= 9, radius < 15 { depth[p, r, c] = Float((15 - radius) / 6) }
                        guard isBridged, abs(q.z) < 9 else { continue }
                        for bridge in Self.bridges {
                            let away = ((q.x - bridge) * (q.x - bridge) + (q.y - 8) * (q.y - 8)).squareRoot()
                            guard away < 5, radius > 9 else { continue }
                            labels[p, r, c] = 1
                            let known = depth[p, r, c]
                            depth[p, r, c] = max(known.isNaN ? 0 : known, Float(0.5 + (2.5 - away) / 6))
                        }
                    }
                }
            }
        }

        func sheet() -> TriangleMesh {
            midsurfaceSheet(
                depth: depth, labels: labels,
                excluded: Volume(planes: Self.planes, rows: Self.rows, columns: Self.columns, filledWith: 0),
                originUm: Self.originUm, spacingUm: Self.spacingUm, level: 0.5, threads: 2)
        }

        static func centre(_ mesh: TriangleMesh, _ face: Int) -> SIMD3<Double> {
            let (a, b, c) = mesh.corners(face)
            return (SIMD3<Double>((a + b + c) / 3) - originUm) / spacingUm
        }
    }

    /// Share of the faces whose hemisphere is the true one, without those of the bridges, which belong to neither.
    static func shareRight(_ mesh: TriangleMesh, isRight: (Int) -> Bool) -> Double {
        var (right, count) = (0, 0)
        for face in mesh.faces.indices {
            let q = TwistedBrain.inSection(TwistedBrain.centre(mesh, face))
            if abs(q.y - 8) < 5, abs(q.z) < 9 { continue }
            count += 1
            if isRight(face) == (q.z > 0) { right += 1 }
        }
        return Double(right) / Double(count)
    }

    @Test func touchingBanksOfATwistedDriftingStackArePartedOnTheirBridges() throws {
        let brain = TwistedBrain(isBridged: true)
        let sheet = brain.sheet()
        #expect(sheet.components().count == 1, "the bridges make one sheet of it")
        let plane = try #require(MidsagittalPlane(labels: brain.labels))
        let byPlane = Self.shareRight(sheet) { plane.distance(TwistedBrain.centre(sheet, $0)) > 0 }
        #expect(byPlane < 0.98, "otherwise a plane would do, and this test would show nothing")
        let split = HemisphereSplit(
            sheet, labels: brain.labels, originUm: TwistedBrain.originUm, spacingUm: TwistedBrain.spacingUm)
        #expect(split.method == .plane)
        let (left, right) = (try #require(split.left), try #require(split.right))
        #expect((left + right).sorted() == sheet.faces.indices.map { $0 }, "each face on one side")
        let isRight = Set(right)
        #expect(Self.shareRight(sheet) { isRight.contains($0) } >= 0.999)
    }

    @Test func twistedSheetsThatDoNotTouchAreTakenAsTheyAre() throws {
        let brain = TwistedBrain(isBridged: false)
        let sheet = brain.sheet()
        let split = HemisphereSplit(
            sheet, labels: brain.labels, originUm: TwistedBrain.originUm, spacingUm: TwistedBrain.spacingUm)
        #expect(split.method == .sheets)
        let isRight = Set(try #require(split.right))
        #expect(Self.shareRight(sheet) { isRight.contains($0) } == 1)
    }
}
