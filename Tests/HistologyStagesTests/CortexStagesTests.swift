import Foundation
import HDF5
import HistologyStages
import NDArray
import NIfTI
import StageKit
import StageProtocol
import Testing

/// Two balls of white matter in gray: the chain from a label volume to points, and what each stage says to bad input.
private final class BallsFolder {
    let path = NSTemporaryDirectory() + "cortex-" + UUID().uuidString
    static let spacingUm = 600.0
    /// Radii of pia and white surface; the middle of the cortex lies between.
    static let (outerUm, innerUm, middleUm) = (9_000.0, 5_000.0, 7_000.0)
    static let (planes, rows, columns) = (38, 38, 76)
    static let originUm = [-11_100.0, -11_100, -22_500]

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func run(
        _ stage: any Stage.Type, _ inputs: [String: [InputFile]], _ outputs: [String], _ config: [String: ConfigValue]
    ) throws {
        try stage.run(
            StageContext(
                job: StageJob(
                    stage: stage.name, item: [], inputs: inputs,
                    outputs: Dictionary(
                        uniqueKeysWithValues: outputs.map { ($0, OutputFile(path: file(stage.name + "-" + $0))) }),
                    config: config, seed: 0, cores: 2, scratch: path)))
    }

    func input(_ name: String, section: String? = nil) -> InputFile {
        InputFile(
            path: file(name), item: section.map { [Coordinate(axis: "section", value: $0)] } ?? [], digest: "")
    }

    /// 0, 1 or 2 at a place in µm from the middle of the brain; the balls lie left and right of it.
    static func label(_ plane: Double, _ row: Double, _ column: Double, balls: [Double] = [-10_500, 10_500]) -> UInt8 {
        for centre in balls {
            let x = column - centre
            let radius = (plane * plane + row * row + x * x).squareRoot()
            if radius < outerUm { return radius < innerUm ? 2 : 1 }
        }
        return 0
    }

    static func volume(balls: [Double] = [-10_500, 10_500]) -> Volume<UInt8> {
        var volume = Volume<UInt8>(planes: planes, rows: rows, columns: columns, filledWith: 0)
        for plane in 0..<planes {
            for row in 0..<rows {
                for column in 0..<columns {
                    volume[plane, row, column] = label(
                        originUm[0] + Double(plane) * spacingUm, originUm[1] + Double(row) * spacingUm,
                        originUm[2] + Double(column) * spacingUm, balls: balls)
                }
            }
        }
        return volume
    }

    func writeVolume(_ name: String, _ labels: Volume<UInt8>, spacingUm: Double = BallsFolder.spacingUm) throws {
        try HDF5File.create(file(name)) { file in
            try file.write(labels, to: "/labels")
            try file.setAttribute("spacing_um", to: spacingUm)
            try file.setAttribute("origin_um", to: BallsFolder.originUm)
            try file.setAttribute("axes", to: ["position", "row", "column"])
        }
    }

    func clean(mask: String? = nil) throws {
        try run(
            VolumeCleanup.self, ["volume": [input("labels.h5")], "exclusion": mask.map { [input($0)] } ?? []],
            ["volume"],
            [
                "defect_mm3": .real(3), "detached_fraction": .real(0.01), "joined_white_mm3": .real(0.2),
                "join_reach_mm": .real(6),
            ])
    }

    func findDepth(_ changes: [String: ConfigValue] = [:]) throws {
        let config: [String: ConfigValue] = [
            "measure": .text("distance"), "separates_banks": .bool(false), "bank_minimum_um": .real(1000),
            "bank_thickness_share": .real(0.7), "bank_thickness_limit": .real(1.4), "bank_angle_deg": .real(120),
            "bank_maximum_um": .real(9000), "tolerance": .real(1e-6),
            "maximum_iterations": .integer(200),
        ]
        try run(
            CorticalDepthField.self, ["volume": [input("volume-cleanup-volume")]], ["depth"],
            config.merging(changes) { $1 })
    }

    func mesh() throws {
        try run(
            Midsurface.self,
            ["depth": [input("cortical-depth-depth")], "volume": [input("volume-cleanup-volume")]], ["surface"],
            [
                "depth": .real(0.5), "edge_length_um": .real(600), "smallest_part": .real(0.01),
                "grid_spacing_um": .null, "largest_filling_voxels": .integer(64), "remeshing_iterations": .integer(4),
                "cap_distance_um": .real(1500),
            ])
    }

    /// Sections across the brain at 100 µm, all where they belong.
    func writeSections(_ positionsUm: [Double], pixelUm: Double = 100) throws {
        for positionUm in positionsUm {
            var labels = Image<UInt8>(rows: 220, columns: 440, filledWith: 0)
            for row in 0..<220 {
                for column in 0..<440 {
                    labels[row, column] = BallsFolder.label(
                        positionUm, Double(row) * pixelUm - 11_000, Double(column) * pixelUm - 22_000)
                }
            }
            try HDF5File.create(file("section \(positionUm)")) { file in
                try file.write(labels, to: "/labels")
                try file.setAttribute("spacing_um", to: pixelUm)
                try file.setAttribute("first_um", to: 0.0)
            }
        }
        try HDF5File.create(file("stack")) { file in
            let matrix: [Double] = [1, 0, -11_000, 0, 1, -22_000, 0, 0, 1]
            try file.write(
                positionsUm.flatMap { _ in matrix }, shape: [positionsUm.count, 3, 3], to: "/matrices")
            try file.write(texts: positionsUm.map { "\($0)" }, to: "/section")
            try file.write(positionsUm, to: "/position_um")
        }
    }

    func layPoints(_ positionsUm: [Double], pushUm: Double) throws {
        try run(
            Midline.self,
            [
                "surface": [input("midsurface-surface")], "stack": [input("stack")],
                "labels": positionsUm.map { input("section \($0)", section: "\($0)") },
                "volume": [input("volume-cleanup-volume")],
            ], ["points"],
            [
                "spacing_um": .real(300), "maximum_push_um": .real(pushUm), "patch_px": .real(2048),
                "patch_spacing_um": .real(2), "minimum_tissue": .real(0.5), "plausible_thickness": .real(1.25),
                "largest_hole_mm2": .real(0.1), "largest_islet_mm2": .real(0.25), "bank_minimum_um": .real(1000),
                "bank_maximum_um": .real(6400),
            ])
    }
}

@Suite struct CortexStagesTests {
    /// The message of a stage that fails.
    private func complaint(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func fromAVolumeToPointsInTheMiddleOfTheCortex() throws {
        let folder = try BallsFolder()
        try folder.writeVolume("labels.h5", BallsFolder.volume())
        try folder.clean()
        try folder.findDepth()
        try folder.mesh()
        let surface = try HDF5File(reading: folder.file("midsurface-surface"))
        for (side, centre) in [("left", -10_500.0), ("right", 10_500)] {
            let vertices = try surface.read("/\(side)/vertices", as: Float.self)
            let errors = (0..<vertices.count / 3).map { index -> Double in
                let (z, y, x) = (
                    Double(vertices[3 * index]), Double(vertices[3 * index + 1]),
                    Double(vertices[3 * index + 2]) - centre
                )
                return abs((z * z + y * y + x * x).squareRoot() - BallsFolder.middleUm)
            }.sorted()
            // Labels without fractions on voxels of 600 µm: a third of a voxel.
            #expect(errors[errors.count * 95 / 100] < 200, "\(side)")
        }
        let positions = [-3_000.0, 0, 3_000]
        try folder.writeSections(positions)
        try folder.layPoints(positions, pushUm: 0)
        let points = try HDF5File(reading: folder.file("midline-points"))
        let hemisphere = try points.read("/hemisphere", as: UInt8.self)
        let places = try points.read("/position_um", as: Double.self)
        let names = try points.readTexts("/section_name")
        // Circumferences of 6.3, 7, 6.3 mm radius, twice, a point each 300 µm.
        let expected = 4 * Double.pi * 19_650.0 / 300
        #expect(abs(Double(names.count) - expected) < 25)
        for index in names.indices {
            let position = try #require(Double(names[index]))
            let (y, x) = (places[2 * index] - 11_000, places[2 * index + 1] - 22_000)
            #expect(hemisphere[index] == (x < 0 ? 0 : 1))
            let across = x - (x < 0 ? -10_500 : 10_500)
            let radius = (y * y + across * across + position * position).squareRoot()
            #expect(abs(radius - BallsFolder.middleUm) < 350)
        }
    }

    @Test func oneHemisphereAloneIsOneSurfaceAndAWarning() throws {
        let folder = try BallsFolder()
        try folder.writeVolume("labels.h5", BallsFolder.volume(balls: [-10_500]))
        try folder.clean()
        try folder.findDepth()
        try folder.mesh()
        let surface = try HDF5File(reading: folder.file("midsurface-surface"))
        #expect(surface.contains("/left/vertices") != surface.contains("/right/vertices"))
    }

    @Test func volumesThatAreNoneAreRefusedWithTheReason() throws {
        let folder = try BallsFolder()
        var labels = BallsFolder.volume()
        labels[3, 3, 3] = 7
        try folder.writeVolume("labels.h5", labels)
        #expect(complaint { try folder.clean() }.contains("holds a 7"))
        try folder.writeVolume("labels.h5", Volume(planes: 4, rows: 4, columns: 4, filledWith: 0))
        #expect(complaint { try folder.clean() }.contains("no gray matter"))
        try folder.writeVolume("labels.h5", BallsFolder.volume(), spacingUm: 0)
        #expect(complaint { try folder.clean() }.contains("spacing_um"))
        // Gray matter without white has no depth.
        try folder.writeVolume(
            "volume-cleanup-volume", Volume(planes: 5, rows: 5, columns: 5, filledWith: 1))
        #expect(complaint { try folder.findDepth() }.contains("no white matter"))
    }

    @Test func aMaskThatTakesAllAndADepthOfAnotherVolumeAreRefused() throws {
        let folder = try BallsFolder()
        try folder.writeVolume("labels.h5", BallsFolder.volume())
        let whole = NIfTIImage(
            volume: Volume<UInt8>(planes: 2, rows: 2, columns: 2, filledWith: 1),
            indexToRasMm: [60, 0, 0, -30, 0, 60, 0, -30, 0, 0, 60, -30, 0, 0, 0, 1])
        try whole.write(to: folder.file("mask.nii.gz"))
        #expect(complaint { try folder.clean(mask: "mask.nii.gz") }.contains("exclusion"))
        try folder.clean()
        try HDF5File.create(folder.file("cortical-depth-depth")) { file in
            try file.write(Volume<Float>(planes: 3, rows: 3, columns: 3, filledWith: 0.5), to: "/depth")
            try file.setAttribute("spacing_um", to: BallsFolder.spacingUm)
        }
        #expect(complaint { try folder.mesh() }.contains("connect the depth of the same volume"))
    }

    @Test func laplacesDepthIsStillToBeHad() throws {
        let folder = try BallsFolder()
        try folder.writeVolume("labels.h5", BallsFolder.volume())
        try folder.clean()
        try folder.findDepth(["measure": .text("laplace")])
        let file = try HDF5File(reading: folder.file("cortical-depth-depth"))
        let residual: Double = try file.attribute("residual")
        #expect(residual > 0 && residual <= 1e-6)
        #expect(complaint { try folder.findDepth(["measure": .text("feet")]) }.contains("measure"))
    }

    @Test func aSectionWithoutTissueAndOneWithoutAPlaceGetNoPoints() throws {
        let folder = try BallsFolder()
        try folder.writeVolume("labels.h5", BallsFolder.volume())
        try folder.clean()
        try folder.findDepth()
        try folder.mesh()
        try folder.writeSections([0, 11_000])
        try folder.layPoints([0, 11_000], pushUm: 2000)
        let names = try HDF5File(reading: folder.file("midline-points")).readTexts("/section_name")
        #expect(Set(names) == ["0.0"])
        #expect(complaint { try folder.layPoints([], pushUm: 2000) }.contains("labels"))
    }
}
