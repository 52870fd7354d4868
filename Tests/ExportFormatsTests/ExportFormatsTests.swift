import ExportFormats
import Foundation
import Surfaces
import Testing

struct ExportFormatsTests {
    private let mesh = TriangleMesh(
        vertices: [SIMD3(0, 0, 0), SIMD3(1, 0, 0), SIMD3(0, 1.5, 0), SIMD3(0, 0, -2)],
        faces: [SIMD3(0, 2, 1), SIMD3(0, 1, 3), SIMD3(0, 3, 2), SIMD3(1, 2, 3)])

    @Test func plyHasAsManyBytesAsItsHeaderSays() {
        let data = PLYFile.data(mesh, comment: "RAS mm")
        let text = String(decoding: data, as: UTF8.self)
        #expect(text.hasPrefix("ply\nformat binary_little_endian 1.0\ncomment RAS mm\nelement vertex 4\n"))
        guard let end = data.range(of: Data("end_header\n".utf8)) else {
            Issue.record("the header does not end")
            return
        }
        // Vertices of three floats, faces of a count and three numbers.
        #expect(data.count - end.upperBound == 4 * 12 + 4 * 13)
        #expect(data.suffix(13) == Data([3, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]))
        let withNormals = PLYFile.data(mesh, normals: mesh.vertices)
        #expect(String(decoding: withNormals.prefix(300), as: UTF8.self).contains("property float nz\n"))
        #expect(PLYFile.data(TriangleMesh()).suffix(11) == Data("end_header\n".utf8))
    }

    @Test func giftiHoldsPointsAndTriangles() throws {
        let text = String(decoding: GIfTIFile.data(mesh, structure: "CortexLeft"), as: UTF8.self)
        #expect(text.contains("NumberOfDataArrays=\"2\"") && text.contains("CortexLeft"))
        let arrays = text.matches(of: /<Data>([^<]*)<\/Data>/).map { String($0.1) }
        let points = try #require(Data(base64Encoded: arrays.first ?? ""))
        #expect(points.count == 48)
        let last = points.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        #expect(Float(bitPattern: last) == -2)
        #expect(arrays.count == 2 && Data(base64Encoded: arrays.last ?? "")?.count == 48)
        #expect(
            String(decoding: GIfTIFile.data(mesh, normals: mesh.vertices), as: UTF8.self)
                .contains("NIFTI_INTENT_VECTOR"))
    }

    @Test func numpyHeadersEndAtSixtyFourBytes() {
        for shape in [[], [3], [4, 5], [1_000_000, 3, 3]] {
            let data = NumpyHeader.data("<f4", shape: shape)
            #expect(data.count.isMultiple(of: 64) && data.last == 0x0A)
        }
        let text = String(decoding: NumpyHeader.data("|u1", shape: [7]).dropFirst(10), as: UTF8.self)
        // Python's tuple of one number has a comma.
        #expect(text.hasPrefix("{'descr': '|u1', 'fortran_order': False, 'shape': (7,), }"))
    }

    @Test func tablesQuoteWhatTheirSeparatorNeeds() {
        let texts = ["plain", "with, comma", "with \"quote\"", "two\nlines", "tab\there"]
        func written(_ separator: DelimitedText.Separator) -> String {
            var result = ""
            DelimitedText(
                columns: [.init("name") { texts[$0] }, .init("n") { "\($0)" }], rowCount: 5, separator: separator
            ).write { result += $0 }
            return result
        }
        #expect(
            written(.comma)
                == "name,n\nplain,0\n\"with, comma\",1\n\"with \"\"quote\"\"\",2\n\"two\nlines\",3\ntab\there,4\n")
        #expect(
            written(.tab)
                == "name\tn\nplain\t0\nwith, comma\t1\nwith \"quote\"\t2\ntwo lines\t3\ntab here\t4\n")
        var empty = ""
        DelimitedText(columns: [.init("a") { _ in "" }], rowCount: 0, separator: .comma).write { empty += $0 }
        #expect(empty == "a\n")
    }

    @Test func longTablesComeInPieces() {
        var pieces = 0
        var lines = 0
        DelimitedText(columns: [.init("a") { "\($0)" }], rowCount: 10_000, separator: .comma).write { piece in
            pieces += 1
            lines += piece.count { $0 == "\n" }
        }
        #expect(pieces == 4 && lines == 10_001)
    }

    @Test func tiffPagesFollowTheHeader() {
        let picture = OMETIFFFile(
            rows: 5, columns: 7, planes: 3, type: .uint16, channels: ["labels", "a<b"], spacingUm: 64,
            planeSpacingUm: 300, name: "x & y")
        #expect(picture.pageCount == 6 && picture.pageByteCount == 70 && picture.paddedPageByteCount == 80)
        let header = picture.header
        #expect(header.count.isMultiple(of: 16) && header.starts(with: [0x49, 0x49, 42, 0]))
        let text = String(decoding: header, as: UTF8.self)
        #expect(text.contains("PhysicalSizeX=\"64.0\"") && text.contains("SizeZ=\"3\"") && text.contains("a&lt;b"))
        #expect(text.contains("x &amp; y"))
        // What does not fit below 4 GiB is a BigTIFF.
        let large = OMETIFFFile(rows: 70_000, columns: 70_000, type: .uint8, channels: ["a"], spacingUm: 1, name: "")
        #expect(large.header.starts(with: [0x49, 0x49, 43, 0, 8, 0]))
    }
}
