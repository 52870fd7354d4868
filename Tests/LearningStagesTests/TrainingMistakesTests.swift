import Foundation
import HDF5
import LearningStages
import NDArray
import StageProtocol
import Testing

/// What goes wrong while a training runs: a clear error, and the last checkpoint kept wherever going on makes sense.
@Suite(.serialized, .enabled(if: BuiltPrograms.areThere("cyto-learn"), "cyto-learn is not built beside the tests"))
struct TrainingMistakesTests {
    private let program: TrainingProgram

    init() throws { program = try TrainingProgram() }

    /// Whether this user may mount a small file system in a namespace of its own.
    static let mayMount: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "unshare -rm mount -t tmpfs -o size=64k t /mnt"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    private func bytes(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }

    /// A checkpoint of the small network is 1.1 MB: the disk takes one, but not a second beside it.
    @Test(.enabled(if: mayMount, "no file system can be mounted here"))
    func aDiskThatIsFullEndsTheTrainingKeepsTheLastCheckpointAndLetsItGoOn() throws {
        let config = smallTraining(["checkpoint_steps": .integer(2)])
        let whole = try program.start("whole", config)
        #expect(whole.status() == 0, "\(whole.said())")
        let shell = """
            unshare -rm sh -c '
            cd "$FOLDER" && mount -t tmpfs -o size=1800k t scratch || exit 90
            "$CYTO_LEARN" pretraining --job job.json
            echo "first $?" >&2; ls scratch >&2
            cp scratch/checkpoint.h5 kept.h5
            mount -o remount,size=16m scratch || exit 91
            exec "$CYTO_LEARN" pretraining --job job.json'
            """
        let full = try program.start("full", config, shell: shell)
        #expect(full.status() == 0, "\(full.said())")
        let said = full.said()
        #expect(said.contains("first \(WorkerExit.inputOutput)\ncheckpoint.h5\n"), "\(said)")
        #expect(said.contains("the checkpoint of step 4 could not be written"), "\(said)")
        #expect(said.contains("No space left on device)); the one before stays"), "\(said)")
        #expect(try HDF5File(reading: program.path("full/kept.h5")).attribute("step", as: Int.self) == 2)
        #expect(bytes(full.model) == bytes(whole.model) && bytes(whole.model) != nil)
    }

    @Test func aTrainingThatDivergesSaysSoAndKeepsACheckpointOfNumbers() throws {
        let run = try program.start(
            "diverging",
            smallTraining([
                "optimizer": .text("adamw"), "learning_rate": .real(1e25), "warm_up_fraction": .integer(0),
                "checkpoint_steps": .integer(1),
            ]))
        #expect(run.status() != 0)
        let said = run.said()
        #expect(said.contains("training has diverged") && said.contains("with a lower learning rate"), "\(said)")
        if FileManager.default.fileExists(atPath: run.checkpoint) {
            let file = try HDF5File(reading: run.checkpoint)
            #expect(try file.dataset("/loss").read(as: Float.self).allSatisfy(\.isFinite))
        }
        #expect(!FileManager.default.fileExists(atPath: run.model))
    }

    @Test func aCheckpointOfAnotherVersionIsNamedWithWhatToDo() throws {
        let run = try program.start("old", smallTraining(["steps": .integer(1)]))
        #expect(run.status() == 0)
        try HDF5File.create(run.checkpoint) { try $0.setAttribute("version", to: 99) }
        let again = try program.start("old", smallTraining(["steps": .integer(1)]))
        #expect(again.status() == WorkerExit.failed)
        let said = again.said()
        #expect(said.contains("version 99, this program reads 1; delete it to begin anew"), "\(said)")
        #expect(said.contains("checkpoint.h5"), "\(said)")
    }

    /// A gray scan of 64 µm a pixel in tiles of 64 × 64, not compressed; the directory stands in front.
    private func writeTiledScan(_ name: String, tilesAcross: Int = 3) throws {
        let (side, tiles) = (64 * tilesAcross, tilesAcross * tilesAcross)
        var bytes = Data([0x49, 0x49, 42, 0, 8, 0, 0, 0])
        func put<Number: FixedWidthInteger>(_ number: Number) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        let offsets = (0..<tiles).map { 1024 + 4096 * $0 }
        let sizes = [Int](repeating: 4096, count: tiles)
        var entries: [(tag: UInt16, type: UInt16, values: [Int])] = []
        entries += [(256, 4, [side]), (257, 4, [side]), (258, 3, [8]), (259, 3, [1]), (262, 3, [1]), (277, 3, [1])]
        entries += [(322, 4, [64]), (323, 4, [64]), (324, 4, offsets), (325, 4, sizes)]
        put(UInt16(entries.count))
        var beyond = 8 + 2 + 12 * entries.count + 4
        for entry in entries {
            put(entry.tag)
            put(entry.type)
            put(UInt32(entry.values.count))
            if entry.values.count > 1 {
                put(UInt32(beyond))
                beyond += 4 * entry.values.count
            } else {
                put(UInt32(entry.values[0]))
            }
        }
        put(UInt32(0))
        for entry in entries where entry.values.count > 1 { entry.values.forEach { put(UInt32($0)) } }
        bytes.append(Data(count: 1024 - bytes.count))
        var random = SeededGenerator(seed: 5)
        bytes.append(Data((0..<4096 * tiles).map { _ in UInt8(random.index(below: 256)) }))
        try bytes.write(to: URL(filePath: program.path(name)))
    }

    /// Two sections with 24 points each, whose pixels stay in the scans.
    private func sections(outside: Bool = false) throws -> [InputFile] {
        try HDF5File.create(program.path("bare.h5")) { file in
            let count = 48
            try file.setAttribute("spacing_um", to: 64.0)
            try file.setAttribute("window_side_px", to: Int64(52))
            var positions: [Double] = []
            for point in 0..<count { positions += [4000 + 80 * Double(point), 6000 + 30 * Double(point)] }
            if outside { positions[2 * 31] = 1e6 }
            try file.write([Int32](repeating: 0, count: count), to: "/brain")
            try file.write(texts: ["B01"], to: "/brains/name")
            try file.write(texts: (0..<count).map { $0 < count / 2 ? "0001" : "0002" }, to: "/section_name")
            try file.write(positions, shape: [count, 2], to: "/position_um")
            try file.write((0..<3 * count).map { Double($0) }, shape: [count, 3], to: "/mni_mm")
        }
        return try ["0001", "0002"].map { name in
            try writeTiledScan("\(name).tif")
            return InputFile(
                path: program.path("\(name).tif"),
                item: [Coordinate(axis: "brain", value: "B01"), Coordinate(axis: "section", value: name)], digest: "",
                attributes: ["section": ["pixel_size_um": .real(64)]])
        }
    }

    private func failing(_ sections: [InputFile]) throws -> (status: Int32, said: String) {
        let run = try program.start("bare", smallTraining(), patches: "bare.h5", sections: sections)
        return (run.status(), run.said())
    }

    @Test func scansThatDoNotHoldWhatThePatchesNeedAreNamed() throws {
        let whole = try program.start("scans", smallTraining(), patches: "bare.h5", sections: sections())
        #expect(whole.status() == 0, "\(whole.said())")

        let missing = try failing([sections()[0]])
        #expect(
            missing.status == WorkerExit.failed && missing.said.contains("no scan of the sections B01 0002"),
            "\(missing)")

        let gone = try sections()
        try FileManager.default.removeItem(atPath: gone[1].path)
        let lost = try failing(gone)
        #expect(
            lost.status != 0 && lost.said.contains("section 0002 of brain B01") && lost.said.contains("0002.tif"),
            "\(lost)")

        let cut = try sections()
        let scan = try #require(bytes(cut[1].path))
        // Tile 5 of 9 ends half-way.
        try scan.prefix(1024 + 4096 * 4 + 2048).write(to: URL(filePath: cut[1].path))
        let torn = try failing(cut)
        #expect(
            torn.status != 0 && torn.said.contains("section 0002 of brain B01") && torn.said.contains("0002.tif"),
            "\(torn)")

        let outside = try failing(sections(outside: true))
        #expect(
            outside.status == WorkerExit.failed && outside.said.contains("patch 31, section 0002 of brain B01")
                && outside.said.contains("outside the scan"), "\(outside)")
    }
}
