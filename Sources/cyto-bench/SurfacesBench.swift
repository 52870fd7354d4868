internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import NDArray
internal import Surfaces

/// Times the steps from a field to an even mesh of genus 0; `benchmarks/surfaces.py` runs scikit-image and PyMeshLab on the same file.
struct SurfacesBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "surfaces",
        abstract:
            "Marching cubes, Poisson reconstruction, topology correction and remeshing of one field (.npy, float32).")

    @Argument(help: "A three-dimensional float32 array in NumPy's format.")
    var input: String

    @Option(help: "Iso-value.")
    var level: Float = 0.5

    @Option(help: "Edge of a voxel.")
    var spacing = 0.5

    @Option(help: "Length of the edges after remeshing.")
    var edgeLength = 0.6

    @Option(help: "Threads to use.")
    var threads = 2

    @Option(help: "Where to write the mesh: PATH.vertices (float32) and PATH.faces (uint32), raw.")
    var mesh: String?

    func run() throws {
        let field = try NumpyFile.floats(path: input)
        let threads = threads
        var seconds: [String: Double] = [:]
        var cpuSeconds: [String: Double] = [:]
        func timed<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
            let start = ContinuousClock.now
            let cpuStart = clock()
            defer {
                seconds[name] = (ContinuousClock.now - start) / .seconds(1)
                cpuSeconds[name] = Double(clock() - cpuStart) / Double(CLOCKS_PER_SEC)
            }
            return try body()
        }
        let raw = timed("marching_cubes") {
            marchingCubes(field, level: level, spacing: SIMD3(repeating: spacing), threads: threads)
        }
        let sheet = timed("mending") {
            raw.repaired(MeshRepairSettings(largestHole: 0, smallestPart: 0.5)).mesh
        }
        let found = timed("poisson") {
            poissonReconstruction(
                of: OrientedPoints(faceCentresOf: sheet), grid: .zero, spacing: spacing, threads: threads)
        }
        guard var solid = found else { throw ValidationError("The field passes \(level) nowhere.") }
        guard let report = timed("topology", { solid.correctTopology(threads: threads) }) else {
            throw ValidationError("The surface encloses nothing.")
        }
        let surface = timed("extraction") { solid.surface(rule: .insideApart, threads: threads) }
        let result = timed("remeshing") {
            isotropicRemeshing(
                surface, settings: RemeshingSettings(edgeLength: Float(edgeLength), iterations: 6), threads: threads)
        }
        if let mesh {
            let vertices = result.vertices.flatMap { [$0.x, $0.y, $0.z] }
            let faces = result.faces.flatMap { [$0.x, $0.y, $0.z] }
            try vertices.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: mesh + ".vertices"))
            try faces.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: mesh + ".faces"))
        }
        let topology = MeshTopology(result)
        let answer = Answer(
            threads: threads, seconds: seconds, cpuSeconds: cpuSeconds, rawVertices: raw.vertices.count,
            rawFaces: raw.faces.count, vertices: result.vertices.count, genus: topology.genus,
            components: topology.componentCount, closedManifold: topology.isClosedManifold,
            handlesRemoved: report.handlesBefore, changedVoxels: report.changedVoxels,
            poissonResidual: solid.relativeResidual)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(answer), as: UTF8.self))
    }

    private struct Answer: Encodable {
        var threads: Int
        var seconds: [String: Double]
        /// Processor seconds, of all threads together: other work on the machine does not count.
        var cpuSeconds: [String: Double]
        var rawVertices: Int
        var rawFaces: Int
        var vertices: Int
        var genus: Int?
        var components: Int
        var closedManifold: Bool
        var handlesRemoved: Int
        var changedVoxels: Int
        var poissonResidual: Double
    }
}
