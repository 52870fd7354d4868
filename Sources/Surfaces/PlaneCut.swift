/// A line in which a plane cuts a mesh.
public struct CutLine: Sendable, Equatable {
    /// The points in order along the line; a closed line does not repeat its first point.
    public var points: [SIMD3<Float>]
    /// Unit normal of the surface at each point, interpolated between the vertices of its edge.
    public var normals: [SIMD3<Float>]
    /// A face on which each point lies: the one between it and the next point (for the last of an open line, the one before).
    public var faces: [UInt32]
    public var isClosed: Bool

    /// Length along the line, the closing piece included.
    public var length: Double {
        guard points.count > 1 else { return 0 }
        var sum = 0.0
        for index in 1..<points.count { sum += Double(Surfaces.length(points[index] - points[index - 1])) }
        if isClosed, let first = points.first, let last = points.last { sum += Double(Surfaces.length(first - last)) }
        return sum
    }
}

/// Cuts a mesh with many planes, as one does to project a midsurface onto each section.
///
/// A vertex that lies exactly on the plane counts as lying above it (the plane is moved down by an infinitesimal amount), so each
/// face is cut in none or two of its edges, and neighbouring faces agree: no case of its own for vertices, edges or faces in the plane.
/// On a closed manifold all lines are closed. Lines run so that, seen from outside, the surface's upper
/// side is on their left.
///
/// ```swift
/// let cutter = MeshCutter(midsurface)
/// let lines = cutter.cut(atPlane: 12_300)
/// ```
public struct MeshCutter: Sendable {
    private let mesh: TriangleMesh
    private let vertexNormals: [SIMD3<Float>]
    /// Faces sorted into slabs of equal height along the plane axis by their lowest vertex, and the greatest height of a face.
    private let slabStart: Float
    private let slabHeight: Float
    private let slabOffsets: [UInt32]
    private let slabFaces: [UInt32]
    private let tallest: Float

    /// - Parameter normals: unit normals of the vertices; computed from the faces if left out.
    public init(_ mesh: TriangleMesh, normals: [SIMD3<Float>]? = nil) {
        precondition(
            normals.map { $0.count == mesh.vertices.count } ?? true, "A mesh needs one normal for each vertex.")
        self.mesh = mesh
        vertexNormals = normals ?? mesh.vertexNormals()
        var lows: [Float] = []
        lows.reserveCapacity(mesh.faces.count)
        var tallest: Float = 0
        for face in mesh.faces.indices {
            let (a, b, c) = mesh.corners(face)
            let low = min(a.x, b.x, c.x)
            tallest = max(tallest, max(a.x, b.x, c.x) - low)
            lows.append(low)
        }
        let start = lows.min() ?? 0
        let range = (lows.max() ?? 0) - start
        let slabs = max(1, min(4096, lows.count / 64))
        let height = range > 0 ? range / Float(slabs) : 1
        var offsets = [UInt32](repeating: 0, count: slabs + 1)
        let slabOf = lows.map { UInt32(max(0, min(slabs - 1, Int(($0 - start) / height)))) }
        for slab in slabOf { offsets[Int(slab) + 1] += 1 }
        for index in 1...slabs { offsets[index] += offsets[index - 1] }
        var next = offsets
        var sorted = [UInt32](repeating: 0, count: lows.count)
        for (face, slab) in slabOf.enumerated() {
            sorted[Int(next[Int(slab)])] = UInt32(face)
            next[Int(slab)] += 1
        }
        slabStart = start
        slabHeight = height
        slabOffsets = offsets
        slabFaces = sorted
        self.tallest = tallest
    }

    /// Cuts at a constant first coordinate.
    ///
    /// - Parameter position: the plane's first coordinate, in the mesh's unit.
    /// - Complexity: O(faces near the plane).
    public func cut(atPlane position: Float) -> [CutLine] {
        guard !mesh.faces.isEmpty, position.isFinite else { return [] }
        let slabs = slabOffsets.count - 1
        // One slab more on either side covers rounding.
        let first = Int(max(0, min(Float(slabs - 1), (position - tallest - slabStart) / slabHeight - 1)))
        let last = Int(max(0, min(Float(slabs - 1), (position - slabStart) / slabHeight + 1)))
        let near = slabFaces[Int(slabOffsets[first])..<Int(slabOffsets[last + 1])].sorted()
        return chain(near) { $0.x - position }
    }

    /// Cuts with any plane: the points p with `normal · p = offset`.
    ///
    /// - Complexity: O(faces).
    public func cut(normal: SIMD3<Float>, offset: Float) -> [CutLine] {
        precondition(length(normal) > 0, "A plane needs a normal that is not zero.")
        return chain((0..<mesh.faces.count).map { UInt32($0) }) { dot(normal, $0) - offset }
    }

    /// Links the segments in `faces` to lines.
    private func chain(_ faces: [UInt32], _ height: (SIMD3<Float>) -> Float) -> [CutLine] {
        // A segment enters its face by one edge and leaves it by another; the edges, named by their two vertices, are the points.
        var segments: [(face: UInt32, start: UInt64, end: UInt64)] = []
        for face in faces {
            let ids = mesh.faces[Int(face)]
            let above = (0..<3).map { height(mesh.vertices[Int(ids[$0])]) >= 0 }
            let count = above.count { $0 }
            guard count == 1 || count == 2 else { continue }
            var enters: UInt64 = 0
            var leaves: UInt64 = 0
            for corner in 0..<3 {
                let following = corner == 2 ? 0 : corner + 1
                guard above[corner] != above[following] else { continue }
                let key = edgeKey(ids[corner], ids[following])
                // Around the face counterclockwise: from above to below first, so that the upper side is on the left.
                if above[corner] { enters = key } else { leaves = key }
            }
            segments.append((face, enters, leaves))
        }
        guard !segments.isEmpty else { return [] }
        var bySide: [UInt64: [Int32]] = [:]
        bySide.reserveCapacity(segments.count)
        for (index, segment) in segments.enumerated() {
            bySide[segment.start, default: []].append(Int32(index))
            bySide[segment.end, default: []].append(Int32(index))
        }
        var used = [Bool](repeating: false, count: segments.count)
        /// The next unused segment at an edge, the lowest first.
        func next(at key: UInt64) -> Int? {
            (bySide[key] ?? []).first { !used[Int($0)] }.map { Int($0) }
        }
        var lines: [CutLine] = []
        for seed in segments.indices where !used[seed] {
            used[seed] = true
            var keys = [segments[seed].start, segments[seed].end]
            var faces = [segments[seed].face]
            var closed = false
            while let segment = keys.last.flatMap({ next(at: $0) }) {
                used[segment] = true
                faces.append(segments[segment].face)
                let end =
                    segments[segment].start == keys[keys.count - 1] ? segments[segment].end : segments[segment].start
                if end == keys[0] {
                    closed = true
                    break
                }
                keys.append(end)
            }
            if !closed {
                // The line is open: what lies before the seed belongs to it too.
                var earlierKeys: [UInt64] = []
                var earlierFaces: [UInt32] = []
                while let segment = next(at: earlierKeys.last ?? keys[0]) {
                    used[segment] = true
                    let from = earlierKeys.last ?? keys[0]
                    earlierFaces.append(segments[segment].face)
                    earlierKeys.append(
                        segments[segment].start == from ? segments[segment].end : segments[segment].start)
                }
                keys = earlierKeys.reversed() + keys
                faces = earlierFaces.reversed() + faces
            }
            let made = line(keys, faces, closed: closed, height)
            // A surface that only touches the plane in a vertex leaves a single point.
            if made.points.count > 1 { lines.append(made) }
        }
        return lines
    }

    private func edgeKey(_ a: UInt32, _ b: UInt32) -> UInt64 { UInt64(min(a, b)) << 32 | UInt64(max(a, b)) }

    /// Points on the edges; those that fall together because a vertex lies in the plane become one.
    private func line(
        _ keys: [UInt64], _ faces: [UInt32], closed: Bool, _ height: (SIMD3<Float>) -> Float
    ) -> CutLine {
        var line = CutLine(points: [], normals: [], faces: [], isClosed: closed)
        for (index, key) in keys.enumerated() {
            let a = Int(key >> 32)
            let b = Int(key & 0xffff_ffff)
            let (pointA, pointB) = (mesh.vertices[a], mesh.vertices[b])
            let (heightA, heightB) = (height(pointA), height(pointB))
            let share = heightA / (heightA - heightB)
            let point = pointA + (pointB - pointA) * share
            let face = faces[min(index, faces.count - 1)]
            if let previous = line.points.last, previous == point {
                line.faces[line.faces.count - 1] = face
                continue
            }
            let mixed = vertexNormals[a] * (1 - share) + vertexNormals[b] * share
            let size = length(mixed)
            line.points.append(point)
            line.normals.append(size > 0 ? mixed / size : vertexNormals[a])
            line.faces.append(face)
        }
        while closed, line.points.count > 1, line.points.first == line.points.last {
            line.points.removeLast()
            line.normals.removeLast()
            line.faces.removeLast()
        }
        return line
    }
}
