public import NDArray

/// One three-dimensional volume with its place in the world.
public struct NIfTIImage<Voxel: NIfTIVoxel>: Sendable {
    /// Planes are NIfTI's k, rows j, columns i.
    public var volume: Volume<Voxel>
    /// Row-major 4 × 4: (column, row, plane, 1), voxel centres at whole numbers, to RAS mm.
    public var indexToRasMm: [Double]

    public init(volume: Volume<Voxel>, indexToRasMm: [Double]) {
        precondition(indexToRasMm.count == 16, "A matrix has 16 elements.")
        self.volume = volume
        self.indexToRasMm = indexToRasMm
    }

    /// Reads a file of one volume.
    ///
    /// - Throws: `NIfTIError`; also `wrongType` where the file holds several volumes.
    public init(reading path: String) throws {
        let file = try NIfTIFile(reading: path)
        guard file.header.volumeCount == 1 else {
            throw NIfTIError(
                .wrongType, file: path,
                problem: "holds \(file.header.volumeCount) volumes (shape \(file.header.shape)), but one was expected")
        }
        self.init(volume: try file.readVolume(as: Voxel.self), indexToRasMm: file.header.indexToRasMm)
    }

    /// Writes the volume; the name's ending says how (see `NIfTIWriter`).
    ///
    /// - Parameters:
    ///   - space: what the coordinates mean, for example `.mni152`.
    ///   - intentCode: for example `NIfTIHeader.Intent.label`.
    public func write(
        to path: String, space: NIfTIHeader.Space = .aligned, intentCode: Int = NIfTIHeader.Intent.none,
        description: String = "", version: Int? = nil
    ) throws {
        let header = NIfTIHeader(
            shape: [volume.columns, volume.rows, volume.planes], element: Voxel.niftiElement,
            indexToRasMm: indexToRasMm, space: space, intentCode: intentCode, description: description,
            version: version)
        try NIfTIWriter.create(path, header) { try $0.write(volume) }
    }

    /// Number of voxels that are not a number.
    @inlinable public var nanCount: Int { volume.elements.count { $0.isNaN } }
}

extension NIfTIImage: Equatable where Voxel: Equatable {}
