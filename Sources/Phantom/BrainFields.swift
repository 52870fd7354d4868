public import NDArray

/// A phantom brain on a grid: what every section of it is cut from.
///
/// Distances are in µm, whole numbers, positive inside; between voxels they are interpolated, so that a boundary is
/// placed far finer than the voxels are. (plane, row, column) run posterior to anterior, dorsal to ventral, left to right.
public struct BrainFields: Sendable {
    /// Signed distance to the border of the tissue: pia, ventricles; in cortex the distance a to the pia. Beyond 6 mm it stays 6.
    public var tissueUm: Volume<Int16>
    /// Signed distance to the border of white matter, positive in white matter; in cortex −b, b the distance to white matter.
    public var whiteUm: Volume<Int16>
    /// Area of the cortex, 1 … n, of voxels in and near the cortical ribbon; 0 elsewhere.
    public var areas: Volume<UInt8>
    /// What the cortex pipeline leaves out: `BrainPart`.
    public var parts: Volume<UInt8>
    /// Edge of a voxel.
    public var spacingUm: Double
    /// Position of voxel (0, 0, 0) in the brain's space, whose origin lies in the middle of the brain.
    public var originUm: (plane: Double, row: Double, column: Double)

    /// Depth in the cortex, 0 at the pia, 1 at the white surface: a / (a + b); nil outside cortex and where parts are left out.
    public func depth(_ plane: Int, _ row: Int, _ column: Int) -> Float? {
        let (tissue, white) = (Float(tissueUm[plane, row, column]), Float(whiteUm[plane, row, column]))
        guard tissue > 0, white <= 0, parts[plane, row, column] == 0 else { return nil }
        return tissue / (tissue - white)
    }

    public init(
        tissueUm: Volume<Int16>, whiteUm: Volume<Int16>, areas: Volume<UInt8>, parts: Volume<UInt8>,
        spacingUm: Double, originUm: (plane: Double, row: Double, column: Double)
    ) {
        self.tissueUm = tissueUm
        self.whiteUm = whiteUm
        self.areas = areas
        self.parts = parts
        self.spacingUm = spacingUm
        self.originUm = originUm
    }
}
