import NDArray
import Surfaces
import Testing

/// Against scikit-image 0.26.0; `Vectors/marching_cubes.py` made the numbers.
@Suite struct RecordedVectorTests {
    static func field(_ value: (Double, Double, Double) -> Double) -> Volume<Float> {
        var field = Volume<Float>(planes: 32, rows: 32, columns: 32, filledWith: 0)
        for p in 0..<32 {
            for r in 0..<32 { for c in 0..<32 { field[p, r, c] = Float(value(Double(p), Double(r), Double(c))) } }
        }
        return field
    }

    struct Case: Sendable {
        var name: String
        var vertices: Int
        var faces: Int
        var euler: Int
        var area: Double
        var level: Float
        var value: @Sendable (Double, Double, Double) -> Double
    }

    static let cases = [
        Case(name: "ball", vertices: 2352, faces: 4700, euler: 2, area: 1600.664, level: 0) {
            11.3 - (($0 - 15.5) * ($0 - 15.5) + ($1 - 15.5) * ($1 - 15.5) + ($2 - 15.5) * ($2 - 15.5)).squareRoot()
        },
        Case(name: "gyroid", vertices: 14550, faces: 27858, euler: -198, area: 9003.587, level: 0.13) {
            let first: Double = Math.sin(0.6 * $0) * Math.cos(0.6 * $1)
            let second: Double = Math.sin(0.6 * $1) * Math.cos(0.6 * $2)
            let third: Double = Math.sin(0.6 * $2) * Math.cos(0.6 * $0)
            return first + second + third
        },
        Case(name: "waves", vertices: 20385, faces: 38873, euler: -573, area: 12529.744, level: 0.07) {
            Math.sin(0.9 * $0) + Math.sin(1.1 * $1) + Math.sin(1.3 * $2)
        },
    ]

    @Test(arguments: cases.map(\.name))
    func marchingCubesCountsWhatScikitImageCounts(_ name: String) throws {
        let expected = try #require(Self.cases.first { $0.name == name })
        let mesh = marchingCubes(Self.field(expected.value), level: expected.level, threads: 2)
        let topology = MeshTopology(mesh)
        #expect(topology.vertexCount == expected.vertices)
        #expect(topology.faceCount == expected.faces)
        #expect(topology.eulerCharacteristic == expected.euler)
        // Quadrilaterals of a cell may be cut along the other diagonal.
        #expect(abs(mesh.area - expected.area) < 0.001 * expected.area)
    }
}
