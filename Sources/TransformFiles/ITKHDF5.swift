internal import HDF5
internal import SpatialTransforms

/// ITK's HDF5 transform files: single transforms and composites, as ANTs writes with `--write-composite-transform`.
enum ITKHDF5 {
    static func read(_ path: String) throws -> [SpatialTransform] {
        let file = try HDF5File(reading: path)
        guard file.contains("/TransformGroup") else {
            let kind =
                file.contains("/minc-2.0") ? "a MINC volume; give the .xfm file that names it" : "another HDF5 file"
            throw TransformFileError(
                .unknownFormat, file: path, problem: "is no transform file of ITK's (no /TransformGroup), but \(kind)")
        }
        // Groups are named 0, 1, …; by number, since by name 10 comes before 2.
        let groups = try file.children(of: "/TransformGroup").compactMap { Int($0) }.sorted()
        guard !groups.isEmpty else { throw TransformFileError(.damaged, file: path, problem: "holds no transform") }
        var parts: [SpatialTransform] = []
        var isComposite = false
        for group in groups {
            let base = "/TransformGroup/\(group)"
            let type = try file.readTexts(base + "/TransformType").first ?? ""
            if type.hasPrefix("CompositeTransform") {
                isComposite = true
                continue
            }
            // Older files have a spelling mistake in both names.
            let parameters = try first(file, base, ["TransformParameters", "TranformParameters"], type)
            let fixed = try first(file, base, ["TransformFixedParameters", "TranformFixedParameters"], type)
            if type.contains("DisplacementFieldTransform") {
                parts.append(
                    .displacement(
                        try ITKRecord.field(
                            vectors: try floats(parameters), fixedParameters: try fixed.read(as: Double.self),
                            type: type,
                            file: path)))
            } else {
                let record = ITKRecord(
                    type: type, parameters: try parameters.read(as: Double.self),
                    fixedParameters: try fixed.read(as: Double.self), file: path)
                parts.append(try record.transform())
            }
        }
        return isComposite ? [SpatialTransform.composite(inOrderAdded: parts).simplified] : parts
    }

    private static func first(
        _ file: HDF5File, _ base: String, _ names: [String], _ type: String
    ) throws -> HDF5Dataset {
        for name in names where file.contains(base + "/" + name) { return try file.dataset(base + "/" + name) }
        throw TransformFileError(.damaged, file: file.path, problem: "\(base) (\(type)) has no \(names[0])")
    }

    /// The numbers in single precision, read piece by piece where they are stored in double: a field is large.
    private static func floats(_ dataset: HDF5Dataset) throws -> [Float] {
        guard dataset.element == .float64 else { return try dataset.read(as: Float.self) }
        try dataset.requireRank(1)
        var floats: [Float] = []
        floats.reserveCapacity(dataset.count)
        let piece = 1 << 20
        for start in stride(from: 0, to: dataset.count, by: piece) {
            let part = try dataset.read(at: [start], shape: [min(piece, dataset.count - start)], as: Double.self)
            floats.append(contentsOf: part.lazy.map { Float($0) })
        }
        return floats
    }
}
