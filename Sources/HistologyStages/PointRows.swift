internal import Cortex
internal import HDF5
internal import NDArray
internal import Registration
internal import StageKit

/// The rows of a set of points of one brain: patches, area points or midline points with or without coordinates.
struct PointRows: Sendable {
    let path: String
    let port: String
    /// Name of the section of each row.
    let section: [String]
    /// (row, column) in the section, µm.
    let positionUm: [SIMD2<Double>]
    /// (plane, row, column) in the reconstruction, µm; NaN where unknown.
    let reconstructionUm: [SIMD3<Double>]

    var count: Int { section.count }

    /// Reads a port.
    ///
    /// - Parameter stack: places rows in the reconstruction that the file does not place.
    init(_ context: StageContext, port: String = "points", stack: StackArtifact? = nil) throws {
        let file = try context.open(port)
        let path = file.path
        func problem(_ sentence: String) -> StageError { StageError(.badInput, sentence, port: port, file: path) }
        guard file.contains("/section_name"), file.contains("/position_um") else {
            throw problem("has no /section_name and /position_um; give it points of sections, or patches of them")
        }
        if file.contains("/brains/name"), try file.dataset("/brains/name").count > 1 {
            throw problem("holds points of several brains; give it those of one")
        }
        let names = try file.readTexts("/section_name")
        let positions = try file.read("/position_um", as: Double.self)
        guard positions.count == 2 * names.count else {
            throw problem("/position_um has \(positions.count / 2) rows, /section_name \(names.count)")
        }
        section = names
        positionUm = names.indices.map { SIMD2(positions[2 * $0], positions[2 * $0 + 1]) }
        self.path = path
        self.port = port
        var places = [SIMD3<Double>](repeating: SIMD3(repeating: .nan), count: names.count)
        if file.contains("/reconstruction_um") {
            let known = try file.read("/reconstruction_um", as: Double.self)
            guard known.count == 3 * names.count else {
                throw problem("/reconstruction_um has \(known.count / 3) rows, /section_name \(names.count)")
            }
            places = names.indices.map { SIMD3(known[3 * $0], known[3 * $0 + 1], known[3 * $0 + 2]) }
        } else if stack == nil {
            throw problem("has no /reconstruction_um; connect the port stack, by which its rows can be placed")
        }
        if let stack {
            let number = Dictionary(
                stack.sections.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
            for index in names.indices where places[index].x.isNaN {
                guard let member = number[names[index]] else { continue }
                let place = stack.transforms[member](
                    PlanarPoint(row: positionUm[index].x, column: positionUm[index].y))
                places[index] = SIMD3(stack.positionsUm[member], place.row, place.column)
            }
        }
        reconstructionUm = places
    }

    /// The rows of each section, in order.
    var rowsBySection: [String: [Int]] {
        var rows: [String: [Int]] = [:]
        for (index, name) in section.enumerated() { rows[name, default: []].append(index) }
        return rows
    }
}

extension DepthField {
    /// Reads a cortical-depth artifact.
    init(_ context: StageContext, port: String) throws {
        let file = try context.open(port)
        let volume = try file.readVolume("/depth", as: Float.self)
        let spacingUm = try file.attribute("spacing_um", as: Double.self)
        let origin = try file.attributeList("origin_um", as: Double.self)
        guard spacingUm > 0, spacingUm.isFinite, origin.count == 3, origin.allSatisfy(\.isFinite) else {
            throw StageError(
                .badInput,
                "spacing_um is \(spacingUm), origin_um \(origin); a positive number and three numbers are needed",
                port: port, file: file.path)
        }
        self.init(volume, spacingUm: spacingUm, originUm: SIMD3(origin[0], origin[1], origin[2]))
    }
}
