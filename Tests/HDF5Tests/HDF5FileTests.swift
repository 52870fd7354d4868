import Foundation
import HDF5
import NDArray
import Testing

/// A path in the temporary folder that no other test uses.
private func freshPath(_ name: String) -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("hdf5-\(UUID().uuidString)-\(name).h5").path
}

/// Writes one file with something of everything in it.
private func writeSample(_ path: String) throws {
    var generator = SeededGenerator(seed: 5)
    let labels = Image<UInt8>(rows: 300, columns: 400, elements: (0..<120_000).map { UInt8($0 / 5000) })
    let noise = (0..<30_000).map { _ in Float(generator.uniform()) }
    try HDF5File.create(path) { file in
        try file.write(labels, to: "/labels")
        try file.write(noise, shape: [10, 3000], to: "/left/hemisphere/noise")
        try file.write(texts: ["0150", "0151", "0152-längs"], to: "/section")
        try file.write(scalar: 0.25, to: "/residual_um")
        try file.setAttribute("spacing_um", to: 64.0)
        try file.setAttribute("axes", to: ["plane", "row", "column"])
        try file.setAttribute("origin_um", to: [1.0, 2.0, 3.0], of: "/labels")
        try file.setAttribute("stain", to: "Nissl", of: "/left")
    }
}

struct HDF5FileTests {
    func roundTrips<Element: HDF5Element & Equatable>(_ values: [Element]) throws {
        let path = freshPath("\(Element.elementType)")
        defer { unlink(path) }
        try HDF5File.create(path) { try $0.write(values, to: "/values") }
        let file = try HDF5File(reading: path)
        #expect(try file.read("/values", as: Element.self) == values)
        #expect(try file.dataset("/values").element == Element.elementType)
    }

    @Test func everyElementTypeComesBackAsItWasWritten() throws {
        try roundTrips([Int8.min, -1, 0, Int8.max])
        try roundTrips([Int16.min, -1, 0, Int16.max])
        try roundTrips([Int32.min, -1, 0, Int32.max])
        try roundTrips([Int64.min, -1, 0, Int64.max])
        try roundTrips([UInt8.min, 7, UInt8.max])
        try roundTrips([UInt16.min, 7, UInt16.max])
        try roundTrips([UInt32.min, 7, UInt32.max])
        try roundTrips([UInt64.min, 7, UInt64.max])
        try roundTrips([Float.leastNonzeroMagnitude, -1.5, .infinity])
        try roundTrips([Double.leastNonzeroMagnitude, -1.5, .infinity])
        try roundTrips([Double]())
    }

    /// Reading takes memory that was not cleared: what comes back must all be from the file.
    @Test(arguments: [HDF5Layout.contiguous, .chunked(shape: [16, 16], level: 1)])
    func whatWasNeverWrittenReadsAsZero(layout: HDF5Layout) throws {
        let path = freshPath("gaps")
        defer { unlink(path) }
        try HDF5File.create(path) { file in
            let dataset = try file.makeDataset("/levels", element: .int32, shape: [64, 64], layout: layout)
            try dataset.write([Int32](repeating: 7, count: 100), at: [20, 30], shape: [10, 10])
        }
        let dataset = try HDF5File(reading: path).dataset("/levels")
        for _ in 0..<20 {
            // Memory that is freed full of ones is what the next array is likely to get.
            _ = [Int32](repeating: -1, count: 4096).map { $0 &- 1 }
            let levels = try dataset.read(as: Int32.self)
            #expect(levels.count { $0 == 7 } == 100 && levels.count { $0 == 0 } == 3996)
        }
    }

    @Test func imagesVolumesTextsAndScalarsComeBack() throws {
        let path = freshPath("sample")
        defer { unlink(path) }
        try writeSample(path)
        let file = try HDF5File(reading: path)
        let labels = try file.readImage("/labels", as: UInt8.self)
        #expect(labels.rows == 300 && labels.columns == 400)
        #expect(labels[299, 399] == UInt8(119_999 / 5000))
        #expect(try file.readTexts("/section") == ["0150", "0151", "0152-längs"])
        #expect(try file.readScalar("/residual_um", as: Double.self) == 0.25)
        #expect(try file.dataset("/residual_um").shape == [])
        #expect(try file.attribute("spacing_um", as: Double.self) == 64)
        #expect(try file.attributeList("origin_um", of: "/labels", as: Double.self) == [1, 2, 3])
        #expect(try file.textAttribute("stain", of: "/left") == "Nissl")
        #expect(try file.attribute(named: "axes").values == .texts(["plane", "row", "column"]))
        #expect(file.contains("/left/hemisphere/noise"))
        #expect(!file.contains("/right/hemisphere/noise"))
        #expect(!file.hasAttribute("absent"))
    }

    @Test func nodesStandInTheOrderOfTheirCreation() throws {
        let path = freshPath("nodes")
        defer { unlink(path) }
        try writeSample(path)
        let nodes = try HDF5File(reading: path).nodes()
        #expect(
            nodes.map(\.path) == [
                "/", "/labels", "/left", "/left/hemisphere", "/left/hemisphere/noise", "/section", "/residual_um",
            ])
        #expect(nodes[0].attributes.map(\.name) == ["spacing_um", "axes"])
        #expect(nodes[1].elementName == "uint8" && nodes[1].shape == [300, 400])
    }

    @Test func theSameDataGiveTheSameBytesAtAnotherTime() throws {
        let first = freshPath("first")
        let second = freshPath("second")
        defer {
            unlink(first)
            unlink(second)
        }
        try writeSample(first)
        // Object times are whole seconds, so that a second and a bit must pass for one to show.
        Thread.sleep(forTimeInterval: 1.2)
        try writeSample(second)
        let one = try Data(contentsOf: URL(fileURLWithPath: first))
        #expect(one == (try Data(contentsOf: URL(fileURLWithPath: second))))
        #expect(one.count > 20_000)
    }

    @Test func filesWrittenFromManyThreadsAtOnceAreTheSame() throws {
        let paths = (0..<8).map { freshPath("thread\($0)") }
        defer { for path in paths { unlink(path) } }
        parallelFor(paths.count, threads: 4) { try? writeSample(paths[$0]) }
        let first = try Data(contentsOf: URL(fileURLWithPath: paths[0]))
        for path in paths { #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == first) }
    }

    @Test func regionsFillADatasetAndComeBackAlone() throws {
        let path = freshPath("regions")
        defer { unlink(path) }
        // 40 rows of 3000 in bands of 7: neither bands nor chunks divide the whole.
        let whole = Image<Int32>(rows: 40, columns: 3000, elements: (0..<120_000).map { Int32($0) })
        try HDF5File.create(path) { file in
            let dataset = try file.makeDataset(
                "/whole", element: .int32, shape: [40, 3000], layout: .chunked(shape: [16, 1024], level: 4))
            for start in stride(from: 0, to: 40, by: 7) {
                let end = min(start + 7, 40)
                try dataset.write(
                    Array(whole.elements[start * 3000..<end * 3000]), at: [start, 0], shape: [end - start, 3000])
            }
        }
        let file = try HDF5File(reading: path)
        #expect(try file.readImage("/whole", as: Int32.self) == whole)
        let region = try file.dataset("/whole").read(at: [15, 1000], shape: [3, 50], as: Int32.self)
        #expect(region == (15..<18).flatMap { row in (1000..<1050).map { Int32(row * 3000 + $0) } })
        #expect(throws: HDF5Error.self) {
            try file.dataset("/whole").read(at: [38, 0], shape: [3, 1], as: Int32.self)
        }
    }

    @Test func aLargeArrayIsCompressed() throws {
        let path = freshPath("compressed")
        defer { unlink(path) }
        try HDF5File.create(path) { try $0.write([Float](repeating: 1, count: 1 << 20), to: "/ones") }
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        #expect((size ?? .max) < 100_000)
    }

    @Test func chunksAreAtMostOneMebibyteAndCoverOneElement() {
        #expect(HDF5Layout.chunkShape(for: [4, 5], elementByteCount: 8) == [4, 5])
        let chunk = HDF5Layout.chunkShape(for: [600, 4000, 5000], elementByteCount: 4)
        #expect(chunk.reduce(4, *) <= 1 << 20 && chunk.reduce(4, *) > 1 << 18)
        #expect(HDF5Layout.chunkShape(for: [0, 3], elementByteCount: 4) == [1, 3])
    }

    @Test func readingWidensButNeverLoses() throws {
        let path = freshPath("widening")
        defer { unlink(path) }
        try HDF5File.create(path) { file in
            try file.write([UInt8(200)], to: "/narrow")
            try file.write([0.1], to: "/wide")
            try file.setAttribute("count", to: Int32(7))
            try file.setAttribute("ratio", to: 0.5)
        }
        let file = try HDF5File(reading: path)
        #expect(try file.read("/narrow", as: Int16.self) == [200])
        #expect(try file.read("/narrow", as: Float.self) == [200])
        #expect(throws: HDF5Error.self) { try file.read("/narrow", as: Int8.self) }
        #expect(throws: HDF5Error.self) { try file.read("/wide", as: Float.self) }
        #expect(try file.attribute("count", as: Double.self) == 7)
        #expect(throws: HDF5Error.self) { try file.attribute("ratio", as: Int.self) }
    }

    @Test func mistakesNameFileAndObject() throws {
        let path = freshPath("mistakes")
        defer { unlink(path) }
        try HDF5File.create(path) { try $0.write([1.0], to: "/values") }
        let file = try HDF5File(reading: path)
        do {
            _ = try file.readImage("/labels", as: UInt8.self)
            Issue.record("A dataset that is not there was read.")
        } catch let error as HDF5Error {
            #expect(error.code == .missing)
            #expect(error.description == "\(path): /labels: there is no such dataset")
        }
        do {
            _ = try file.readImage("/values", as: UInt8.self)
            Issue.record("A list was read as an image.")
        } catch let error as HDF5Error {
            #expect(error.code == .wrongShape)
        }
        #expect(throws: HDF5Error.self) { try HDF5File(creating: "/nowhere/file.h5") }
        #expect(throws: HDF5Error.self) {
            try HDF5File.create(path) {
                try $0.write([1], to: "/a"); try $0.write([1], to: "/a")
            }
        }
    }

    @Test func absentForeignEmptyAndTruncatedFilesAreRefused() throws {
        let path = freshPath("broken")
        defer { unlink(path) }
        func code(_ bytes: Data?) -> HDF5Error.Code? {
            unlink(path)
            if let bytes { try? bytes.write(to: URL(fileURLWithPath: path)) }
            do {
                _ = try HDF5File(reading: path).read("/labels", as: UInt8.self)
                return nil
            } catch { return (error as? HDF5Error)?.code }
        }
        #expect(code(nil) == .cannotOpen)
        #expect(code(Data()) == .notHDF5)
        #expect(code(Data("a text, not an image".utf8)) == .notHDF5)
        try writeSample(path)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(code(whole) == nil)
        for length in [10, 100, whole.count / 2, whole.count - 1] { #expect(code(whole.prefix(length)) == .notHDF5) }
    }
}
