import Foundation
import HDF5
import HistologyStages
import NDArray
import StageKit
import StageProtocol
import Testing

@Suite struct AreaPointsTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "areas-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    /// A straight ribbon of 2.5 × 20 mm for area 3 on the left, a half ring of radius 10 mm for area 5 on the right.
    private func annotation(_ section: String, isEmpty: Bool = false, starts: [Int64]? = nil) throws -> InputFile {
        let bar = [(1000.0, 1000.0), (3500, 1000), (3500, 21_000), (1000, 21_000), (1000, 1000)]
        func arc(_ radius: Double, _ angles: [Double]) -> [(Double, Double)] {
            angles.map { (15_000 + radius * Math.sin($0), 40_000 + radius * Math.cos($0)) }
        }
        let angles = (0...90).map { Double($0) * Double.pi / 90 }
        let ring = arc(11_250, angles) + arc(8750, angles.reversed())
        let corners = isEmpty ? [] : bar + ring
        try HDF5File.create(path("\(section).h5")) { file in
            try file.write(corners.flatMap { [$0.0, $0.1] }, shape: [corners.count, 2], to: "/contour_um")
            try file.write(isEmpty ? [] : starts ?? [0, Int64(bar.count)], to: "/contour_start")
            try file.write(isEmpty ? [] : [UInt8(3), 5], to: "/contour_area")
            try file.write(isEmpty ? [] : [UInt8(0), 1], to: "/contour_hemisphere")
        }
        return InputFile(
            path: path("\(section).h5"), item: [Coordinate(axis: "section", value: section)], digest: "")
    }

    private func run(
        _ annotations: [InputFile], points: [InputFile] = [], labels: [InputFile] = [], cores: Int = 1
    ) throws -> HDF5File {
        let output = path("points-\(cores)-\(UUID().uuidString).h5")
        let job = StageJob(
            stage: AreaPoints.name, item: [],
            inputs: ["annotations": annotations, "points": points, "labels": labels],
            outputs: ["points": OutputFile(path: output)],
            config: [
                "step_mm": .real(1), "test_every": .integer(5), "raster_um": .real(50), "spur_factor": .real(2),
                "reach_mm": .real(1),
            ], seed: 0, cores: cores, scratch: folder.path)
        try AreaPoints.run(StageContext(job: job))
        return try HDF5File(reading: output)
    }

    @Test func pointsLieAMillimetreApartInTheMiddleOfTheirArea() throws {
        let file = try run([annotation("0001")])
        let labels = try file.read("/label", as: Int32.self)
        let position = try file.read("/position_um", as: Double.self)
        let sides = try file.read("/hemisphere", as: UInt8.self)
        var last: SIMD2<Double>?
        for (index, label) in labels.enumerated() {
            let place = SIMD2(position[2 * index], position[2 * index + 1])
            #expect(sides[index] == (label == 3 ? 0 : 1))
            if label == 3 {
                // One pixel of the raster.
                #expect(abs(place.x - 2250) <= 50)
            } else {
                let (row, column) = (place.x - 15_000, place.y - 40_000)
                let radius = (row * row + column * column).squareRoot()
                // Two: its skeleton goes up steps.
                #expect(abs(radius - 10_000) <= 100)
            }
            if let before = last, index > 0, labels[index - 1] == label {
                let move = place - before
                let distance = (move.x * move.x + move.y * move.y).squareRoot()
                #expect(distance > 900 && distance < 1020)
            }
            last = place
        }
        // 20 mm less half a width at each end, where the skeleton forks; the half ring is 31.4 mm long.
        #expect((16...18).contains(labels.count { $0 == 3 }))
        #expect((27...30).contains(labels.count { $0 == 5 }))
        #expect(try file.read("/areas/label", as: Int32.self) == [3, 5])
        #expect(try file.readTexts("/areas/name") == ["area 3", "area 5"])
        #expect(try file.read("/mni_mm", as: Double.self).allSatisfy(\.isNaN))
    }

    @Test func everyFifthAnnotatedSectionIsForTestsAndEmptyOnesDoNotCount() throws {
        let sections = try (1...11).map { try annotation("00\($0)", isEmpty: $0 == 2) }
        let file = try run(sections)
        let names = try file.readTexts("/section_name")
        let test = try file.read("/test", as: UInt8.self)
        let kept = Set(zip(names, test).filter { $0.1 == 1 }.map { $0.0 })
        #expect(kept == ["006", "0011"])
        #expect(Set(names).count == 10)
        let again = try run(sections, cores: 3)
        #expect(try again.read("/position_um", as: Double.self) == file.read("/position_um", as: Double.self))
    }

    @Test func theNearestSamplingPointTellsThePlace() throws {
        let sampled = path("sampled.h5")
        try HDF5File.create(sampled) { file in
            try file.write(texts: ["0001", "0001", "0002"], to: "/section_name")
            try file.write([2250.0, 5000, 2250, 9000, 2250, 7000], shape: [3, 2], to: "/position_um")
            try file.write([UInt8](repeating: 0, count: 3), to: "/hemisphere")
            try file.write([1.0, 2, 3, 4, 5, 6, 7, 8, 9], shape: [3, 3], to: "/mni_mm")
            try file.write([0.0, 2250, 5000, 0, 2250, 9000, 500, 2250, 7000], shape: [3, 3], to: "/reconstruction_um")
        }
        let table = path("labels.tsv")
        try Data("0\tslide\n3\tA03\n5\tA05\n7\tA07\n".utf8).write(to: URL(fileURLWithPath: table))
        let file = try run(
            [annotation("0001")], points: [InputFile(path: sampled, item: [], digest: "")],
            labels: [InputFile(path: table, item: [], digest: "")])
        let position = try file.read("/position_um", as: Double.self)
        let mni = try file.read("/mni_mm", as: Double.self)
        let reconstruction = try file.read("/reconstruction_um", as: Double.self)
        var placed = 0
        for index in 0..<mni.count / 3 {
            let column = position[2 * index + 1]
            if abs(column - 5000) < 990, position[2 * index] < 4000 {
                #expect(mni[3 * index] == 1 && reconstruction[3 * index + 2] == 5000)
                placed += 1
            } else if abs(column - 7000) < 990 {
                #expect(mni[3 * index].isNaN)
            }
        }
        #expect(placed >= 1)
        #expect(try file.readTexts("/areas/name") == ["A03", "A05", "A07"])
    }

    @Test func mistakesInTheContoursAreTold() throws {
        func message(_ body: () throws -> HDF5File) -> String {
            do {
                _ = try body()
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            message { try run([annotation("0001", isEmpty: true)]) }.contains("none of the 1 sections has a contour"))
        #expect(message { try run([annotation("0001", starts: [0, 9999])]) }.contains("/contour_start of contour"))
        #expect(message { try run([annotation("0001", starts: [5, 5])]) }.contains("none empty"))
        let table = path("short.tsv")
        try Data("3\tA03\n".utf8).write(to: URL(fileURLWithPath: table))
        #expect(
            message {
                try run([annotation("0001")], labels: [InputFile(path: table, item: [], digest: "")])
            }.contains("the contours have areas 5"))
    }
}
