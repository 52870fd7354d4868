/// How the stack's own coordinates stand to physical points: the one place that knows.
///
/// *Reconstruction µm* are (plane, row, column) with plane along posterior-anterior, row dorsal-ventral, column left-right.
/// As a physical point: **RAS mm, x = column / 1000, y = plane / 1000, z = −row / 1000**.
public enum ReconstructionSpace {
    /// (plane, row, column) µm as a RAS point in mm.
    @inlinable public static func rasMm(planeUm: Double, rowUm: Double, columnUm: Double) -> SIMD3<Double> {
        SIMD3(columnUm, planeUm, -rowUm) / 1000
    }

    /// (plane, row, column) µm as a RAS point in mm.
    @inlinable public static func rasMm(_ planeRowColumnUm: SIMD3<Double>) -> SIMD3<Double> {
        rasMm(planeUm: planeRowColumnUm.x, rowUm: planeRowColumnUm.y, columnUm: planeRowColumnUm.z)
    }

    /// A RAS point in mm as (plane, row, column) µm.
    @inlinable public static func planeRowColumnUm(_ rasMm: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(rasMm.y, -rasMm.z, rasMm.x) * 1000
    }

    /// Voxel indices (column, row, plane) of a volume to RAS mm; the order of the indices is that of image files, fastest first.
    ///
    /// - Parameters:
    ///   - originUm: (plane, row, column) µm of the centre of voxel (0, 0, 0).
    ///   - spacingUm: distance of voxels along (plane, row, column).
    public static func indexToRasMm(originUm: SIMD3<Double>, spacingUm: SIMD3<Double>) -> AffineTransform {
        AffineTransform(
            x: [spacingUm.z / 1000, 0, 0], y: [0, 0, -spacingUm.y / 1000], z: [0, spacingUm.x / 1000, 0],
            translation: rasMm(originUm))
    }

    /// The same for isotropic voxels.
    public static func indexToRasMm(originUm: SIMD3<Double>, spacingUm: Double) -> AffineTransform {
        indexToRasMm(originUm: originUm, spacingUm: SIMD3(repeating: spacingUm))
    }
}
