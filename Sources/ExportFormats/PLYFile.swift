public import FoundationEssentials
public import Surfaces

/// Triangle meshes as Stanford PLY, binary little-endian: what MeshLab, Blender, trimesh and Open3D open.
///
/// **Reference**: Turk, The PLY Polygon File Format, 1994.
public enum PLYFile {
    /// The bytes of a file.
    ///
    /// - Parameters:
    ///   - mesh: coordinates are written as they stand, x, y, z.
    ///   - normals: one a vertex, or none.
    ///   - comment: one line for people, for example the space and unit.
    public static func data(_ mesh: TriangleMesh, normals: [SIMD3<Float>] = [], comment: String = "") -> Data {
        precondition(
            normals.isEmpty || normals.count == mesh.vertices.count, "A mesh has a normal a vertex, or none.")
        var header = "ply\nformat binary_little_endian 1.0\n"
        if !comment.isEmpty { header += "comment \(comment.replacing("\n", with: " "))\n" }
        header += "element vertex \(mesh.vertices.count)\n"
        for name in ["x", "y", "z"] + (normals.isEmpty ? [] : ["nx", "ny", "nz"]) {
            header += "property float \(name)\n"
        }
        header += "element face \(mesh.faces.count)\nproperty list uchar int vertex_indices\nend_header\n"
        var bytes = Array(header.utf8)
        bytes.reserveCapacity(bytes.count + mesh.vertices.count * 24 + mesh.faces.count * 13)
        for (index, vertex) in mesh.vertices.enumerated() {
            bytes.append(littleEndian: vertex)
            if !normals.isEmpty { bytes.append(littleEndian: normals[index]) }
        }
        for face in mesh.faces {
            bytes.append(3)
            for axis in 0..<3 { bytes.append(littleEndian: face[axis]) }
        }
        return Data(bytes)
    }
}

extension [UInt8] {
    mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    mutating func append(littleEndian vector: SIMD3<Float>) {
        for axis in 0..<3 { append(littleEndian: vector[axis].bitPattern) }
    }
}
