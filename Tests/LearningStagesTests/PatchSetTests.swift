import Foundation
import HDF5
import LearningStages
import NDArray
import Networks
import PNG
import SectionFiles
import StageKit
import StageProtocol
import Testing

/// Patch sets whose pixels lie in the scans, and batches that are made ahead.
@Suite struct PatchSetTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "sets-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private let side = 30

    /// Two scans of 60 × 70 pixels of 64 µm.
    private func sections() throws -> [StageInput] {
        try ["0001", "0002"].enumerated().map { number, name in
            var random = SeededGenerator(seed: UInt64(number))
            let pixels = (0..<4200).map { _ in UInt8(random.index(below: 256)) }
            try writePNG(Image(rows: 60, columns: 70, elements: pixels), to: path("\(name).png"))
            return StageInput(
                port: "sections",
                file: InputFile(
                    path: path("\(name).png"),
                    item: [Coordinate(axis: "brain", value: "B01"), Coordinate(axis: "section", value: name)],
                    digest: "", attributes: ["section": ["pixel_size_um": .real(64)]]))
        }
    }

    /// A set of 12 points, with its pixels or without.
    private func set(withPixels: Bool, far: Bool = false) throws -> String {
        var random = SeededGenerator(seed: 9)
        let names = (0..<12).map { $0 % 3 == 0 ? "0002" : "0001" }
        var positions = (0..<12).flatMap { _ in [random.uniform() * 59 * 64, random.uniform() * 69 * 64] }
        if far { positions[6] = 1e6 }
        let path = path("set-\(UUID().uuidString).h5")
        let sections = try sections()
        try HDF5File.create(path) { file in
            try file.setAttribute("spacing_um", to: 64.0)
            try file.setAttribute("window_side_px", to: Int64(side))
            if withPixels {
                let pool = WindowPool(spacingUm: 64, side: side, cacheBytes: 1 << 20)
                var pixels: [UInt8] = []
                for (index, name) in names.enumerated() {
                    let scan = ScanFile(path: sections[name == "0001" ? 0 : 1].path, pixelSizeUm: 64)
                    pixels += try pool.reader(of: scan).window(
                        centreUm: SIMD2(positions[2 * index], positions[2 * index + 1]), side: side)
                }
                try file.write(pixels, shape: [12, side, side], to: "/pixels")
            }
            try file.write([Int32](repeating: 0, count: 12), to: "/brain")
            try file.write(texts: ["B01"], to: "/brains/name")
            try file.write(texts: names, to: "/section_name")
            try file.write(positions, shape: [12, 2], to: "/position_um")
            try file.write((0..<12).map { Int32($0 % 2) }, to: "/label")
        }
        return path
    }

    @Test func windowsFromTheScansAreThoseThatAreStored() throws {
        let stored = try PatchSet(reading: set(withPixels: true))
        let points = [3, 0, 11, 3, 7]
        for threads in [1, 4] {
            let read = try PatchSet(
                reading: set(withPixels: false), sections: sections(), cacheBytes: 1 << 12, threads: threads)
            #expect(read.count == 12 && read.windowSide == side && read.spacingUm == 64)
            #expect(try read.windows(of: points) == stored.windows(of: points))
            let draws = (0..<2).map { view in
                points.map {
                    AugmentationDraw(AugmentationRecipe(), seed: 1, epoch: 0, sample: $0, view: view)
                }
            }
            let patches = try read.augmented(points, patchSide: 14, draws: draws, threads: threads)
            #expect(try patches == stored.augmented(points, patchSide: 14, draws: draws, threads: 3))
            // View after view, as `augment` gives them.
            let windows = try stored.windows(of: points)
            let plain = try draws.flatMap {
                try augment(windows: windows, windowSide: side, patchSide: 14, spacingUm: 64, draws: $0)
            }
            #expect(patches == plain)
        }
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch { return "\(error)" }
    }

    @Test func whatIsMissingIsTold() throws {
        let bare = try set(withPixels: false)
        #expect(message { _ = try PatchSet(reading: bare) }.contains("has no /pixels, so the scans"))
        let some = Array(try sections().dropLast())
        let missing = message { _ = try PatchSet(reading: bare, sections: some) }
        #expect(missing.contains("sections: there is no scan of the sections B01 0002"))
        let far = try PatchSet(reading: set(withPixels: false, far: true), sections: sections())
        let outside = message { _ = try far.windows(of: [0, 3]) }
        #expect(outside.contains("patch 3, section 0002 of brain B01") && outside.contains("outside the scan"))
        // A scan that is cut off in the middle: told with its name, and the other sections can still be read.
        let set = try PatchSet(reading: bare, sections: sections())
        let whole = try Data(contentsOf: URL(fileURLWithPath: path("0002.png")))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path("0002.png")))
        #expect(message { _ = try set.windows(of: [0]) }.contains("0002.png"))
        #expect(try set.windows(of: [1]).count == side * side)
    }

    @Test(arguments: [0, 1, 3])
    func valuesComeInOrderHoweverFarAheadTheyAreMade(ahead: Int) throws {
        let values = Prefetcher(first: 5, end: 25, ahead: ahead) { $0 * $0 }
        var taken: [Int] = []
        while let value = try values.next() { taken.append(value) }
        #expect(taken == (5..<25).map { $0 * $0 })
        #expect(try values.next() == nil)
        let none = Prefetcher(first: 3, end: 3, ahead: ahead) { $0 }
        #expect(try none.next() == nil)
    }

    @Test func aFailureComesAtItsPlaceAndStoppingEndsTheThread() throws {
        struct Broken: Error {}
        let values = Prefetcher(first: 0, end: 10, ahead: 4) { number in
            if number == 2 { throw Broken() }
            return number
        }
        #expect(try values.next() == 0)
        #expect(try values.next() == 1)
        #expect(throws: Broken.self) { try values.next() }
        #expect(try values.next() == nil)
        let endless = Prefetcher(first: 0, end: .max, ahead: 2) { $0 }
        #expect(try endless.next() == 0)
        endless.stop()
    }

    @Test func theWindowsRuleIsThatOfTheAugmentation() {
        for (side, spacingUm) in [(64, 64.0), (2048, 2.0), (33, 10.0), (225, 1.0), (1, 3.0)] {
            #expect(
                patchWindowSide(patchSide: side, spacingUm: spacingUm)
                    == augmentationWindowSide(patchSide: side, spacingUm: spacingUm))
        }
    }
}
