internal import ExportFormats
internal import FoundationEssentials
internal import HDF5
internal import NDArray
internal import NIfTI
internal import SpatialTransforms
internal import StageKit
internal import Surfaces

extension Exporter {
    // MARK: Volumes

    /// A dataset (planes, rows, columns) as NIfTI: columns are the first axis, the matrix says where they lie in RAS mm.
    func volume(_ contents: ExportContents) throws -> ExportedFile {
        let grid = try chosen(contents.grids) { $0.dataset }
        let file = contents.file
        let dataset = try file.dataset(grid.dataset)
        func write<Voxel: NIfTIVoxel & HDF5Element>(_ type: Voxel.Type) throws {
            let image = NIfTIImage(
                volume: try file.readVolume(grid.dataset, as: type), indexToRasMm: grid.indexToMm.rowMajor)
            try image.write(
                to: request.target,
                intentCode: grid.dataset == "/labels" ? NIfTIHeader.Intent.label : NIfTIHeader.Intent.none,
                description: "cyto-pipe \(request.type) \(grid.dataset)")
        }
        switch dataset.element {
        case .uint8?: try write(UInt8.self)
        case .int8?: try write(Int8.self)
        case .uint16?: try write(UInt16.self)
        case .int16?: try write(Int16.self)
        case .uint32?: try write(UInt32.self)
        case .int32?: try write(Int32.self)
        case .uint64?: try write(UInt64.self)
        case .int64?: try write(Int64.self)
        case .float32?: try write(Float.self)
        case .float64?: try write(Double.self)
        case .text?, nil: throw notPossible(contents.possible)
        }
        return ExportedFile(
            path: request.target, format: .nifti, contents: [grid.dataset], shape: dataset.shape.reversed(),
            note: others(contents.grids.map(\.dataset), than: [grid.dataset]))
    }

    // MARK: Meshes

    /// Every mesh in a file of its own (`out.left.ply`), or the one that is asked for.
    func meshes(_ contents: ExportContents) throws -> [ExportedFile] {
        let list = request.dataset == nil ? contents.meshes : [try chosen(contents.meshes) { $0.group }]
        return try list.map { mesh in
            let (surface, normals) = try read(mesh, contents.file)
            let path = list.count == 1 ? request.target : inserting(mesh.name, into: request.target)
            let isGIfTI = request.wantedFormat == .gifti
            let structure = ["left": "CortexLeft", "right": "CortexRight"][mesh.name] ?? ""
            let space = request.space == .ras ? "RAS mm" : "(plane, row, column) um"
            try write(
                isGIfTI
                    ? GIfTIFile.data(surface, normals: normals, structure: structure)
                    : PLYFile.data(
                        surface, normals: normals, comment: "cyto-pipe \(request.type) \(mesh.group), \(space)"),
                to: path)
            return ExportedFile(
                path: path, format: isGIfTI ? .gifti : .ply, contents: [mesh.group.isEmpty ? "/" : mesh.group],
                shape: [surface.vertices.count, surface.faces.count], note: space)
        }
    }

    /// A mesh in the space asked for.
    ///
    /// (plane, row, column) to (column, plane, −row) turns handedness round, so faces turn round too: seen from outside they
    /// run counterclockwise in either space.
    private func read(
        _ mesh: ExportContents.Mesh, _ file: HDF5File
    ) throws -> (mesh: TriangleMesh, normals: [SIMD3<Float>]) {
        func vectors(_ name: String) throws -> [SIMD3<Float>] {
            let dataset = try file.dataset(mesh.group + "/" + name)
            let numbers =
                dataset.element == .float64
                ? try dataset.read(as: Double.self).map { Float($0) } : try dataset.read(as: Float.self)
            return stride(from: 0, to: numbers.count - 2, by: 3).map {
                SIMD3(numbers[$0], numbers[$0 + 1], numbers[$0 + 2])
            }
        }
        var vertices = try vectors("vertices")
        var normals = file.contains(mesh.group + "/normals") ? try vectors("normals") : []
        let indices = try file.read(mesh.group + "/faces", as: Int64.self)
        if let wrong = indices.first(where: { $0 < 0 || $0 >= vertices.count }) {
            throw StageError(
                .badInput, "\(mesh.group)/faces names the vertex \(wrong) of \(vertices.count)", file: request.artifact)
        }
        if normals.count != vertices.count { normals = [] }
        var faces = stride(from: 0, to: indices.count - 2, by: 3).map {
            SIMD3(UInt32(indices[$0]), UInt32(indices[$0 + 1]), UInt32(indices[$0 + 2]))
        }
        if request.space == .ras {
            for index in vertices.indices {
                let um = SIMD3<Double>(vertices[index])
                vertices[index] = SIMD3<Float>(ReconstructionSpace.rasMm(um))
            }
            for index in normals.indices {
                let normal = normals[index]
                normals[index] = SIMD3(normal.z, normal.x, -normal.y)
            }
            for index in faces.indices { faces[index] = SIMD3(faces[index].x, faces[index].z, faces[index].y) }
        }
        return (TriangleMesh(vertices: vertices, faces: faces), normals)
    }

    /// `out.left.ply` of `out.ply`; `out.left.surf.gii` of `out.surf.gii`.
    private func inserting(_ name: String, into path: String) -> String {
        for ending in [".surf.gii", ".gii", ".ply"] where path.lowercased().hasSuffix(ending) {
            return path.dropLast(ending.count) + ".\(name)" + path.suffix(ending.count)
        }
        return path + ".\(name)"
    }

    // MARK: Pictures

    /// Pictures of one size and type as channels, or a volume as a stack.
    func picture(_ contents: ExportContents) throws -> ExportedFile {
        let file = contents.file
        let names = contents.pictures.map(\.dataset)
        let isPicture = request.dataset.map { names.contains($0) } ?? !names.isEmpty
        let channels: [String]
        let spacing: SIMD3<Double>
        var position: SIMD2<Double>?
        if isPicture {
            let first = try chosen(contents.pictures) { $0.dataset }
            let (shape, element) = (try file.dataset(first.dataset).shape, try file.dataset(first.dataset).element)
            channels =
                request.dataset != nil
                ? [first.dataset]
                : try names.filter { try file.dataset($0).shape == shape && file.dataset($0).element == element }
            spacing = SIMD3(repeating: first.spacingUm)
            position = SIMD2(first.firstUm, first.firstUm)
        } else {
            let grid = try chosen(contents.grids) { $0.dataset }
            (channels, spacing) = ([grid.dataset], grid.spacingUm)
            guard spacing.y == spacing.z else { throw notPossible(contents.possible) }
        }
        let shape = try file.dataset(channels[0]).shape
        let types: [HDF5ElementType: OMETIFFFile.PixelType] = [
            .uint8: .uint8, .int8: .int8, .uint16: .uint16, .int16: .int16, .uint32: .uint32, .int32: .int32,
            .float32: .float,
            .float64: .double,
        ]
        guard let element = try file.dataset(channels[0]).element, let type = types[element],
            let rows = shape.dropLast().last,
            let columns = shape.last, shape.allSatisfy({ $0 > 0 })
        else { throw notPossible(contents.possible) }
        let picture = OMETIFFFile(
            rows: rows, columns: columns, planes: isPicture ? 1 : shape[0], type: type,
            channels: channels.map { String($0.dropFirst()) }, spacingUm: spacing.z,
            planeSpacingUm: isPicture ? nil : spacing.x, positionUm: position,
            name: request.type.isEmpty ? "cyto-pipe" : request.type)
        try streaming { append in
            try append(picture.header)
            for channel in channels {
                let dataset = try file.dataset(channel)
                for plane in 0..<picture.planes {
                    let start = isPicture ? [0, 0] : [plane, 0, 0]
                    let lengths = isPicture ? shape : [1, rows, columns]
                    var page = try littleEndianBytes(of: dataset, at: start, shape: lengths)
                    page.append(Data(count: picture.paddedPageByteCount - page.count))
                    try append(page)
                }
            }
        }
        return ExportedFile(
            path: request.target, format: .tiff, contents: channels,
            shape: (channels.count > 1 ? [channels.count] : []) + shape,
            note: others(names + contents.grids.map(\.dataset), than: channels))
    }

    // MARK: Tables

    /// Datasets with one row each as columns; of vectors, a column a component.
    func table(_ contents: ExportContents) throws -> ExportedFile {
        let file = contents.file
        let paths = request.dataset == nil ? contents.columns : [try chosen(contents.columns) { $0 }]
        var columns: [DelimitedText.Column] = []
        var rowCount = 0
        for path in paths {
            let dataset = try file.dataset(path)
            rowCount = dataset.shape[0]
            let name = path.dropFirst().replacing("/", with: "_")
            if dataset.element == .text {
                let texts = try dataset.readTexts()
                guard dataset.shape.count == 1 else { continue }
                columns.append(DelimitedText.Column(String(name)) { texts[$0] })
                continue
            }
            let width = dataset.shape.dropFirst().reduce(1, *)
            let unit = file.hasAttribute("unit", of: path) ? try file.textAttribute("unit", of: path) : ""
            let names = componentNames(String(name), shape: Array(dataset.shape.dropFirst()), unit: unit)
            func add<Number: HDF5Element>(_ type: Number.Type, _ text: @escaping @Sendable (Number) -> String) throws {
                let values = try dataset.read(as: type)
                for component in 0..<width {
                    columns.append(DelimitedText.Column(names[component]) { text(values[$0 * width + component]) })
                }
            }
            switch dataset.element {
            case .float32?: try add(Float.self) { $0.isNaN ? "nan" : "\($0)" }
            case .float64?: try add(Double.self) { $0.isNaN ? "nan" : "\($0)" }
            case .uint64?: try add(UInt64.self) { "\($0)" }
            default: try add(Int64.self) { "\($0)" }
            }
        }
        let table = DelimitedText(
            columns: columns, rowCount: rowCount, separator: request.wantedFormat == .tsv ? .tab : .comma)
        try streaming { append in try table.write { try append(Data($0.utf8)) } }
        return ExportedFile(
            path: request.target, format: request.wantedFormat ?? .csv, contents: paths,
            shape: [rowCount, columns.count],
            note: "")
    }

    /// `position_um` of 2: `position_um_row`, `position_um_column`; `mni_mm` of 3: `mni_mm_x`, …; a matrix: `matrices_0_0`, ….
    private func componentNames(_ name: String, shape: [Int], unit: String) -> [String] {
        switch shape {
        case []: return [name]
        case [2]: return ["row", "column"].map { "\(name)_\($0)" }
        case [3] where name.hasSuffix("_mm") || unit == "mm": return ["x", "y", "z"].map { "\(name)_\($0)" }
        case [3] where name.hasSuffix("_um") || unit == "um": return ["plane", "row", "column"].map { "\(name)_\($0)" }
        default:
            var names = [name]
            for length in shape { names = names.flatMap { name in (0..<length).map { "\(name)_\($0)" } } }
            return names
        }
    }

    // MARK: Arrays

    /// One dataset as it stands.
    func array(_ contents: ExportContents) throws -> ExportedFile {
        guard request.dataset != nil || contents.arrays.count == 1 else {
            throw StageError(
                .badJob,
                "holds several arrays, and .npy takes one; say --dataset with one of "
                    + contents.arrays.joined(separator: ", "), file: request.artifact)
        }
        let path = try chosen(contents.arrays) { $0 }
        let dataset = try contents.file.dataset(path)
        try streaming { append in
            if dataset.element == .text {
                let texts = try dataset.readTexts().map { Array($0.utf8) }
                let width = max(texts.map(\.count).max() ?? 0, 1)
                try append(NumpyHeader.data("|S\(width)", shape: dataset.shape))
                var bytes: [UInt8] = []
                for text in texts { bytes += text + [UInt8](repeating: 0, count: width - text.count) }
                try append(Data(bytes))
                return
            }
            try append(NumpyHeader.data(numpyCode(dataset.element), shape: dataset.shape))
            guard let length = dataset.shape.first else {
                try append(try littleEndianBytes(of: dataset, at: [], shape: []))
                return
            }
            // Some megabytes at a time.
            let row = max(dataset.shape.dropFirst().reduce(8, *), 1)
            let step = max(1, (1 << 24) / row)
            for start in stride(from: 0, to: length, by: step) {
                let rest = Array(dataset.shape.dropFirst())
                try append(
                    try littleEndianBytes(
                        of: dataset, at: [start] + rest.map { _ in 0 }, shape: [min(step, length - start)] + rest))
            }
        }
        return ExportedFile(
            path: request.target, format: .npy, contents: [path], shape: dataset.shape, note: dataset.elementName)
    }

    /// A network's weights by their names, with what its file says of it as metadata: all attributes, as texts.
    func tensors(_ contents: ExportContents) throws -> ExportedFile {
        let paths = request.dataset == nil ? contents.tensors : [try chosen(contents.tensors) { $0 }]
        let codes: [HDF5ElementType: String] = [
            .float32: "F32", .float64: "F64", .uint8: "U8", .int8: "I8", .int16: "I16", .int32: "I32", .int64: "I64",
        ]
        let datasets = try paths.map { try contents.file.dataset($0) }
        let entries = try zip(paths, datasets).map { path, dataset in
            guard let element = dataset.element, let code = codes[element] else {
                throw StageError(.badInput, "\(path) holds \(dataset.elementName), which safetensors has not")
            }
            return SafetensorsHeader.Entry(
                name: String(path.dropFirst("/parameters/".count)), type: code, shape: dataset.shape,
                byteCount: dataset.shape.reduce(element.byteCount, *))
        }
        var metadata = ["format": "pt"]
        for name in ["network", "objective"] where contents.file.hasAttribute(name) {
            metadata[name] = try contents.file.textAttribute(name)
        }
        if contents.file.hasAttribute("spacing_um") {
            metadata["spacing_um"] = "\(try contents.file.attribute("spacing_um", as: Double.self))"
        }
        try streaming { append in
            try append(SafetensorsHeader.data(entries, metadata: metadata))
            for dataset in datasets {
                try append(try littleEndianBytes(of: dataset, at: dataset.shape.map { _ in 0 }, shape: dataset.shape))
            }
        }
        return ExportedFile(
            path: request.target, format: .safetensors, contents: ["/parameters"],
            shape: [paths.count, entries.reduce(0) { $0 + $1.byteCount }], note: "tensors and bytes")
    }

    private func numpyCode(_ element: HDF5ElementType?) -> String {
        switch element {
        case .uint8?: "|u1"
        case .int8?: "|i1"
        case .float32?: "<f4"
        case .float64?: "<f8"
        case let element?: (element.rawValue.hasPrefix("u") ? "<u" : "<i") + "\(element.byteCount)"
        case nil: "|V1"
        }
    }

    // MARK: Bytes

    private func littleEndianBytes(of dataset: HDF5Dataset, at start: [Int], shape: [Int]) throws -> Data {
        func bytes<Number: HDF5Element>(_ type: Number.Type) throws -> Data {
            // All machines that this runs on are little-endian, as HDF5 hands the numbers out in their order.
            try dataset.read(at: start, shape: shape, as: type).withUnsafeBytes { Data($0) }
        }
        switch dataset.element {
        case .uint8?: return try bytes(UInt8.self)
        case .int8?: return try bytes(Int8.self)
        case .uint16?: return try bytes(UInt16.self)
        case .int16?: return try bytes(Int16.self)
        case .uint32?: return try bytes(UInt32.self)
        case .int32?: return try bytes(Int32.self)
        case .uint64?: return try bytes(UInt64.self)
        case .int64?: return try bytes(Int64.self)
        case .float32?: return try bytes(Float.self)
        case .float64?: return try bytes(Double.self)
        case .text?, nil: throw StageError(.badInput, "\(dataset.path) holds no numbers", file: request.artifact)
        }
    }

    /// Writes the target piece by piece.
    private func streaming(_ body: ((Data) throws -> Void) throws -> Void) throws {
        let stream = try ByteSink(path: request.target)
        try body { try stream.append($0) }
        try stream.close()
    }
}
