public import NDArray

/// A cortical sheet by hemisphere.
public struct HemisphereSplit: Sendable {
    public enum Method: String, Sendable {
        /// Each hemisphere hung together by itself.
        case sheets
        /// One sheet went over both hemispheres and was parted along the shortest line about the mid-sagittal plane.
        case plane
        /// There is one hemisphere only.
        case single
    }

    /// Faces of each hemisphere; nil where there is none.
    public var left: [Int]?
    public var right: [Int]?
    public var method: Method
    /// Parts of the whole sheet.
    public let partCount: Int

    /// Parts a sheet between the hemispheres; left is the side of the smaller columns.
    ///
    /// Where the two largest parts are of like size and lie side by side, they are the hemispheres. Otherwise the mid-sagittal plane decides: faces farther from it
    /// than a band belong to its sides, and within the band the sheet is parted along the shortest line there is. Where the banks of the fissure touch
    /// they hang together by narrow bridges, so that the shortest line crosses these, however far a medial wall lies beyond the plane: stacks twist and drift
    /// along their planes by several millimetres. Without a fissure in the plane there is one hemisphere, named after the side that is not flat.
    ///
    /// - Parameters:
    ///   - mesh: in µm.
    ///   - labels: tissue that the plane is found from.
    ///   - bandUm: half the width of the band in which the cut is sought; a fifth of the sheet's extent along the columns where nil.
    public init(
        _ mesh: TriangleMesh, labels: Volume<UInt8>, originUm: SIMD3<Double>, spacingUm: Double, bandUm: Double? = nil
    ) {
        left = nil
        right = nil
        method = .sheets
        let parts = mesh.components()
        partCount = parts.count
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
            bandUm: bandUm ?? Double(columns.high - columns.low) / 5)
        let found = (left: all.filter { !isRight[$0] }, right: all.filter { isRight[$0] })
        left = found.left.isEmpty ? nil : found.left
        right = found.right.isEmpty ? nil : found.right
    }

    /// For each face whether it belongs to the right: beyond the band at once, within it by the shortest cut.
    private static func sides(
        _ mesh: TriangleMesh, plane: MidsagittalPlane, originUm: SIMD3<Double>, spacingUm: Double, bandUm: Double
    ) -> [Bool] {
        let twins = MeshEdges(mesh).twins()
        let distances = mesh.faces.indices.map { face in
            let (a, b, c) = mesh.corners(face)
            let centre = SIMD3<Double>(a + ((b - a) + (c - a)) / 3)
            return plane.distance((centre - originUm) / spacingUm) * spacingUm
        }
        // Edges far from the plane weigh up to twice their length, so that of like cuts the one near the plane is taken.
        var weights = [Int32](repeating: 0, count: twins.count)
        for edge in twins.indices where twins[edge] != .max && Int(twins[edge]) > edge {
            let twin = Int(twins[edge])
            let face = mesh.faces[edge / 3]
            let ends = mesh.vertices[Int(face[edge % 3])] - mesh.vertices[Int(face[(edge % 3 + 1) % 3])]
            let away = 0.5 * abs(distances[edge / 3] + distances[twin / 3]) / bandUm
            let weight = 16 * Double((ends * ends).sum().squareRoot()) / spacingUm * (1 + min(away, 1))
            weights[edge] = Int32(max(1, min(weight, 1e6)))
            weights[twin] = weights[edge]
        }
        let cut = shortestCut(
            twins: twins, sources: distances.map { $0 < -bandUm }, sinks: distances.map { $0 > bandUm },
            weights: weights)
        var isRight = cut.map { $0 > 0 }
        // What the cut leaves open goes in one piece to the side where most of it is.
        var isSeen = cut.map { $0 != 0 }
        for start in isSeen.indices where !isSeen[start] {
            var group = [start]
            isSeen[start] = true
            var head = 0
            var sum = 0.0
            while head < group.count {
                let face = group[head]
                head += 1
                sum += distances[face]
                for edge in 3 * face..<3 * face + 3 where twins[edge] != .max && !isSeen[Int(twins[edge] / 3)] {
                    isSeen[Int(twins[edge] / 3)] = true
                    group.append(Int(twins[edge] / 3))
                }
            }
            if sum > 0 { for face in group { isRight[face] = true } }
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
