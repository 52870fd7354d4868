internal import HDF5
internal import SpatialTransforms
internal import StageKit

/// What stands in an artifact, as far as other programs can open it: volumes, meshes, images, tables and plain arrays.
///
/// Told by what the file says of itself (shapes, `spacing_um`, `origin_um`), so that a type added tomorrow can be exported too.
struct ExportContents {
    /// A dataset (planes, rows, columns) on a grid of reconstruction µm.
    struct Grid {
        var dataset: String
        var indexToMm: AffineTransform
        var spacingUm: SIMD3<Double>
    }

    /// A group with vertices and faces.
    struct Mesh {
        /// Path of the group, for example `/left`; empty for the root.
        var group: String
        var name: String { group.split(separator: "/").last.map(String.init) ?? "mesh" }
    }

    /// A dataset (rows, columns) of pixels.
    struct Picture {
        var dataset: String
        var spacingUm: Double
        /// Section coordinate of pixel 0 along both axes, µm.
        var firstUm: Double
    }

    let file: HDF5File
    private(set) var grids: [Grid] = []
    private(set) var meshes: [Mesh] = []
    private(set) var pictures: [Picture] = []
    /// Datasets that have one row each for the same things, in the order of the file.
    private(set) var columns: [String] = []
    /// Every dataset whose elements can be read.
    private(set) var arrays: [String] = []
    /// The weights of a network: what stands under `/parameters`.
    var tensors: [String] { arrays.filter { $0.hasPrefix("/parameters/") } }

    init(path: String) throws {
        file = try HDF5File(reading: path)
        let nodes = try file.nodes()
        let datasets = nodes.filter { !$0.isGroup && HDF5ElementType(rawValue: $0.elementName) != nil }
        arrays = datasets.map(\.path)
        let spacings = try numbers("spacing_um")
        let origins = try numbers("origin_um")
        let first = try numbers("first_um").first ?? 0

        let groups = Set(
            datasets.map { String($0.path.prefix(upTo: $0.path.lastIndex(of: "/") ?? $0.path.startIndex)) })
        for group in groups.sorted() {
            guard let vertices = datasets.first(where: { $0.path == group + "/vertices" }),
                let faces = datasets.first(where: { $0.path == group + "/faces" }), vertices.shape.count == 2,
                vertices.shape[1] == 3, faces.shape.count == 2, faces.shape[1] == 3
            else { continue }
            meshes.append(Mesh(group: group))
        }
        let found = meshes
        let inMeshes = { (path: String) in
            found.contains { path.hasPrefix($0.group + "/") && !$0.group.isEmpty }
                || (path == "/vertices" || path == "/faces")
        }
        for dataset in datasets where dataset.elementName != "text" && !inMeshes(dataset.path) {
            if dataset.shape.count == 3, origins.count == 3, [1, 3].contains(spacings.count),
                dataset.shape.min() ?? 0 > 0
            {
                let spacing =
                    spacings.count == 3
                    ? SIMD3(spacings[0], spacings[1], spacings[2]) : SIMD3(repeating: spacings[0])
                grids.append(
                    Grid(
                        dataset: dataset.path,
                        indexToMm: ReconstructionSpace.indexToRasMm(
                            originUm: SIMD3(origins[0], origins[1], origins[2]), spacingUm: spacing),
                        spacingUm: spacing))
            }
            if dataset.shape.count == 2, spacings.count == 1, dataset.shape[1] > ExportContents.widestColumn,
                dataset.shape[0] > 0, !["/descriptor"].contains(dataset.path)
            {
                pictures.append(Picture(dataset: dataset.path, spacingUm: spacings[0], firstUm: first))
            }
        }
        let pixels = Set(grids.map(\.dataset) + pictures.map(\.dataset))
        columns = ExportContents.table(datasets.filter { !inMeshes($0.path) && !pixels.contains($0.path) })
    }

    /// More numbers a row than this are no columns of a table (descriptors, pixels).
    static let widestColumn = 16

    /// The datasets that share the number of rows that most share; the longest where two numbers are as frequent.
    private static func table(_ datasets: [HDF5Node]) -> [String] {
        let candidates = datasets.filter { node in
            (1...3).contains(node.shape.count) && node.shape.dropFirst().reduce(1, *) <= widestColumn
        }
        let counts = Dictionary(grouping: candidates) { $0.shape[0] }
        let best = counts.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }
        return best?.value.map(\.path) ?? []
    }

    private func numbers(_ attribute: String) throws -> [Double] {
        guard file.hasAttribute(attribute) else { return [] }
        switch try file.attribute(named: attribute).values {
        case .reals(let values): return values
        case .integers(let values): return values.map(Double.init)
        case .texts: return []
        }
    }

    /// The formats that the file can go to, with what goes there, as a sentence.
    var possible: String {
        var formats: [String] = []
        func list(_ names: [String]) -> String {
            names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
        }
        if !grids.isEmpty { formats.append(".nii, .nii.gz (\(list(grids.map(\.dataset))))") }
        if !meshes.isEmpty { formats.append(".gii, .ply (\(list(meshes.map { $0.group.isEmpty ? "/" : $0.group })))") }
        if !pictures.isEmpty || !grids.isEmpty {
            formats.append(".ome.tif (\(list(pictures.map(\.dataset) + grids.map(\.dataset))))")
        }
        if !columns.isEmpty { formats.append(".csv, .tsv (\(list(columns)))") }
        if !arrays.isEmpty { formats.append(".npy (one of \(list(arrays)))") }
        if !tensors.isEmpty { formats.append(".safetensors (\(tensors.count) tensors)") }
        return (formats + [".h5 (a copy)"]).joined(separator: "; ")
    }
}
