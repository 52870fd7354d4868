import Foundation
import NDArray
import PNG
import SectionFiles
import Testing

/// Real files, if this machine has them: the folder that CYTO_DATA names, or beside the project.
private let data: String? = {
    let beside = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data").path
    let folder = ProcessInfo.processInfo.environment["CYTO_DATA"] ?? beside
    return FileManager.default.fileExists(atPath: folder + "/tiff/wsi") ? folder : nil
}()

struct SectionScanTests {
    func pixelSize(_ file: TIFFBytes, cohort: Double? = nil) throws -> PixelSize? {
        try withFile(file.bytes { _, _, _ in 0 }) { try SectionScan(path: $0, pixelSizeUm: cohort).pixelSize }
    }

    @Test func pixelSizeComesFromTheCohortOrTheFile() throws {
        var file = TIFFBytes(rows: 16, columns: 16)
        #expect(try pixelSize(file) == nil)
        #expect(try pixelSize(file, cohort: 58.88) == PixelSize(rowUm: 58.88, columnUm: 58.88, source: "cohort"))
        file.resolution = (10_000, 3)
        #expect(try pixelSize(file) == PixelSize(rowUm: 1, columnUm: 1, source: "resolution tags"))
        #expect(try pixelSize(file, cohort: 2)?.source == "cohort")
        file.resolution = (25_400, 2)
        #expect(try pixelSize(file)?.rowUm == 1)
        file.resolution = (72, 2)
        #expect(try pixelSize(file) == nil)
        file.description = "Aperio Image Library v11\r\n2220x2967 |AppMag = 20|MPP = 0.4990|Left = 25.6"
        #expect(try pixelSize(file) == PixelSize(rowUm: 0.499, columnUm: 0.499, source: "Aperio MPP"))
        file.description =
            "<?xml version=\"1.0\"?><OME><Image><Pixels DimensionOrder=\"XYCZT\" PhysicalSizeX=\"500\" "
            + "PhysicalSizeXUnit=\"nm\" PhysicalSizeY=\"0.25\" SizeX=\"16\"><Channel/></Pixels></Image></OME>"
        #expect(try pixelSize(file) == PixelSize(rowUm: 0.25, columnUm: 0.5, source: "OME-XML"))
        file.orientation = 6
        #expect(try pixelSize(file) == PixelSize(rowUm: 0.5, columnUm: 0.25, source: "OME-XML"))
    }

    @Test func withoutAPixelSizeAReductionSaysSo() throws {
        try withFile(TIFFBytes(rows: 16, columns: 16).bytes { _, _, _ in 0 }) { path in
            let scan = try SectionScan(path: path)
            #expect(throws: SectionFileError.self) { try scan.reduced(toSpacingUm: 64) }
            #expect(try scan.preview(side: 4).gray.rows == 4)
        }
    }

    func problem(_ bytes: [UInt8]) throws -> String? {
        try withFile(bytes) { path in
            do {
                _ = try SectionScan(path: path, pixelSizeUm: 1).reduced(toSpacingUm: 2)
                return nil
            } catch let error as SectionFileError {
                #expect(error.file == path)
                return error.problem
            }
        }
    }

    @Test func emptyForeignAndTruncatedFilesAreRefusedByName() throws {
        #expect(try problem([]) == "is empty (0 bytes)")
        #expect(try problem(Array("no image".utf8))?.hasPrefix("is not a TIFF, PNG or JPEG image") == true)
        #expect(throws: SectionFileError.self) { try SectionScan(path: "/nowhere/a.tif") }
        #expect(try problem([0x49, 0x49, 42, 0]) != nil)
        #expect(try problem([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a]) != nil)
        #expect(try problem([0xff, 0xd8, 0xff, 0xe0]) != nil)
        // The directory of these files comes last, so that the pixels are cut off in one that comes first.
        let whole = TIFFBytes(rows: 64, columns: 64, tile: (16, 16)).bytes { row, column, _ in texture(row, column) }
        #expect(try problem(whole) == nil)
        for length in stride(from: 0, to: whole.count - 4, by: 97) {
            #expect(try problem(Array(whole[..<length])) != nil)
        }
    }

    @Test func aFileThatLiesAboutItsSizeIsRefusedBeforeAnythingIsAllocated() throws {
        var file = TIFFBytes(rows: 16, columns: 16).bytes { _, _, _ in 0 }
        // ImageWidth (tag 256) and ImageLength (257) are the second and third entry of the directory.
        let directory = Int(file[4]) | Int(file[5]) << 8
        func set(_ entry: Int, _ value: [UInt8]) {
            let place = directory + 2 + 12 * entry + 8
            file.replaceSubrange(place..<place + 4, with: value)
        }
        set(1, [0xff, 0xff, 0xff, 0x7f])
        #expect(try problem(file)?.contains("more than is read") == true)
        set(1, [0, 0, 1, 0])
        set(2, [0, 0, 1, 0])
        #expect(try problem(file) != nil)
    }

    @Test func picturesComeBackFromPNGAsTheyWereWritten() throws {
        let gray = Image<UInt8>(rows: 31, columns: 17, elements: (0..<527).map { UInt8($0 % 256) })
        let colours = gray.map { RGB($0, 255 - $0, 7) }
        let clear = gray.map { RGBA($0, 1, 2, 255 - $0) }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).png").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try writePNG(gray, to: path, pixelSizeUm: 50)
        let first = FileManager.default.contents(atPath: path)
        #expect(try PNGFile(path: path).samples() == gray.elements)
        let scan = try SectionScan(path: path)
        #expect(scan.pixelSize == PixelSize(rowUm: 50, columnUm: 50, source: "pHYs"))
        #expect(try scan.reduced(toSpacingUm: 50) == gray)
        try writePNG(gray, to: path, pixelSizeUm: 50)
        #expect(FileManager.default.contents(atPath: path) == first)
        try writePNG(colours, to: path)
        #expect(try PNGFile(path: path).samples() == colours.elements.flatMap { [$0.red, $0.green, $0.blue] })
        try writePNG(clear, to: path)
        #expect(try PNGFile(path: path).samples() == clear.elements.flatMap { [$0.red, $0.green, $0.blue, $0.alpha] })
        #expect(throws: PNGError.self) { try writePNG(gray, to: "/nowhere/a.png") }
    }

    @Test(.enabled(if: data != nil, "needs the folder shared/data (or CYTO_DATA) with real TIFF files"))
    func everyOddFileGivesAnImageOrAnErrorThatNamesIt() throws {
        let folder = try #require(data) + "/tiff/odd"
        var images = 0
        var errors = 0
        for case let name as String in try #require(FileManager.default.enumerator(atPath: folder)) {
            let path = folder + "/" + name
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
                continue
            }
            do {
                _ = try SectionScan(path: path).preview(side: 200)
                images += 1
            } catch let error as SectionFileError {
                #expect(error.file == path && !error.problem.isEmpty)
                errors += 1
            }
        }
        #expect(images >= 39)
        #expect(errors >= 50)
    }

    /// Means of the luma of the first page and of rows 100 ..< 110, columns 20 ..< 60, as tifffile 2026.3.3 reads them (stored orientation).
    @Test(
        .enabled(if: data != nil, "needs the folder shared/data (or CYTO_DATA) with real TIFF files"),
        arguments: [
            ("CMU-1-Small-Region.svs", 202.044026, 225.362665, 1),
            ("cmu1_classic_pages_deflate_be.tif", 202.048281, 243.075480, 3),
            ("grey10kx5k.tif", 89.600000, 64.000000, 1),
            ("yb10kx5k.zstd.tiff", 68.442000, 29.070000, 5),
            ("test_orient1.tif", 185.181620, 153.000000, 3),
        ])
    func realScansReadAsTifffileReadsThem(name: String, mean: Double, partMean: Double, levels: Int) throws {
        let scan = try SectionScan(path: try #require(data) + "/tiff/wsi/" + name)
        #expect(scan.levels.count == levels)
        let whole = try scan.region(rows: 0..<scan.rows, columns: 0..<scan.columns)
        func meanOf(_ image: Image<Float>) -> Double {
            image.elements.reduce(0) { $0 + Double($1) } / Double(image.count)
        }
        // Single-precision luma against double.
        #expect(abs(meanOf(whole) - mean) < 1e-4)
        #expect(abs(meanOf(try scan.region(rows: 100..<110, columns: 20..<60)) - partMean) < 1e-4)
    }

    /// Twelve-bit JPEG, whose inverse transform may round a sample differently from libjpeg's: rows 100 ..< 110, columns 20 ..< 60 as
    /// tifffile 2026.3.3 with imagecodecs reads them.
    @Test(.enabled(if: data != nil, "needs the folder shared/data (or CYTO_DATA) with real TIFF files"))
    func twelveBitJPEGReadsAsImagecodecsReadsIt() throws {
        let scan = try SectionScan(path: try #require(data) + "/tiff/wsi/rand_uint16.ome.tiff")
        #expect((scan.rows, scan.columns, scan.levels.count) == (512, 128, 3))
        #expect(scan.pixelSize?.columnUm == 0.29)
        let whole = try scan.region(rows: 0..<512, columns: 0..<128)
        let part = try scan.region(rows: 100..<110, columns: 20..<60)
        // A sample is off by 1 at most, up or down alike.
        #expect(abs(whole.elements.reduce(0) { $0 + Double($1) } / 65_536 - 511.7336) < 0.1)
        #expect(abs(part.elements.reduce(0) { $0 + Double($1) } / 400 - 516.7623) < 0.5)
    }
}
