internal import Cortex
internal import HDF5
internal import NDArray
internal import Registration
internal import StageKit
internal import Surfaces

/// The midsurface of a brain as its stage wrote it, one mesh a hemisphere.
struct SurfaceArtifact: Sendable {
    struct Hemisphere: Sendable {
        /// 0 left, 1 right.
        var index: UInt8
        var mesh: TriangleMesh
        /// 0 at vertices that only close the surface where the cortex ends; nil where all are cortex.
        var isCortex: [UInt8]?
        var cutter: MeshCutter
    }

    let hemispheres: [Hemisphere]
    /// Names of hemispheres that the file has not.
    let missing: [String]

    init(_ input: StageInput) throws {
        let file = try HDF5File(reading: input.path)
        var found: [Hemisphere] = []
        var missing: [String] = []
        for (index, name) in ["left", "right"].enumerated() {
            guard file.contains("/\(name)/vertices"), file.contains("/\(name)/faces"),
                try file.dataset("/\(name)/faces").count > 0
            else {
                missing.append(name)
                continue
            }
            func problem(_ sentence: String) -> StageError {
                StageError(.badInput, "/\(name): \(sentence)", port: input.port, file: input.path)
            }
            let vertices = try file.read("/\(name)/vertices", as: Float.self).triples
            let faces = try file.read("/\(name)/faces", as: UInt32.self).triples
            guard vertices.allSatisfy({ ($0 - $0) == SIMD3(0, 0, 0) }) else {
                throw problem("a vertex is not a number")
            }
            guard faces.allSatisfy({ $0.max() < vertices.count }) else {
                throw problem("a face names a vertex beyond the \(vertices.count) that there are")
            }
            let mesh = TriangleMesh(vertices: vertices, faces: faces)
            var normals: [SIMD3<Float>]?
            if file.contains("/\(name)/normals") {
                normals = try file.read("/\(name)/normals", as: Float.self).triples
                guard normals?.count == vertices.count else { throw problem("normals and vertices differ in number") }
            }
            var isCortex: [UInt8]?
            if file.contains("/\(name)/cortex") {
                isCortex = try file.read("/\(name)/cortex", as: UInt8.self)
                guard isCortex?.count == vertices.count else { throw problem("cortex and vertices differ in number") }
            }
            found.append(
                Hemisphere(
                    index: UInt8(index), mesh: mesh, isCortex: isCortex, cutter: MeshCutter(mesh, normals: normals)))
        }
        hemispheres = found
        self.missing = missing
    }

    /// The lines in which a section's plane cuts the surface, laid back onto the section.
    ///
    /// - Parameter transform: section µm to the common plane.
    func cuts(atUm positionUm: Double, onto transform: RigidTransform) -> [MidsurfaceCut] {
        let back = transform.inverse
        let matrix = back.matrix
        return hemispheres.flatMap { hemisphere in
            hemisphere.cutter.cut(atPlane: Float(positionUm)).map { line in
                MidsurfaceCut(
                    points: line.points.map {
                        let place = back(PlanarPoint(row: Double($0.y), column: Double($0.z)))
                        return SIMD2(place.row, place.column)
                    },
                    normals: line.normals.map { normal in
                        let (row, column) = (Double(normal.y), Double(normal.z))
                        return SIMD3(
                            Double(normal.x), matrix[0] * row + matrix[1] * column, matrix[3] * row + matrix[4] * column
                        )
                    },
                    isCortex: line.faces.map { face in
                        guard let isCortex = hemisphere.isCortex else { return true }
                        let ids = hemisphere.mesh.faces[Int(face)]
                        return (0..<3).count { isCortex[Int(ids[$0])] != 0 } >= 2
                    },
                    isClosed: line.isClosed, hemisphere: hemisphere.index)
            }
        }
    }
}

extension [Float] {
    /// The rows of an array of shape (n, 3).
    fileprivate var triples: [SIMD3<Float>] {
        (0..<count / 3).map { SIMD3(self[3 * $0], self[3 * $0 + 1], self[3 * $0 + 2]) }
    }
}

extension [UInt32] {
    fileprivate var triples: [SIMD3<UInt32>] {
        (0..<count / 3).map { SIMD3(self[3 * $0], self[3 * $0 + 1], self[3 * $0 + 2]) }
    }
}

/// The excluded parts of a cleaned volume, asked by places of sections.
struct ExcludedParts: Sendable {
    private let excluded: Volume<UInt8>
    private let originUm: [Double]
    private let spacingUm: Double

    /// Reads the optional port `volume`; nil where it is not connected or nothing was excluded.
    init?(_ context: StageContext) throws {
        guard let input = try context.optionalInput("volume") else { return nil }
        let file = try HDF5File(reading: input.path)
        guard file.contains("/excluded") else { return nil }
        excluded = try file.readVolume("/excluded", as: UInt8.self)
        guard excluded.elements.contains(where: { $0 != 0 }) else { return nil }
        originUm = try file.attributeList("origin_um", as: Double.self)
        spacingUm = try file.attribute("spacing_um", as: Double.self)
        guard originUm.count == 3, spacingUm > 0 else {
            throw StageError(.badInput, "origin_um or spacing_um is wrong", port: input.port, file: input.path)
        }
    }

    /// Whether one of the eight voxels around a place of a section was excluded: where the border of the excluded part
    /// runs within a voxel is not known.
    func contains(_ positionUm: SIMD2<Double>, by transform: RigidTransform, planeUm: Double) -> Bool {
        let place = transform(PlanarPoint(row: positionUm.x, column: positionUm.y))
        func around(_ coordinate: Double, _ originUm: Double, _ count: Int) -> Range<Int> {
            let first = Int(((coordinate - originUm) / spacingUm).rounded(.down))
            return max(first, 0)..<max(min(first + 2, count), max(first, 0))
        }
        for plane in around(planeUm, originUm[0], excluded.planes) {
            for row in around(place.row, originUm[1], excluded.rows) {
                for column in around(place.column, originUm[2], excluded.columns)
                where excluded[plane, row, column] != 0 { return true }
            }
        }
        return false
    }
}
