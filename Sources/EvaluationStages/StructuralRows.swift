internal import HDF5
internal import StageKit
internal import Statistics

/// Rows of points or patches with their features, their profiles and what is to be predicted of them.
struct StructuralRows {
    let name: String
    let features: FeatureTable
    /// All samples of each row, NaN where it has no profile; nil where no profiles are given.
    let profiles: (values: [Float], length: Int)?
    let targets: [StructuralRegression.Target]
    /// Rows in use: with profiles given those that have one, so that both inputs are held against the same points.
    let rows: [Int]

    /// Points of one brain; nil where the port `features` is not connected.
    static func points(_ context: StageContext) throws -> StructuralRows? {
        let files = context.optionalInputs("features")
        guard !files.isEmpty else { return nil }
        let features = try FeatureTable(files, vector: try context.config.choice("use"))
        guard features.points.brains.count == 1 else {
            throw StageError(
                .badInput, "holds points of \(features.points.brains.count) brains; structural prediction is for one",
                port: "features", file: files[0].path)
        }
        var targets: [StructuralRegression.Target] = []
        if let input = try context.optionalInput("properties") {
            let file = try HDF5File(reading: input.path)
            for (path, name) in [
                ("/curvature_per_mm", "curvature"), ("/thickness_um", "thickness"),
                ("/cutting_angle_deg", "cutting_angle"),
            ] {
                targets += try columns(path, of: file, input, names: [name], rows: features.points.count)
            }
            if file.contains("/layer_thickness_um") {
                targets += try columns(
                    "/layer_thickness_um", of: file, input, names: (1...6).map { "thickness_layer_\($0)" },
                    rows: features.points.count)
            }
        }
        for (axis, name) in ["mni_x", "mni_y", "mni_z"].enumerated() {
            targets.append(
                StructuralRegression.Target(name: name, values: features.points.mniMm.map { Float($0[axis]) }))
        }
        return try StructuralRows(
            name: "points", features: features, profiles: context.optionalInputs("profiles"),
            targets: targets.filter { $0.values.contains(where: \.isFinite) })
    }

    /// Patches with known layers; nil where the ports are not connected.
    static func layerPatches(_ context: StageContext) throws -> StructuralRows? {
        let files = context.optionalInputs("layer_features")
        guard !files.isEmpty, let input = try context.optionalInput("layer_densities") else { return nil }
        let features = try FeatureTable(files, vector: try context.config.choice("use"))
        let targets = try columns(
            "/density_per_mm2", of: try HDF5File(reading: input.path), input,
            names: (1...6).map { "density_layer_\($0)" }, rows: features.points.count)
        return try StructuralRows(
            name: "layer_patches", features: features, profiles: context.optionalInputs("layer_profiles"),
            targets: targets)
    }

    private init(
        name: String, features: FeatureTable, profiles: [StageInput], targets: [StructuralRegression.Target]
    ) throws {
        self.name = name
        self.features = features
        self.targets = targets
        let count = features.points.count
        var values: [Float] = []
        var length = 0
        // Profiles made brain by brain of one set of patches complete each other.
        for input in profiles {
            let dataset = try HDF5File(reading: input.path).dataset("/profile")
            guard dataset.shape.count == 2, dataset.shape[0] == count, length == 0 || dataset.shape[1] == length else {
                throw StageError(
                    .badInput, "/profile has the shape \(dataset.shape), but there are \(count) rows of features",
                    port: input.port, file: input.path)
            }
            let own = try dataset.read(as: Float.self)
            if values.isEmpty {
                (values, length) = (own, dataset.shape[1])
            } else {
                for index in own.indices where values[index].isNaN { values[index] = own[index] }
            }
        }
        self.profiles = profiles.isEmpty ? nil : (values, length)
        rows = (0..<count).filter { row in
            profiles.isEmpty || values[row * length..<(row + 1) * length].allSatisfy(\.isFinite)
        }
        guard rows.count >= 2 else {
            throw StageError(
                .badInput, "only \(rows.count) of \(count) rows have a profile: nothing to compare",
                port: profiles.first?.port, file: profiles.first?.path)
        }
    }

    /// The matrices to predict from, by name, of the rows in use.
    func inputs() throws -> [(String, Matrix)] {
        var result = [("features", try features.matrix(rows: rows))]
        if let profiles {
            result.append(
                (
                    "profiles",
                    Matrix(
                        rows: rows.count, columns: profiles.length,
                        elements: rows.flatMap { profiles.values[$0 * profiles.length..<($0 + 1) * profiles.length] })
                ))
        }
        return result
    }

    /// The targets of the rows in use.
    var usedTargets: [StructuralRegression.Target] {
        targets.map { target in
            StructuralRegression.Target(name: target.name, values: rows.map { target.values[$0] })
        }
    }

    private static func columns(
        _ path: String, of file: HDF5File, _ input: StageInput, names: [String], rows: Int
    ) throws -> [StructuralRegression.Target] {
        let values = try file.read(path, as: Float.self)
        guard values.count == rows * names.count else {
            throw StageError(
                .badInput, "\(path) has \(values.count / names.count) rows, the features have \(rows)",
                port: input.port, file: input.path)
        }
        return names.enumerated().map { column, name in
            StructuralRegression.Target(
                name: name, values: (0..<rows).map { values[$0 * names.count + column] })
        }
    }
}
