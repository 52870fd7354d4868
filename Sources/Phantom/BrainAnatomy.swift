internal import NDArray

/// The recipe of a phantom brain: two folded hemispheres, the body that joins them, ventricles, deep nuclei, cerebellum and
/// brainstem, and the areas of the cortex.
///
/// The pia is the hull of the hemispheres together with the sulci: thin sheets that follow the zero set of a wave field on
/// the hull and reach inward to a depth that varies along them. Everything within the cortical thickness of the pia is
/// gray, the rest is white. So the gray ribbon has the right thickness everywhere, opposite banks of a sulcus stay apart
/// by the width of the sheet, and the white matter hangs together, as in a brain.
///
/// All brains of one species share the course of their sulci and their areas; a brain adds a smooth deformation, a share of
/// its own folding, and a shift of its areas' borders. The species' own space is the template's: without any of these.
public struct BrainAnatomy: Sendable {
    /// Half axes of the hull in mm along (plane, row, column).
    public let halfAxesMm: PointMm = PointMm(plane: 39, row: 27, column: 30)
    /// Cortical thickness in mm far from any fold, before areas and individuals vary it.
    public let thicknessMm: Float = 2.35
    /// The areas of the species.
    public let atlas: PhantomAtlas
    /// How this brain's areas are built.
    public let architecture: BrainArchitecture
    /// The map between this brain's space and the template's.
    public let deformation: BrainDeformation

    let parts: BrainPartShapes
    let areaMap: AreaMap
    let borders: AreaBorders
    let outline: WaveNoise
    let bend: [WaveNoise]
    let primary: WaveNoise
    let primaryOwn: WaveNoise?
    let primaryDepth: WaveNoise
    let secondary: WaveNoise
    let secondaryDepth: WaveNoise
    let opening: WaveNoise
    let thickness: WaveNoise

    /// How many areas a hemisphere has.
    public static let areaCount = 14

    /// The anatomy of one brain.
    ///
    /// - Parameters:
    ///   - species: seed of what all brains share.
    ///   - individual: seed of what is this brain's own; nil for the species itself, the template.
    public init(species: UInt64, individual: UInt64?) {
        var shared = SeededGenerator(seed: species, stream: "anatomy")
        outline = WaveNoise(wavelengthMm: 26, waves: 16, generator: &shared)
        bend = (0..<3).map { _ in WaveNoise(wavelengthMm: 18, waves: 16, generator: &shared) }
        primary = WaveNoise(wavelengthMm: 20, bandwidth: 0.2, waves: 32, generator: &shared)
        primaryDepth = WaveNoise(wavelengthMm: 21, waves: 16, generator: &shared)
        secondary = WaveNoise(wavelengthMm: 15, bandwidth: 0.2, waves: 32, generator: &shared)
        secondaryDepth = WaveNoise(wavelengthMm: 15, waves: 16, generator: &shared)
        opening = WaveNoise(wavelengthMm: 12, waves: 16, generator: &shared)
        thickness = WaveNoise(wavelengthMm: 30, waves: 16, generator: &shared)
        parts = BrainPartShapes(wobble: WaveNoise(wavelengthMm: 15, waves: 16, generator: &shared))
        deformation = BrainDeformation(individual: individual)
        borders = AreaBorders(individual: individual)
        primaryOwn = individual.map { seed in
            var own = SeededGenerator(seed: seed, stream: "folding")
            return WaveNoise(wavelengthMm: 20, bandwidth: 0.2, waves: 32, generator: &own)
        }
        var random = SeededGenerator(seed: species, stream: "area map")
        let hull = Hull(halfAxesMm: halfAxesMm, outline: outline)
        areaMap = AreaMap(
            hull: hull.points(parts: parts), count: BrainAnatomy.areaCount, generator: &random)
        atlas = PhantomAtlas(
            speciesSeed: species, names: areaMap.centresMm.indices.map { ($0 < 9 ? "A0" : "A") + String($0 + 1) },
            centresMm: areaMap.centresMm, halfLengthMm: halfAxesMm.plane)
        architecture = atlas.architecture(individual: individual)
    }

    var hull: Hull { Hull(halfAxesMm: halfAxesMm, outline: outline) }

    /// How the sulci run at a point below the hull of a hemisphere.
    ///
    /// - Parameter side: −1 left, 1 right.
    func folding(_ point: PointMm, hullDepthMm: Float, side: Float) -> Folding {
        let depth = max(hullDepthMm, 0)
        // Outward from the hemisphere's core, a rod along the planes.
        let corePlane = min(max(point.plane, -24), 24)
        let out = PointMm(plane: point.plane - corePlane, row: point.row - 1, column: point.column - 11 * side)
        let length = max((out.plane * out.plane + out.row * out.row + out.column * out.column).squareRoot(), 1e-3)
        let lift = depth / length
        let above = PointMm(
            plane: point.plane + lift * out.plane, row: point.row + lift * out.row,
            column: point.column + lift * out.column)
        // Sulci lean, the same way from the hull to their bottom; gently, so that none leans into its neighbour.
        let sway = 1.5 * depth / (depth + 6)
        let onHull = PointMm(
            plane: above.plane + sway * bend[0].value(above), row: above.row + sway * bend[1].value(above),
            // The two hemispheres fold much alike, but not as mirror images: a smooth offset with the side.
            column: (above.column + sway * bend[2].value(above)) * side + (side < 0 ? 2.5 : 0))
        let first: Float
        if let primaryOwn {
            first = 0.88 * primary.value(onHull) + 0.47 * primaryOwn.value(onHull)
        } else {
            first = primary.value(onHull)
        }
        // A sulcus never comes near the core, where all directions meet.
        let deepest = 0.85 * (length + depth) - 3.4
        let firstDepth = 6.2 + 4.0 * primaryDepth.value(onHull)
        let secondDepth = 1.8 + 2.2 * secondaryDepth.value(onHull)
        let half = 0.26 + 0.12 * opening.value(point)
        return Folding(
            primary: first, primaryDepthMm: min(firstDepth, 10, deepest), secondary: secondary.value(onHull),
            secondaryDepthMm: min(secondDepth, 6, deepest), halfWidthMm: max(half, 0.17), above: above)
    }

    struct Folding {
        /// The sulci are where these vanish.
        var primary: Float
        var primaryDepthMm: Float
        var secondary: Float
        var secondaryDepthMm: Float
        /// Half the width of the gap between the banks.
        var halfWidthMm: Float
        /// The point of the hull above.
        var above: PointMm
    }

    /// How far a point lies from the sheet of the lateral fissure, across it.
    func lateralFissureOffset(_ point: PointMm, side: Float) -> Float {
        let lateral = point.column * side
        let course = 3.5 - 0.14 * point.plane - 0.22 * (lateral - 12)
        return point.row - course - 1.2 * bend[0].value(point) - 0.8 * outline.value(point)
    }

    /// Cortical thickness in mm: thicker on the crowns, thinner at the bottom of sulci, by area, thicker in front, and
    /// slowly varying.
    func corticalThickness(_ point: PointMm, hullDepthMm: Float, areaFactor: Float) -> Float {
        let crown = Math.expf(-max(hullDepthMm, 0) / 3)
        let along = 1 + 0.10 * min(max(point.plane / halfAxesMm.plane, -1), 1)
        let local = thicknessMm * (0.92 + 0.14 * crown) * along * areaFactor * (1 + 0.05 * thickness.value(point))
        // Thinner cortex than this is not seen; thicker fills the gyri.
        return min(max(local, 1.5), 3.1)
    }
}

/// The smooth outside of the hemispheres.
struct Hull: Sendable {
    let halfAxesMm: PointMm
    let outline: WaveNoise

    /// Depth in mm under the hull of a hemisphere, positive inside, about right near the hull.
    ///
    /// - Parameter side: −1 left, 1 right; the formula holds on both sides of the fissure.
    func depth(_ point: PointMm, side: Float, parts: BrainPartShapes) -> Float {
        // Ellipsoid: the first-order distance k₀ (k₀ − 1) / k₁. The underside is flatter than the vertex.
        let rowAxis = point.row > 0 ? halfAxesMm.row * 0.86 : halfAxesMm.row
        let ellipsoid = ellipsoidDepth(
            plane: point.plane, row: point.row, column: point.column,
            axes: (halfAxesMm.plane, rowAxis, halfAxesMm.column))
        let shaped = ellipsoid + 0.9 * outline.value(point)
        // The medial wall: half a millimetre of fissure, wider below.
        let medial = point.column * side - 0.35 - 0.02 * max(point.row + 5, 0)
        let half = smoothMinimum(shaped, medial, radius: 4)
        // Room for what lies below.
        return smoothMinimum(half, -parts.hindbrain(point) - 0.8, radius: 3)
    }

    /// Points of the right hemisphere's hull, about 1.5 mm apart.
    func points(parts: BrainPartShapes) -> [PointMm] {
        var points: [PointMm] = []
        for plane in stride(from: Float(-45), through: 45, by: 1.5) {
            for row in stride(from: Float(-33), through: 33, by: 1.5) {
                for column in stride(from: Float(0), through: 36, by: 1.5) {
                    let point = PointMm(plane: plane, row: row, column: column)
                    guard abs(depth(point, side: 1, parts: parts)) < 0.75, parts.body(point) < 0 else { continue }
                    points.append(point)
                }
            }
        }
        return points
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
@inline(__always)
func smoothMinimum(_ first: Float, _ second: Float, radius: Float) -> Float {
    let blend = max(radius - abs(first - second), 0) / radius
    return min(first, second) - 0.25 * radius * blend * blend
}
