internal import SpatialTransforms

/// MINC's `.xfm`: linear maps and displacement grids, applied from top to bottom, in RAS mm.
///
/// **Reference.** MNI Transform File, libminc's `gen_xf_io.c`: statements `Name = values;`, comments from % on.
enum MincText {
    static func read(_ text: String, file: String) throws -> SpatialTransform {
        let lines = text.split(whereSeparator: \.isNewline).dropFirst()
        let body = lines.map { $0.prefix { $0 != "%" } }.joined(separator: " ")
        var chain: [SpatialTransform] = []
        var kind = ""
        var isInverted = false
        guard body.contains(";") || body.allSatisfy(\.isWhitespace) else {
            throw TransformFileError(.damaged, file: file, problem: "is cut off: a statement has no semicolon")
        }
        let statements = body.split(separator: ";", omittingEmptySubsequences: false)
        if let rest = statements.last, !rest.allSatisfy(\.isWhitespace) {
            throw TransformFileError(.damaged, file: file, problem: "is cut off: its last statement has no semicolon")
        }
        for statement in statements.dropLast() {
            guard let equals = statement.firstIndex(of: "=") else {
                throw TransformFileError(
                    .damaged, file: file, problem: "'\(statement.trimming.prefix(30))' is no statement (name = values;)"
                )
            }
            let name = statement[..<equals].trimming
            let value = statement[statement.index(after: equals)...].trimming
            switch name {
            case "Transform_Type":
                kind = String(value)
                isInverted = false
            case "Invert_Flag": isInverted = value.lowercased() == "true"
            case "Linear_Transform":
                let numbers = value.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
                guard kind == "Linear", numbers.count == 12, value.split(whereSeparator: \.isWhitespace).count == 12
                else {
                    throw TransformFileError(.damaged, file: file, problem: "its linear transform has no 12 numbers")
                }
                let affine = AffineTransform(rowMajor: numbers)
                let inverse = try affine.inverted()
                chain.append(.affine(isInverted ? inverse : affine))
            case "Displacement_Volume":
                guard kind == "Grid_Transform" else { fallthrough }
                let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
                let grid = value.hasPrefix("/") ? String(value) : folder + value
                let field = try MincGrid.read(grid, namedBy: file)
                chain.append(isInverted ? .inverseDisplacement(field) : .displacement(field))
            default:
                throw TransformFileError(
                    .unsupported, file: file,
                    problem: "\(kind.isEmpty ? String(name) : kind) is not read here; Linear and Grid_Transform are")
            }
        }
        guard !chain.isEmpty else { throw TransformFileError(.damaged, file: file, problem: "holds no transform") }
        return SpatialTransform.chain(chain).simplified
    }
}
