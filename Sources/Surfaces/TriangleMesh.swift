internal import NDArray

/// A triangle mesh in space, for example a midsurface; coordinates are (plane, row, column), as a right-handed x, y, z.
///
/// A face's vertices stand counterclockwise when seen from outside, so that `faceNormal` points outward. Nothing else is promised: a
/// mesh may have boundaries, several components or defects; `MeshTopology` tells.
public struct TriangleMesh: Sendable, Equatable {
    /// (plane, row, column) of each vertex, in whatever unit the mesh was made in (µm in artifacts).
    public var vertices: [SIMD3<Float>]
    /// Three vertices a face.
    public var faces: [SIMD3<UInt32>]

    public init(vertices: [SIMD3<Float>] = [], faces: [SIMD3<UInt32>] = []) {
        self.vertices = vertices
        self.faces = faces
    }

    public var isEmpty: Bool { faces.isEmpty }

    /// The three corners of a face.
    @inlinable public func corners(_ face: Int) -> (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>) {
        let ids = faces[face]
        return (vertices[Int(ids.x)], vertices[Int(ids.y)], vertices[Int(ids.z)])
    }

    /// Twice the area of a face along its normal.
    @inlinable public func faceVector(_ face: Int) -> SIMD3<Float> {
        let (a, b, c) = corners(face)
        return cross(b - a, c - a)
    }

    /// Area of all faces.
    public var area: Double {
        faces.indices.reduce(0) { $0 + 0.5 * Double(length(faceVector($1))) }
    }

    /// The volume inside a closed mesh by the divergence theorem; negative where the faces look inward.
    public var volume: Double {
        guard let first = vertices.first else { return 0 }
        // Relative to a vertex, so that a far origin costs no digits.
        return faces.indices.reduce(0) { sum, face in
            let (a, b, c) = corners(face)
            return sum + Double(dot(a - first, cross(b - first, c - first))) / 6
        }
    }

    /// A unit normal for each vertex: the mean of its faces' normals, weighted by their angle at the vertex, which does not depend
    /// on how the surface is cut into triangles. Zero at vertices without faces.
    ///
    /// **Reference**: Thürmer, Wüthrich 1998, DOI 10.1080/10867651.1998.10487487.
    public func vertexNormals() -> [SIMD3<Float>] {
        var normals = [SIMD3<Float>](repeating: .zero, count: vertices.count)
        for face in faces.indices {
            let (a, b, c) = corners(face)
            let vector = cross(b - a, c - a)
            let size = length(vector)
            guard size > 0 else { continue }
            let unit = vector / size
            let ids = faces[face]
            normals[Int(ids.x)] += unit * angle(b - a, c - a)
            normals[Int(ids.y)] += unit * angle(c - b, a - b)
            normals[Int(ids.z)] += unit * angle(a - c, b - c)
        }
        return normals.map { normal in
            let size = length(normal)
            return size > 0 ? normal / size : .zero
        }
    }

    /// Lengths of all edges, each once.
    public func edgeLengths() -> [Float] {
        MeshEdges(self).vertices.map { length(vertices[Int($0.x)] - vertices[Int($0.y)]) }
    }

    /// The mesh of some faces and of the vertices that they use, both in the order they had.
    public func submesh(faces kept: [Int]) -> TriangleMesh {
        TriangleMesh(vertices: vertices, faces: kept.map { faces[$0] }).withoutUnusedVertices()
    }

    /// The mesh without vertices that no face uses; the others keep their order.
    public func withoutUnusedVertices() -> TriangleMesh {
        var number = [UInt32](repeating: .max, count: vertices.count)
        for face in faces {
            for corner in 0..<3 { number[Int(face[corner])] = 0 }
        }
        var used: [SIMD3<Float>] = []
        for index in vertices.indices where number[index] == 0 {
            number[index] = UInt32(used.count)
            used.append(vertices[index])
        }
        return TriangleMesh(
            vertices: used,
            faces: faces.map { SIMD3(number[Int($0.x)], number[Int($0.y)], number[Int($0.z)]) })
    }

    /// The mesh with `transform` applied to each vertex.
    public func mapVertices(_ transform: (SIMD3<Float>) -> SIMD3<Float>) -> TriangleMesh {
        TriangleMesh(vertices: vertices.map(transform), faces: faces)
    }
}

@inlinable package func dot(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> Float { a.x * b.x + a.y * b.y + a.z * b.z }

@inlinable package func cross(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> SIMD3<Float> {
    SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

@inlinable package func length(_ a: SIMD3<Float>) -> Float { dot(a, a).squareRoot() }

/// The angle between two vectors: atan2 of cross and dot product, which is exact near 0 and π too.
func angle(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> Float {
    Float(Math.atan2(Double(length(cross(a, b))), Double(dot(a, b))))
}
