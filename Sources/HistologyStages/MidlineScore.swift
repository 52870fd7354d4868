internal import HDF5
internal import NDArray
internal import Phantom
internal import StageKit

/// How near the points on one brain's sections lie to the true mid-depth line of its cortex.
struct MidlineScore {
    /// Distance in µm from each point to the true line; NaN in a section without one.
    var distanceUm: [Double]
    /// Whether the point's hemisphere is that of the line next to it; nil where no line is near (`coverUm`) to tell.
    var hemisphereAgrees: [Bool?]
    /// Whether the point lies in a part that was to be excluded.
    var isExcluded: [Bool]
    var sections: [String]
    /// Length of the true line outside excluded parts, in samples, and how much of it has a point near, section by section.
    var lineSamples: [Int]
    var coveredSamples: [Int]

    /// Compares points with the truth.
    ///
    /// - Parameters:
    ///   - truths: what is true, by section; sections without points count as not covered.
    ///   - coverUm: a sample of the line is covered by a point at most so far away.
    init(points: MidlinePoints, truths: [String: SectionLineTruth], order: [String], coverUm: Double) {
        var bySection: [String: [Int]] = [:]
        for (index, section) in points.section.enumerated() { bySection[section, default: []].append(index) }
        distanceUm = Array(repeating: .nan, count: points.section.count)
        hemisphereAgrees = Array(repeating: nil, count: points.section.count)
        isExcluded = Array(repeating: false, count: points.section.count)
        sections = order
        lineSamples = []
        coveredSamples = []
        for section in order {
            guard let truth = truths[section] else { continue }
            let members = bySection[section] ?? []
            // Points in excluded parts are told by the map of the parts; their line is not the cortex's.
            let line = LineDistance(samples: truth.lineUm)
            for index in members {
                let position = points.positionUm[index]
                isExcluded[index] = truth.isExcluded(position)
                guard let near = line.nearest(to: position) else { continue }
                distanceUm[index] = near.distanceUm
                guard near.distanceUm <= coverUm else { continue }
                hemisphereAgrees[index] = truth.hemisphere[near.sample] == points.hemisphere[index]
            }
            let found = LineDistance(samples: members.map { points.positionUm[$0] }, joinUm: 1e-9)
            var covered = 0
            for sample in truth.lineUm {
                if let near = found.nearest(to: sample), near.distanceUm <= coverUm { covered += 1 }
            }
            lineSamples.append(truth.lineUm.count)
            coveredSamples.append(covered)
        }
    }

    var coveredShare: Double {
        let all = lineSamples.reduce(0, +)
        return all == 0 ? .nan : Double(coveredSamples.reduce(0, +)) / Double(all)
    }

    var figures: [(String, Double)] {
        let distances = distanceUm.filter(\.isFinite)
        let told = hemisphereAgrees.compactMap { $0 }
        return [
            ("midline_points", Double(distanceUm.count)),
            ("midline_distance_median_um", quantile(0.5, of: distances) ?? .nan),
            ("midline_distance_95_um", quantile(0.95, of: distances) ?? .nan),
            ("midline_covered", coveredShare),
            ("midline_in_excluded", Double(isExcluded.count { $0 })),
            ("midline_hemisphere_right", Double(told.count { $0 }) / Double(max(told.count, 1))),
        ]
    }
}

/// The rows of a midline-points artifact that a check needs.
struct MidlinePoints {
    let section: [String]
    /// (row, column) in the section, µm.
    let positionUm: [SIMD2<Double>]
    let hemisphere: [UInt8]

    init(_ input: StageInput) throws {
        let file = try HDF5File(reading: input.path)
        section = try file.readTexts("/section_name")
        let positions = try file.read("/position_um", as: Double.self)
        hemisphere = try file.read("/hemisphere", as: UInt8.self)
        guard positions.count == 2 * section.count, hemisphere.count == section.count else {
            throw StageError(
                .badInput, "its datasets do not all have \(section.count) points", port: input.port, file: input.path)
        }
        positionUm = section.indices.map { SIMD2(positions[2 * $0], positions[2 * $0 + 1]) }
    }
}

/// What a section's truth tells about its mid-depth line.
struct SectionLineTruth {
    /// Samples outside excluded parts, µm.
    let lineUm: [SIMD2<Double>]
    let hemisphere: [UInt8]
    let transform: PlaneTransform
    let positionUm: Double
    private let excluded: ExcludedMap

    init(_ input: StageInput) throws {
        let file = try HDF5File(reading: input.path)
        let samples = try file.read("/midline_um", as: Double.self)
        let sides = try file.read("/midline_hemisphere", as: UInt8.self)
        let out = try file.read("/midline_excluded", as: UInt8.self)
        let matrix = try file.read("/matrix", as: Double.self)
        guard samples.count == 2 * sides.count, out.count == sides.count, matrix.count == 9 else {
            throw StageError(
                .badInput, "its /midline datasets differ in length, or /matrix is not 3 × 3", port: input.port,
                file: input.path)
        }
        let kept = sides.indices.filter { out[$0] == 0 }
        lineUm = kept.map { SIMD2(samples[2 * $0], samples[2 * $0 + 1]) }
        hemisphere = kept.map { sides[$0] }
        transform = PlaneTransform(matrix)
        positionUm = try file.attribute("position_um")
        excluded = try ExcludedMap(file)
    }

    func isExcluded(_ position: SIMD2<Double>) -> Bool { excluded.contains(position) }
}

/// The parts of a section that are to be left out, as pixels.
private struct ExcludedMap {
    let rows: Int
    let columns: Int
    let pixels: [UInt8]
    let spacingUm: Double
    let firstUm: Double

    init(_ file: HDF5File) throws {
        let image = try file.readImage("/excluded", as: UInt8.self)
        (rows, columns, pixels) = (image.rows, image.columns, image.elements)
        spacingUm = try file.attribute("spacing_um")
        firstUm = try file.attribute("first_um")
    }

    func contains(_ position: SIMD2<Double>) -> Bool {
        let row = Int(((position.x - firstUm) / spacingUm + 0.5).rounded(.down))
        let column = Int(((position.y - firstUm) / spacingUm + 0.5).rounded(.down))
        guard row >= 0, row < rows, column >= 0, column < columns else { return false }
        return pixels[row * columns + column] != 0
    }
}
