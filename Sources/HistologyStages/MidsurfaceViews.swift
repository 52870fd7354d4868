internal import HDF5
internal import NDArray
internal import PNG
internal import Registration
public import StageKit
internal import Surfaces

/// Draws a midsurface from six sides and each hemisphere from its medial side.
public struct MidsurfaceViews: Stage {
    public static let name = "surface-views"
    public static let summary = "Draws a brain's midsurface from all sides; where it closes a hole it is blue."

    public static func run(_ context: StageContext) throws {
        let width = try context.config.integer("view_width", in: 16...8192)
        let file = try context.open("surface")
        var hemispheres: [(side: String, mesh: ColouredMesh)] = []
        for (side, colour) in [("left", SIMD3<Float>(0.98, 0.82, 0.72)), ("right", SIMD3<Float>(0.92, 0.84, 0.7))]
        where file.contains("/\(side)/vertices") {
            let surface = try HemisphereArtifact(file, side: side)
            let colours = surface.cortex.map { $0 == 0 ? SIMD3<Float>(0.45, 0.5, 0.95) : colour }
            hemispheres.append((side, ColouredMesh(mesh: surface.mesh, normals: surface.normals, colours: colours)))
        }
        let vertices = hemispheres.flatMap { $0.mesh.mesh.vertices }
        guard let first = vertices.first else {
            throw StageError(
                .badInput, "holds neither /left/vertices nor /right/vertices", port: "surface", file: file.path)
        }
        let low = vertices.reduce(first) { pointwiseMin($0, $1) }
        let high = vertices.reduce(first) { pointwiseMax($0, $1) }
        let longest = max(high.x - low.x, high.y - low.y, high.z - low.z, 1)
        let spacing = longest / Float(width)
        func picture(_ view: MeshView, _ sides: [String]) -> Image<RGB> {
            let meshes = hemispheres.filter { sides.contains($0.side) }.map(\.mesh)
            return square(meshPicture(meshes, view: view, low: low, high: high, spacing: spacing), side: width + 8)
        }
        let both = ["left", "right"]
        let rows = [
            [picture(.left, both), picture(.right, both), picture(.dorsal, both), picture(.ventral, both)],
            // The medial sides: a hemisphere seen from where the other one is.
            [
                picture(.right, ["left"]), picture(.left, ["right"]), picture(.anterior, both),
                picture(.posterior, both),
            ],
        ]
        try writePNG(montage(rows, scale: 1, gap: 8), to: try context.output("views"))
    }

    /// The picture in the middle of a white square.
    private static func square(_ picture: Image<RGB>, side: Int) -> Image<RGB> {
        let size = max(side, picture.rows, picture.columns)
        var square = Image(rows: size, columns: size, filledWith: RGB(gray: 255))
        let (top, left) = ((size - picture.rows) / 2, (size - picture.columns) / 2)
        for row in 0..<picture.rows {
            for column in 0..<picture.columns { square[top + row, left + column] = picture[row, column] }
        }
        return square
    }
}

/// One hemisphere of a surface-mesh artifact.
struct HemisphereArtifact {
    let mesh: TriangleMesh
    let normals: [SIMD3<Float>]
    /// 0 where the surface closes a hole; 1 everywhere if the file does not say.
    let cortex: [UInt8]

    init(_ file: HDF5File, side: String) throws {
        func rows<Element: HDF5Element>(_ name: String, as type: Element.Type) throws -> [SIMD3<Element>]
        where Element: SIMDScalar {
            let dataset = try file.dataset("/\(side)/\(name)")
            guard dataset.shape.count == 2, dataset.shape[1] == 3 else {
                throw StageError(.badInput, "/\(side)/\(name) is not (n, 3)", port: "surface", file: file.path)
            }
            let flat = try dataset.read(as: type)
            return (0..<dataset.shape[0]).map { SIMD3(flat[3 * $0], flat[3 * $0 + 1], flat[3 * $0 + 2]) }
        }
        mesh = TriangleMesh(
            vertices: try rows("vertices", as: Float.self), faces: try rows("faces", as: UInt32.self))
        normals = try rows("normals", as: Float.self)
        cortex =
            file.contains("/\(side)/cortex")
            ? try file.read("/\(side)/cortex", as: UInt8.self) : [UInt8](repeating: 1, count: mesh.vertices.count)
        guard normals.count == mesh.vertices.count, cortex.count == mesh.vertices.count,
            mesh.faces.allSatisfy({ $0.max() < mesh.vertices.count })
        else {
            throw StageError(
                .badInput, "/\(side) holds faces, normals or flags that do not fit its vertices", port: "surface",
                file: file.path)
        }
    }
}
