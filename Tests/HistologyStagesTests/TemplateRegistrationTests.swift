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

/// The stage from files to files, on a lopsided brain of formulas whose place in the template is known.
struct TemplateRegistrationTests {
    private let folder: URL
    private static let spacingMm = 0.6
    private static let (planes, rows, columns) = (84, 66, 76)
    private static let originUm = [-25_000.0, -20_000, -22_500]

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "cyto-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }
    private func input(_ name: String) -> [InputFile] { [InputFile(path: path(name), item: [], digest: "")] }

    /// Depth under the surface in mm of a place in the template; white matter begins at 3 mm.
    private static func depthMm(_ p: SIMD3<Double>) -> Double {
        let side = p.x < 0 ? -1.0 : 1.0
        let q = SIMD3((p.x - 8.5 * side) / 8, (p.y - 2 * side) / 20, (p.z + 1) / (p.z > -1 ? 14 : 11))
        // Folds, so that the surface cannot slide along itself.
        return 8.5 * (1 - (q * q).sum().squareRoot()) + 0.8 * cosine(p.y / 2.7 + 0.4 * side) * cosine(p.z / 3.2 - 0.3)
    }

    private static func cosine(_ x: Double) -> Double { Foundation.cos(x) }

    /// Where a point of the reconstruction lies in the template: turned by 6° about the sections' normal, larger by 4 %, moved.
    private static func toTemplate(_ p: SIMD3<Double>) -> SIMD3<Double> {
        let (c, s) = (Foundation.cos(6 * Double.pi / 180), Foundation.sin(6 * Double.pi / 180))
        return 1.04 * SIMD3(c * p.x - s * p.z, p.y, s * p.x + c * p.z) + SIMD3(1.5, -2, 0.8)
    }

    private func writeTemplate(whiteShiftMm: Double = 0) throws {
        let (planes, rows, columns) = (40, 54, 44)
        let matrix = [1.0, 0, 0, -21.5, 0, 1, 0, -26.5, 0, 0, 1, -19.5, 0, 0, 0, 1]
        var gray = Volume<Float>(planes: planes, rows: rows, columns: columns, filledWith: 0)
        var white = gray
        for plane in 0..<planes {
            for row in 0..<rows {
                for column in 0..<columns {
                    let depth = TemplateRegistrationTests.depthMm(
                        SIMD3(Double(column) - 21.5, Double(row) - 26.5, Double(plane) - 19.5))
                    let core = min(max(depth - 3 + 0.5, 0), 1)
                    white[plane, row, column] = Float(core)
                    gray[plane, row, column] = Float(min(max(depth + 0.5, 0), 1) - core)
                }
            }
        }
        var whiteMatrix = matrix
        whiteMatrix[3] += whiteShiftMm
        try NIfTIImage(volume: gray, indexToRasMm: matrix).write(to: path("gray.nii.gz"))
        try NIfTIImage(volume: white, indexToRasMm: whiteMatrix).write(to: path("white.nii.gz"))
    }

    /// Place of a voxel's centre, RAS mm: x along columns, y along planes, z against rows.
    private static func placeMm(_ plane: Int, _ row: Int, _ column: Int) -> SIMD3<Double> {
        SIMD3(
            originUm[2] / 1000 + Double(column) * spacingMm, originUm[0] / 1000 + Double(plane) * spacingMm,
            -(originUm[1] / 1000 + Double(row) * spacingMm))
    }

    private func writeBrain(isEmpty: Bool = false) throws {
        typealias Own = TemplateRegistrationTests
        var labels = Volume<UInt8>(planes: Own.planes, rows: Own.rows, columns: Own.columns, filledWith: 0)
        for plane in 0..<Own.planes where !isEmpty {
            for row in 0..<Own.rows {
                for column in 0..<Own.columns {
                    let depth = Own.depthMm(Own.toTemplate(Own.placeMm(plane, row, column)))
                    labels[plane, row, column] = depth > 3 ? 2 : depth > 0 ? 1 : 0
                }
            }
        }
        try HDF5File.create(path("volume.h5")) { file in
            try file.write(labels, to: "/labels")
            try file.setAttribute("spacing_um", to: Own.spacingMm * 1000)
            try file.setAttribute("origin_um", to: Own.originUm)
            try file.setAttribute("axes", to: ["position", "row", "column"])
        }
    }

    private func register(_ changes: [String: ConfigValue] = [:], cores: Int = 1) throws {
        let config: [String: ConfigValue] = [
            "spacing_mm": .real(1), "knot_mm": .real(8), "bending_mm2": .real(2), "gray_weight": .real(1),
            "white_weight": .real(1), "tissue_weight": .real(1), "maximum_roll_deg": .real(60),
            "iterations": .integer(4), "maximum_misfit": .real(0.6), "field_spacing_mm": .null,
        ]
        let outputs = ["transform": "transform.nii.gz", "inverse": "inverse.nii.gz", "scores": "scores.json"]
        try TemplateRegistration.run(
            StageContext(
                job: StageJob(
                    stage: TemplateRegistration.name, item: [],
                    inputs: [
                        "volume": input("volume.h5"), "gray": input("gray.nii.gz"), "white": input("white.nii.gz"),
                    ], outputs: outputs.mapValues { OutputFile(path: path($0)) },
                    config: config.merging(changes) { $1 },
                    seed: 0, cores: cores, scratch: folder.path)))
    }

    private func message(_ changes: [String: ConfigValue] = [:]) -> String {
        do {
            try register(changes)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func findsAKnownMapAndItsInverse() throws {
        try writeTemplate()
        try writeBrain()
        try register()
        let onward = try TransformFile.read(path("transform.nii.gz"))
        let back = try TransformFile.read(path("inverse.nii.gz"))
        var errors: [Double] = []
        var returns: [Double] = []
        for plane in stride(from: 3, to: TemplateRegistrationTests.planes, by: 4) {
            for row in stride(from: 1, to: TemplateRegistrationTests.rows, by: 4) {
                for column in stride(from: 1, to: TemplateRegistrationTests.columns, by: 4) {
                    let point = TemplateRegistrationTests.placeMm(plane, row, column)
                    let truth = TemplateRegistrationTests.toTemplate(point)
                    guard (0...3).contains(TemplateRegistrationTests.depthMm(truth)) else { continue }
                    let there = try #require(onward(point))
                    let off = there - truth
                    errors.append((off * off).sum().squareRoot())
                    let home = try #require(back(there)) - point
                    returns.append((home * home).sum().squareRoot())
                }
            }
        }
        errors.sort()
        returns.sort()
        #expect(errors.count > 300)
        #expect(errors[errors.count / 2] < 0.4, "median \(errors[errors.count / 2]) mm")
        #expect(errors[errors.count * 95 / 100] < 1.2, "95 % \(errors[errors.count * 95 / 100]) mm")
        #expect(returns[returns.count * 95 / 100] < 0.1, "95 % \(returns[returns.count * 95 / 100]) mm")
    }

    @Test func theNumberOfCoresDoesNotChangeTheFiles() throws {
        try writeTemplate()
        try writeBrain()
        try register(["iterations": .integer(1)], cores: 1)
        let one = try Data(contentsOf: URL(filePath: path("transform.nii.gz")))
        try register(["iterations": .integer(1)], cores: 3)
        #expect(try Data(contentsOf: URL(filePath: path("transform.nii.gz"))) == one)
    }

    @Test func saysWhatIsWrongWithItsInputs() throws {
        try writeBrain()
        try writeTemplate(whiteShiftMm: 0.5)
        #expect(message().contains("white") && message().contains("matrices differ"))
        try writeTemplate()
        #expect(message(["field_spacing_mm": .real(0)]).contains("field_spacing_mm"))
        let poor = message(["maximum_misfit": .real(0), "iterations": .integer(0)])
        #expect(poor.contains("does not look like the template"), "\(poor)")
        try writeBrain(isEmpty: true)
        let empty = message()
        #expect(empty.contains("volume"), "\(empty)")
        #expect(!FileManager.default.fileExists(atPath: path("scores.json")))
    }
}
