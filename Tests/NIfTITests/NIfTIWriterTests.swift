import Foundation
import NDArray
import NIfTI
import Testing

struct NIfTIWriterTests {
    private func temporary(_ name: String) -> String {
        FileManager.default.temporaryDirectory.appending(path: "cyto-\(UUID().uuidString)-\(name)").path
    }

    private let matrix = [0.0, -1.5, 0, 10, 2, 0, 0, -20, 0, 0, 2.5, 30, 0, 0, 0, 1]

    private func sample<Voxel: NIfTIVoxel & Numeric>(_ type: Voxel.Type) -> NIfTIImage<Voxel> {
        let elements = (0..<24).map { Voxel(exactly: $0) ?? 0 }
        return NIfTIImage(volume: Volume(planes: 2, rows: 3, columns: 4, elements: elements), indexToRasMm: matrix)
    }

    private func comesBack<Voxel: NIfTIVoxel & Numeric>(_ type: Voxel.Type, _ name: String, version: Int) throws {
        let path = temporary(name)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try sample(type).write(to: path, version: version)
        let back = try NIfTIImage<Voxel>(reading: path)
        #expect(back == sample(type))
        let header = try NIfTIFile(reading: path).header
        #expect(header.version == version && header.element == Voxel.niftiElement)
        // Rows of the matrix: i runs to A, j to L, k to S.
        #expect(header.axisCodes == "ALS")
    }

    @Test(arguments: [1, 2], ["a.nii", "a.nii.gz", "a.hdr", "a.img.gz"])
    func everyTypeComesBack(version: Int, name: String) throws {
        try comesBack(UInt8.self, name, version: version)
        try comesBack(Int8.self, name, version: version)
        try comesBack(UInt16.self, name, version: version)
        try comesBack(Int16.self, name, version: version)
        try comesBack(UInt32.self, name, version: version)
        try comesBack(Int32.self, name, version: version)
        try comesBack(UInt64.self, name, version: version)
        try comesBack(Int64.self, name, version: version)
        try comesBack(Float.self, name, version: version)
        try comesBack(Double.self, name, version: version)
    }

    @Test func sameDataGiveSameBytes() throws {
        let (one, other) = (temporary("b.nii.gz"), temporary("b.nii.gz"))
        try sample(Float.self).write(to: one)
        Thread.sleep(forTimeInterval: 1.1)  // gzip counts seconds
        try sample(Float.self).write(to: other)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: one))
        #expect(bytes == (try Data(contentsOf: URL(fileURLWithPath: other))))
        // RFC 1952: the time stands at bytes 4 … 7, a name would be announced in byte 3.
        #expect(bytes[3] == 0 && bytes[4...7].allSatisfy { $0 == 0 })
    }

    @Test func shearIsKeptInTheSformAlone() throws {
        let path = temporary("c.nii")
        defer { try? FileManager.default.removeItem(atPath: path) }
        var image = sample(UInt8.self)
        image.indexToRasMm[2] = 0.7
        try image.write(to: path, space: .mni152)
        let header = try NIfTIFile(reading: path).header
        #expect(header.sformCode == 4 && header.qformCode == 0)
        for (found, expected) in zip(header.indexToRasMm, image.indexToRasMm) { #expect(abs(found - expected) < 1e-6) }
    }

    @Test func longSidesMakeItNIfTI2() throws {
        let path = temporary("d.nii.gz")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let image = NIfTIImage(
            volume: Volume<UInt8>(planes: 1, rows: 1, columns: 40_000, filledWith: 3), indexToRasMm: matrix)
        try image.write(to: path)
        #expect(try NIfTIFile(reading: path).header.version == 2)
        #expect(try NIfTIImage<UInt8>(reading: path).volume == image.volume)
        #expect(throws: NIfTIError.self) { try image.write(to: path, version: 1) }
    }

    @Test func fourDimensionsAreWrittenVolumeByVolume() throws {
        let path = temporary("e.nii.gz")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let header = NIfTIHeader(shape: [2, 2, 2, 3], element: .float32, indexToRasMm: matrix)
        let volumes = (0..<3).map { Volume<Float>(planes: 2, rows: 2, columns: 2, filledWith: Float($0)) }
        try NIfTIWriter.create(path, header) { writer in for volume in volumes { try writer.write(volume) } }
        let file = try NIfTIFile(reading: path)
        for index in [2, 0, 1] { #expect(try file.readVolume(index, as: Float.self) == volumes[index]) }
        #expect(throws: NIfTIError.self) {
            try NIfTIWriter.create(path, header) { try $0.write(volumes[0]) }
        }
        #expect(throws: NIfTIError.self) {
            try NIfTIWriter.create(path, header) {
                try $0.write(Volume<UInt8>(planes: 2, rows: 2, columns: 2, filledWith: 1))
            }
        }
    }

    @Test(arguments: ["f.nii", "f.nii.gz"]) func aFileCutAnywhereIsRefused(name: String) throws {
        let path = temporary(name)
        defer { try? FileManager.default.removeItem(atPath: path) }
        var random = SeededGenerator(seed: 1)
        let volume = Volume<Float>(
            planes: 4, rows: 5, columns: 6, elements: (0..<120).map { _ in Float(random.uniform()) })
        try NIfTIImage(volume: volume, indexToRasMm: matrix).write(to: path)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // A file that lost no more than its checksum (the last 8 bytes) still has all its data.
        for count in stride(from: 0, to: bytes.count - 8, by: 7) {
            try bytes.prefix(count).write(to: URL(fileURLWithPath: path))
            #expect(throws: NIfTIError.self) { try NIfTIImage<Float>(reading: path) }
        }
    }

    @Test func aFlippedBitInCompressedDataIsFound() throws {
        let path = temporary("g.nii.gz")
        defer { try? FileManager.default.removeItem(atPath: path) }
        var random = SeededGenerator(seed: 2)
        let volume = Volume<Float>(
            planes: 4, rows: 5, columns: 6, elements: (0..<120).map { _ in Float(random.uniform()) })
        try NIfTIImage(volume: volume, indexToRasMm: matrix).write(to: path)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count - 40] ^= 0x10
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(throws: NIfTIError.self) { try NIfTIImage<Float>(reading: path) }
    }

    @Test func nonsenseIsRefusedBeforeMemoryIsTaken() throws {
        let path = temporary("h.nii")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let url = URL(fileURLWithPath: path)
        func change(_ offset: Int, _ values: [UInt8]) throws {
            try sample(UInt8.self).write(to: path, version: 1)
            var bytes = try Data(contentsOf: url)
            bytes.replaceSubrange(offset..<offset + values.count, with: values)
            try bytes.write(to: url)
        }
        func code() -> NIfTIError.Code? {
            do { _ = try NIfTIImage<UInt8>(reading: path) } catch { return (error as? NIfTIError)?.code }
            return nil
        }
        try change(0, [])
        #expect(code() == nil)
        try change(42, [0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f])  // 32767³ voxels
        #expect(code() == .truncated)
        try change(40, [9])  // nine axes
        #expect(code() == .badHeader)
        try change(44, [0xff, 0xff])  // a side of −1
        #expect(code() == .badHeader)
        try change(344, [0x41])  // no magic word
        #expect(code() == .notNIfTI)
        try change(70, [32])  // complex
        #expect(code() == .unsupported)
        try change(110, [0xc0, 0x7f])  // the offset is not a number
        #expect(code() == .badHeader)
        try change(280, [UInt8](repeating: 0, count: 48))  // a singular sform
        #expect(code() == .badHeader)
        try Data("this is text, and a rather long one at that".utf8).write(to: url)
        #expect(code() == .notNIfTI)
        try Data().write(to: url)
        #expect(code() == .notNIfTI)
        try FileManager.default.removeItem(atPath: path)
        #expect(code() == .cannotOpen)
    }

    @Test func aNameWithoutAKnownEndingIsRefused() throws {
        #expect(throws: NIfTIError.self) { try sample(UInt8.self).write(to: temporary("i.mnc")) }
    }
}
