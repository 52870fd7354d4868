import Foundation
import HDF5
import HistologyStages
import NDArray
import NIfTI
import SpatialTransforms
import StageKit
import StageProtocol
import Testing
import TransformFiles

struct MniCoordinatesTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "cyto-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private let count = 200

    /// Points in three sections; reconstruction µm are the section's, turned by nothing, at planes of 0, 1000, 2000 µm.
    private func points(_ change: (HDF5File) throws -> Void = { _ in }) throws -> String {
        let path = path("points.h5")
        var random = SeededGenerator(seed: 1)
        var positions: [Double] = []
        var reconstruction: [Double] = []
        for index in 0..<count {
            let (row, column) = (random.uniform() * 20_000, random.uniform() * 20_000)
            positions += [row, column]
            reconstruction += [Double(index % 3) * 1000, row, column]
        }
        try HDF5File.create(path) { file in
            try file.write((0..<count).map { Int32($0 % 3 + 7) }, to: "/section")
            try file.write(texts: (0..<count).map { "000\($0 % 3 + 7)" }, to: "/section_name")
            try file.write(positions, shape: [count, 2], to: "/position_um")
            try file.write(reconstruction, shape: [count, 3], to: "/reconstruction_um")
            try file.write([UInt8](repeating: 1, count: count), to: "/hemisphere")
            try file.write([Float](repeating: 0.75, count: count), to: "/tissue_fraction")
            try file.setAttribute("unit", to: "um", of: "/position_um")
            try file.setAttribute("spacing_um", to: 300.0)
            try file.setAttribute("axes", to: ["position", "row", "column"])
            try change(file)
        }
        return path
    }

    private func affine(_ matrix: [Double], _ name: String = "a.tfm") throws -> String {
        try TransformFile.write(.affine(AffineTransform(rowMajor: matrix)), to: path(name))
        return path(name)
    }

    private func run(
        _ inputs: [String: [InputFile]], _ config: [String: ConfigValue] = [:], cores: Int = 1
    ) throws -> HDF5File {
        var ports: [String: [InputFile]] = [:]
        for port in [
            "section_transforms", "transform", "transform_warp", "registration", "registration_warp", "icbm152",
            "areas",
            "labels", "probabilities",
        ] { ports[port] = [] }
        let output = path("mni-\(UUID().uuidString).h5")
        let values: [String: ConfigValue] = [
            "invert": .bool(false), "outside_share": .real(0.01), "area_distance_mm": .real(0),
        ]
        let job = StageJob(
            stage: MniCoordinates.name, item: [], inputs: ports.merging(inputs) { $1 },
            outputs: ["points": OutputFile(path: output)], config: values.merging(config) { $1 }, seed: 0,
            cores: cores, scratch: folder.path)
        try MniCoordinates.run(StageContext(job: job))
        return try HDF5File(reading: output)
    }

    private func input(_ path: String) -> [InputFile] { [InputFile(path: path, item: [], digest: "")] }

    private let shift = [1.0, 0, 0, 10, 0, 1, 0, 20, 0, 0, 1, 30]

    @Test func reconstructionPointsGoThroughTheTransformAndKeepTheirRows() throws {
        let points = try points()
        let file = try run(["points": input(points), "transform": input(try affine(shift))])
        let before = try HDF5File(reading: points)
        let um = try before.read("/reconstruction_um", as: Double.self)
        let mm = try file.read("/mni_mm", as: Double.self)
        #expect(try file.dataset("/mni_mm").shape == [count, 3])
        for index in 0..<count {
            // x = column, y = plane, z = −row, in mm, then the shift.
            #expect(abs(mm[3 * index] - (um[3 * index + 2] / 1000 + 10)) < 1e-9)
            #expect(abs(mm[3 * index + 1] - (um[3 * index] / 1000 + 20)) < 1e-9)
            #expect(abs(mm[3 * index + 2] - (-um[3 * index + 1] / 1000 + 30)) < 1e-9)
        }
        for path in ["/section", "/hemisphere"] {
            #expect(try file.read(path, as: Int32.self) == before.read(path, as: Int32.self))
        }
        #expect(try file.readTexts("/section_name") == before.readTexts("/section_name"))
        #expect(try file.read("/tissue_fraction", as: Float.self) == [Float](repeating: 0.75, count: count))
        #expect(try file.textAttribute("unit", of: "/position_um") == "um")
        #expect(try file.attribute("spacing_um", as: Double.self) == 300)
        #expect(try file.read("/inside", as: UInt8.self) == [UInt8](repeating: 1, count: count))
        #expect(!file.contains("/icbm152_mm") && !file.contains("/area_id"))
    }

    /// Truth files of sections 0007, 0008, 0009: turned by 90° and shifted, at 5000, 6000, 7000 µm.
    private func sections(_ names: [String] = ["0007", "0008", "0009"]) throws -> [InputFile] {
        try names.enumerated().map { index, name in
            let path = path("truth-\(name).h5")
            try HDF5File.create(path) { file in
                try file.write([0.0, -1, 500, 1, 0, -250, 0, 0, 1], shape: [3, 3], to: "/matrix")
                try file.setAttribute("position_um", to: 5000.0 + 1000 * Double(index))
            }
            return InputFile(path: path, item: [Coordinate(axis: "section", value: name)], digest: "")
        }
    }

    @Test func withSectionTransformsPointsStartFromTheirSections() throws {
        let points = try points()
        let file = try run([
            "points": input(points), "transform": input(try affine(shift)), "section_transforms": try sections(),
        ])
        let um = try HDF5File(reading: points).read("/position_um", as: Double.self)
        let mm = try file.read("/mni_mm", as: Double.self)
        for index in 0..<count {
            let (row, column) = (-um[2 * index + 1] + 500, um[2 * index] - 250)
            #expect(abs(mm[3 * index] - (column / 1000 + 10)) < 1e-9)
            #expect(abs(mm[3 * index + 1] - (5 + Double(index % 3) + 20)) < 1e-9)
            #expect(abs(mm[3 * index + 2] - (-row / 1000 + 30)) < 1e-9)
        }
    }

    @Test func aSectionWithoutTransformLeavesNaN() throws {
        let inputs = [
            "points": input(try points()), "transform": input(try affine(shift)),
            "section_transforms": try sections(["0007", "0008"]),
        ]
        #expect { try run(inputs) } throws: { "\($0)".contains("config.outside_share") }
        let file = try run(inputs, ["outside_share": .real(0.4)])
        let inside = try file.read("/inside", as: UInt8.self)
        #expect(inside.indices.allSatisfy { (inside[$0] == 0) == ($0 % 3 == 2) })
        let mm = try file.read("/mni_mm", as: Double.self)
        #expect(inside.indices.allSatisfy { mm[3 * $0].isNaN == (inside[$0] == 0) })
    }

    @Test func aRegistrationStartsFromTheReconstructionEvenWhereSectionsHaveTransforms() throws {
        let inputs = ["points": input(try points()), "section_transforms": try sections()]
        let alone = try run(inputs.merging(["registration": input(try affine(shift))]) { $1 })
        let plain = try run(["points": input(path("points.h5")), "transform": input(path("a.tfm"))], cores: 2)
        #expect(try alone.read("/mni_mm", as: Double.self) == plain.read("/mni_mm", as: Double.self))
    }

    @Test func filesAreAppliedInOrderAndInvertedTogether() throws {
        let double = try affine([2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0], "double.mat")
        let points = input(try points())
        let forth = try run(["points": points, "transform": input(try affine(shift)), "transform_warp": input(double)])
        let start = try forth.read("/reconstruction_um", as: Double.self)[2] / 1000
        #expect(abs(try forth.read("/mni_mm", as: Double.self)[0] - 2 * (start + 10)) < 1e-9)
        let back = try run(
            ["points": points, "transform": input(path("a.tfm")), "transform_warp": input(double)],
            ["invert": .bool(true)])
        #expect(abs(try back.read("/mni_mm", as: Double.self)[0] - (start / 2 - 10)) < 1e-9)
    }

    @Test func aFieldThatDoesNotCoverTheBrainIsAnErrorThatSaysWhere() throws {
        // Covers x up to 9.5 mm of 20.
        let grid = try OrientedGrid(
            planes: 40, rows: 40, columns: 20, indexToMm: AffineTransform(translation: [-10, -10, -30]))
        let field = try DisplacementField(grid: grid, vectors: [Float](repeating: 1, count: 3 * grid.count))
        try TransformFile.write(.displacement(field), to: path("field.nii.gz"))
        let inputs = ["points": input(try points()), "transform": input(path("field.nii.gz"))]
        #expect { try run(inputs) } throws: { error in
            let text = "\(error)"
            return text.contains("transform: ") && text.contains("of 200 points") && text.contains("x 10 … 20")
        }
        let file = try run(inputs, ["outside_share": .real(1)])
        let inside = try file.read("/inside", as: UInt8.self)
        let um = try file.read("/reconstruction_um", as: Double.self)
        #expect(inside.indices.allSatisfy { (inside[$0] == 1) == (um[3 * $0 + 2] <= 9500) })
    }

    @Test func icbm152FollowsTheTemplate() throws {
        let file = try run([
            "points": input(try points()), "transform": input(try affine(shift)),
            "icbm152": input(try affine([1, 0, 0, 1, 0, 1, 0, 2, 0, 0, 1, 3], "icbm.tfm")),
        ])
        let (mni, icbm) = (try file.read("/mni_mm", as: Double.self), try file.read("/icbm152_mm", as: Double.self))
        for index in mni.indices { #expect(abs(icbm[index] - mni[index] - Double(index % 3 + 1)) < 1e-9) }
    }

    /// A map of the template in 2 mm voxels: label 5 where x ≥ 20 mm, 9 below, background above z = 25 mm.
    private func template() throws -> (areas: String, labels: String, probabilities: String) {
        let place = [2.0, 0, 0, 8, 0, 2, 0, 18, 0, 0, 2, 8, 0, 0, 0, 1]
        var labels = Volume<UInt8>(planes: 12, rows: 4, columns: 13, filledWith: 0)
        let shape = [13, 4, 12, 2]
        var maps = [Volume<Float>(planes: 12, rows: 4, columns: 13, filledWith: 0)]
        maps.append(maps[0])
        for plane in 0..<12 {
            for row in 0..<4 {
                for column in 0..<13 {
                    let (x, z) = (8 + 2 * Double(column), 8 + 2 * Double(plane))
                    labels[plane, row, column] = z > 25 ? 0 : x >= 20 ? 5 : 9
                    maps[0][plane, row, column] = Float((x - 8) / 24)
                    maps[1][plane, row, column] = Float(1 - (x - 8) / 24)
                }
            }
        }
        try NIfTIImage(volume: labels, indexToRasMm: place).write(to: path("areas.nii.gz"))
        try NIfTIWriter.create(
            path("maps.nii.gz"), NIfTIHeader(shape: shape, element: .float32, indexToRasMm: place)
        ) { writer in for map in maps { try writer.write(map) } }
        try Data("label\tname\n0\tbackground\n5\tArea five\n9\tArea nine\n".utf8)
            .write(to: URL(fileURLWithPath: path("labels.tsv")))
        return (path("areas.nii.gz"), path("labels.tsv"), path("maps.nii.gz"))
    }

    @Test func areasAndProbabilitiesAreLookedUp() throws {
        let template = try template()
        let inputs = [
            "points": input(try points()), "transform": input(try affine(shift)), "areas": input(template.areas),
            "labels": input(template.labels), "probabilities": input(template.probabilities),
        ]
        let file = try run(inputs)
        let mm = try file.read("/mni_mm", as: Double.self)
        let areas = try file.read("/area_id", as: Int32.self)
        let probable = try file.read("/probable_area_id", as: Int32.self)
        let probability = try file.read("/area_probability", as: Float.self)
        for index in 0..<count {
            let (x, z) = (mm[3 * index], mm[3 * index + 2])
            // A voxel reaches 1 mm around its centre.
            #expect(areas[index] == (z > 25 ? 0 : x >= 19 ? 5 : 9), "x \(x), z \(z)")
            // Trilinear maps of linear functions are exact.
            let first = (x - 8) / 24
            #expect(abs(Double(probability[index]) - max(first, 1 - first)) < 1e-6)
            if abs(first - 0.5) > 1e-6 { #expect(probable[index] == (first > 0.5 ? 5 : 9)) }
        }
        #expect(try file.readTexts("/areas/name") == ["background", "Area five", "Area nine"])
        #expect(try file.read("/areas/label", as: Int32.self) == [0, 5, 9])

        // Within 5 mm the nearest label counts.
        let near = try run(inputs, ["area_distance_mm": .real(5)], cores: 2)
        let wide = try near.read("/area_id", as: Int32.self)
        for index in 0..<count where mm[3 * index + 2] < 28 { #expect(wide[index] != 0) }
        #expect(try near.read("/mni_mm", as: Double.self) == mm)
    }

    @Test func badInputIsNamed() throws {
        let points = input(try points())
        let good = input(try affine(shift))
        func message(_ inputs: [String: [InputFile]]) -> String {
            do { _ = try run(inputs) } catch { return "\(error)" }
            return "no error"
        }
        #expect(message(["points": points]).contains("neither a transform nor a registration"))
        try Data("1 0 0 4\n".utf8).write(to: URL(fileURLWithPath: path("flirt.mat")))
        #expect(message(["points": points, "transform": input(path("flirt.mat"))]).contains("FSL"))
        try Data(
            "#Insight Transform File V1.0\nTransform: AffineTransform_double_3_3\nParameters: 1 2 3 2 4 6 0 0 1 0 0 0\nFixedParameters: 0 0 0\n"
                .utf8
        ).write(to: URL(fileURLWithPath: path("singular.tfm")))
        #expect(message(["points": points, "transform": input(path("singular.tfm"))]).contains("singular"))
        let template = try template()
        let maps = ["points": points, "transform": good, "probabilities": input(template.probabilities)]
        try Data("5\tone\n6\ttwo\n7\tthree\n".utf8).write(to: URL(fileURLWithPath: path("three.tsv")))
        #expect(message(maps.merging(["labels": input(path("three.tsv"))]) { $1 }).contains("names 3 areas"))
        try Data("5\tone\nsix\ttwo\n".utf8).write(to: URL(fileURLWithPath: path("bad.tsv")))
        #expect(message(maps.merging(["labels": input(path("bad.tsv"))]) { $1 }).contains("line 2"))
        #expect(
            message(["points": points, "transform": good, "areas": input(template.probabilities)])
                .contains("holds 2 volumes"))
        // Maps of another space than the points'.
        let far = input(try affine([1, 0, 0, 900, 0, 1, 0, 0, 0, 0, 1, 0], "far.tfm"))
        for (port, map) in [("areas", template.areas), ("probabilities", template.probabilities)] {
            let said = message(["points": points, "transform": far, port: input(map)])
            #expect(said.contains("\(port): ") && said.contains("Is it in the template's space?"), "\(said)")
        }
        let broken = path("broken.h5")
        try HDF5File.create(broken) { file in
            try file.write([Int32(1)], to: "/section")
            try file.write([1.0, .nan], shape: [1, 2], to: "/position_um")
            try file.write([1.0, 2, 3], shape: [1, 3], to: "/reconstruction_um")
        }
        #expect(message(["points": input(broken), "transform": good]).contains("point 0 is not a finite number"))
        let empty = path("empty.h5")
        try HDF5File.create(empty) { file in
            try file.write([Int32](), to: "/section")
            try file.write([Double](), shape: [0, 2], to: "/position_um")
            try file.write([Double](), shape: [0, 3], to: "/reconstruction_um")
        }
        #expect(message(["points": input(empty), "transform": good]).contains("holds no point"))
    }
}
