import Foundation
import HDF5
import NDArray
import NIfTI
import SpatialTransforms
import Testing
import TransformFiles

struct BadTransformFileTests {
    private func temporary(_ name: String, _ data: Data) throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "cyto-\(UUID().uuidString)-\(name)").path
        try data.write(to: URL(fileURLWithPath: path))
        return path
    }

    private func text(_ name: String, _ text: String) throws -> String { try temporary(name, Data(text.utf8)) }

    private func code(_ path: String) -> TransformFileError.Code? {
        do { _ = try TransformFile.read(path) } catch { return (error as? TransformFileError)?.code }
        return nil
    }

    private func itk(_ type: String, _ parameters: String, _ fixed: String = "0 0 0") -> String {
        "#Insight Transform File V1.0\n#Transform 0\nTransform: \(type)\nParameters: \(parameters)\nFixedParameters: \(fixed)\n"
    }

    @Test func filesOfAnotherKindAreRefused() throws {
        #expect(code("/nowhere/a.tfm") == .cannotOpen)
        #expect(code(try text("a.tfm", "")) == .unknownFormat)
        #expect(code(try text("a.tfm", "just some text")) == .unknownFormat)
        #expect(code(try text("a.nii", "just some text")) == .unknownFormat)
        #expect(code(try RecordedTransforms.path("grid_grid_0.mnc")) == .unknownFormat)
        let path = try text("flirt.mat", "1 0 0 4\n0 1 0 5\n0 0 1 6\n0 0 0 1\n")
        #expect { try TransformFile.read(path) } throws: { "\($0)".contains("FSL") }
        // An image instead of a displacement field.
        let image = try text("image.nii", "")
        try NIfTIImage(
            volume: Volume<Float>(planes: 2, rows: 2, columns: 2, filledWith: 0),
            indexToRasMm: AffineTransform.identity.rowMajor
        ).write(to: image)
        #expect { try TransformFile.read(image) } throws: { error in
            (error as? TransformFileError)?.code == .unsupported && "\(error)".contains("not a displacement field")
        }
        let other = try text("other.h5", "")
        try HDF5File.create(other) { try $0.write([1.0], to: "/matrix") }
        #expect(code(other) == .unknownFormat)
    }

    @Test func singularMatricesAreRefused() throws {
        #expect(code(try text("a.tfm", itk("AffineTransform_double_3_3", "1 2 3 2 4 6 0 0 1 0 0 0"))) == .singular)
        #expect(code(try text("a.tfm", itk("ScaleTransform_double_3_3", "1 0 1"))) == .singular)
        let minc = "MNI Transform File\nTransform_Type = Linear;\nLinear_Transform = 1 0 0 0 1 0 0 0 0 0 1 0;\n"
        #expect(code(try text("a.xfm", minc)) == .singular)
    }

    @Test func numbersThatAreNoneAreRefused() throws {
        #expect(code(try text("a.tfm", itk("TranslationTransform_double_3_3", "1 nan 3", ""))) == .notFinite)
        #expect(code(try text("a.tfm", itk("TranslationTransform_double_3_3", "1 two 3", ""))) == .damaged)
        let path = try RecordedTransforms.path("field-nan.nii")
        #expect { try TransformFile.read(path) } throws: { error in
            // Voxel of the NaN in the script: column 4, row 3, plane 2.
            (error as? TransformFileError)?.code == .notFinite && "\(error)".contains("1 values")
                && "\(error)".contains("voxel (4, 3, 2)")
        }
    }

    @Test func unknownTransformsAreNamed() throws {
        let path = try text("a.tfm", itk("KernelTransform_double_3_3", "1 2 3"))
        #expect { try TransformFile.read(path) } throws: { error in
            (error as? TransformFileError)?.code == .unsupported && "\(error)".contains("KernelTransform")
        }
        #expect(code(try RecordedTransforms.path("flat.tfm")) == .unsupported)
        let spline = "MNI Transform File\nTransform_Type = Thin_Plate_Spline_Transform;\nNumber_Dimensions = 3;\n"
        #expect(code(try text("a.xfm", spline)) == .unsupported)
    }

    @Test(arguments: [
        "affine.tfm", "affine.mat", "affine.h5", "field.h5", "field.nii", "field-4d.nii.gz", "linear.xfm",
    ])
    func filesCutAnywhereAreRefusedOrWhole(name: String) throws {
        let original = try RecordedTransforms.path(name)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: original))
        let point = SIMD3(1.0, 2, 3)
        let whole = try TransformFile.read(original)(point)
        for part in 0..<40 {
            let path = try temporary(name, bytes.prefix(bytes.count * part / 40))
            defer { try? FileManager.default.removeItem(atPath: path) }
            // A text cut within its last number still is one; nothing else may come out.
            guard let read = try? TransformFile.read(path) else { continue }
            let isText = name.hasSuffix(".tfm")
            #expect(isText || read(point) == whole, "\(name) cut to \(part)/40")
        }
        // Without its last line an affine map has lost its centre, without half of its numbers it is none.
        #expect(code(try temporary(name, bytes.prefix(bytes.count / 2))) != nil)
    }

    @Test func wrongCountsAreRefused() throws {
        #expect(code(try text("a.tfm", itk("AffineTransform_double_3_3", "1 2 3"))) == .damaged)
        #expect(
            code(try text("a.tfm", itk("AffineTransform_double_3_3", "1 0 0 0 1 0 0 0 1 0 0 0", "1 2"))) == .damaged)
        #expect(code(try text("a.tfm", itk("DisplacementFieldTransform_double_3_3", "1 2 3", "1 1 1"))) == .damaged)
        #expect(code(try text("a.tfm", "#Insight Transform File V1.0\n")) == .damaged)
        #expect(code(try text("a.xfm", "MNI Transform File\n")) == .damaged)
        let missing = "MNI Transform File\nTransform_Type = Grid_Transform;\nDisplacement_Volume = nowhere.mnc;\n"
        let path = try text("a.xfm", missing)
        #expect { try TransformFile.read(path) } throws: { error in
            (error as? TransformFileError)?.code == .cannotOpen && "\(error)".contains("nowhere.mnc")
        }
    }
}

struct WrittenTransformTests {
    private func temporary(_ name: String) -> String {
        FileManager.default.temporaryDirectory.appending(path: "cyto-\(UUID().uuidString)-\(name)").path
    }

    private let affine = AffineTransform(rowMajor: [0.9, -0.2, 0.1, 5, 0.3, 1.1, -0.4, -7, 0.2, 0.5, 0.8, 11])

    @Test(arguments: ["a.tfm", "a.txt", "a.mat"]) func affineMapsComeBack(name: String) throws {
        let path = temporary(name)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try TransformFile.write(.affine(affine), to: path)
        // Doubles are written so that they read back the same; turning signs loses nothing.
        guard case .affine(let back) = try TransformFile.read(path) else {
            Issue.record("an affine map was expected")
            return
        }
        for (one, other) in zip(back.rowMajor, affine.rowMajor) { #expect(one == other) }
    }

    @Test func theTextIsInLPS() throws {
        let path = temporary("a.tfm")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try TransformFile.write(.affine(affine), to: path)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("Parameters: 0.9 -0.2 -0.1 0.3 1.1 0.4 -0.2 -0.5 0.8 -5.0 7.0 11.0\n"))
    }

    @Test(arguments: ["a.nii", "a.nii.gz"]) func fieldsComeBack(name: String) throws {
        let path = temporary(name)
        defer { try? FileManager.default.removeItem(atPath: path) }
        var random = SeededGenerator(seed: 1)
        let frame = AffineTransform(x: [0, 2, 0], y: [-2, 0, 0], z: [0, 0, 3], translation: [1, 2, 3])
        let field = try DisplacementField(
            grid: OrientedGrid(planes: 3, rows: 4, columns: 5, indexToMm: frame),
            vectors: (0..<180).map { _ in Float(random.normal()) })
        try TransformFile.write(.displacement(field), to: path)
        #expect(try TransformFile.read(path) == .displacement(field))
        let header = try NIfTIFile(reading: path).header
        #expect(header.shape == [5, 4, 3, 1, 3] && header.intentCode == 1007)
        // The file's vectors are LPS.
        #expect(try NIfTIFile(reading: path).readVolume(0, as: Float.self).elements[7] == -field.vectors[21])
    }

    @Test func whatAFormatCannotHoldIsRefused() throws {
        let grid = try OrientedGrid(planes: 1, rows: 1, columns: 1, indexToMm: .identity)
        let field = SpatialTransform.displacement(try DisplacementField(grid: grid, vectors: [0, 0, 0]))
        for (transform, name) in [
            (field, "a.tfm"), (.affine(affine), "a.nii"), (.chain([.affine(affine), field]), "a.nii"), (field, "a"),
        ] {
            #expect { try TransformFile.write(transform, to: temporary(name)) } throws: { error in
                (error as? TransformFileError)?.code == .unsupported
            }
        }
        #expect(throws: TransformFileError.self) { try TransformFile.write(.affine(affine), to: "/nowhere/a.tfm") }
    }
}
