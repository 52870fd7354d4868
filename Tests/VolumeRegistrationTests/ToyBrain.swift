import NDArray
import SpatialTransforms
import VolumeRegistration

/// A brain made of formulas: two lobes with a wavy surface, a gray rind and a white core, no symmetry but the midline's.
///
/// Small (36 × 44 × 30 mm) and smooth, so that every map of it is known to a fraction of a voxel.
enum ToyBrain {
    /// Signed depths in mm under the surface of the tissue and of the white matter, positive inside.
    static func depths(_ p: SIMD3<Double>) -> (tissue: Double, white: Double) {
        let side = p.x < 0 ? -1.0 : 1.0
        let q = SIMD3((p.x - 8.6 * side) / 8, (p.y - 1.5 * side) / 21, (p.z + 1) / (p.z > -1 ? 15 : 12))
        let radius = (q * q).sum().squareRoot()
        let waves =
            0.9 * Math.sin(p.y / 2.6 + 0.4 * side) * Math.cos(p.z / 3.1 + 0.3) + 0.7 * Math.sin(p.x / 2.9 + p.z / 4.2)
        let tissue = 9 * (1 - radius) + waves
        return (tissue, tissue - 2.4 - 0.3 * Math.sin(p.y / 7))
    }

    static let halfMm = SIMD3(20.0, 25, 18)

    /// Shares in a voxel whose edge is `mm`: the boundary is spread over one voxel.
    static func template(spacingMm: SIMD3<Double> = [0.8, 0.8, 0.8]) throws -> TissueTemplate {
        let maps = maps(spacingMm: spacingMm)
        return try TissueTemplate(gray: maps.gray, white: maps.white, indexToRasMm: maps.indexToRasMm)
    }

    static func maps(
        spacingMm: SIMD3<Double> = [0.8, 0.8, 0.8]
    ) -> (gray: Volume<Float>, white: Volume<Float>, indexToRasMm: AffineTransform) {
        let counts = (2 * halfMm / spacingMm).rounded(.up) + 1
        let (columns, rows, planes) = (Int(counts.x), Int(counts.y), Int(counts.z))
        let map = AffineTransform(
            x: [spacingMm.x, 0, 0], y: [0, spacingMm.y, 0], z: [0, 0, spacingMm.z], translation: -halfMm)
        var gray = Volume<Float>(planes: planes, rows: rows, columns: columns, filledWith: 0)
        var white = gray
        for plane in 0..<planes {
            for row in 0..<rows {
                for column in 0..<columns {
                    let depths = depths(map(SIMD3(Double(column), Double(row), Double(plane))))
                    let tissue = min(max(depths.tissue / 0.8 + 0.5, 0), 1)
                    let core = min(max(depths.white / 0.8 + 0.5, 0), tissue)
                    gray[plane, row, column] = Float(tissue - core)
                    white[plane, row, column] = Float(core)
                }
            }
        }
        return (gray, white, map)
    }

    /// The labels of a brain whose point p lies at `toTemplate(p)` of the template, on a grid of 0.5 mm.
    ///
    /// - Parameter originUm: (plane, row, column); the volume is 48 × 46 × 50 mm.
    static func labels(
        originUm: SIMD3<Double>, planes: Range<Int> = 0..<96, toTemplate: (SIMD3<Double>) -> SIMD3<Double>,
        kept: (SIMD3<Double>) -> Bool = { _ in true }
    ) -> (labels: Volume<UInt8>, excluded: Volume<UInt8>) {
        var labels = Volume<UInt8>(planes: planes.count, rows: 92, columns: 100, filledWith: 0)
        var excluded = labels
        for plane in planes {
            for row in 0..<92 {
                for column in 0..<100 {
                    let place = originUm + 500 * SIMD3(Double(plane), Double(row), Double(column))
                    let point = toTemplate(ReconstructionSpace.rasMm(place))
                    let depths = depths(point)
                    guard depths.tissue > 0 else { continue }
                    if kept(point) {
                        labels[plane - planes.lowerBound, row, column] = depths.white > 0 ? 2 : 1
                    } else {
                        excluded[plane - planes.lowerBound, row, column] = 1
                    }
                }
            }
        }
        return (labels, excluded)
    }

    static func brain(
        planes: Range<Int> = 0..<96, masksExcluded: Bool = true, toTemplate: (SIMD3<Double>) -> SIMD3<Double>,
        kept: (SIMD3<Double>) -> Bool = { _ in true }
    ) throws -> TissueLabels {
        let origin = SIMD3(-24_000.0, 3_000, 5_000)
        let made = labels(originUm: origin, planes: planes, toTemplate: toTemplate, kept: kept)
        return try TissueLabels(
            labels: made.labels, excluded: masksExcluded ? made.excluded : nil, spacingUm: 500,
            originUm: (origin.x + 500 * Double(planes.lowerBound), origin.y, origin.z))
    }

    /// The middle of the volumes above, in reconstruction mm.
    static let middleMm = SIMD3(30.0, 0, -26)

    /// A frame turned by `rollDeg` in the sections' plane about the middle, then scaled along each axis and shifted.
    static func frame(rollDeg: Double, scale: SIMD3<Double>, shift: SIMD3<Double>) -> AffineTransform {
        let (c, s) = (Math.cos(rollDeg * .pi / 180), Math.sin(rollDeg * .pi / 180))
        let turn = AffineTransform(
            x: [c * scale.x, 0, s * scale.z], y: [0, scale.y, 0], z: [-s * scale.x, 0, c * scale.z])
        return AffineTransform(x: turn.x, y: turn.y, z: turn.z, translation: shift - turn.linear(middleMm))
    }

    /// A smooth change of the template's space: 0.9 mm along each axis with waves of 27 mm.
    static func bent(_ p: SIMD3<Double>) -> SIMD3<Double> {
        p
            + 0.9
            * SIMD3(
                Math.sin(p.y / 4.3 + 0.5), Math.cos(p.z / 4.3 + p.x / 9),
                Math.sin(p.x / 4.3 + 1.1) * Math.cos(p.y / 8))
    }

    /// Points of the tissue in reconstruction mm, every second mm.
    static func points(toTemplate: (SIMD3<Double>) -> SIMD3<Double>, _ kept: (SIMD3<Double>) -> Bool = { _ in true })
        -> [SIMD3<Double>]
    {
        var points: [SIMD3<Double>] = []
        for x in stride(from: 6.0, through: 54, by: 2) {
            for y in stride(from: -23.0, through: 23, by: 2) {
                for z in stride(from: -48.0, through: -4, by: 2) {
                    let there = toTemplate(SIMD3(x, y, z))
                    if depths(there).tissue > 0, kept(there) { points.append(SIMD3(x, y, z)) }
                }
            }
        }
        return points
    }

    /// Settings for so small a brain: knots 6 mm apart, little stiffness.
    static var settings: TemplateRegistrationSettings {
        var settings = TemplateRegistrationSettings()
        settings.spacingMm = 1
        settings.knotMm = 6
        settings.bendingMm2 = 0.5
        return settings
    }
}

/// The median and the largest of some distances.
struct Errors {
    let median: Double
    let most: Double

    init(_ points: [SIMD3<Double>], _ distance: (SIMD3<Double>) -> SIMD3<Double>) {
        let sorted = points.map { point in
            let off = distance(point)
            return (off * off).sum().squareRoot()
        }.sorted()
        median = sorted.isEmpty ? .infinity : sorted[sorted.count / 2]
        most = sorted.last ?? .infinity
    }
}
