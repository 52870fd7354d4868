public import NDArray

/// How much of each voxel is gray and how much is white matter, 255 for all of it.
///
/// Labels say what most of a voxel is; the fractions tell where between two voxels a boundary lies.
public struct TissueFractions: Sendable, Equatable {
    public var gray: Volume<UInt8>
    public var white: Volume<UInt8>

    public init(gray: Volume<UInt8>, white: Volume<UInt8>) {
        precondition(
            gray.planes == white.planes && gray.rows == white.rows && gray.columns == white.columns,
            "The fractions of gray and white matter differ in size.")
        self.gray = gray
        self.white = white
    }
}

/// The classes of a label volume.
enum TissueClass {
    static let background: UInt8 = 0
    static let gray: UInt8 = 1
    static let white: UInt8 = 2
}

extension Volume {
    /// Whether another volume has the same sides.
    func hasShape<Other>(of other: Volume<Other>) -> Bool {
        planes == other.planes && rows == other.rows && columns == other.columns
    }
}
