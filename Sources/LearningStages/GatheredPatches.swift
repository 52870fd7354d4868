internal import HDF5
public import Networks
internal import ScoreTables
public import StageKit

/// Windows of pixels that a network is run or trained on.
public protocol PatchWindows {
    var count: Int { get }
    /// Side of a window, px.
    var windowSide: Int { get }
    /// Of a pixel, µm.
    var spacingUm: Double { get }
    /// Patches cut out of the windows of some rows, each by its draw, one after another; see `augment`.
    func patches(
        of rows: [Int], patchSide: Int, draws: [AugmentationDraw], threads: Int
    ) throws -> [Float]
}

extension PatchSet: PatchWindows {
    public func patches(
        of rows: [Int], patchSide: Int, draws: [AugmentationDraw], threads: Int
    ) throws -> [Float] {
        try augmented(rows, patchSide: patchSide, draws: [draws], threads: threads)
    }
}

/// The patch sets of several brains, one after another, as a stage gets them that gathers brains.
public struct GatheredPatches: PatchWindows {
    private let sets: [PatchSet]
    /// The row at which each set begins.
    private let starts: [Int]
    public let count: Int

    /// - Parameter sections: the scans of the points' sections, for sets without pixels.
    /// - Throws: `StageError` where windows or pixels differ in size from set to set.
    public init(_ inputs: [StageInput], sections: [StageInput] = []) throws {
        guard let port = inputs.first?.port else { throw StageError(.badJob, "there is no patch set") }
        sets = try inputs.map { try PatchSet(reading: $0.path, sections: sections) }
        for (input, set) in zip(inputs, sets)
        where set.windowSide != sets[0].windowSide || set.spacingUm != sets[0].spacingUm {
            throw StageError(
                .badInput,
                "has windows of \(set.windowSide) px at \(set.spacingUm) µm, but \(inputs[0].path) has \(sets[0].windowSide) px at "
                    + "\(sets[0].spacingUm) µm", port: port, file: input.path)
        }
        var starts: [Int] = []
        var count = 0
        for set in sets {
            starts.append(count)
            count += set.count
        }
        self.starts = starts
        self.count = count
    }

    public var windowSide: Int { sets[0].windowSide }
    public var spacingUm: Double { sets[0].spacingUm }

    public func patches(
        of rows: [Int], patchSide: Int, draws: [AugmentationDraw], threads: Int
    ) throws -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(rows.count * patchSide * patchSide)
        var start = 0
        while start < rows.count {
            // Neighbours in the list that are of one set are read together.
            let set = (starts.firstIndex { $0 > rows[start] } ?? starts.count) - 1
            let range = starts[set]..<starts[set] + sets[set].count
            let end = rows[start...].firstIndex { !range.contains($0) } ?? rows.count
            result += try sets[set].patches(
                of: rows[start..<end].map { $0 - range.lowerBound }, patchSide: patchSide,
                draws: Array(draws[start..<end]), threads: threads)
            start = end
        }
        return result
    }
}

/// What is known of the rows of one or more patch sets, one after another.
struct PatchRows {
    /// The brains of all sets; one that stands in several sets is one.
    var brains: [ClassificationScores.Brain] = []
    /// Place in `brains`.
    var brain: [Int] = []
    /// Area; −1 for none.
    var label: [Int] = []
    /// Of a section that is kept for tests.
    var isTest: [Bool] = []
    var mniMm: [SIMD3<Double>] = []
    var section: [String] = []
    var positionUm: [SIMD2<Double>] = []
    var hemisphere: [Int] = []
    /// Plane, row and column in the reconstruction, µm.
    var reconstructionUm: [SIMD3<Double>] = []
    private var areaNames: [Int: String] = [:]

    var count: Int { label.count }

    /// Reads the rows; what a set does not hold is unknown (no label, no test, NaN).
    init(_ inputs: [StageInput]) throws {
        for input in inputs {
            let file = try HDF5File(reading: input.path)
            let known = ["/label", "/position_um", "/pixels"].first { file.contains($0) }
            let count = try file.dataset(known ?? "/pixels").shape.first ?? 0
            func numbers<Number: HDF5Element>(_ path: String, width: Int = 1, _ absent: Number) throws -> [Number] {
                guard file.contains(path) else { return Array(repeating: absent, count: count * width) }
                let values = try file.dataset(path).read(as: Number.self)
                guard values.count == count * width else {
                    throw StageError(
                        .badInput, "\(path) has \(values.count) values for \(count) rows", port: input.port,
                        file: input.path)
                }
                return values
            }
            let names = file.contains("/brains/name") ? try file.dataset("/brains/name").readTexts() : [""]
            let roles =
                file.contains("/brains/role") ? try file.dataset("/brains/role").readTexts() : names.map { _ in "" }
            guard names.count == roles.count else {
                throw StageError(
                    .badInput, "/brains has \(names.count) names and \(roles.count) roles", port: input.port,
                    file: input.path)
            }
            let places = zip(names, roles).map { name, role in
                let entry = ClassificationScores.Brain(name: name, role: role)
                if let place = brains.firstIndex(of: entry) { return place }
                brains.append(entry)
                return brains.count - 1
            }
            brain += try numbers("/brain", Int32(0)).map { index in
                guard places.indices.contains(Int(index)) else {
                    throw StageError(
                        .badInput, "/brain names the brain \(index) of \(places.count)", port: input.port,
                        file: input.path)
                }
                return places[Int(index)]
            }
            label += try numbers("/label", Int32(-1)).map { Int($0) }
            isTest += try numbers("/test", UInt8(0)).map { $0 != 0 }
            hemisphere += try numbers("/hemisphere", UInt8(0)).map { Int($0) }
            let mni = try numbers("/mni_mm", width: 3, Double.nan)
            mniMm += (0..<count).map { SIMD3(mni[3 * $0], mni[3 * $0 + 1], mni[3 * $0 + 2]) }
            let reconstruction = try numbers("/reconstruction_um", width: 3, Double.nan)
            reconstructionUm += (0..<count).map {
                SIMD3(reconstruction[3 * $0], reconstruction[3 * $0 + 1], reconstruction[3 * $0 + 2])
            }
            if file.contains("/areas/label"), file.contains("/areas/name") {
                let labels = try file.dataset("/areas/label").read(as: Int32.self)
                for (label, name) in zip(labels, try file.dataset("/areas/name").readTexts()) {
                    areaNames[Int(label)] = name
                }
            }
            let position = try numbers("/position_um", width: 2, Double.nan)
            positionUm += (0..<count).map { SIMD2(position[2 * $0], position[2 * $0 + 1]) }
            section +=
                file.contains("/section_name")
                ? try file.dataset("/section_name").readTexts() : Array(repeating: "", count: count)
        }
    }

    /// Its label where it has no name.
    func areaName(_ label: Int) -> String { areaNames[label] ?? "\(label)" }

    /// A brain's role.
    func role(_ row: Int) -> String { brains[brain[row]].role }

    /// Row of a table of scores, with what is known of the point; the prediction is to be filled in.
    func scored(_ row: Int) -> ClassificationScores.Row {
        var result = ClassificationScores.Row()
        result.brain = brain[row]
        result.truth = label[row]
        result.row = row
        result.mniMm = mniMm[row]
        result.section = section[row]
        result.positionUm = positionUm[row]
        result.hemisphere = hemisphere[row]
        result.reconstructionUm = reconstructionUm[row]
        return result
    }
}
