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
        let surface = try SurfaceArtifact(try context.input("surface"))
        let hemispheres = surface.hemispheres.map { hemisphere in
            let tissue = hemisphere.index == 0 ? SIMD3<Float>(0.98, 0.82, 0.72) : SIMD3<Float>(0.92, 0.84, 0.7)
            let flags = hemisphere.isCortex ?? [UInt8](repeating: 1, count: hemisphere.mesh.vertices.count)
            let colours = flags.map { $0 == 0 ? SIMD3<Float>(0.45, 0.5, 0.95) : tissue }
            return (
                side: hemisphere.index,
                mesh: ColouredMesh(
                    mesh: hemisphere.mesh, normals: hemisphere.mesh.vertexNormals(), colours: colours)
            )
        }
        let vertices = hemispheres.flatMap { $0.mesh.mesh.vertices }
        guard let first = vertices.first else {
            throw StageError(
                .badInput, "holds neither /left/vertices nor /right/vertices", port: "surface",
                file: try context.input("surface").path)
        }
        let low = vertices.reduce(first) { pointwiseMin($0, $1) }
        let high = vertices.reduce(first) { pointwiseMax($0, $1) }
        let longest = max(high.x - low.x, high.y - low.y, high.z - low.z, 1)
        let spacing = longest / Float(width)
        func picture(_ view: MeshView, _ sides: [UInt8]) -> Image<RGB> {
            let meshes = hemispheres.filter { sides.contains($0.side) }.map(\.mesh)
            return square(meshPicture(meshes, view: view, low: low, high: high, spacing: spacing), side: width + 8)
        }
        let both: [UInt8] = [0, 1]
        let rows = [
            [picture(.left, both), picture(.right, both), picture(.dorsal, both), picture(.ventral, both)],
            // The medial sides: a hemisphere seen from where the other one is.
            [
                picture(.right, [0]), picture(.left, [1]), picture(.anterior, both),
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
