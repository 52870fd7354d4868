internal import NDArray

/// The recipe of a phantom brain: two folded hemispheres, the body that joins them, ventricles and deep nuclei.
///
/// The pia is the hull of the hemispheres together with the sulci: thin sheets that follow the zero set of a wave field on
/// the hull and reach inward to a depth that varies along them. Everything within the cortical thickness of the pia is
/// gray, the rest is white. So the gray ribbon has the right thickness everywhere, opposite banks of a sulcus stay apart
/// by the width of the sheet, and the white matter hangs together, as in a brain.
///
/// All brains of one species share the course of their sulci; a brain adds a smooth deformation and a share of
/// its own folding.
public struct BrainAnatomy: Sendable {
    /// Half axes of the hull in mm along (plane, row, column).
    public let halfAxesMm: PointMm = PointMm(plane: 39, row: 27, column: 30)
    /// Cortical thickness in mm far from any fold.
    public let thicknessMm: Float = 2.3

    let deformation: [WaveNoise]
    let outline: WaveNoise
    let bend: [WaveNoise]
    let primary: WaveNoise
    let primaryOwn: WaveNoise
    let primaryDepth: WaveNoise
    let secondary: WaveNoise
    let secondaryDepth: WaveNoise
    let opening: WaveNoise
    let thickness: WaveNoise
    let size: Float
    let areaMap: AreaMap
    /// The areas of the species.
    public let atlas: PhantomAtlas
    /// How this brain's areas are built.
    public let architecture: BrainArchitecture

    /// The anatomy of one brain.
    ///
    /// - Parameters:
    ///   - species: seed of what all brains share.
    ///   - individual: seed of what is this brain's own.
    public init(species: UInt64, individual: UInt64) {
        var shared = SeededGenerator(seed: species, stream: "anatomy")
        var own = SeededGenerator(seed: individual, stream: "anatomy")
        outline = WaveNoise(wavelengthMm: 26, waves: 16, generator: &shared)
        bend = (0..<3).map { _ in WaveNoise(wavelengthMm: 15, waves: 16, generator: &shared) }
        primary = WaveNoise(wavelengthMm: 20, bandwidth: 0.2, waves: 32, generator: &shared)
        primaryDepth = WaveNoise(wavelengthMm: 21, waves: 16, generator: &shared)
        secondary = WaveNoise(wavelengthMm: 15, bandwidth: 0.2, waves: 32, generator: &shared)
        secondaryDepth = WaveNoise(wavelengthMm: 15, waves: 16, generator: &shared)
        opening = WaveNoise(wavelengthMm: 12, waves: 16, generator: &shared)
        thickness = WaveNoise(wavelengthMm: 30, waves: 16, generator: &shared)
        deformation = (0..<3).map { _ in WaveNoise(wavelengthMm: 38, waves: 16, generator: &own) }
        primaryOwn = WaveNoise(wavelengthMm: 20, bandwidth: 0.2, waves: 32, generator: &own)
        size = Float(Math.exp(0.03 * own.normal()))
        var borders = SeededGenerator(seed: species, stream: "area map")
        let (axes, outline) = (halfAxesMm, outline)
        areaMap = AreaMap(
            hull: BrainAnatomy.hullPoints(halfAxesMm: axes, outline: outline), count: 14, generator: &borders)
        atlas = PhantomAtlas(
            speciesSeed: species, names: areaMap.centresMm.indices.map { ($0 < 9 ? "A0" : "A") + String($0 + 1) },
            centresMm: areaMap.centresMm, halfLengthMm: axes.plane)
        architecture = atlas.architecture(individual: individual)
    }

    /// Points of the right hemisphere's hull, about 1.5 mm apart.
    private static func hullPoints(halfAxesMm: PointMm, outline: WaveNoise) -> [PointMm] {
        var points: [PointMm] = []
        for plane in stride(from: Float(-45), through: 45, by: 1.5) {
            for row in stride(from: Float(-33), through: 33, by: 1.5) {
                for column in stride(from: Float(0), through: 36, by: 1.5) {
                    let point = PointMm(plane: plane, row: row, column: column)
                    let depth = hullDepth(point, halfAxesMm: halfAxesMm, outline: outline)
                    if abs(depth) < 0.75 { points.append(point) }
                }
            }
        }
        return points
    }

    /// The point of the species' space that a point of this brain comes from.
    func speciesPoint(_ point: PointMm) -> PointMm {
        // Amplitudes stay far below the wavelength over 2π, so that the map has no folds.
        PointMm(
            plane: point.plane / size + 1.2 * deformation[0].value(point),
            row: point.row / size + 1.0 * deformation[1].value(point),
            column: point.column / size + 1.0 * deformation[2].value(point) + 0.4 * bend[2].value(point))
    }

    /// Depth in mm under the hull of the hemisphere on the point's side, positive inside, about right near the hull.
    func hullDepth(_ point: PointMm) -> Float {
        BrainAnatomy.hullDepth(point, halfAxesMm: halfAxesMm, outline: outline)
    }

    private static func hullDepth(_ point: PointMm, halfAxesMm: PointMm, outline: WaveNoise) -> Float {
        // Ellipsoid: the first-order distance k₀ (k₀ − 1) / k₁.
        // The underside is flatter than the vertex.
        let rowAxis = point.row > 0 ? halfAxesMm.row * 0.86 : halfAxesMm.row
        let u = point.plane / halfAxesMm.plane
        let v = point.row / rowAxis
        let w = point.column / halfAxesMm.column
        let k0 = (u * u + v * v + w * w).squareRoot()
        let (u1, v1, w1) = (u / halfAxesMm.plane, v / rowAxis, w / halfAxesMm.column)
        let k1 = max((u1 * u1 + v1 * v1 + w1 * w1).squareRoot(), 1e-6)
        let ellipsoid = k0 * (1 - k0) / k1
        let shaped = ellipsoid + 0.9 * outline.value(point)
        // The medial wall: half a millimetre of fissure, wider below.
        let medial = abs(point.column) - 0.35 - 0.02 * max(point.row + 5, 0)
        return smoothMinimum(shaped, medial, radius: 4)
    }

    /// How the sulci run at a point below the hull.
    func folding(_ point: PointMm, hullDepthMm: Float) -> Folding {
        let depth = max(hullDepthMm, 0)
        // Outward from the hemisphere's core, a rod along the planes.
        let side: Float = point.column < 0 ? -1 : 1
        let corePlane = min(max(point.plane, -24), 24)
        let out = PointMm(plane: point.plane - corePlane, row: point.row - 1, column: point.column - 11 * side)
        let length = max((out.plane * out.plane + out.row * out.row + out.column * out.column).squareRoot(), 1e-3)
        let lift = depth / length
        let sway = 0.28 * depth
        let onHull = PointMm(
            plane: point.plane + lift * out.plane + sway * bend[0].value(point),
            row: point.row + lift * out.row + sway * bend[1].value(point),
            // The two hemispheres fold much alike, but not as mirror images: a smooth offset with the side.
            column: (point.column + lift * out.column + sway * bend[2].value(point)) * side + (side < 0 ? 2.5 : 0))
        let first = 0.88 * primary.value(onHull) + 0.47 * primaryOwn.value(onHull)
        let firstDepth = 6.2 + 4.0 * primaryDepth.value(onHull)
        let second = secondary.value(onHull)
        let secondDepth = 1.8 + 2.2 * secondaryDepth.value(onHull)
        let half = 0.24 + 0.13 * opening.value(point)
        return Folding(
            primary: first, primaryDepthMm: min(firstDepth, 10), secondary: second,
            secondaryDepthMm: min(secondDepth, 6), halfWidthMm: max(half, 0.14))
    }

    struct Folding {
        /// The sulci are where these vanish.
        var primary: Float
        var primaryDepthMm: Float
        var secondary: Float
        var secondaryDepthMm: Float
        /// Half the width of the gap between the banks.
        var halfWidthMm: Float
    }

    /// Signed distance in mm to the lateral fissure's sheet and how far the sheet is open there; far away elsewhere.
    func lateralFissure(_ point: PointMm) -> Float {
        let lateral = abs(point.column)
        let course = 3.5 - 0.14 * point.plane - 0.22 * (lateral - 12)
        let off = abs(point.row - course - 1.2 * bend[0].value(point) - 0.8 * outline.value(point))
        // Ends: at the insula, and in front and behind.
        let short = max(13.5 - lateral, 0)
        let ahead = max(abs(point.plane - 4) - 17, 0)
        let distance = (off * off + short * short + ahead * ahead).squareRoot()
        return distance - 0.3 - 0.12 * opening.value(point) - 0.06 * max(lateral - 22, 0)
    }

    /// Signed distance in mm to the inner parts, positive inside each.
    func innerParts(_ point: PointMm) -> InnerParts {
        let lateral = abs(point.column)
        let body = ellipsoidDepth(
            plane: point.plane - 0, row: point.row - 2.0, column: point.column, axes: (21, 8.5, 9))
        // Lateral ventricles bend downward behind.
        let bow = 0.010 * (point.plane + 2) * (point.plane + 2)
        let lateralVentricle = ellipsoidDepth(
            plane: point.plane + 2, row: point.row + 2.2 - bow, column: lateral - 4.2 - 0.3 * bow, axes: (17, 2.6, 2.4))
        let thirdVentricle = ellipsoidDepth(
            plane: point.plane + 3, row: point.row - 5, column: point.column, axes: (8, 3.6, 0.6))
        let thalamus = ellipsoidDepth(
            plane: point.plane + 5, row: point.row - 4.6, column: lateral - 4.6, axes: (9, 3.6, 3.4))
        let striatum = ellipsoidDepth(
            plane: point.plane - 8, row: point.row - 2.6, column: lateral - 9.3 - 0.05 * (point.plane - 8),
            axes: (10, 4.6, 2.6))
        return InnerParts(
            body: body, cavity: max(lateralVentricle, thirdVentricle),
            nucleus: max(thalamus, striatum) + 0.35 * bend[1].value(point))
    }

    struct InnerParts {
        /// The white body that joins the hemispheres.
        var body: Float
        /// Ventricles.
        var cavity: Float
        /// Deep gray nuclei.
        var nucleus: Float
    }

    /// Cortical thickness in mm: thicker on the crowns, thinner at the bottom of sulci, and slowly varying.
    func corticalThickness(_ point: PointMm, hullDepthMm: Float) -> Float {
        let crown = Math.expf(-max(hullDepthMm, 0) / 3)
        return thicknessMm * (0.92 + 0.14 * crown) * (1 + 0.06 * thickness.value(point))
    }
}

/// First-order signed depth inside an axis-parallel ellipsoid.
func ellipsoidDepth(plane: Float, row: Float, column: Float, axes: (Float, Float, Float)) -> Float {
    let (u, v, w) = (plane / axes.0, row / axes.1, column / axes.2)
    let k0 = (u * u + v * v + w * w).squareRoot()
    let (u1, v1, w1) = (u / axes.0, v / axes.1, w / axes.2)
    let k1 = max((u1 * u1 + v1 * v1 + w1 * w1).squareRoot(), 1e-6)
    return k0 * (1 - k0) / k1
}

/// The smaller of two distances, with the crease rounded off over `radius`: never above the minimum, equal to it where
/// they differ by more than `radius`.
func smoothMinimum(_ first: Float, _ second: Float, radius: Float) -> Float {
    let blend = max(radius - abs(first - second), 0) / radius
    return min(first, second) - 0.25 * radius * blend * blend
}
