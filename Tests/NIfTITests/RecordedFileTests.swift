import Foundation
import NDArray
import NIfTI
import Testing

/// Files that nibabel wrote, and what it reads in them; `Vectors/make_vectors.py` made them.
struct RecordedFiles: Decodable {
    struct Entry: Decodable {
        var shape: [Int]
        var affine: [Double]
        var values: [Double]
    }
    struct Missing: Error {}

    var nibabel: String
    var files: [String: Entry]

    static let all = Result {
        try JSONDecoder().decode(RecordedFiles.self, from: Data(contentsOf: url("expected.json")))
    }

    static func url(_ name: String) throws -> URL {
        guard let folder = Bundle.module.url(forResource: "Vectors", withExtension: nil) else { throw Missing() }
        return folder.appending(path: name)
    }

    static func path(_ name: String) throws -> String { try url(name).path }

    static func entry(_ name: String) throws -> Entry {
        guard let entry = try all.get().files[name] else { throw Missing() }
        return entry
    }
}

struct RecordedFileTests {
    static let names = [
        "big-endian-scaled.nii.gz", "nifti2.nii", "pair.hdr", "qform-only.nii", "no-form.nii", "vector.nii",
        "labels-as-floats.nii", "micrometres.nii",
    ]

    @Test(arguments: names) func valuesAreThoseOfNibabel(name: String) throws {
        let entry = try RecordedFiles.entry(name)
        let file = try NIfTIFile(reading: RecordedFiles.path(name))
        #expect(file.header.shape == entry.shape)
        var values: [Double] = []
        for index in 0..<file.header.volumeCount { values += try file.readVolume(index, as: Double.self).elements }
        // The same products and sums of Doubles.
        #expect(values == entry.values)
    }

    @Test(arguments: names.filter { !["no-form.nii", "micrometres.nii"].contains($0) })
    func orientationIsThatOfNibabel(name: String) throws {
        let entry = try RecordedFiles.entry(name)
        let matrix = try NIfTIFile(reading: RecordedFiles.path(name)).header.indexToRasMm
        // Quaternions are kept in single precision: 1e-7 of 30 mm, and some sums.
        for (found, expected) in zip(matrix, entry.affine) { #expect(abs(found - expected) < 2e-5) }
    }

    @Test func sformWinsOverQformAndTheSourceIsTold() throws {
        #expect(try NIfTIFile(reading: RecordedFiles.path("nifti2.nii")).header.orientationSource == .sform)
        let only = try NIfTIFile(reading: RecordedFiles.path("qform-only.nii")).header
        #expect(only.orientationSource == .qform && only.qformCode == 1 && only.sformCode == 0)
        let none = try NIfTIFile(reading: RecordedFiles.path("no-form.nii")).header
        #expect(none.orientationSource == .spacing)
        #expect(none.indexToRasMm == [2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1])
    }

    @Test func micrometresBecomeMillimetres() throws {
        let matrix = try NIfTIFile(reading: RecordedFiles.path("micrometres.nii")).header.indexToRasMm
        #expect(abs(matrix[0] - 0.3) < 1e-12 && abs(matrix[5] - 0.3) < 1e-12)
    }

    @Test func bigEndianAndScalingAreSeen() throws {
        let header = try NIfTIFile(reading: RecordedFiles.path("big-endian-scaled.nii.gz")).header
        #expect(header.isBigEndian && header.element == .int16)
    }

    @Test func aPairOpensUnderEitherName() throws {
        let one = try NIfTIFile(reading: RecordedFiles.path("pair.hdr")).readVolume(as: UInt16.self)
        let other = try NIfTIFile(reading: RecordedFiles.path("pair.img")).readVolume(as: UInt16.self)
        #expect(one == other)
    }

    @Test func vectorFieldsAreVolumesOfComponents() throws {
        let file = try NIfTIFile(reading: RecordedFiles.path("vector.nii"))
        #expect(file.header.intentCode == NIfTIHeader.Intent.vector && file.header.volumeCount == 3)
        // Going back reads the same again.
        let last = try file.readVolume(2, as: Float.self)
        _ = try file.readVolume(0, as: Float.self)
        #expect(try file.readVolume(2, as: Float.self) == last)
    }

    @Test func labelsStoredAsFloatsAreRead() throws {
        let file = try NIfTIFile(reading: RecordedFiles.path("labels-as-floats.nii"))
        let labels = try file.readVolume(3, as: UInt8.self).elements
        #expect(labels.map(Double.init) == (try file.readVolume(3, as: Double.self).elements))
    }

    @Test func fractionsAreNoLabels() throws {
        let file = try NIfTIFile(reading: RecordedFiles.path("nifti2.nii"))
        #expect { try file.readVolume(as: UInt8.self) } throws: { error in
            (error as? NIfTIError)?.code == .wrongType && "\(error)".contains("voxel (0, 0, 0)")
        }
    }

    @Test func nanIsCounted() throws {
        #expect(try NIfTIFile(reading: RecordedFiles.path("nan.nii")).countNaN() == 1)
        #expect(try NIfTIImage<Float>(reading: RecordedFiles.path("nan.nii")).nanCount == 1)
        #expect(try NIfTIFile(reading: RecordedFiles.path("pair.hdr")).countNaN() == 0)
    }

    @Test func coloursAreRefusedByName() throws {
        #expect { try NIfTIFile(reading: RecordedFiles.path("rgb.nii")) } throws: { error in
            (error as? NIfTIError)?.code == .unsupported && "\(error)".contains("RGB")
        }
    }

    @Test func severalVolumesAreNoImage() throws {
        #expect(throws: NIfTIError.self) { try NIfTIImage<Float>(reading: RecordedFiles.path("vector.nii")) }
    }
}

/// The real template, where the shared data are.
struct SharedVolumeTests {
    static let path = URL(fileURLWithPath: ProcessInfo.processInfo.environment["CYTO_DATA"] ?? "../shared/data")
        .appending(path: "anatomy/brodmann.nii.gz").path
    static let isThere = FileManager.default.fileExists(atPath: path)

    @Test(.enabled(if: isThere, "there is no shared/data/anatomy here"))
    func brodmannAreasAreReadAsInNibabel() throws {
        let image = try NIfTIImage<UInt8>(reading: SharedVolumeTests.path)
        let volume = image.volume
        #expect(volume.columns == 181 && volume.rows == 217 && volume.planes == 181)
        #expect(image.indexToRasMm == [1, 0, 0, -90, 0, 1, 0, -125, 0, 0, 1, -71, 0, 0, 0, 1])
        // Sums of nibabel 5.4.2: of the labels, and of each index times its label, so that no axis can be taken for another.
        var sums = SIMD4<Int>(repeating: 0)
        for plane in 0..<volume.planes {
            for row in 0..<volume.rows {
                for column in 0..<volume.columns {
                    let label = Int(volume[plane, row, column])
                    sums &+= SIMD4(label, column &* label, row &* label, plane &* label)
                }
            }
        }
        #expect(sums == SIMD4(33_673_306, 3_051_033_028, 3_748_649_471, 2_681_988_763))
    }
}
