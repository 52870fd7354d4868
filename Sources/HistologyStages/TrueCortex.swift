internal import Cortex
internal import HDF5
internal import NDArray
internal import Phantom
internal import StageKit

/// What is true of the cortex of a phantom brain at places of its sections.
struct TrueCortex: Sendable {
    /// Distance to pia and to white matter, their sum the thickness, their difference 0 half-way; µm, positive inwards.
    private let thickness: DepthField
    private let middle: DepthField
    private let truths: [String: SectionLineTruth]

    /// The truth at one place.
    struct Place: Sendable {
        var thicknessUm = Double.nan
        var curvaturePerMm = Double.nan
        var cuttingAngleDeg = Double.nan
        /// 0 pia, 1 white surface, below and above outside the cortex.
        var depth = Double.nan
        var piaDistanceUm = Double.nan
        var whiteDistanceUm = Double.nan
    }

    init(brain: StageInput, truths: [String: SectionLineTruth]) throws {
        let file = try HDF5File(reading: brain.path)
        let tissue = try file.readVolume("/tissue_um", as: Int16.self)
        let white = try file.readVolume("/white_um", as: Int16.self)
        let spacingUm = try file.attribute("spacing_um", as: Double.self)
        let origin = try file.attributeList("origin_um", as: Double.self)
        guard spacingUm > 0, origin.count == 3, white.elements.count == tissue.elements.count else {
            throw StageError(
                .badInput, "is no phantom brain with spacing_um, origin_um and two fields of one size",
                port: brain.port,
                file: brain.path)
        }
        func field(_ value: (Float, Float) -> Float) -> DepthField {
            var elements = [Float](repeating: 0, count: tissue.elements.count)
            for index in elements.indices {
                elements[index] = value(Float(tissue.elements[index]), Float(white.elements[index]))
            }
            return DepthField(
                Volume(planes: tissue.planes, rows: tissue.rows, columns: tissue.columns, elements: elements),
                spacingUm: spacingUm, originUm: SIMD3(origin[0], origin[1], origin[2]))
        }
        thickness = field { $0 - $1 }
        middle = field { $0 + $1 }
        self.truths = truths
    }

    /// - Returns: nil where the section's truth is not known or the place is off the brain's grid.
    func at(section: String, positionUm: SIMD2<Double>) -> Place? {
        guard let truth = truths[section] else { return nil }
        let inPlane = truth.transform.apply(row: positionUm.x, column: positionUm.y)
        let place = SIMD3(truth.positionUm, inPlane.row, inPlane.column)
        guard let across = thickness.sample(at: place), let from = middle.sample(at: place) else { return nil }
        var result = Place()
        result.thicknessUm = across.depth
        result.piaDistanceUm = (from.depth + across.depth) / 2
        result.whiteDistanceUm = (across.depth - from.depth) / 2
        result.depth = result.piaDistanceUm / across.depth
        let slope = norm(from.gradient)
        guard slope > 0.2 else { return result }
        let normal = from.gradient / slope
        result.cuttingAngleDeg =
            Math.atan2(abs(normal.x), max(0, 1 - normal.x * normal.x).squareRoot()) * 180 / Double.pi
        // The midsurface's own curvature, at its place next to the point.
        result.curvaturePerMm = curvaturePerMm(at: place - normal * (from.depth / slope)) ?? .nan
        return result
    }

    /// ½ div of the outward unit normal of the level sets, by differences over a voxel to either side.
    private func curvaturePerMm(at place: SIMD3<Double>) -> Double? {
        let h = middle.spacingUm
        var sum = 0.0
        for axis in 0..<3 {
            var step = SIMD3(0.0, 0.0, 0.0)
            step[axis] = h
            guard let after = middle.sample(at: place + step)?.gradient,
                let before = middle.sample(at: place - step)?.gradient, norm(after) > 0.2, norm(before) > 0.2
            else { return nil }
            sum -= (after[axis] / norm(after) - before[axis] / norm(before)) / (2 * h)
        }
        return sum / 2 * 1000
    }

    private func norm(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }
}
