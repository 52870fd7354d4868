public import NDArray

/// A cortical sheet by hemisphere.
public struct HemisphereSplit: Sendable {
    public enum Method: String, Sendable {
        /// Each hemisphere hung together by itself.
        case sheets
        /// One sheet went over both hemispheres and was parted at the mid-sagittal plane.
        case plane
        /// There is one hemisphere only.
        case single
    }

    /// Faces of each hemisphere; nil where there is none.
    public var left: [Int]?
    public var right: [Int]?
    public var method: Method

    /// Parts a sheet between the hemispheres; left is the side of the smaller columns.
    ///
    /// Where the two largest parts are of like size and lie side by side, they are the hemispheres. Otherwise the mid-sagittal plane decides: parts on one
    /// side of it belong there, and a part that goes over it is parted where fronts meet that start a sixth of the sheet's width away on either side: so a medial wall stays
    /// with its own hemisphere though it bulges over the plane, or the plane misses it as stacks drift. Without a fissure in the plane there is one hemisphere, named after the side that is not flat.
    ///
    /// - Parameters:
    ///   - mesh: in µm.
    ///   - labels: tissue that the plane is found from.
    ///   - bandUm: how far from the plane the fronts start; a sixth of the sheet's extent along the columns where nil.
    public init(
        _ mesh: TriangleMesh, labels: Volume<UInt8>, originUm: SIMD3<Double>, spacingUm: Double, bandUm: Double? = nil
    ) {
        left = nil
        right = nil
        method = .sheets
        let parts = mesh.components()
        let statistics = parts.map { PartStatistics(mesh, faces: $0) }
        guard let first = statistics.first else { return }
        if statistics.count > 1 {
            let second = statistics[1]
            let apart = second.centre - first.centre
            if second.area > 0.3 * first.area, abs(apart.z) > abs(apart.x), abs(apart.z) > abs(apart.y) {
                // Smaller parts go with the sheet whose side they are on.
                let middle = 0.5 * (first.centre + second.centre)
                let direction = apart.z > 0 ? apart : -apart
                var sides: (left: [Int], right: [Int]) = ([], [])
                for (part, statistic) in zip(parts, statistics) {
                    let isRight = ((statistic.centre - middle) * direction).sum() > 0
                    if isRight { sides.right += part } else { sides.left += part }
                }
                (left, right) = (sides.left.sorted(), sides.right.sorted())
                return
            }
        }
        let all = mesh.faces.indices.map { $0 }
        guard let plane = MidsagittalPlane(labels: labels), plane.fissure < 0.75 else {
            method = .single
            let side = max(1, max(labels.planes, labels.rows, labels.columns) / 80)
            if TissueBlocks(labels, side: side).isLeftHemisphere { left = all } else { right = all }
            return
        }
        method = .plane
        let columns = mesh.vertices.reduce(into: (low: Float.infinity, high: -Float.infinity)) {
            ($0.low, $0.high) = (min($0.low, $1.z), max($0.high, $1.z))
        }
        let isRight = Self.sides(
            mesh, plane: plane, originUm: originUm, spacingUm: spacingUm,
            bandUm: bandUm ?? Double(columns.high - columns.low) / 6)
        let found = (left: all.filter { !isRight[$0] }, right: all.filter { isRight[$0] })
        left = found.left.isEmpty ? nil : found.left
        right = found.right.isEmpty ? nil : found.right
    }

    /// For each face whether it belongs to the right: beyond the band at once, within it as the front that reaches it first.
    private static func sides(
        _ mesh: TriangleMesh, plane: MidsagittalPlane, originUm: SIMD3<Double>, spacingUm: Double, bandUm: Double
    ) -> [Bool] {
        let twins = MeshEdges(mesh).twins()
        let distances = mesh.faces.indices.map { face in
            let (a, b, c) = mesh.corners(face)
            let centre = SIMD3<Double>(a + ((b - a) + (c - a)) / 3)
            return plane.distance((centre - originUm) / spacingUm) * spacingUm
        }
        var isRight = distances.map { $0 > 0 }
        var reached = distances.map { abs($0) > bandUm }
        var rim = mesh.faces.indices.filter { reached[$0] }
        while !rim.isEmpty {
            var next: [Int] = []
            for face in rim {
                for corner in 0..<3 {
                    let twin = twins[3 * face + corner]
                    guard twin != .max, !reached[Int(twin / 3)] else { continue }
                    reached[Int(twin / 3)] = true
                    isRight[Int(twin / 3)] = isRight[face]
                    next.append(Int(twin / 3))
                }
            }
            rim = next
        }
        return isRight
    }
}

/// Area and centre of some faces.
private struct PartStatistics {
    var area = 0.0
    var centre = SIMD3<Double>.zero

    init(_ mesh: TriangleMesh, faces: [Int]) {
        for face in faces {
            let (a, b, c) = mesh.corners(face)
            let size = 0.5 * Double(length(cross(b - a, c - a)))
            area += size
            centre += size * SIMD3<Double>(a + ((b - a) + (c - a)) / 3)
        }
        if area > 0 { centre /= area }
    }
}
