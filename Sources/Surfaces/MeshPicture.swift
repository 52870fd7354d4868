public import NDArray

/// A direction from which a mesh is drawn, as seen with the brain upright: planes grow to the front, rows downward, columns to the right side of the brain.
public enum MeshView: String, Sendable, CaseIterable {
    case left, right, dorsal, ventral, anterior, posterior

    /// Directions of screen x, screen y (downward) and depth (towards the eye), in (plane, row, column).
    var axes: (x: SIMD3<Float>, y: SIMD3<Float>, eye: SIMD3<Float>) {
        switch self {
        case .left: (SIMD3(-1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, -1))
        case .right: (SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1))
        case .dorsal: (SIMD3(0, 0, 1), SIMD3(-1, 0, 0), SIMD3(0, -1, 0))
        case .ventral: (SIMD3(0, 0, -1), SIMD3(-1, 0, 0), SIMD3(0, 1, 0))
        case .anterior: (SIMD3(0, 0, -1), SIMD3(0, 1, 0), SIMD3(1, 0, 0))
        case .posterior: (SIMD3(0, 0, 1), SIMD3(0, 1, 0), SIMD3(-1, 0, 0))
        }
    }
}

/// A mesh with a colour for each vertex.
public struct ColouredMesh: Sendable {
    public var mesh: TriangleMesh
    public var normals: [SIMD3<Float>]
    /// 0 … 1 (red, green, blue) of each vertex.
    public var colours: [SIMD3<Float>]

    public init(mesh: TriangleMesh, normals: [SIMD3<Float>], colours: [SIMD3<Float>]) {
        precondition(
            normals.count == mesh.vertices.count && colours.count == mesh.vertices.count,
            "A mesh needs one normal and one colour for each vertex.")
        self.mesh = mesh
        self.normals = normals
        self.colours = colours
    }
}

/// Draws meshes from one direction, without perspective, shaded by their normals: a light beside the eye and a weaker one from above.
///
/// - Parameters:
///   - spacing: units of the mesh a pixel.
///   - low, high: box that fits into the picture.
/// - Returns: white where nothing is.
/// - Complexity: O(faces + covered pixels); a depth buffer keeps what is nearest.
public func meshPicture(
    _ meshes: [ColouredMesh], view: MeshView, low: SIMD3<Float>, high: SIMD3<Float>, spacing: Float
) -> Image<RGB> {
    precondition(spacing > 0, "A pixel needs a side above zero, not \(spacing).")
    let axes = view.axes
    let middle = 0.5 * (low + high)
    let extent = high - low
    func span(_ axis: SIMD3<Float>) -> Float { abs(dot(axis, extent)) }
    let columns = Int((span(axes.x) / spacing).rounded(.up)) + 8
    let rows = Int((span(axes.y) / spacing).rounded(.up)) + 8
    var picture = Image(rows: rows, columns: columns, filledWith: RGB(gray: 255))
    var nearest = [Float](repeating: -.infinity, count: rows * columns)
    let centre = SIMD2(Float(columns) / 2, Float(rows) / 2)
    let light = unit(axes.eye - 0.5 * axes.y - 0.35 * axes.x)
    for coloured in meshes {
        let points = coloured.mesh.vertices.map { vertex in
            let d = vertex - middle
            return SIMD3(dot(d, axes.x) / spacing + centre.x, dot(d, axes.y) / spacing + centre.y, dot(d, axes.eye))
        }
        let shades = zip(coloured.normals, coloured.colours).map { normal, colour in
            let shade = 0.25 + 0.4 * max(0, dot(normal, axes.eye)) + 0.4 * max(0, dot(normal, light))
            return colour * shade
        }
        for face in coloured.mesh.faces {
            let (a, b, c) = (points[Int(face.x)], points[Int(face.y)], points[Int(face.z)])
            let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
            if area == 0 { continue }
            let firstRow = max(0, Int(min(a.y, b.y, c.y).rounded(.down)))
            let lastRow = min(rows - 1, Int(max(a.y, b.y, c.y).rounded(.up)))
            let firstColumn = max(0, Int(min(a.x, b.x, c.x).rounded(.down)))
            let lastColumn = min(columns - 1, Int(max(a.x, b.x, c.x).rounded(.up)))
            guard firstRow <= lastRow, firstColumn <= lastColumn else { continue }
            for row in firstRow...lastRow {
                for column in firstColumn...lastColumn {
                    let (x, y) = (Float(column) + 0.5, Float(row) + 0.5)
                    let u = ((b.x - x) * (c.y - y) - (b.y - y) * (c.x - x)) / area
                    let v = ((c.x - x) * (a.y - y) - (c.y - y) * (a.x - x)) / area
                    let w = 1 - u - v
                    guard u >= 0, v >= 0, w >= 0 else { continue }
                    let depth = u * a.z + v * b.z + w * c.z
                    guard depth > nearest[row * columns + column] else { continue }
                    nearest[row * columns + column] = depth
                    let colour = shades[Int(face.x)] * u + shades[Int(face.y)] * v + shades[Int(face.z)] * w
                    picture[row, column] = RGB(level(colour.x), level(colour.y), level(colour.z))
                }
            }
        }
    }
    return picture
}

private func unit(_ vector: SIMD3<Float>) -> SIMD3<Float> { vector / length(vector) }

private func level(_ value: Float) -> UInt8 { UInt8(max(0, min(255, (255 * value).rounded()))) }
