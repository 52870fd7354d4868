public import NDArray

/// How a midsurface is made.
public struct MidsurfaceSettings: Sendable {
    /// Depth of the surface between pia (0) and white matter (1).
    public var depth: Float = 0.5
    /// Length of the edges in the end.
    public var edgeLengthUm = 300.0
    /// Parts of the sheet with less than this share of the largest one's area are dropped.
    public var smallestPart = 0.01
    /// Voxel of the Poisson reconstruction; nil takes that of the volume.
    public var gridSpacingUm: Double?
    /// Tunnels of up to this many voxels are filled rather than cut.
    public var largestFilling = 64
    public var remeshingIterations = 6
    /// Vertices farther from the sheet that was measured than this close a hole and are no cortex.
    public var capDistanceUm = 1000.0

    public init() {}
}

/// The midsurface of one hemisphere: a closed manifold of genus 0.
public struct HemisphereSurface: Sendable {
    /// In µm (plane, row, column).
    public var mesh: TriangleMesh
    /// Unit normals of the vertices, towards the pia.
    public var normals: [SIMD3<Float>]
    /// 0 for vertices that close a hole (the medial wall, excluded parts), 1 for cortex.
    public var isCortex: [UInt8]
    /// The sheet as it was measured, before reconstruction: open where there is no cortex.
    public var sheet: TriangleMesh
    public var topology: TopologyReport
    /// What a repair mended on the measured sheet.
    public var repair: MeshRepairReport
    /// ‖b − A x‖ / ‖b‖ of the Poisson equation.
    public var poissonResidual: Double
}

/// The part of the field between pia and white matter as a field for marching cubes: depth in gray matter, 0 in the background, 1 in white matter, NaN
/// in excluded parts, where the surface must stay open.
public func midsurfaceField(
    depth: consuming Volume<Float>, labels: Volume<UInt8>, excluded: Volume<UInt8>?
) -> Volume<Float> {
    var field = depth
    field.elements.withUnsafeMutableBufferPointer { values in
        labels.elements.withUnsafeBufferPointer { labels in
            for index in values.indices {
                switch labels[index] {
                case 0: values[index] = 0
                case 1: break
                default: values[index] = 1
                }
            }
        }
        if let excluded {
            excluded.elements.withUnsafeBufferPointer { excluded in
                for index in values.indices where excluded[index] != 0 { values[index] = .nan }
            }
        }
    }
    return field
}

/// The sheet half-way through the cortex: the iso-surface of the depth, without pieces where white matter borders on the background with no gray matter between them.
///
/// - Returns: an open, perhaps ragged mesh in µm; empty where there is no cortex.
public func midsurfaceSheet(
    depth: consuming Volume<Float>, labels: Volume<UInt8>, excluded: Volume<UInt8>?, originUm: SIMD3<Double>,
    spacingUm: Double,
    level: Float = 0.5, threads: Int
) -> TriangleMesh {
    let field = midsurfaceField(depth: depth, labels: labels, excluded: excluded)
    // In voxels first, to tell the cell of each triangle.
    let raw = marchingCubes(field, level: level, threads: threads)
    let (rows, columns) = (labels.rows, labels.columns)
    let kept = raw.faces.indices.filter { face in
        let (a, b, c) = raw.corners(face)
        let centre = a + ((b - a) + (c - a)) / 3
        let first = (Int(centre.x) * rows + Int(centre.y)) * columns + Int(centre.z)
        for corner in 0..<8 {
            let index = first + ((corner >> 2) * rows + (corner >> 1 & 1)) * columns + (corner & 1)
            if labels.elements[index] == 1 { return true }
        }
        return false
    }
    return raw.submesh(faces: kept)
        .mapVertices { SIMD3<Float>(originUm + spacingUm * SIMD3<Double>($0)) }
}

/// One hemisphere's closed midsurface from its measured sheet.
///
/// The sheet is repaired, its faces are the oriented points of a Poisson reconstruction, which closes holes and forgets single wrong voxels; the solid becomes a ball
/// topologically; its surface is remeshed to even edges.
///
/// - Returns: nil where the sheet holds no solid (too small, or inside out).
public func hemisphereSurface(
    sheet: TriangleMesh, originUm: SIMD3<Double>, spacingUm: Double, settings: MidsurfaceSettings, threads: Int,
    progress: (Double, String) -> Void = { _, _ in }
) -> HemisphereSurface? {
    progress(0, "mending")
    let mended = sheet.repaired(MeshRepairSettings(largestHole: 0, smallestPart: settings.smallestPart))
    progress(0.1, "Poisson reconstruction")
    let step = settings.gridSpacingUm ?? spacingUm
    guard
        var solid = poissonReconstruction(
            of: OrientedPoints(faceCentresOf: mended.mesh), grid: originUm, spacing: step, threads: threads)
    else { return nil }
    progress(0.35, "topology")
    guard let topology = solid.correctTopology(largestFilling: settings.largestFilling, threads: threads) else {
        return nil
    }
    progress(0.55, "remeshing")
    let surface = solid.surface(rule: .insideApart, threads: threads)
    let residual = solid.relativeResidual
    solid.field = Volume(planes: 0, rows: 0, columns: 0, elements: [])
    let mesh = isotropicRemeshing(
        surface,
        settings: RemeshingSettings(
            edgeLength: Float(settings.edgeLengthUm), iterations: settings.remeshingIterations),
        threads: threads)
    guard !mesh.isEmpty else { return nil }
    progress(0.9, "cortex")
    let grid = TriangleGrid(mended.mesh, cell: Float(2 * spacingUm))
    var isCortex = [UInt8](repeating: 0, count: mesh.vertices.count)
    let limit = Float(settings.capDistanceUm)
    isCortex.withUnsafeMutableBufferPointer { isCortex in
        let slices = DisjointSlices(isCortex)
        parallelBands(mesh.vertices.count, band: 4096, threads: threads) { vertices in
            for vertex in vertices where grid.isWithin(limit, of: mesh.vertices[vertex]) {
                slices[vertex] = 1
            }
        }
    }
    return HemisphereSurface(
        mesh: mesh, normals: mesh.vertexNormals(), isCortex: isCortex, sheet: mended.mesh, topology: topology,
        repair: mended.report, poissonResidual: residual)
}
