public import FoundationEssentials
public import Surfaces

/// Triangle meshes as GIfTI surfaces: what nibabel, Connectome Workbench, FreeSurfer and BrainVISA open.
///
/// Numbers stand in base64, not compressed: other readers need no library for them, and equal meshes give equal bytes.
///
/// **Reference**: GIFTI Surface Data Format 1.0, Harwell et al. 2011.
public enum GIfTIFile {
    /// The bytes of a file.
    ///
    /// - Parameters:
    ///   - mesh: coordinates in RAS mm.
    ///   - structure: `CortexLeft`, `CortexRight` or another name of the format's list; empty where unknown.
    ///   - normals: one a vertex, or none.
    public static func data(_ mesh: TriangleMesh, normals: [SIMD3<Float>] = [], structure: String = "") -> Data {
        precondition(
            normals.isEmpty || normals.count == mesh.vertices.count, "A mesh has a normal a vertex, or none.")
        var text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE GIFTI SYSTEM "http://www.nitrc.org/frs/download.php/115/gifti.dtd">
            <GIFTI Version="1.0" NumberOfDataArrays="\(normals.isEmpty ? 2 : 3)">
            <MetaData/>
            <LabelTable/>

            """
        var points: [UInt8] = []
        points.reserveCapacity(mesh.vertices.count * 12)
        for vertex in mesh.vertices { points.append(littleEndian: vertex) }
        let metadata =
            structure.isEmpty
            ? "<MetaData/>"
            : """
            <MetaData>
            <MD><Name><![CDATA[AnatomicalStructurePrimary]]></Name><Value><![CDATA[\(structure)]]></Value></MD>
            </MetaData>
            """
        let frame = """
            <CoordinateSystemTransformMatrix>
            <DataSpace><![CDATA[NIFTI_XFORM_SCANNER_ANAT]]></DataSpace>
            <TransformedSpace><![CDATA[NIFTI_XFORM_SCANNER_ANAT]]></TransformedSpace>
            <MatrixData>1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1</MatrixData>
            </CoordinateSystemTransformMatrix>

            """
        text += array("POINTSET", "FLOAT32", mesh.vertices.count, metadata + "\n" + frame, points)
        var triangles: [UInt8] = []
        triangles.reserveCapacity(mesh.faces.count * 12)
        for face in mesh.faces {
            for axis in 0..<3 { triangles.append(littleEndian: Int32(bitPattern: face[axis])) }
        }
        text += array("TRIANGLE", "INT32", mesh.faces.count, "<MetaData/>\n", triangles)
        if !normals.isEmpty {
            var vectors: [UInt8] = []
            vectors.reserveCapacity(normals.count * 12)
            for normal in normals { vectors.append(littleEndian: normal) }
            text += array("VECTOR", "FLOAT32", normals.count, "<MetaData/>\n", vectors)
        }
        return Data((text + "</GIFTI>\n").utf8)
    }

    private static func array(
        _ intent: String, _ type: String, _ rows: Int, _ inner: String, _ bytes: [UInt8]
    ) -> String {
        """
        <DataArray Intent="NIFTI_INTENT_\(intent)" DataType="NIFTI_TYPE_\(type)" \
        ArrayIndexingOrder="RowMajorOrder" Dimensionality="2" Dim0="\(rows)" Dim1="3" Encoding="Base64Binary" \
        Endian="LittleEndian" ExternalFileName="" ExternalFileOffset="0">
        \(inner)<Data>\(Data(bytes).base64EncodedString())</Data>
        </DataArray>

        """
    }
}
