public import NDArray

/// A reconstructed brain: what is gray and white, and where nothing is known.
public struct TissueLabels: Sendable {
    /// 0 background, 1 gray, 2 white; planes are sections.
    public let labels: Volume<UInt8>
    /// 1 where tissue was taken out, whatever it was; there the brain is not compared with the template.
    public let excluded: Volume<UInt8>?
    /// From (column, row, plane) of a voxel to mm.
    let toMm: PointMap
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
        toMm = PointMap(
            columns: (SIMD3(mm, 0, 0), SIMD3(0, 0, -mm), SIMD3(0, mm, 0)),
            offset: SIMD3(originUm.column, originUm.plane, -originUm.row) / 1000)
    }

    /// What a voxel counts as: 0 background, 1 gray, 2 white, 3 unknown.
    @inline(__always)
    static func kind(label: UInt8, excluded: UInt8) -> Int { excluded != 0 ? 3 : Int(min(label, 2)) }
}

/// Which planes of a brain say something.
struct PlaneCoverage: Sendable, Equatable {
    /// One a plane: 0 where a gap in the stack left it without any tissue.
    var known: [Float]
    /// Whether the stack ends in the middle of tissue, so that nothing is known beyond its first or last plane.
    var startsCut: Bool
    var endsCut: Bool

    init(_ volume: TissueLabels) {
        let voxels = volume.labels.rows * volume.labels.columns
        let areas = (0..<volume.labels.planes).map { plane in
            volume.labels.elements[plane * voxels..<(plane + 1) * voxels].count { $0 == 1 || $0 == 2 }
        }
        let first = areas.firstIndex { $0 > 0 } ?? 0
        let last = areas.lastIndex { $0 > 0 } ?? 0
        known = areas.indices.map { areas[$0] == 0 && $0 > first && $0 < last ? 0 : 1 }
        // The poles of a brain come in small: an end of over a fifth of the largest plane has been cut off.
        let most = areas.max() ?? 0
        startsCut = 5 * areas[first] > most
        endsCut = 5 * areas[last] > most
        for plane in areas.indices where (plane < first && startsCut) || (plane > last && endsCut) { known[plane] = 0 }
    }

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
        on grid: ChannelGrid, through map: PointMap, coverage: PlaneCoverage, threads: Int
    ) -> ChannelGrid {
        var result = grid
        guard let back = toMm.inverse else { return result }
        let toIndex = map.followed(by: back)
        let count = max(1, Int((grid.spacingMm / spacingMm).rounded(.up)))
        let offsets = (0..<count * count * count).map { number in
            let place = SIMD3(Double(number % count), Double(number / count % count), Double(number / (count * count)))
            return SIMD3<Float>(
                toIndex.linear((place + 0.5) / Double(count) * grid.spacingMm - 0.5 * grid.spacingMm))
        }
        let (planes, rows, columns) = (labels.planes, labels.rows, labels.columns)
        let (origin, spacing) = (grid.originMm, grid.spacingMm)
        result.fill(threads: threads) { column, row, plane in
            let centre = SIMD3<Float>(toIndex(origin + spacing * SIMD3(Double(column), Double(row), Double(plane))))
            var known: Float = 0
            var sums = SIMD2<Float>()
            labels.elements.withUnsafeBufferPointer { labels in
                offsets.withUnsafeBufferPointer { offsets in
                    for offset in offsets {
                        let place = SIMD3<Int32>((centre + offset).rounded(.toNearestOrEven))
                        let (c, r, p) = (Int(place.x), Int(place.y), Int(place.z))
                        let weight = coverage.weight(p)
                        guard p >= 0, p < planes, r >= 0, r < rows, c >= 0, c < columns else {
                            known += weight
                            continue
                        }
                        let index = (p * rows + r) * columns + c
                        if let excluded, excluded.elements[index] != 0 { continue }
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
