internal import NDArray
internal import NIfTI
internal import SpatialTransforms

/// A displacement field as a NIfTI image: vectors in LPS mm as ITK and ANTs have them, five axes (x, y, z, 1, 3) or four.
///
/// The grid's place is the header's (RAS); only the vectors are LPS.
enum DisplacementImage {
    static func read(_ path: String) throws -> DisplacementField {
        let file = try NIfTIFile(reading: path)
        let header = file.header
        guard header.volumeCount == 3, header.shape.count == 4 || header.shape.dropFirst(3).first == 1 else {
            throw TransformFileError(
                .unsupported, file: path,
                problem: "is an image of shape \(header.shape), not a displacement field (x, y, z, 1, 3)"
                    + (header.volumeCount == 1 ? "; is it the image instead of its transform?" : ""))
        }
        // FSL's FNIRT marks its files 2006 … 2009: other coordinates. SPM's y_ files hold positions, not displacements.
        guard !(2006...2009).contains(header.intentCode) else {
            throw TransformFileError(
                .unsupported, file: path,
                problem: "is a warp of FSL's FNIRT, whose vectors depend on its two images; convert it to ITK's format")
        }
        guard header.intentName != "Mapping" else {
            throw TransformFileError(
                .unsupported, file: path,
                problem:
                    "is a deformation of SPM, which holds positions instead of displacements; convert it to ITK's format"
            )
        }
        let (planes, rows, columns) = header.volumeShape
        var vectors = [Float](repeating: 0, count: 3 * planes * rows * columns)
        for component in 0..<3 {
            let sign: Float = component == 2 ? 1 : -1
            let volume = try file.readVolume(component, as: Float.self)
            for (index, value) in volume.elements.enumerated() { vectors[3 * index + component] = sign * value }
        }
        let grid = try OrientedGrid(
            planes: planes, rows: rows, columns: columns, indexToMm: AffineTransform(rowMajor: header.indexToRasMm))
        return try DisplacementField(grid: grid, vectors: vectors)
    }

    static func write(_ field: DisplacementField, to path: String) throws {
        let grid = field.grid
        let header = NIfTIHeader(
            shape: [grid.columns, grid.rows, grid.planes, 1, 3], element: .float32,
            indexToRasMm: grid.indexToMm.rowMajor, intentCode: NIfTIHeader.Intent.vector)
        do {
            try NIfTIWriter.create(path, header) { writer in
                for component in 0..<3 {
                    let sign: Float = component == 2 ? 1 : -1
                    var volume = Volume<Float>(
                        planes: grid.planes, rows: grid.rows, columns: grid.columns, filledWith: 0)
                    for index in 0..<grid.count {
                        let value = field.vectors[3 * index + component]
                        volume.elements[index] = value == 0 ? 0 : sign * value
                    }
                    try writer.write(volume)
                }
            }
        } catch let error as NIfTIError {
            throw TransformFileError(.inputOutput, file: path, problem: error.problem)
        }
    }
}
