public import NDArray
internal import SpatialTransforms

/// A reconstructed brain: what is gray and white, and where nothing is known.
public struct TissueLabels: Sendable {
    /// 0 background, 1 gray, 2 white; planes are sections.
    public let labels: Volume<UInt8>
    /// 1 where tissue was taken out, whatever it was; there the brain is not compared with the template.
    public let excluded: Volume<UInt8>?
    /// From (column, row, plane) of a voxel to mm.
    let toMm: AffineTransform
    let spacingMm: Double

    /// Takes a volume in reconstruction space: x = column, y = plane, z = −row, in mm.
    ///
    /// - Parameters:
    ///   - excluded: of the shape of `labels`.
    ///   - spacingUm: edge of a voxel.
    ///   - originUm: (plane, row, column) of the first voxel's centre.
    /// - Throws: `VolumeRegistrationError` where shapes differ, the spacing is not positive, or there is no tissue.
    public init(
        labels: Volume<UInt8>, excluded: Volume<UInt8>?, spacingUm: Double,
        originUm: (plane: Double, row: Double, column: Double)
    ) throws(VolumeRegistrationError) {
        guard spacingUm > 0, spacingUm.isFinite, originUm.plane.isFinite, originUm.row.isFinite,
            originUm.column.isFinite
        else {
            throw VolumeRegistrationError(
                .badGrid, "the volume's spacing must be above zero and its origin finite, not \(spacingUm) µm")
        }
        if let excluded {
            guard excluded.planes == labels.planes, excluded.rows == labels.rows, excluded.columns == labels.columns
            else {
                throw VolumeRegistrationError(
                    .badGrid,
                    "what is excluded has \(excluded.planes) × \(excluded.rows) × \(excluded.columns) voxels, the labels "
                        + "\(labels.planes) × \(labels.rows) × \(labels.columns)")
            }
        }
        guard labels.elements.contains(where: { $0 == 1 || $0 == 2 }) else {
            throw VolumeRegistrationError(.empty, "the volume holds no gray (1) or white (2) voxel")
        }
        self.labels = labels
        self.excluded = excluded
        let mm = spacingUm / 1000
        spacingMm = mm
        toMm = ReconstructionSpace.indexToRasMm(
            originUm: SIMD3(originUm.plane, originUm.row, originUm.column), spacingUm: spacingUm)
    }
}

/// Points spread evenly in the unit cube about the origin, each with its opposite, none on a lattice.
///
/// The nearest voxel of points on a lattice may be a tie again and again, and ties all go one way: the brain would move by a
/// quarter of a voxel. The additive recurrence with the powers of the root of x⁴ = x + 1 (Roberts 2018).
private func evenOffsets(pairs: Int) -> [SIMD3<Double>] {
    (1...pairs).flatMap { number in
        let turns = Double(number) * SIMD3(0.8191725133961645, 0.6710436067037893, 0.5497004779019703)
        let place = turns - turns.rounded(.down) - 0.5
        return [place, -place]
    }
}

/// Which planes of a brain say something.
struct PlaneCoverage: Sendable, Equatable {
    /// One a plane: 0 where a gap in the stack left it without any tissue.
    var known: [Float]
    /// Whether the stack ends in the middle of tissue, so that nothing is known beyond its first or last plane.
    var startsCut: Bool
    var endsCut: Bool
    private let first: Int
    private let last: Int

    init(_ volume: TissueLabels) {
        let voxels = volume.labels.rows * volume.labels.columns
        let areas = (0..<volume.labels.planes).map { plane in
            volume.labels.elements[plane * voxels..<(plane + 1) * voxels].count { $0 == 1 || $0 == 2 }
        }
        let first = areas.firstIndex { $0 > 0 } ?? 0
        let last = areas.lastIndex { $0 > 0 } ?? 0
        known = areas.indices.map { areas[$0] == 0 && $0 > first && $0 < last ? 0 : 1 }
        // The poles of a brain come in small: an end of over a fifth of the largest plane has been cut off.
        (self.first, self.last) = (first, last)
        let most = areas.max() ?? 0
        startsCut = 5 * areas[first] > most
        endsCut = 5 * areas[last] > most
        for plane in areas.indices where (plane < first && startsCut) || (plane > last && endsCut) { known[plane] = 0 }
    }

    /// Planes within the stack that hold nothing.
    var gaps: Int { known.indices.count { known[$0] == 0 && $0 > first && $0 < last } }

    /// How far plane `plane` is known; beyond the volume too.
    @inline(__always)
    func weight(_ plane: Int) -> Float {
        if plane < 0 { return startsCut ? 0 : 1 }
        if plane >= known.count { return endsCut ? 0 : 1 }
        return known[plane]
    }
}

extension TissueLabels {
    /// Shares of tissue on a grid of another space: each voxel is the mean over points spread evenly in it.
    ///
    /// - Parameter map: from the grid's mm to this brain's mm.
    func shares(
        on grid: ChannelGrid, through map: AffineTransform, coverage: PlaneCoverage, threads: Int
    ) -> ChannelGrid {
        var result = grid
        guard let back = toMm.inverse else { return result }
        let toIndex = map.followed(by: back)
        let count = min(4, max(2, Int((grid.spacingMm / (1.2 * spacingMm)).rounded(.up))))
        let offsets = evenOffsets(pairs: (count * count * count + 1) / 2).map { place in
            SIMD3<Float>(toIndex.linear(grid.spacingMm * place))
        }
        let (planes, rows, columns) = (labels.planes, labels.rows, labels.columns)
        let (origin, spacing) = (grid.originMm, grid.spacingMm)
        result.fill(threads: threads) { column, row, plane in
            let centre = SIMD3<Float>(toIndex(origin + spacing * SIMD3(Double(column), Double(row), Double(plane))))
            var known: Float = 0
            var sums = SIMD2<Float>()
            withVoxels { labels, excluded in
                offsets.withUnsafeBufferPointer { offsets in
                    for offset in offsets {
                        let place = (centre + offset).nearestIndex
                        let (c, r, p) = (Int(place.x), Int(place.y), Int(place.z))
                        let weight = coverage.weight(p)
                        guard p >= 0, p < planes, r >= 0, r < rows, c >= 0, c < columns else {
                            known += weight
                            continue
                        }
                        let index = (p * rows + r) * columns + c
                        if let excluded, excluded[index] != 0 { continue }
                        known += weight
                        if labels[index] == 1 { sums.x += weight } else if labels[index] == 2 { sums.y += weight }
                    }
                }
            }
            guard known > 0 else { return SIMD4<Float>() }
            let share = sums / known
            return SIMD4(share.x, share.y, share.x + share.y, known / Float(offsets.count))
        }
        return result
    }

    private func withVoxels(
        _ body: (_ labels: UnsafeBufferPointer<UInt8>, _ excluded: UnsafeBufferPointer<UInt8>?) -> Void
    ) {
        labels.elements.withUnsafeBufferPointer { labels in
            guard let excluded else { return body(labels, nil) }
            excluded.elements.withUnsafeBufferPointer { body(labels, $0) }
        }
    }

    /// How much of the tissue lies on one side of the template's middle when it is laid there.
    ///
    /// - Parameter map: from template mm to this brain's mm.
    func share(onSideOf middleMm: Double, half: BrainHalf, through map: AffineTransform) -> Double {
        guard let back = map.inverse else { return 0 }
        let toTemplate = toMm.followed(by: back)
        var (inside, all) = (0, 0)
        // Every third voxel along each axis says enough.
        for plane in stride(from: 0, to: labels.planes, by: 3) {
            for row in stride(from: 0, to: labels.rows, by: 3) {
                for column in stride(from: 0, to: labels.columns, by: 3) where labels[plane, row, column] != 0 {
                    all += 1
                    let point = toTemplate(SIMD3(Double(column), Double(row), Double(plane)))
                    if half.holds(point.x - middleMm) { inside += 1 }
                }
            }
        }
        return Double(inside) / Double(max(all, 1))
    }

    /// The box of the tissue in mm, and its middle, volume and second moments.
    func extent() -> TissueExtent {
        var extent = TissueExtent()
        let voxel = spacingMm * spacingMm * spacingMm
        for plane in 0..<labels.planes {
            for row in 0..<labels.rows {
                let start = (plane * labels.rows + row) * labels.columns
                var (first, last, count, sum) = (-1, -1, 0, 0)
                for column in 0..<labels.columns where labels.elements[start + column] != 0 {
                    if first < 0 { first = column }
                    last = column
                    count += 1
                    sum += column
                }
                guard count > 0 else { continue }
                let middle = toMm(SIMD3(Double(sum) / Double(count), Double(row), Double(plane)))
                extent.add(middle, volumeMm3: Double(count) * voxel)
                extent.reach(toMm(SIMD3(Double(first), Double(row), Double(plane))))
                extent.reach(toMm(SIMD3(Double(last), Double(row), Double(plane))))
            }
        }
        return extent
    }
}

/// Where tissue lies, how much there is.
struct TissueExtent: Sendable {
    private(set) var box: BoxMm?
    private(set) var volumeMm3 = 0.0
    private var sum = SIMD3<Double>()

    var centreMm: SIMD3<Double> { sum / max(volumeMm3, .leastNormalMagnitude) }

    mutating func add(_ point: SIMD3<Double>, volumeMm3: Double) {
        self.volumeMm3 += volumeMm3
        sum += volumeMm3 * point
    }

    mutating func reach(_ point: SIMD3<Double>) {
        let one = BoxMm(lowMm: point, highMm: point)
        box = box?.union(one) ?? one
    }
}
