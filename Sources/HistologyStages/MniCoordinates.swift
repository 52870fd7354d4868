internal import HDF5
internal import NDArray
internal import NIfTI
internal import SpatialTransforms
public import StageKit
internal import TransformFiles

/// Gives the points of a brain coordinates in the template's space, and the areas that lie there.
public struct MniCoordinates: Stage {
    public static let name = "mni-coordinates"
    public static let summary =
        "Carries a brain's points into the template's space and looks up their areas (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let largestShare = try config.double("outside_share", in: 0...1)
        let input = try context.input("points")
        let points = try HDF5File(reading: input.path)
        let rows = try BrainPoints(points, port: input.port)

        context.progress(0, "reading transforms")
        // What the cohort's own transforms say goes before what a registration found.
        let own = try chain(context, ["transform", "transform_warp"], invert: try config.bool("invert"))
        let found = try chain(context, ["registration", "registration_warp"], invert: false)
        guard let transform = own ?? found else {
            throw StageError(
                .badJob,
                "neither a transform nor a registration is given; take the cohort's transforms to the template, or the stage "
                    + "template-registration")
        }
        if own != nil, found != nil { context.warn("a transform is given, so the registration is not used") }
        let placed = try context.inputs("section_transforms")
        var startMm: [SIMD3<Double>]
        if own != nil, !placed.isEmpty {
            startMm = try brainMm(rows, placed, context)
        } else {
            startMm = rows.reconstructionMm
        }

        context.progress(0.2, "mapping")
        let (mniMm, outside) = transform.map(startMm, threads: context.cores)
        let share = rows.count == 0 ? 0 : Double(outside) / Double(rows.count)
        context.figure("points", Double(rows.count))
        context.figure("outside", Double(outside))
        context.figure("outside_share", share)
        guard share <= largestShare else {
            throw StageError(
                .badInput,
                "\(outside) of \(rows.count) points (\(Percent.of(share))) lie where the transform has no value, and at most "
                    + "\(Percent.of(largestShare)) may (config.outside_share). \(reach(startMm, mniMm)) Does the displacement "
                    + "field cover the brain, is the transform the one of this brain, and does it map from brain to template "
                    + "(config.invert)?",
                port: own != nil ? "transform" : "registration",
                file: try context.inputs(own != nil ? "transform" : "registration").first?.path)
        }
        if outside > 0 {
            context.warn(
                "\(outside) of \(rows.count) points lie where the transform has no value; their coordinates are NaN and /inside is 0"
            )
        }

        let icbm = try chain(context, ["icbm152"], invert: false)
        let icbmMm = icbm.map { $0.map(mniMm, threads: context.cores) }
        if let icbmMm, icbmMm.undefined > outside {
            context.warn(
                "\(icbmMm.undefined - outside) points have no ICBM 152 coordinates; the transform ends before them")
        }
        context.progress(0.5, "looking up areas")
        let table = try context.optionalInput("labels").map { try LabelTable($0) }
        let areas = try AreaLookup.areas(context, at: mniMm, table: table)
        let probable = try AreaLookup.probabilities(context, at: mniMm, table: table)

        context.progress(0.9, "writing")
        try context.write("points") { file in
            try copyDatasets(from: points, to: file)
            func write(_ values: [SIMD3<Double>], _ path: String) throws {
                try file.write(values.flatMap { [$0.x, $0.y, $0.z] }, shape: [rows.count, 3], to: path)
                try file.setAttribute("unit", to: "mm", of: path)
                try file.setAttribute("space", to: "RAS", of: path)
            }
            try write(mniMm, "/mni_mm")
            try file.write(mniMm.map { UInt8($0.x.isNaN ? 0 : 1) }, to: "/inside")
            if let icbmMm { try write(icbmMm.points, "/icbm152_mm") }
            if let areas { try file.write(areas, to: "/area_id") }
            if let probable {
                try file.write(probable.area, to: "/probable_area_id")
                try file.write(probable.probability, to: "/area_probability")
            }
            if let table {
                try file.write(table.labels, to: "/areas/label")
                try file.write(texts: table.names, to: "/areas/name")
            }
        }
        if let areas, rows.count > 0 {
            context.figure("in_an_area", Double(areas.count { $0 != 0 }) / Double(rows.count))
        }
    }

    /// The transforms of some ports as one, those of the first port applied first; nil where none is given.
    private static func chain(_ context: StageContext, _ ports: [String], invert: Bool) throws -> SpatialTransform? {
        var list: [SpatialTransform] = []
        for port in ports {
            for input in try context.inputs(port) {
                do {
                    list.append(try TransformFile.read(input.path, invert: invert))
                } catch let error as TransformFileError {
                    throw StageError(
                        .badInput, error.file == input.path ? error.problem : "\(error)", port: port, file: input.path)
                }
            }
        }
        guard !list.isEmpty else { return nil }
        return SpatialTransform.chain(invert ? list.reversed() : list).simplified
    }

    /// Points as their own sections' transforms place them in the brain, RAS mm; NaN in a section without transform.
    private static func brainMm(
        _ rows: BrainPoints, _ inputs: [StageInput], _ context: StageContext
    ) throws -> [SIMD3<Double>] {
        var places: [String: SectionPlace] = [:]
        for input in inputs { places[try input.coordinate("section")] = try SectionPlace(input) }
        var missing: Set<String> = []
        let points = rows.positionUm.indices.map { index -> SIMD3<Double> in
            guard let place = rows.section(index, among: places) else {
                missing.insert(rows.sectionName(index))
                return SIMD3(repeating: .nan)
            }
            return place.rasMm(rows.positionUm[index])
        }
        if !missing.isEmpty {
            context.warn(
                "there is no section transform for \(missing.sorted().prefix(8).joined(separator: ", "))"
                    + "\(missing.count > 8 ? " and \(missing.count - 8) more" : ""); their points have no coordinates")
        }
        return points
    }

    /// Where the points lie that were and were not mapped, as a sentence.
    private static func reach(_ start: [SIMD3<Double>], _ mapped: [SIMD3<Double>]) -> String {
        func box(_ points: [SIMD3<Double>]) -> String {
            guard let first = points.first else { return "nowhere" }
            let low = points.reduce(first) { pointwiseMin($0, $1) }
            let high = points.reduce(first) { pointwiseMax($0, $1) }
            return (0..<3).map { "\(["x", "y", "z"][$0]) \(Int(low[$0].rounded())) … \(Int(high[$0].rounded()))" }
                .joined(separator: ", ") + " mm"
        }
        let outside = start.indices.filter { mapped[$0].x.isNaN && !start[$0].x.isNaN }.map { start[$0] }
        return "The points reach over \(box(start.filter { !$0.x.isNaN })) (RAS); those outside over \(box(outside))."
    }
}

/// The rows of a midline-points artifact that coordinates are made from.
struct BrainPoints {
    let count: Int
    /// (row, column) in the section, µm.
    let positionUm: [SIMD2<Double>]
    /// RAS mm of the reconstruction.
    let reconstructionMm: [SIMD3<Double>]
    private let sectionNumber: [Int32]
    private let names: [String]

    init(_ file: HDF5File, port: String) throws {
        sectionNumber = try file.read("/section", as: Int32.self)
        count = sectionNumber.count
        let positions = try file.read("/position_um", as: Double.self)
        let reconstruction = try file.read("/reconstruction_um", as: Double.self)
        names = file.contains("/section_name") ? try file.readTexts("/section_name") : []
        guard positions.count == 2 * count, reconstruction.count == 3 * count else {
            throw StageError(
                .badInput, "its datasets do not all have \(count) points", port: port, file: file.path)
        }
        guard count > 0 else { throw StageError(.badInput, "holds no point", port: port, file: file.path) }
        if let bad = (positions + reconstruction).firstIndex(where: { !$0.isFinite }) {
            throw StageError(
                .badInput,
                "a coordinate of point \(bad < 2 * count ? bad / 2 : (bad - 2 * count) / 3) is not a finite number",
                port: port, file: file.path)
        }
        positionUm = (0..<count).map { SIMD2(positions[2 * $0], positions[2 * $0 + 1]) }
        reconstructionMm = (0..<count).map {
            ReconstructionSpace.rasMm(
                SIMD3(reconstruction[3 * $0], reconstruction[3 * $0 + 1], reconstruction[3 * $0 + 2]))
        }
    }

    /// The section of a point: its name where the file has one for each point, else its number.
    func sectionName(_ index: Int) -> String {
        names.count == count ? names[index] : "\(sectionNumber[index])"
    }

    /// What belongs to the section of a point; numbers match names by their digits (12 and 0012).
    func section<Value>(_ index: Int, among values: [String: Value]) -> Value? {
        let name = sectionName(index)
        if let value = values[name] { return value }
        guard names.count != count else { return nil }
        if sectionNumber[index] >= 0, Int(sectionNumber[index]) < names.count {
            return values[names[Int(sectionNumber[index])]]
        }
        for width in 2...8 {
            let padded = String(repeating: "0", count: max(0, width - name.count)) + name
            if let value = values[padded] { return value }
        }
        return nil
    }
}

/// Where a section lies in its brain: section µm into the plane at a position along the brain.
struct SectionPlace {
    private let matrix: [Double]
    private let positionUm: Double

    init(_ input: StageInput) throws {
        let file = try HDF5File(reading: input.path)
        matrix = try file.read("/matrix", as: Double.self)
        positionUm = try file.hasAttribute("position_um") ? file.attribute("position_um") : input.double("position_um")
        guard matrix.count == 9, (matrix + [positionUm]).allSatisfy(\.isFinite) else {
            throw StageError(
                .badInput, "/matrix and position_um are not a 3 × 3 matrix and a number", port: input.port,
                file: input.path)
        }
        guard abs(matrix[0] * matrix[4] - matrix[1] * matrix[3]) > 1e-9 else {
            throw StageError(.badInput, "/matrix is singular", port: input.port, file: input.path)
        }
    }

    /// A point of the section, (row, column) µm, in the brain, RAS mm.
    func rasMm(_ point: SIMD2<Double>) -> SIMD3<Double> {
        ReconstructionSpace.rasMm(
            planeUm: positionUm, rowUm: matrix[0] * point.x + matrix[1] * point.y + matrix[2],
            columnUm: matrix[3] * point.x + matrix[4] * point.y + matrix[5])
    }
}

/// Shares for people.
enum Percent {
    static func of(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}
