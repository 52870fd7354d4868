internal import HDF5
internal import StageKit

/// The points that rows of patches, features or scores stand for, read from one file or from several that are gathered: rows of the
/// first file come first. Features and pixels themselves stay in the files.
///
/// The datasets are those of the types patch-set and feature-table in `stages/types.yaml`; what a file lacks is unknown: no label,
/// no test point, NaN.
struct PointTable: Sendable {
    /// A brain and how it takes part: seen, transfer, unseen, or "" where that is not told.
    struct Brain: Sendable, Equatable {
        var name: String
        var role: String
    }

    /// A file and the rows that it gave.
    struct Source: Sendable {
        let input: StageInput
        let rows: Range<Int>
    }

    /// A section of a brain.
    struct Section: Sendable, Hashable {
        var brain: Int32
        var name: String
    }

    var sources: [Source] = []
    var brains: [Brain] = []
    var sections: [Section] = []
    /// Names of areas by label.
    var areaNames: [Int32: String] = [:]

    /// Of each point: index into `brains`.
    var brain: [Int32] = []
    /// Of each point: index into `sections`.
    var section: [Int32] = []
    /// Of each point: its area, or −1 for none.
    var label: [Int32] = []
    /// Of each point: whether it lies in a test section.
    var isTest: [Bool] = []
    /// Of each point: 0 left, 1 right.
    var hemisphere: [UInt8] = []
    /// Of each point: (row, column) in its section, µm.
    var positionUm: [SIMD2<Double>] = []
    /// Of each point: RAS mm in the template's space, NaN where it is unknown.
    var mniMm: [SIMD3<Double>] = []
    /// Of each point: (plane, row, column) µm in the reconstruction, NaN where it is unknown.
    var reconstructionUm: [SIMD3<Double>] = []

    var count: Int { brain.count }

    /// Whether a label is one: neither −1 nor a map's background.
    func hasArea(_ row: Int) -> Bool { label[row] > 0 }

    func brainName(_ row: Int) -> String { brains[Int(brain[row])].name }
    func role(_ row: Int) -> String { brains[Int(brain[row])].role }
    func areaName(_ label: Int32) -> String { areaNames[label] ?? "\(label)" }

    /// The set of a point in an evaluation of areas (Methods 3.5): its points of test sections stand for a seen brain.
    func evaluationSet(_ row: Int) -> EvaluationSet? {
        switch role(row) {
        case "seen": isTest[row] ? .seen : nil
        case "transfer": .transfer
        case "unseen": .unseen
        default: nil
        }
    }

    /// Rows of a brain, ascending.
    func rows(ofBrain index: Int) -> [Int] { brain.indices.filter { brain[$0] == Int32(index) } }

    /// The brain of a name; the error says which there are.
    func brainIndex(named name: String, port: String) throws -> Int {
        guard let index = brains.firstIndex(where: { $0.name == name }) else {
            throw StageError(
                .badJob,
                "there is no brain \(name) (there are: \(brains.map(\.name).joined(separator: ", "))); change config.brain",
                port: port)
        }
        return index
    }
}

/// Where the points of a test lie (Methods 3.5, Table 1).
enum EvaluationSet: String, Sendable, CaseIterable {
    case seen, transfer, unseen
}

extension PointTable {
    /// Reads the row datasets of gathered files.
    ///
    /// - Parameters:
    ///   - inputs: files in their order. A role that `/brains/role` does not tell comes from the attribute `role` of the file's item.
    ///   - rowDataset: a dataset that every file has, one row a point, for example `/features`.
    /// - Throws: `StageError` where a dataset has another number of rows, or two files name a label or a brain's role differently.
    init(_ inputs: [StageInput], rowDataset: String) throws {
        guard !inputs.isEmpty else {
            throw StageError(.badJob, "no file is given", port: nil)
        }
        var sectionIndex: [Section: Int32] = [:]
        for input in inputs {
            let file = try HDF5File(reading: input.path)
            let reader = RowReader(file: file, input: input, count: try file.dataset(rowDataset).shape.first ?? 0)
            let first = count
            let own = try reader.brains()
            let map = try own.names.enumerated().map { index, name in
                try add(Brain(name: name, role: own.roles[index]), input)
            }
            for index in own.rows {
                guard map.indices.contains(Int(index)) else { throw reader.wrong("/brain holds \(index)") }
                brain.append(map[Int(index)])
            }
            let names = try reader.texts("/section_name")
            for row in 0..<reader.count {
                let section = Section(brain: brain[first + row], name: names?[row] ?? "")
                if let index = sectionIndex[section] {
                    self.section.append(index)
                } else {
                    sectionIndex[section] = Int32(sections.count)
                    self.section.append(Int32(sections.count))
                    sections.append(section)
                }
            }
            label += try reader.read("/label", 1, as: Int32.self) ?? [Int32](repeating: -1, count: reader.count)
            isTest +=
                try reader.read("/test", 1, as: UInt8.self)?.map { $0 != 0 }
                ?? [Bool](repeating: false, count: reader.count)
            hemisphere +=
                try reader.read("/hemisphere", 1, as: UInt8.self) ?? [UInt8](repeating: 0, count: reader.count)
            let plane = try reader.read("/position_um", 2, as: Double.self)
            positionUm += (0..<reader.count).map { row in
                plane.map { SIMD2($0[2 * row], $0[2 * row + 1]) } ?? SIMD2(repeating: .nan)
            }
            mniMm += try reader.points("/mni_mm")
            reconstructionUm += try reader.points("/reconstruction_um")
            for (label, name) in try reader.areas() {
                if let known = areaNames[label], known != name {
                    throw reader.wrong("the area \(label) is \(name) here, but \(known) in another file")
                }
                areaNames[label] = name
            }
            sources.append(Source(input: input, rows: first..<count))
        }
    }

    private mutating func add(_ brain: Brain, _ input: StageInput) throws -> Int32 {
        guard let index = brains.firstIndex(where: { $0.name == brain.name }) else {
            brains.append(brain)
            return Int32(brains.count - 1)
        }
        if brains[index].role.isEmpty { brains[index].role = brain.role }
        guard brain.role.isEmpty || brain.role == brains[index].role else {
            throw StageError(
                .badInput, "the brain \(brain.name) is \(brain.role) here, but \(brains[index].role) in another file",
                port: input.port, file: input.path)
        }
        return Int32(index)
    }
}

/// Reads the row datasets of one file.
private struct RowReader {
    let file: HDF5File
    let input: StageInput
    let count: Int

    func wrong(_ problem: String) -> StageError {
        StageError(.badInput, problem, port: input.port, file: input.path)
    }

    /// A dataset of `width` numbers a row, or nil where the file has none.
    func read<Element: HDF5Element>(_ path: String, _ width: Int, as type: Element.Type) throws -> [Element]? {
        guard file.contains(path) else { return nil }
        let dataset = try file.dataset(path)
        guard dataset.shape == (width == 1 ? [count] : [count, width]) else {
            throw wrong("\(path) has the shape \(dataset.shape) for \(count) points")
        }
        return try dataset.read(as: type)
    }

    func texts(_ path: String) throws -> [String]? {
        guard file.contains(path) else { return nil }
        let texts = try file.dataset(path).readTexts()
        guard texts.count == count else { throw wrong("\(path) has \(texts.count) values for \(count) points") }
        return texts
    }

    func points(_ path: String) throws -> [SIMD3<Double>] {
        guard let values = try read(path, 3, as: Double.self) else {
            return [SIMD3<Double>](repeating: SIMD3(repeating: .nan), count: count)
        }
        return (0..<count).map { SIMD3(values[3 * $0], values[3 * $0 + 1], values[3 * $0 + 2]) }
    }

    /// Names and roles of the file's brains, and the brain of each row; a file without them is of its item's brain.
    func brains() throws -> (names: [String], roles: [String], rows: [Int32]) {
        let role = input.optionalText("role") ?? ""
        guard file.contains("/brains/name") else {
            let name = (try? input.coordinate("brain")) ?? "brain"
            return ([name], [role], [Int32](repeating: 0, count: count))
        }
        let names = try file.dataset("/brains/name").readTexts()
        var roles = file.contains("/brains/role") ? try file.dataset("/brains/role").readTexts() : names.map { _ in "" }
        guard roles.count == names.count else { throw wrong("/brains/role has another length than /brains/name") }
        if names.count == 1, roles[0].isEmpty { roles[0] = role }
        let rows = try read("/brain", 1, as: Int32.self)
        guard let rows = rows ?? (names.count == 1 ? [Int32](repeating: 0, count: count) : nil) else {
            throw wrong("/brain is missing, though there are \(names.count) brains")
        }
        return (names, roles, rows)
    }

    func areas() throws -> [(Int32, String)] {
        guard file.contains("/areas/label"), file.contains("/areas/name") else { return [] }
        let labels = try file.dataset("/areas/label").read(as: Int32.self)
        let names = try file.dataset("/areas/name").readTexts()
        guard labels.count == names.count else { throw wrong("/areas/label and /areas/name differ in length") }
        return Array(zip(labels, names))
    }
}
