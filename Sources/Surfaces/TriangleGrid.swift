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
    /// A ball around each face: its centre, and a radius that rounding cannot make too small.
    private let balls: [SIMD4<Float>]
    /// What rounding may add to a distance, for coordinates as large as the mesh's.
    private let slack: Float

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
        let slack = 1e-6 * max(high.max(), -low.min())
        self.slack = slack
        balls = mesh.faces.indices.map { face in
            let (a, b, c) = mesh.corners(face)
            let centre = (a + b + c) / 3
            let radius = max(length(a - centre), max(length(b - centre), length(c - centre)))
            return SIMD4(centre, radius + slack)
        }
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
        var search = Search(point: point, normal: normal, reach: limit)
        forEachShell(around: point) { shell, nearest in
            guard nearest <= search.reach else { return false }
            shell.forEachCell(of: sides) { i, j, k in look(into: (i * sides.y + j) * sides.z + k, &search) }
            return true
        }
        return search.best
    }

    /// The distance of `point` to the mesh: that of `closest(to:facing:within:)`, found faster as it does not matter which face has it.
    ///
    /// - Returns: nil where no triangle is within `limit`.
    public func distance(to point: SIMD3<Float>, within limit: Float = .infinity) -> Float? {
        guard !faces.isEmpty else { return nil }
        var search = Search(point: point, normal: nil, reach: limit)
        // Cells farther away than the nearest face so far are left out, with room for rounding.
        let place = (point - low) / cell
        forEachShell(around: point) { shell, nearest in
            guard nearest <= search.reach * 1.00001 + slack else { return false }
            shell.forEachCell(of: sides) { i, j, k in
                let corner = SIMD3(Float(i), Float(j), Float(k))
                let (before, behind) = (corner - place, place - corner - SIMD3(repeating: 1))
                let x = max(max(before.x, behind.x), 0)
                let y = max(max(before.y, behind.y), 0)
                let z = max(max(before.z, behind.z), 0)
                let farthest = (search.reach * 1.00001 + slack) / cell
                guard x * x + y * y + z * z <= farthest * farthest * 1.00001 else { return }
                look(into: (i * sides.y + j) * sides.z + k, &search)
            }
            return true
        }
        return search.best?.distance
    }

    private struct Search {
        let point: SIMD3<Float>
        let normal: SIMD3<Float>?
        var reach: Float
        var best: Hit?
    }

    @inline(__always) private func look(into cell: Int, _ search: inout Search) {
        for index in Int(offsets[cell])..<Int(offsets[cell + 1]) {
            let face = Int(faces[index])
            // Most faces are told off by the balls around them.
            let ball = balls[face]
            let (x, y, z) = (search.point.x - ball.x, search.point.y - ball.y, search.point.z - ball.z)
            let farthest = (search.reach + ball.w) * 1.00001
            if x * x + y * y + z * z > farthest * farthest { continue }
            let (a, b, c) = mesh.corners(face)
            if let normal = search.normal, dot(cross(b - a, c - a), normal) <= 0 { continue }
            let candidate = closestPoint(on: (a, b, c), to: search.point)
            let distance = length(candidate - search.point)
            if distance < search.reach || (search.best == nil && distance <= search.reach) {
                search.reach = distance
                search.best = Hit(point: candidate, face: face, distance: distance)
            }
        }
    }

    /// Calls `body` with the shells of cells around a point, from the innermost outward, and the least distance at which a face may lie
    /// that is in none of those before, until it returns false.
    @inline(__always) private func forEachShell(around point: SIMD3<Float>, _ body: (CellShell, Float) -> Bool) {
        let place = (point - low) / cell
        // Shell k is at least (k − 1) cells away, and more where the point lies outside the grid.
        let own = SIMD3(Int(place.x.rounded(.down)), Int(place.y.rounded(.down)), Int(place.z.rounded(.down)))
        let farthest = max(
            max(own.x, sides.x - 1 - own.x), max(own.y, sides.y - 1 - own.y), max(own.z, sides.z - 1 - own.z))
        let inCell = place - SIMD3(Float(own.x), Float(own.y), Float(own.z))
        let inner = min(inCell.min(), (SIMD3(repeating: 1) - inCell).min())
        var shell = max(0, -own.x, -own.y, -own.z, own.x - sides.x + 1, own.y - sides.y + 1, own.z - sides.z + 1)
        while shell <= farthest {
            let nearest = shell > 0 ? (Float(shell - 1) + inner) * cell : -.infinity
            guard body(CellShell(own: own, reach: shell), nearest) else { return }
            shell += 1
        }
    }
}

/// The cells of a grid that are as many steps away from one along one axis, and no more along the others.
private struct CellShell {
    let own: SIMD3<Int>
    let reach: Int

    /// Calls `body` with each cell that the grid has.
    @inline(__always) func forEachCell(of sides: SIMD3<Int>, _ body: (Int, Int, Int) -> Void) {
        var i = max(0, own.x - reach)
        while i <= min(sides.x - 1, own.x + reach) {
            var j = max(0, own.y - reach)
            while j <= min(sides.y - 1, own.y + reach) {
                let isOnShell = abs(i - own.x) == reach || abs(j - own.y) == reach
                let step = isOnShell || reach == 0 ? 1 : 2 * reach
                var k = own.z - reach
                while k <= own.z + reach {
                    if k >= 0, k < sides.z { body(i, j, k) }
                    k += step
                }
                j += 1
            }
            i += 1
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
