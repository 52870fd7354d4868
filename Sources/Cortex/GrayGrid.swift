internal import NDArray

/// Laplace's equation in the gray matter of a volume: its cells, their links, and where links are cut by a boundary.
///
/// A link from a gray voxel to one of white matter is cut at the share θ of its length where the level between the two classes is crossed;
/// it then pulls with weight 1/θ to the white surface's value 1, or to the pia's 0 if it leads to background. A link to an
/// excluded voxel, out of the volume, or into the gap of a missing section pulls to nothing: zero flux.
///
/// Reference: F. Gibou, R. Fedkiw, L.-T. Cheng, M. Kang, J. Comput. Phys. 176, 205 (2002), doi:10.1006/jcph.2001.6977: cut links in
/// the diagonal only, which keeps the system symmetric and the solution second-order accurate.
struct GrayGrid {
    let map: CellMap
    /// Linear index of each cell's voxel.
    let voxels: GridBuffer<Int32>
    let neighbours: GridBuffer<Int32>
    let anchors: GridBuffer<Float>
    /// Right-hand side: what pulls to the white surface.
    let right: GridBuffer<Float>
    /// Offset of the nearest white voxel that a cell touches, (plane, row, column) with a 1 at the end; 0 at the end where it touches none.
    let touched: GridBuffer<SIMD4<Int8>>
    /// The share of each link's length at which it is cut: positive by the pia, negative by white matter, 0 not at all; nil where nobody asks.
    let crossings: GridBuffer<Float>?

    /// The least share of a link: keeps the weights within bounds, for an error of at most a fiftieth of a voxel.
    static let smallestShare: Float = 0.02

    init(
        labels: Volume<UInt8>, fractions: TissueFractions?, excluded: Volume<UInt8>?, keepsCrossings: Bool = false,
        threads: Int
    ) {
        let (planes, rows, columns) = (labels.planes, labels.rows, labels.columns)
        let map = CellMap(planes: planes, rows: rows, columns: columns, threads: threads) { plane, row, column in
            labels.elements[(plane * rows + row) * columns + column] == TissueClass.gray
        }
        self.map = map
        let voxels = GridBuffer<Int32>(count: map.count, filledWith: 0)
        let neighbours = GridBuffer<Int32>(count: 6 * map.count, filledWith: Int32(map.count))
        let anchors = GridBuffer<Float>(count: map.count, filledWith: 0)
        let right = GridBuffer<Float>(count: map.count, filledWith: 0)
        let touched = GridBuffer<SIMD4<Int8>>(count: map.count, filledWith: SIMD4(0, 0, 0, 0))
        (self.voxels, self.neighbours, self.anchors, self.right) = (voxels, neighbours, anchors, right)
        self.touched = touched
        let crossings = keepsCrossings ? GridBuffer<Float>(count: 6 * map.count, filledWith: 0) : nil
        self.crossings = crossings
        let isKnown = Self.knownPlanes(labels, excluded)
        let levels = BoundaryLevels(labels: labels, fractions: fractions)
        let steps = SIMD8<Int>(-rows * columns, rows * columns, -columns, columns, -1, 1, 0, 0)
        parallelFor(planes, threads: threads) { plane in
            labels.elements.withUnsafeBufferPointer { labels in
                // A bit for each link that leads to a voxel of a known plane.
                let planeLinks =
                    (plane > 0 && isKnown[plane - 1] ? 1 : 0) | (plane + 1 < planes && isKnown[plane + 1] ? 2 : 0)
                for row in 0..<rows {
                    let rowLinks = planeLinks | (isKnown[plane] ? (row > 0 ? 4 : 0) | (row + 1 < rows ? 8 : 0) : 0)
                    for column in 0..<columns {
                        let voxel = (plane * rows + row) * columns + column
                        let cell = Int(map.cells.base[voxel])
                        guard cell >= 0 else { continue }
                        voxels.base[cell] = Int32(voxel)
                        let open =
                            rowLinks | (isKnown[plane] ? (column > 0 ? 16 : 0) | (column + 1 < columns ? 32 : 0) : 0)
                        for link in 0..<6 where open >> link & 1 == 1 {
                            let other = voxel + steps[link]
                            let next = map.cells.base[other]
                            if next >= 0 {
                                neighbours.base[6 * cell + link] = next
                                continue
                            }
                            if let excluded, excluded.elements[other] != 0 { continue }
                            let share = max(levels.share(from: voxel, to: other), Self.smallestShare)
                            let isWhite = labels[other] == TissueClass.white
                            anchors.base[cell] += 1 / share
                            if isWhite { right.base[cell] += 1 / share }
                            crossings?.base[6 * cell + link] = isWhite ? -share : share
                        }
                        touched.base[cell] = Self.whiteBeside(
                            plane, row, column, labels, shape: SIMD3(planes, rows, columns))
                    }
                }
            }
        }
    }

    /// Planes without tissue between others with tissue are missing sections, not background.
    private static func knownPlanes(_ labels: Volume<UInt8>, _ excluded: Volume<UInt8>?) -> [Bool] {
        let size = labels.rows * labels.columns
        func holdsTissue(_ volume: Volume<UInt8>, _ plane: Int) -> Bool {
            volume.elements[plane * size..<(plane + 1) * size].contains { $0 != 0 }
        }
        var known = (0..<labels.planes).map { plane in
            holdsTissue(labels, plane) || (excluded.map { holdsTissue($0, plane) } ?? false)
        }
        if let first = known.firstIndex(of: true), let last = known.lastIndex(of: true) {
            for plane in known.indices where plane < first || plane > last { known[plane] = true }
        }
        return known
    }

    /// The nearest white voxel among the 26 around a voxel.
    private static func whiteBeside(
        _ plane: Int, _ row: Int, _ column: Int, _ labels: UnsafeBufferPointer<UInt8>, shape: SIMD3<Int>
    ) -> SIMD4<Int8> {
        var best = SIMD4<Int8>(0, 0, 0, 0)
        var nearest = 4
        for p in max(plane - 1, 0)...min(plane + 1, shape.x - 1) {
            for r in max(row - 1, 0)...min(row + 1, shape.y - 1) {
                let line = (p * shape.y + r) * shape.z
                for c in max(column - 1, 0)...min(column + 1, shape.z - 1) {
                    guard labels[line + c] == TissueClass.white else { continue }
                    let distance = abs(p - plane) + abs(r - row) + abs(c - column)
                    if distance < nearest {
                        nearest = distance
                        best = SIMD4(Int8(p - plane), Int8(r - row), Int8(c - column), 1)
                    }
                }
            }
        }
        return best
    }
}

/// Where a boundary between two classes crosses the way from one voxel to the next.
struct BoundaryLevels: Sendable {
    let labels: Volume<UInt8>
    let fractions: TissueFractions?

    /// The share of the way from a gray voxel to its neighbour of another class that lies in gray matter.
    ///
    /// The level is what gray has more than the other class; labels are the class with the largest share, so it changes sign on the way.
    /// Where cleaning has changed labels and it does not, and where no fractions are known, half of the way counts.
    func share(from gray: Int, to other: Int) -> Float {
        guard let fractions else { return smoothedShare(from: gray, to: other) }
        let isWhite = labels.elements[other] == TissueClass.white
        func level(_ voxel: Int) -> Float {
            let (g, w) = (Float(fractions.gray.elements[voxel]), Float(fractions.white.elements[voxel]))
            return isWhite ? g - w : g - max(255 - g - w, 0)
        }
        let (here, there) = (level(gray), level(other))
        // A whole voxel of a class does not say how far away the boundary is; the one that is cut does: its level is −1 … 1.
        if here == 255, there > -255, there <= 0 { return min(1 + there / 510, 1) }
        if there == -255, here < 255, here >= 0 { return here / 510 }
        return Self.crossing(here, there)
    }

    private static func crossing(_ here: Float, _ there: Float) -> Float {
        guard here >= 0, there <= 0, here - there > 0 else { return 0.5 }
        return here / (here - there)
    }

    /// Labels alone: the shares are those of the voxels around, near ones counting more (1 2 1 along each axis).
    private func smoothedShare(from gray: Int, to other: Int) -> Float {
        let wanted = labels.elements[other]
        let (planes, rows, columns) = (labels.planes, labels.rows, labels.columns)
        // All three planes of a single one are the same.
        let (reach, weight) = planes == 1 ? (0, 4) : (1, 1)
        func level(_ voxel: Int) -> Float {
            let (plane, row, column) = (voxel / (rows * columns), voxel / columns % rows, voxel % columns)
            var sum = 0
            labels.elements.withUnsafeBufferPointer { labels in
                for p in -reach...reach {
                    for r in -1...1 {
                        let line =
                            (min(max(plane + p, 0), planes - 1) * rows + min(max(row + r, 0), rows - 1)) * columns
                        for c in -1...1 {
                            let weight = weight * (1 + reach - abs(p)) * (2 - abs(r)) * (2 - abs(c))
                            let label = labels[line + min(max(column + c, 0), columns - 1)]
                            sum += label == TissueClass.gray ? weight : label == wanted ? -weight : 0
                        }
                    }
                }
            }
            return Float(sum)
        }
        return Self.crossing(level(gray), level(other))
    }
}
