/// A spatial index over the triangles of a mesh: a grid of cells, each with the triangles whose boxes touch it.
///
/// Made for surfaces that fill their box evenly and for points close to them: then a query looks at a few cells.
public struct TriangleGrid: Sendable {
    public let mesh: TriangleMesh
    private let low: SIMD3<Float>
    private let cell: Float
    private let sides: SIMD3<Int>
    private let offsets: [UInt32]
    private let faces: [UInt32]

    /// A point on the mesh.
    public struct Hit: Sendable {
        public var point: SIMD3<Float>
        public var face: Int
        public var distance: Float
    }

    /// - Parameter cell: edge of a cell; about twice an edge of the mesh is right.
    public init(_ mesh: TriangleMesh, cell: Float) {
        precondition(cell > 0, "A cell needs an edge above zero, not \(cell).")
        self.mesh = mesh
        var low = mesh.vertices.first ?? .zero
        var high = low
        for vertex in mesh.vertices {
            low = pointwiseMin(low, vertex)
            high = pointwiseMax(high, vertex)
        }
        // At most 2²⁶ cells, whatever the cell that was asked for.
        var edge = cell
        while (0..<3).reduce(1.0, { $0 * Double(((high - low)[$1] / edge).rounded(.down) + 1) }) > 0x1p26 { edge *= 2 }
        let extent = high - low
        let sides = SIMD3(Int(extent.x / edge) + 1, Int(extent.y / edge) + 1, Int(extent.z / edge) + 1)
        self.low = low
        self.cell = edge
        self.sides = sides
        var offsets = [UInt32](repeating: 0, count: sides.x * sides.y * sides.z + 1)
        func forEachCell(_ face: Int, _ body: (Int) -> Void) {
            let (a, b, c) = mesh.corners(face)
            let from = (pointwiseMin(pointwiseMin(a, b), c) - low) / edge
            let to = (pointwiseMax(pointwiseMax(a, b), c) - low) / edge
            for i in Int(from.x)...min(Int(to.x), sides.x - 1) {
                for j in Int(from.y)...min(Int(to.y), sides.y - 1) {
                    for k in Int(from.z)...min(Int(to.z), sides.z - 1) { body((i * sides.y + j) * sides.z + k) }
                }
            }
        }
        for face in mesh.faces.indices { forEachCell(face) { offsets[$0 + 1] += 1 } }
        for index in 1..<offsets.count { offsets[index] += offsets[index - 1] }
        var next = offsets
        var sorted = [UInt32](repeating: 0, count: Int(offsets[offsets.count - 1]))
        for face in mesh.faces.indices {
            forEachCell(face) { cell in
                sorted[Int(next[cell])] = UInt32(face)
                next[cell] += 1
            }
        }
        self.offsets = offsets
        faces = sorted
    }

    /// The point of the mesh next to `point`.
    ///
    /// - Parameters:
    ///   - normal: only triangles that look the same way (a positive scalar product) count, so that a point between two banks stays with its own.
    ///   - limit: how far to look.
    /// - Returns: nil where no such triangle is within `limit`.
    public func closest(
        to point: SIMD3<Float>, facing normal: SIMD3<Float>? = nil, within limit: Float = .infinity
    ) -> Hit? {
        guard !faces.isEmpty else { return nil }
        let place = (point - low) / cell
        var best: Hit?
        var reach = limit
        // Shells of cells around the point's own: shell k is at least (k − 1) cells away, and more where the point lies outside the grid.
        let own = SIMD3(Int(place.x.rounded(.down)), Int(place.y.rounded(.down)), Int(place.z.rounded(.down)))
        let farthest = max(
            max(own.x, sides.x - 1 - own.x), max(own.y, sides.y - 1 - own.y), max(own.z, sides.z - 1 - own.z))
        var shell = max(0, -own.x, -own.y, -own.z, own.x - sides.x + 1, own.y - sides.y + 1, own.z - sides.z + 1)
        while shell <= farthest {
            let inner = (0..<3).reduce(Float.infinity) { nearest, axis in
                let inCell = place[axis] - Float(own[axis])
                return min(nearest, inCell, 1 - inCell)
            }
            if shell > 0, (Float(shell - 1) + inner) * cell > reach { break }
            for i in max(0, own.x - shell)...max(min(sides.x - 1, own.x + shell), max(0, own.x - shell)) {
                guard i < sides.x else { continue }
                for j in max(0, own.y - shell)...max(min(sides.y - 1, own.y + shell), max(0, own.y - shell)) {
                    guard j < sides.y else { continue }
                    let onShell = abs(i - own.x) == shell || abs(j - own.y) == shell
                    let step = onShell || shell == 0 ? 1 : 2 * shell
                    var k = own.z - shell
                    while k <= own.z + shell {
                        if k >= 0, k < sides.z { search((i * sides.y + j) * sides.z + k, point, normal, &best, &reach) }
                        k += step
                    }
                }
            }
            shell += 1
        }
        return best
    }

    @inline(__always)
    private func search(
        _ cell: Int, _ point: SIMD3<Float>, _ normal: SIMD3<Float>?, _ best: inout Hit?, _ reach: inout Float
    ) {
        for index in Int(offsets[cell])..<Int(offsets[cell + 1]) {
            let face = Int(faces[index])
            let (a, b, c) = mesh.corners(face)
            if let normal, dot(cross(b - a, c - a), normal) <= 0 { continue }
            let candidate = closestPoint(on: (a, b, c), to: point)
            let distance = length(candidate - point)
            if distance < reach || (best == nil && distance <= reach) {
                reach = distance
                best = Hit(point: candidate, face: face, distance: distance)
            }
        }
    }
}

/// The point of a triangle next to `point`: in its interior, on an edge or at a corner, told by the signs of barycentric terms.
func closestPoint(
    on triangle: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>), to point: SIMD3<Float>
) -> SIMD3<Float> {
    let (a, b, c) = triangle
    let (ab, ac, ap) = (b - a, c - a, point - a)
    let (d1, d2) = (dot(ab, ap), dot(ac, ap))
    if d1 <= 0, d2 <= 0 { return a }
    let bp = point - b
    let (d3, d4) = (dot(ab, bp), dot(ac, bp))
    if d3 >= 0, d4 <= d3 { return b }
    let vc = d1 * d4 - d3 * d2
    if vc <= 0, d1 >= 0, d3 <= 0 { return a + ab * (d1 / max(d1 - d3, .leastNormalMagnitude)) }
    let cp = point - c
    let (d5, d6) = (dot(ab, cp), dot(ac, cp))
    if d6 >= 0, d5 <= d6 { return c }
    let vb = d5 * d2 - d1 * d6
    if vb <= 0, d2 >= 0, d6 <= 0 { return a + ac * (d2 / max(d2 - d6, .leastNormalMagnitude)) }
    let va = d3 * d6 - d5 * d4
    if va <= 0, d4 - d3 >= 0, d5 - d6 >= 0 {
        return b + (c - b) * ((d4 - d3) / max((d4 - d3) + (d5 - d6), .leastNormalMagnitude))
    }
    let sum = va + vb + vc
    guard sum > 0 else { return a }
    return a + ab * (vb / sum) + ac * (vc / sum)
}
