public import NDArray

/// A phantom brain on a grid: what every section of it is cut from.
///
/// Distances are in µm, whole numbers, positive inside; between voxels they are interpolated, so that a boundary is
/// placed far finer than the voxels are. (plane, row, column) run posterior to anterior, dorsal to ventral, left to right.
public struct BrainFields: Sendable {
    /// Signed distance to the border of the tissue: pia, ventricles, the body that joins the hemispheres.
    public var tissueUm: Volume<Int16>
    /// Signed distance to the border of white matter, positive in white matter.
    public var whiteUm: Volume<Int16>
    /// Area of the cortex, 1 … n, of voxels in and near the cortical ribbon; 0 elsewhere.
    public var areas: Volume<UInt8>
    /// What the cortex pipeline leaves out: `BrainPart`.
    public var parts: Volume<UInt8>
    /// Edge of a voxel.
    public var spacingUm: Double
    /// Position of voxel (0, 0, 0) in the brain's space, whose origin lies in the middle of the brain.
    public var originUm: (plane: Double, row: Double, column: Double)

    public init(
        tissueUm: Volume<Int16>, whiteUm: Volume<Int16>, areas: Volume<UInt8>, parts: Volume<UInt8>,
        spacingUm: Double, originUm: (plane: Double, row: Double, column: Double)
    ) {
        self.tissueUm = tissueUm
        self.whiteUm = whiteUm
        self.areas = areas
        self.parts = parts
        self.spacingUm = spacingUm
        self.originUm = originUm
    }
}

extension BrainAnatomy {
    /// Lays the anatomy out on a grid.
    ///
    /// - Parameters:
    ///   - spacingUm: edge of a voxel; 300 keeps sulci of a few hundred µm open.
    ///   - threads: how many threads to use; the result does not depend on it.
    /// - Complexity: O(voxels): 12 million voxels at 300 µm take a few seconds on a core.
    public func fields(spacingUm: Double, threads: Int) -> BrainFields {
        precondition(spacingUm > 0, "A grid needs a positive spacing, not \(spacingUm) µm.")
        let grid = Grid(halfAxesMm: halfAxesMm, size: size, spacingMm: Float(spacingUm / 1000))
        var pia = pialDistance(grid, threads: threads)
        sweepDistance(&pia, spacingMm: grid.spacingMm, trusted: 1.3 * grid.spacingMm)
        var fields = BrainFields(
            tissueUm: grid.volume(), whiteUm: grid.volume(), areas: grid.volume(), parts: grid.volume(),
            spacingUm: spacingUm,
            originUm: (
                Double(grid.origin.plane) * 1000, Double(grid.origin.row) * 1000, Double(grid.origin.column) * 1000
            ))
        let voxels = grid.rows * grid.columns
        fields.tissueUm.elements.withUnsafeMutableBufferPointer { tissue in
            fields.whiteUm.elements.withUnsafeMutableBufferPointer { white in
                fields.areas.elements.withUnsafeMutableBufferPointer { areas in
                    fields.parts.elements.withUnsafeMutableBufferPointer { parts in
                        let (tissue, white) = (DisjointSlices(tissue), DisjointSlices(white))
                        let (areas, parts) = (DisjointSlices(areas), DisjointSlices(parts))
                        parallelFor(grid.planes, threads: threads) { [pia] plane in
                            for row in 0..<grid.rows {
                                for column in 0..<grid.columns {
                                    let index = plane * voxels + row * grid.columns + column
                                    let own = grid.point(plane, row, column)
                                    let point = speciesPoint(own)
                                    let inner = innerParts(point)
                                    let distance = pia.elements[index]
                                    let hull = hullDepth(point)
                                    // A brain ends inside its grid, whatever bulges: planes repeat their edge.
                                    let limit = grid.isEdge(plane, row, column) ? -grid.spacingMm : 100
                                    let local = corticalThickness(point, hullDepthMm: hull)
                                    tissue[index] = micrometres(
                                        min(max(distance, inner.body), -inner.cavity, limit))
                                    white[index] = micrometres(
                                        min(max(distance - local, inner.body), -inner.nucleus))
                                    let deep = max(inner.body, inner.nucleus + 1, inner.cavity + 1) > 0
                                    parts[index] = (deep ? BrainPart.subcortex : .cerebrum).rawValue
                                    let near = tissue[index] > -1500 && white[index] < 1500
                                    if near, !deep { areas[index] = areaMap.area(onHull: point) }
                                }
                            }
                        }
                    }
                }
            }
        }
        return fields
    }

    /// Distance to the pia in mm, positive inside, right near the pia only.
    private func pialDistance(_ grid: Grid, threads: Int) -> Volume<Float> {
        let voxels = grid.rows * grid.columns
        let foldings = [Folding?](unsafeUninitializedCapacity: grid.planes * voxels) { buffer, count in
            count = grid.planes * voxels
            let slices = DisjointSlices(buffer)
            parallelFor(grid.planes, threads: threads) { plane in
                for row in 0..<grid.rows {
                    for column in 0..<grid.columns {
                        let point = speciesPoint(grid.point(plane, row, column))
                        let hull = hullDepth(point)
                        let near = hull > -1.5 && hull < 14
                        (slices.base + plane * voxels + row * grid.columns + column).initialize(
                            to: near ? folding(point, hullDepthMm: hull) : nil)
                    }
                }
            }
        }
        var pia: Volume<Float> = grid.volume()
        pia.elements.withUnsafeMutableBufferPointer { pia in
            let pia = DisjointSlices(pia)
            foldings.withUnsafeBufferPointer { foldings in
                let field = ReadOnly(foldings)
                parallelFor(grid.planes, threads: threads) { plane in
                    for row in 0..<grid.rows {
                        for column in 0..<grid.columns {
                            let index = plane * voxels + row * grid.columns + column
                            let point = speciesPoint(grid.point(plane, row, column))
                            let hull = hullDepth(point)
                            var distance = lateralFissure(point)
                            if let here = field.values[index] {
                                // Distance to a zero set to first order: |f| / |∇f|.
                                var (primary, secondary) = (Float(0), Float(0))
                                for stride in [voxels, grid.columns, 1] {
                                    let after = neighbour(field.values, index, stride) ?? here
                                    let before = neighbour(field.values, index, -stride) ?? here
                                    let first = (after.primary - before.primary) / (2 * grid.spacingMm)
                                    let second = (after.secondary - before.secondary) / (2 * grid.spacingMm)
                                    primary += first * first
                                    secondary += second * second
                                }
                                let widening = 0.8 * Math.expf(-max(hull, 0) / 1.2)
                                distance = min(
                                    distance,
                                    sheetDistance(
                                        here.primary, slope: primary.squareRoot(), hull: hull,
                                        depth: here.primaryDepthMm, half: here.halfWidthMm + widening))
                                distance = min(
                                    distance,
                                    sheetDistance(
                                        here.secondary, slope: secondary.squareRoot(), hull: hull,
                                        depth: here.secondaryDepthMm, half: 0.8 * here.halfWidthMm + widening))
                            }
                            // Nothing folds into the body that joins the hemispheres: white matter runs out of it
                            // between the sulci. The fissure ends at its surface.
                            let body = innerParts(point).body
                            pia[index] = smoothMinimum(
                                max(hull, body + 0.5), max(distance, body + 3.6), radius: 1.6)
                        }
                    }
                }
            }
        }
        return pia
    }
}

/// Voxels of a brain.
struct Grid: Sendable {
    let planes: Int
    let rows: Int
    let columns: Int
    let spacingMm: Float
    let origin: PointMm

    /// The grid that holds a brain of these half axes with 5 mm to spare for its bulges, its middle on a voxel.
    init(halfAxesMm: PointMm, size: Float, spacingMm: Float) {
        func half(_ axis: Float) -> Int { Int(((axis * size + 5) / spacingMm).rounded(.up)) }
        let (plane, row, column) = (half(halfAxesMm.plane), half(halfAxesMm.row), half(halfAxesMm.column))
        (planes, rows, columns) = (2 * plane + 1, 2 * row + 1, 2 * column + 1)
        self.spacingMm = spacingMm
        origin = PointMm(
            plane: -Float(plane) * spacingMm, row: -Float(row) * spacingMm, column: -Float(column) * spacingMm)
    }

    @inline(__always)
    func point(_ plane: Int, _ row: Int, _ column: Int) -> PointMm {
        PointMm(
            plane: origin.plane + Float(plane) * spacingMm, row: origin.row + Float(row) * spacingMm,
            column: origin.column + Float(column) * spacingMm)
    }

    func isEdge(_ plane: Int, _ row: Int, _ column: Int) -> Bool {
        plane == 0 || row == 0 || column == 0 || plane == planes - 1 || row == rows - 1 || column == columns - 1
    }

    func volume<Element: Numeric>() -> Volume<Element> {
        Volume(planes: planes, rows: rows, columns: columns, filledWith: 0)
    }
}

/// Signed distance in mm to a sulcus: a sheet along the zero set of a field, from the hull to `depth`, `half` wide to
/// either side, with a round bottom.
@inline(__always)
func sheetDistance(_ value: Float, slope: Float, hull: Float, depth: Float, half: Float) -> Float {
    guard depth > 0 else { return .greatestFiniteMagnitude }
    let aside = abs(value) / max(slope, 1e-4)
    let below = max(hull - depth, 0)
    // A sulcus that is ending is also narrower.
    return (aside * aside + below * below).squareRoot() - half * min(depth / 2, 1)
}

@inline(__always)
private func micrometres(_ millimetres: Float) -> Int16 {
    Int16((min(max(millimetres, -32), 32) * 1000).rounded())
}

@inline(__always)
private func neighbour(_ values: UnsafeBufferPointer<BrainAnatomy.Folding?>, _ index: Int, _ offset: Int)
    -> BrainAnatomy.Folding?
{
    let place = index + offset
    return place >= 0 && place < values.count ? values[place] : nil
}

/// A buffer that several threads read.
private struct ReadOnly<Element>: @unchecked Sendable {
    // Sendable because nobody writes to the buffer while it is shared.
    let values: UnsafeBufferPointer<Element>
    init(_ values: UnsafeBufferPointer<Element>) { self.values = values }
}
