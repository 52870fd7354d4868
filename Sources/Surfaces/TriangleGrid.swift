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
    /// For each of `faces` a ball around it: its centre, and a radius that rounding cannot make too small.
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
        // Where each cell's faces start, a place further, and two places further while they are counted.
        var offsets = [UInt32](repeating: 0, count: sides.x * sides.y * sides.z + 2)
        func forEachCell(_ face: Int, _ body: (Int) -> Void) {
            let box = Self.cells(of: mesh.corners(face), low: low, edge: edge, sides: sides)
            for i in box.from.x...box.to.x {
                for j in box.from.y...box.to.y {
                    for k in box.from.z...box.to.z { body((i * sides.y + j) * sides.z + k) }
                }
            }
        }
        for face in mesh.faces.indices { forEachCell(face) { offsets[$0 + 2] += 1 } }
        for index in 1..<offsets.count { offsets[index] += offsets[index - 1] }
        let slack = 1e-6 * max(high.max(), -low.min())
        self.slack = slack
        let total = Int(offsets[offsets.count - 1])
        var sorted: [UInt32] = []
        balls = [SIMD4<Float>](unsafeUninitializedCapacity: total) { balls, count in
            sorted = [UInt32](unsafeUninitializedCapacity: total) { sorted, count in
                for face in mesh.faces.indices {
                    let (a, b, c) = mesh.corners(face)
                    let centre = (a + b + c) / 3
                    let radius = max(length(a - centre), max(length(b - centre), length(c - centre)))
                    forEachCell(face) { cell in
                        let place = Int(offsets[cell + 1])
                        sorted[place] = UInt32(face)
                        balls[place] = SIMD4(centre, radius + slack)
                        // In the end the start of the next cell.
                        offsets[cell + 1] += 1
                    }
                }
                count = total
            }
            count = total
        }
        faces = sorted
        self.offsets = offsets
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
        self.search(for: &search, isFirstEnough: false)
        return search.best
    }

    /// The distance of `point` to the mesh: that of `closest(to:facing:within:)`.
    ///
    /// - Returns: nil where no triangle is within `limit`.
    public func distance(to point: SIMD3<Float>, within limit: Float = .infinity) -> Float? {
        closest(to: point, within: limit)?.distance
    }

    /// Whether some triangle is within `limit` of `point`: true where `closest(to:facing:within:)` finds one.
    public func isWithin(_ limit: Float, of point: SIMD3<Float>) -> Bool {
        guard !faces.isEmpty else { return false }
        var search = Search(point: point, normal: nil, reach: limit)
        self.search(for: &search, isFirstEnough: true)
        return search.best != nil
    }

    private struct Search {
        let point: SIMD3<Float>
        let normal: SIMD3<Float>?
        var reach: Float
        var best: Hit?
    }

    @inline(__always) private func search(for search: inout Search, isFirstEnough: Bool) {
        // Cells farther away than the nearest face so far are left out, with room for rounding.
        let place = (search.point - low) / cell
        forEachShell(around: search.point) { shell, nearest in
            guard nearest <= search.reach else { return false }
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
            return !(isFirstEnough && search.best != nil)
        }
    }

    @inline(__always) private func look(into cell: Int, _ search: inout Search) {
        let (first, end) = (Int(offsets[cell]), Int(offsets[cell + 1]))
        guard first < end else { return }
        balls.withUnsafeBufferPointer { balls in
            for index in first..<end {
                // Most faces are told off by the balls around them.
                let ball = balls[index]
                let (x, y, z) = (search.point.x - ball.x, search.point.y - ball.y, search.point.z - ball.z)
                let farthest = (search.reach + ball.w) * 1.00001
                if x * x + y * y + z * z > farthest * farthest { continue }
                look(at: Int(faces[index]), &search)
            }
        }
    }

    @inline(__always) private func look(at face: Int, _ search: inout Search) {
        if let best = search.best, best.face == face { return }
        let (a, b, c) = mesh.corners(face)
        if let normal = search.normal, dot(cross(b - a, c - a), normal) <= 0 { return }
        let candidate = closestPoint(on: (a, b, c), to: search.point)
        let distance = length(candidate - search.point)
        if let best = search.best {
            guard distance <= search.reach else { return }
            if distance == search.reach, !comesFirst(face, before: best.face, around: search.point) { return }
        } else if distance > search.reach || distance.isNaN {
            return
        }
        search.reach = distance
        search.best = Hit(point: candidate, face: face, distance: distance)
    }

    /// Which of two faces at the same distance is found first when the cells are gone through in the order of their shells: so the answer does not
    /// depend on which cells are left out.
    @inline(never) private func comesFirst(_ face: Int, before other: Int, around point: SIMD3<Float>) -> Bool {
        let place = (point - low) / cell
        let own = Self.cell(at: place)
        /// Shell and cell in one number: there are at most 2²⁶ cells.
        func first(_ face: Int) -> Int {
            var first = Int.max
            let box = cells(of: face)
            for i in box.from.x...box.to.x {
                for j in box.from.y...box.to.y {
                    for k in box.from.z...box.to.z {
                        let shell = max(abs(i - own.x), max(abs(j - own.y), abs(k - own.z)))
                        first = min(first, shell << 26 | ((i * sides.y + j) * sides.z + k))
                    }
                }
            }
            return first
        }
        let (mine, others) = (first(face), first(other))
        return mine == others ? face < other : mine < others
    }

    /// The cells that the box around a face touches.
    private func cells(of face: Int) -> (from: SIMD3<Int>, to: SIMD3<Int>) {
        Self.cells(of: mesh.corners(face), low: low, edge: cell, sides: sides)
    }

    @inline(__always) private static func cells(
        of corners: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>), low: SIMD3<Float>, edge: Float, sides: SIMD3<Int>
    ) -> (from: SIMD3<Int>, to: SIMD3<Int>) {
        let (a, b, c) = corners
        let from = (pointwiseMin(pointwiseMin(a, b), c) - low) / edge
        let to = (pointwiseMax(pointwiseMax(a, b), c) - low) / edge
        return (
            SIMD3(Int(from.x), Int(from.y), Int(from.z)),
            SIMD3(min(Int(to.x), sides.x - 1), min(Int(to.y), sides.y - 1), min(Int(to.z), sides.z - 1))
        )
    }

    /// The cell of a place in cells: rounded down.
    @inline(__always) private static func cell(at place: SIMD3<Float>) -> SIMD3<Int> {
        @inline(__always) func floor(_ x: Float) -> Int {
            let whole = Int(x)
            return Float(whole) > x ? whole - 1 : whole
        }
        return SIMD3(floor(place.x), floor(place.y), floor(place.z))
    }

    /// Calls `body` with the shells of cells around a point, from the innermost outward, and the least distance at which a face may lie
    /// that is in none of those before, until it returns false.
    @inline(__always) private func forEachShell(around point: SIMD3<Float>, _ body: (CellShell, Float) -> Bool) {
        let place = (point - low) / cell
        // Shell k is at least (k − 1) cells away, and more where the point lies outside the grid.
        let own = Self.cell(at: place)
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
@inline(__always) func closestPoint(
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
