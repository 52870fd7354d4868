import Foundation
import HDF5
import HistologyStages
import NDArray
import NIfTI
import SpatialTransforms
import StageKit
import Testing
import TransformFiles

struct ExportTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "cyto-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private func export(_ arguments: String...) throws -> String { try StageTool.export.run(arguments) }

    private func message(_ arguments: String...) -> String {
        do { return "no error: " + (try StageTool.export.run(arguments)) } catch { return "\(error)" }
    }

    private func volume() throws -> String {
        try HDF5File.create(path("volume.h5")) { file in
            try file.write((0..<24).map { UInt8($0) }, shape: [2, 3, 4], to: "/labels")
            try file.write((0..<24).map { Float($0) / 2 }, shape: [2, 3, 4], to: "/depth")
            try file.setAttribute("spacing_um", to: 300.0)
            try file.setAttribute("origin_um", to: [1000.0, 2000, 3000])
            try file.setAttribute("axes", to: ["position", "row", "column"])
        }
        return path("volume.h5")
    }

    @Test func volumesGoToNIfTIWhereTheyLie() throws {
        let source = try volume()
        #expect(
            try export(source, "--to", path("a.nii.gz"), "--type", "label-volume").contains("--dataset takes /depth"))
        let image = try NIfTIImage<UInt8>(reading: path("a.nii.gz"))
        #expect(image.volume.elements == (0..<24).map { UInt8($0) } && image.volume.columns == 4)
        let matrix = AffineTransform(rowMajor: image.indexToRasMm)
        // Voxel (plane 1, row 2, column 3): (1300, 2600, 3900) µm is x 3.9, y 1.3, z −2.6 mm.
        let found = matrix(SIMD3(3, 2, 1))
        for (one, other) in zip([3.9, 1.3, -2.6], [found.x, found.y, found.z]) { #expect(abs(one - other) < 1e-6) }
        _ = try export(source, "--to", path("b.nii"), "--dataset", "depth")
        #expect(try NIfTIImage<Float>(reading: path("b.nii")).volume.elements[23] == 11.5)
        _ = try export(source, "--to", path("c.ome.tif"), "--dataset", "/depth")
        #expect(FileManager.default.fileExists(atPath: path("c.ome.tif")))
    }

    /// A tetrahedron a hemisphere, faces counterclockwise from outside with (plane, row, column) as x, y, z.
    private func meshes() throws -> String {
        try HDF5File.create(path("mesh.h5")) { file in
            for side in ["left", "right"] {
                let vertices: [Float] = [0, 0, 0, 1000, 0, 0, 0, 1000, 0, 0, 0, 1000]
                try file.write(vertices, shape: [4, 3], to: "/\(side)/vertices")
                try file.write(
                    [0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3] as [UInt32], shape: [4, 3], to: "/\(side)/faces")
                try file.write([Float](repeating: 0.5, count: 12), shape: [4, 3], to: "/\(side)/normals")
            }
        }
        return path("mesh.h5")
    }

    /// Six times the volume inside a binary PLY of ours with normals.
    private func signedVolume(_ path: String) throws -> Double {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let start = try #require(data.range(of: Data("end_header\n".utf8))).upperBound
        func float(_ offset: Int) -> Double {
            Double(data[start + offset..<start + offset + 4].withUnsafeBytes { $0.loadUnaligned(as: Float.self) })
        }
        func vertex(_ index: Int) -> SIMD3<Double> {
            SIMD3(float(24 * index), float(24 * index + 4), float(24 * index + 8))
        }
        var sum = 0.0
        for face in 0..<4 {
            let ids = (0..<3).map { corner in Int(data[start + 4 * 24 + 13 * face + 1 + 4 * corner]) }
            let (a, b, c) = (vertex(ids[0]), vertex(ids[1]), vertex(ids[2]))
            let cross = SIMD3(b.y * c.z - b.z * c.y, b.z * c.x - b.x * c.z, b.x * c.y - b.y * c.x)
            sum += (a * cross).sum()
        }
        return sum
    }

    @Test func meshesGoToOneFileEachAndStayTurnedOutwards() throws {
        let source = try meshes()
        let text = try export(source, "--to", path("mid.ply"), "--json")
        #expect(text.contains(path("mid.left.ply")) && text.contains(path("mid.right.ply")))
        // 1 mm³ in RAS, positive: normals point outward though the axes' handedness has turned.
        #expect(abs(try signedVolume(path("mid.left.ply")) - 1) < 1e-6)
        _ = try export(source, "--to", path("raw.ply"), "--dataset", "/left", "--space", "reconstruction")
        #expect(abs(try signedVolume(path("raw.ply")) - 1e9) < 1)
        _ = try export(source, "--to", path("mid.surf.gii"))
        #expect(FileManager.default.fileExists(atPath: path("mid.left.surf.gii")))
    }

    private func points() throws -> String {
        try HDF5File.create(path("points.h5")) { file in
            try file.write([7, 8] as [Int32], to: "/section")
            try file.write(texts: ["0007", "a,b"], to: "/section_name")
            try file.write([1.5, 2, 3, 4], shape: [2, 2], to: "/position_um")
            try file.write([0.5, -1, .nan, 4, 5, 6], shape: [2, 3], to: "/mni_mm")
            try file.write([0.25, 1] as [Float], to: "/tissue_fraction")
            try file.write(texts: ["one", "two", "three"], to: "/areas/name")
        }
        return path("points.h5")
    }

    @Test func pointsGoToTables() throws {
        let source = try points()
        _ = try export(source, "--to", path("points.csv"))
        #expect(
            try String(contentsOfFile: path("points.csv"), encoding: .utf8)
                == "section,section_name,position_um_row,position_um_column,mni_mm_x,mni_mm_y,mni_mm_z,tissue_fraction\n"
                + "7,0007,1.5,2.0,0.5,-1.0,nan,0.25\n8,\"a,b\",3.0,4.0,4.0,5.0,6.0,1.0\n")
        _ = try export(source, "--to", path("points.tsv"))
        #expect(try String(contentsOfFile: path("points.tsv"), encoding: .utf8).contains("8\ta,b\t3.0"))
        _ = try export(source, "--to", path("mni.npy"), "--dataset", "mni_mm")
        let array = try Data(contentsOf: URL(fileURLWithPath: path("mni.npy")))
        #expect(array.count == 128 + 48)
        #expect(array.suffix(8).withUnsafeBytes { $0.loadUnaligned(as: Double.self) } == 6)
        #expect(message(source, "--to", path("x.npy")).contains("say --dataset with one of /section"))
    }

    @Test func picturesOfOneSizeAreChannels() throws {
        try HDF5File.create(path("labels.h5")) { file in
            try file.write([UInt8](repeating: 1, count: 600), shape: [20, 30], to: "/labels")
            try file.write([UInt8](repeating: 9, count: 600), shape: [20, 30], to: "/image")
            try file.setAttribute("spacing_um", to: 64.0)
            try file.setAttribute("first_um", to: 31.5)
        }
        let text = try export(path("labels.h5"), "--to", path("labels.ome.tif"))
        #expect(text.contains("2 × 20 × 30"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path("labels.ome.tif")))
        #expect(bytes.suffix(600 + 8).prefix(600) == Data(repeating: 9, count: 600))
        #expect(message(path("labels.h5"), "--to", path("labels.ply")).contains(".ome.tif (/labels, /image)"))
    }

    @Test func otherFilesAreCopied() throws {
        try Data("hello".utf8).write(to: URL(fileURLWithPath: path("table.json")))
        #expect(chmod(path("table.json"), 0o444) == 0)
        _ = try export(path("table.json"), "--to", path("copy.json"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path("copy.json"))) == Data("hello".utf8))
        // A copy may be written over.
        _ = try export(path("table.json"), "--to", path("copy.json"))
        #expect(message(path("table.json"), "--to", path("copy.nii")).contains(".json (a copy)"))
        _ = try export(path("table.json"), "--to", path("copy.nii"), "--format", "copy")
        _ = try export(try volume(), "--to", path("copy.h5"))
        #expect(try HDF5File(reading: path("copy.h5")).contains("/labels"))
    }

    @Test func transformsGoToTheFormatsOfTheirKind() throws {
        let affine = AffineTransform(x: [1.1, 0, 0], translation: [1, 2, 3])
        try TransformFile.write(.affine(affine), to: path("a.tfm"))
        _ = try export(path("a.tfm"), "--to", path("a.mat"), "--type", "spatial-transform")
        #expect(try TransformFile.read(path("a.mat")) == .affine(affine))
        #expect(
            message(path("a.tfm"), "--to", path("a.nii"), "--type", "spatial-transform").contains("cannot hold"))
    }

    @Test func mistakesSayWhatIsPossible() throws {
        let source = try volume()
        #expect(message().contains("usage"))
        #expect(message(source).contains("usage"))
        #expect(message(source, "--to").contains("wants a value"))
        #expect(message(source, "--to", "x.nii", "--format", "dicom").contains("there is no format 'dicom'; nifti"))
        #expect(
            message(source, "--to", path("x.gii"), "--type", "label-volume").contains(
                "type label-volume cannot go to gifti"))
        #expect(message(source, "--to", path("x.doc")).contains(".nii, .nii.gz (/labels, /depth)"))
        #expect(message(source, "--to", path("x.nii"), "--dataset", "/nothing").contains("there is /labels, /depth"))
        #expect(message(path("nowhere.h5"), "--to", path("x.nii")).contains("there is no such file"))
        #expect(message(source, "--to", "/nowhere/x.npy", "--dataset", "labels").contains("does its folder exist"))
        #expect(message(source, "--to", source).contains("onto itself"))
        #expect(message(source, "--bogus", "--to", "x").contains("there is no option --bogus"))
    }
}
