public import NDArray
public import SpatialTransforms

/// A brain from real volumes instead of a recipe: maps of gray and white matter, a label map for the areas, and simple rules for what
/// is not cortex.
///
/// Borders lie where the maps cross one half, between voxels: near them the signed distance is (p − ½) / |∇p|, from there it is swept.
/// So a brain can be laid out on a grid finer than the maps'. The brain's space is that of the maps: plane = y, row = −z,
/// column = x, in mm.
public struct RealAnatomy: Sendable {
    /// A volume with its place.
    public struct Map: Sendable {
        /// Planes are NIfTI's k, rows j, columns i.
        public let volume: Volume<Float>
        public let grid: OrientedGrid

        public init(volume: Volume<Float>, grid: OrientedGrid) {
            precondition(
                volume.planes == grid.planes && volume.rows == grid.rows && volume.columns == grid.columns,
                "A map's grid has its volume's sides.")
            self.volume = volume
            self.grid = grid
        }

        /// The same with values from 0 to 1.
        func scaledToShares() -> Map {
            let scale = RealAnatomy.scale(ofLargest: volume.elements.max() ?? 0) ?? 1
            guard scale != 1 else { return self }
            return Map(
                volume: Volume(
                    planes: volume.planes, rows: volume.rows, columns: volume.columns,
                    elements: volume.elements.map { $0 / scale }), grid: grid)
        }

        /// Trilinear; 0 outside.
        @inline(__always)
        func value(_ pointMm: SIMD3<Double>) -> Float {
            let index = grid.mmToIndex(pointMm)
            guard index.x > -1, index.y > -1, index.z > -1, index.x < Double(grid.columns),
                index.y < Double(grid.rows), index.z < Double(grid.planes)
            else { return 0 }
            let low = index.rounded(.down)
            let part = SIMD3<Float>(index - low)
            let (column, row, plane) = (Int(low.x), Int(low.y), Int(low.z))
            func at(_ p: Int, _ r: Int, _ c: Int) -> Float {
                p >= 0 && r >= 0 && c >= 0 && p < grid.planes && r < grid.rows && c < grid.columns
                    ? volume[p, r, c] : 0
            }
            func line(_ p: Int, _ r: Int) -> Float {
                at(p, r, column) * (1 - part.x) + at(p, r, column + 1) * part.x
            }
            let near = line(plane, row) * (1 - part.y) + line(plane, row + 1) * part.y
            let far = line(plane + 1, row) * (1 - part.y) + line(plane + 1, row + 1) * part.y
            return near * (1 - part.z) + far * part.z
        }
    }

    /// What is not cortex, by where it lies.
    public enum ExcludedParts: String, Sendable, CaseIterable {
        /// Nothing is left out.
        case none
        /// Cerebellum, brainstem and deep gray by simple shapes in MNI space.
        case mni
    }

    let gray: Map
    let white: Map
    let areas: Map?
    let excluded: ExcludedParts
    /// Values of the label map, in ascending order; area `i` of a brain is the label at `i − 1`.
    public let labels: [Int]

    /// - Parameters:
    ///   - gray: share of gray matter, 0…1, 0…100 or 0…255.
    ///   - white: share of white matter, likewise.
    ///   - areas: labels of areas, 0 none; without it the cortex has no areas.
    /// - Throws: `RealAnatomyError` where the maps hold no brain or lie apart.
    public init(gray: Map, white: Map, areas: Map?, excluded: ExcludedParts) throws(RealAnatomyError) {
        for (name, map) in [("gray", gray), ("white", white)] {
            let bad = map.volume.elements.count { !$0.isFinite }
            guard bad == 0 else {
                throw RealAnatomyError(
                    .notFinite, name,
                    "holds \(bad) voxels that are not numbers (NaN); replace them, by 0 outside the brain")
            }
            let most = map.volume.elements.max() ?? 0
            guard most > 0.5 else {
                throw RealAnatomyError(
                    .empty, name,
                    "has no voxel above one half (its largest is \(most)); is it a probability map?")
            }
            guard RealAnatomy.scale(ofLargest: most) != nil else {
                throw RealAnatomyError(
                    .scale, name,
                    "goes up to \(most), but shares go up to 1, 100 or 255; divide it by its largest value")
            }
        }
        let gray = gray.scaledToShares()
        let white = white.scaledToShares()
        (self.gray, self.white, self.areas, self.excluded) = (gray, white, areas, excluded)
        guard let areas else {
            labels = []
            return
        }
        var found: Set<Int> = []
        for value in areas.volume.elements where value != 0 {
            guard value.isFinite, value > 0, value < 100_000, value == value.rounded() else {
                throw RealAnatomyError(
                    .notLabels, "areas", "holds the value \(value); labels are whole positive numbers, 0 for none")
            }
            found.insert(Int(value))
        }
        guard !found.isEmpty else { throw RealAnatomyError(.empty, "areas", "holds no label") }
        guard found.count < 255 else {
            throw RealAnatomyError(
                .notLabels, "areas", "holds \(found.count) labels, but at most 254 areas are told apart")
        }
        labels = found.sorted()
        // Labels of another space would lie beside the tissue.
        var (inside, all) = (0, 0)
        let step = max(areas.volume.elements.count / 400_000, 1)
        for index in stride(from: 0, to: areas.volume.elements.count, by: step)
        where areas.volume.elements[index] != 0 {
            let (line, column) = (index / areas.grid.columns, index % areas.grid.columns)
            let point = areas.grid.point(
                plane: line / areas.grid.rows, row: line % areas.grid.rows, column: column)
            all += 1
            if gray.value(point) + white.value(point) > 0.25 { inside += 1 }
        }
        guard 2 * inside >= all else {
            throw RealAnatomyError(
                .apart, "areas",
                "has \(100 * (all - inside) / max(all, 1)) % of its labels outside the tissue of gray and white; is it in the same space?"
            )
        }
    }

    /// What a map's values are divided by, told by its largest: shares, percent, or shares in a byte; nil for none of them.
    static func scale(ofLargest most: Float) -> Float? {
        if most <= 1.5 { return 1 }
        if most > 50, most <= 100.5 { return 100 }
        return most > 100.5 && most <= 255.5 ? 255 : nil
    }

    /// Where each area lies on average on the right, in mm of the brain; for the atlas's smooth fields.
    public func centresMm() -> [PointMm] {
        guard let areas else { return [] }
        var sums = [SIMD4<Double>](repeating: .zero, count: labels.count)
        let place = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
        for (index, value) in areas.volume.elements.enumerated() where value != 0 {
            let (line, column) = (index / areas.grid.columns, index % areas.grid.columns)
            let point = areas.grid.point(plane: line / areas.grid.rows, row: line % areas.grid.rows, column: column)
            if let label = place[Int(value)] { sums[label] += SIMD4(abs(point.x), point.y, point.z, 1) }
        }
        return sums.map { sum in
            let mean = sum / max(sum.w, 1)
            return PointMm(rasMm: SIMD3(mean.x, mean.y, mean.z))
        }
    }
}

/// Real volumes that no brain can be made of.
public struct RealAnatomyError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case notFinite, empty, scale, notLabels, apart
    }
    public let code: Code
    /// `gray`, `white` or `areas`.
    public let map: String
    /// What is wrong and what to do.
    public let message: String

    init(_ code: Code, _ map: String, _ message: String) {
        (self.code, self.map, self.message) = (code, map, message)
    }

    public var description: String { "\(map): \(message)" }
}
