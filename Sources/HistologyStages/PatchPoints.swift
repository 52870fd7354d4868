internal import HDF5
internal import NDArray
internal import StageKit

/// Sampling points of one brain or several, with all that their tables say of them: the rows of a patch-set.
struct PatchPoints {
    /// Names and roles of the brains that `brain` counts; a role is empty where the cohort gives none.
    var brains: [String] = []
    var roles: [String] = []
    var brain: [Int32] = []
    var sectionName: [String] = []
    /// (row, column) in the section, µm.
    var positionUm: [SIMD2<Double>] = []
    /// Row of the table that a point is from.
    var row: [Int64] = []
    /// NaN where unknown.
    var mniMm: [SIMD3<Double>] = []
    var icbmMm: [SIMD3<Double>] = []
    var reconstructionUm: [SIMD3<Double>] = []
    var hemisphere: [UInt8] = []
    /// −1 for none.
    var label: [Int32] = []
    var isTest: [UInt8] = []
    var angleRad: [Float] = []
    var tissueFraction: [Float] = []
    /// Which of the columns that not every table has were in one.
    var has = (icbm: false, reconstruction: false, angle: false, tissue: false)
    var areas: [(label: Int32, name: String)] = []

    var count: Int { brain.count }

    /// Reads tables, one after another.
    ///
    /// - Parameter brainHere: the brain where a file's item does not tell it, for stages that run over brains.
    init(_ inputs: [StageInput], brainHere: String) throws {
        for input in inputs { try append(input, brain: (try? input.coordinate("brain")) ?? brainHere) }
    }

    private mutating func append(_ input: StageInput, brain name: String) throws {
        let file = try HDF5File(reading: input.path)
        func wrong(_ problem: String) -> StageError {
            StageError(.badInput, problem, port: input.port, file: input.path)
        }
        guard file.contains("/section_name"), file.contains("/position_um"), file.contains("/hemisphere") else {
            throw wrong(
                "has no /section_name, /position_um and /hemisphere; give the points of mni-coordinates or of area-points"
            )
        }
        let sections = try file.readTexts("/section_name")
        let count = sections.count
        func column<Element: HDF5Element>(_ path: String, _ width: Int, _ type: Element.Type) throws -> [Element]? {
            guard file.contains(path) else { return nil }
            let values = try file.read(path, as: type)
            guard values.count == width * count else {
                throw wrong("\(path) has \(values.count) values for \(count) points")
            }
            return values
        }
        func places(_ path: String) throws -> [SIMD3<Double>]? {
            try column(path, 3, Double.self).map { values in
                (0..<count).map { SIMD3(values[3 * $0], values[3 * $0 + 1], values[3 * $0 + 2]) }
            }
        }
        let number: Int
        if let known = brains.firstIndex(of: name) {
            number = known
        } else {
            number = brains.count
            brains.append(name)
            roles.append(input.optionalText("role") ?? "")
        }
        let positions = try column("/position_um", 2, Double.self) ?? []
        if let bad = positions.firstIndex(where: { !$0.isFinite }) {
            throw wrong("the position of point \(bad / 2) is not a finite number")
        }
        let nowhere = [SIMD3<Double>](repeating: SIMD3(repeating: .nan), count: count)
        brain += [Int32](repeating: Int32(number), count: count)
        sectionName += sections
        positionUm += (0..<count).map { SIMD2(positions[2 * $0], positions[2 * $0 + 1]) }
        row += (0..<count).map { Int64($0) }
        hemisphere += try column("/hemisphere", 1, UInt8.self) ?? []
        mniMm += try places("/mni_mm") ?? nowhere
        let icbm = try places("/icbm152_mm")
        icbmMm += icbm ?? nowhere
        let reconstruction = try places("/reconstruction_um")
        reconstructionUm += reconstruction ?? nowhere
        let angle = try column("/angle_rad", 1, Float.self)
        angleRad += angle ?? [Float](repeating: .nan, count: count)
        let tissue = try column("/tissue_fraction", 1, Float.self)
        tissueFraction += tissue ?? [Float](repeating: .nan, count: count)
        has.icbm = has.icbm || icbm != nil
        has.reconstruction = has.reconstruction || reconstruction != nil
        has.angle = has.angle || angle != nil
        has.tissue = has.tissue || tissue != nil
        isTest += try column("/test", 1, UInt8.self) ?? [UInt8](repeating: 0, count: count)
        // Contours name their areas by label; the atlas's map has 0 where there is none.
        if let labels = try column("/label", 1, Int32.self) {
            label += labels
        } else if let atlas = try column("/area_id", 1, Int32.self) {
            label += atlas.map { $0 == 0 ? -1 : $0 }
        } else {
            label += [Int32](repeating: -1, count: count)
        }
        guard file.contains("/areas/label"), file.contains("/areas/name") else { return }
        for (label, name) in zip(try file.read("/areas/label", as: Int32.self), try file.readTexts("/areas/name")) {
            if let known = areas.first(where: { $0.label == label }) {
                guard known.name == name else {
                    throw wrong("names the area \(label) '\(name)', where another file has '\(known.name)'")
                }
            } else {
                areas.append((label, name))
            }
        }
    }

    /// The points of some rows.
    func selected(_ rows: [Int]) -> PatchPoints {
        var result = self
        func pick<Element>(_ values: [Element]) -> [Element] { rows.map { values[$0] } }
        result.brain = pick(brain)
        result.sectionName = pick(sectionName)
        result.positionUm = pick(positionUm)
        result.row = pick(row)
        result.mniMm = pick(mniMm)
        result.icbmMm = pick(icbmMm)
        result.reconstructionUm = pick(reconstructionUm)
        result.hemisphere = pick(hemisphere)
        result.label = pick(label)
        result.isTest = pick(isTest)
        result.angleRad = pick(angleRad)
        result.tissueFraction = pick(tissueFraction)
        return result
    }

    /// Writes the row datasets of a patch-set.
    func write(to file: HDF5File) throws {
        func write(_ values: [SIMD3<Double>], _ path: String, unit: String) throws {
            try file.write(values.flatMap { [$0.x, $0.y, $0.z] }, shape: [count, 3], to: path)
            try file.setAttribute("unit", to: unit, of: path)
        }
        try file.write(brain, to: "/brain")
        try file.write(texts: brains, to: "/brains/name")
        try file.write(texts: roles, to: "/brains/role")
        try file.write(texts: sectionName, to: "/section_name")
        try file.write(positionUm.flatMap { [$0.x, $0.y] }, shape: [count, 2], to: "/position_um")
        try file.setAttribute("unit", to: "um", of: "/position_um")
        try file.write(row, to: "/row")
        try write(mniMm, "/mni_mm", unit: "mm")
        if has.icbm { try write(icbmMm, "/icbm152_mm", unit: "mm") }
        if has.reconstruction { try write(reconstructionUm, "/reconstruction_um", unit: "um") }
        try file.write(hemisphere, to: "/hemisphere")
        try file.write(label, to: "/label")
        try file.write(isTest, to: "/test")
        if has.angle { try file.write(angleRad, to: "/angle_rad") }
        if has.angle { try file.setAttribute("unit", to: "rad", of: "/angle_rad") }
        if has.tissue { try file.write(tissueFraction, to: "/tissue_fraction") }
        try file.write(areas.map(\.label), to: "/areas/label")
        try file.write(texts: areas.map(\.name), to: "/areas/name")
    }
}
