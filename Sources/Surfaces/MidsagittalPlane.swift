public import NDArray

/// The plane between the hemispheres: voxel positions q with `normal · q = offset`, where `normal` looks to the right (growing columns).
public struct MidsagittalPlane: Sendable, Equatable {
    /// In voxels, (plane, row, column); length 1.
    public var normal: SIMD3<Double>
    public var offset: Double
    /// Share of the tissue whose mirror image is tissue too.
    public var symmetry: Double
    /// White matter in the plane against the larger cross-sections on either side: well below 1 where a fissure parts two hemispheres (gray
    /// matter says less: the banks of the fissure may touch).
    public var fissure: Double

    /// Finds the plane in which the tissue is most symmetric; it may be tilted against the columns by about 25°.
    ///
    /// The tissue is thinned to blocks of about a hundredth of its height; offset and two tilts are found by a pattern search from the tissue's centre.
    ///
    /// - Returns: nil where there is no tissue.
    public init?(labels: Volume<UInt8>) {
        let side = max(1, max(labels.planes, labels.rows, labels.columns) / 80)
        let blocks = TissueBlocks(labels, side: side)
        guard !blocks.places.isEmpty else { return nil }
        let centre = blocks.places.reduce(SIMD3<Double>.zero, +) / Double(blocks.places.count)
        func plane(_ shift: Double, _ tilt: SIMD2<Double>) -> (normal: SIMD3<Double>, offset: Double) {
            let normal = SIMD3(tilt.x, tilt.y, 1)
            let unit = normal / (normal * normal).sum().squareRoot()
            return (unit, (unit * centre).sum() + shift)
        }
        var best = (shift: 0.0, tilt: SIMD2<Double>.zero)
        var score = blocks.symmetry(plane(best.shift, best.tilt))
        var step = (shift: Double(blocks.columns) / 16, tilt: 0.16)
        while step.shift > 0.1 {
            var improved = false
            for (shift, tilt) in [
                (1.0, SIMD2(0.0, 0.0)), (-1, SIMD2(0, 0)), (0, SIMD2(1, 0)), (0, SIMD2(-1, 0)), (0, SIMD2(0, 1)),
                (0, SIMD2(0, -1)),
            ] {
                let candidate = (shift: best.shift + shift * step.shift, tilt: best.tilt + tilt * step.tilt)
                guard abs(candidate.tilt.x) <= 0.48, abs(candidate.tilt.y) <= 0.48 else { continue }
                let found = blocks.symmetry(plane(candidate.shift, candidate.tilt))
                if found > score {
                    (best, score, improved) = (candidate, found, true)
                }
            }
            if !improved { step = (step.shift / 2, step.tilt / 2) }
        }
        let found = plane(best.shift, best.tilt)
        normal = found.normal
        // Block (0, 0, 0) has its middle at (side − 1) / 2.
        offset = found.offset * Double(side) + (found.normal * (Double(side) - 1) / 2).sum()
        symmetry = score
        fissure = blocks.fissure(found)
    }

    /// Distance to the plane in voxels, positive to the right.
    public func distance(_ voxel: SIMD3<Double>) -> Double { (normal * voxel).sum() - offset }
}

/// Tissue on a coarse grid.
struct TissueBlocks {
    let planes: Int
    let rows: Int
    let columns: Int
    let isTissue: [Bool]
    let places: [SIMD3<Double>]
    let white: [SIMD3<Double>]

    init(_ labels: Volume<UInt8>, side: Int) {
        planes = max(1, labels.planes / side)
        rows = max(1, labels.rows / side)
        columns = max(1, labels.columns / side)
        var tissue = [Bool](repeating: false, count: planes * rows * columns)
        var places: [SIMD3<Double>] = []
        var white: [SIMD3<Double>] = []
        for p in 0..<min(planes, labels.planes) {
            for r in 0..<min(rows, labels.rows) {
                for c in 0..<min(columns, labels.columns) {
                    let half = side / 2
                    let label = labels[p * side + half, r * side + half, c * side + half]
                    guard label != 0 else { continue }
                    tissue[(p * rows + r) * columns + c] = true
                    let place = SIMD3(Double(p), Double(r), Double(c))
                    places.append(place)
                    if label == 2 { white.append(place) }
                }
            }
        }
        isTissue = tissue
        self.places = places
        self.white = white.isEmpty ? places : white
    }

    /// Share of the tissue that lies on tissue after mirroring.
    func symmetry(_ plane: (normal: SIMD3<Double>, offset: Double)) -> Double {
        var hits = 0
        for place in places {
            let distance = (plane.normal * place).sum() - plane.offset
            // Rounded to the nearest, ties to even, as numbers of this size have no digits behind the point.
            let mirrored = (place - 2 * distance * plane.normal) + 0x1.8p52 - 0x1.8p52
            let (p, r, c) = (Int(mirrored.x), Int(mirrored.y), Int(mirrored.z))
            guard p >= 0, p < planes, r >= 0, r < rows, c >= 0, c < columns else { continue }
            if isTissue[(p * rows + r) * columns + c] { hits += 1 }
        }
        return Double(hits) / Double(places.count)
    }

    /// Cross-section in the plane over the smaller of the two largest ones beside it.
    func fissure(_ plane: (normal: SIMD3<Double>, offset: Double)) -> Double {
        var sections: [Int: Int] = [:]
        for place in white {
            sections[Int(((plane.normal * place).sum() - plane.offset).rounded()), default: 0] += 1
        }
        let left = sections.filter { $0.key < -1 }.values.max() ?? 0
        let right = sections.filter { $0.key > 1 }.values.max() ?? 0
        let middle = (-1...1).map { sections[$0, default: 0] }.min() ?? 0
        return Double(middle) / Double(max(1, min(left, right)))
    }

    /// Whether the flatter of the two sides along the columns, which is the medial one, is that of the larger columns.
    var isLeftHemisphere: Bool {
        var ends: [Int: (low: Double, high: Double)] = [:]
        for place in places {
            let row = Int(place.x) * rows + Int(place.y)
            let known = ends[row] ?? (place.z, place.z)
            ends[row] = (min(known.low, place.z), max(known.high, place.z))
        }
        let lines = ends.sorted { $0.key < $1.key }.map(\.value)
        func spread(_ values: [Double]) -> Double {
            // Between quartiles, so that poles do not count.
            let sorted = values.sorted()
            return sorted[sorted.count * 3 / 4] - sorted[sorted.count / 4]
        }
        guard !lines.isEmpty else { return true }
        return spread(lines.map(\.high)) <= spread(lines.map(\.low))
    }
}
