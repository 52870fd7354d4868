/// What a NIfTI file says about its voxels: shape, type, scaling, and where they lie in the world.
///
/// Axes are NIfTI's own, fastest first: (i, j, k, t, …). As a `Volume`, i is the column, j the row and k the plane.
public struct NIfTIHeader: Sendable, Equatable {
    /// What the world coordinates mean (`sform_code`, `qform_code`).
    public enum Space: Int, Sendable {
        case unknown = 0
        case scanner = 1
        case aligned = 2
        case talairach = 3
        case mni152 = 4
        case templateOther = 5
    }

    /// Which of the header's three ways gave `indexToRasMm`.
    public enum OrientationSource: String, Sendable {
        case sform, qform, spacing
    }

    /// What the values mean (`intent_code`), as far as it matters here.
    public enum Intent {
        public static let none = 0
        public static let label = 1002
        public static let displacementVector = 1006
        public static let vector = 1007
    }

    /// 1 or 2.
    public var version: Int
    public var element: NIfTIElement
    /// Length along each axis, fastest first; 1 to 7 of them.
    public var shape: [Int]
    /// Distance of voxels along each axis of `shape`, in the file's own units.
    public var spacing: [Double]
    /// A value is `slope · stored + intercept`.
    public var slope: Double
    public var intercept: Double
    /// Row-major 4 × 4: (i, j, k, 1), voxel centres at whole numbers, to RAS+ millimetres.
    public var indexToRasMm: [Double]
    public var orientationSource: OrientationSource
    public var sformCode: Int
    public var qformCode: Int
    public var intentCode: Int
    public var intentName: String
    public var descriptionText: String
    /// Whether the file's numbers are big-endian.
    public var isBigEndian: Bool
    /// Byte at which the voxels start, in the `.nii` or the `.img`.
    public var dataOffset: Int

    /// A header for writing; axes have the length of a voxel that the matrix says.
    ///
    /// - Parameters:
    ///   - shape: length along each axis, fastest first; 3 to 7 of them.
    ///   - indexToRasMm: row-major 4 × 4, (i, j, k, 1) to RAS mm.
    ///   - space: what the coordinates mean, written as both codes.
    ///   - version: 1 or 2; nil: 1 unless a side is longer than 32,767.
    public init(
        shape: [Int], element: NIfTIElement, indexToRasMm: [Double], space: Space = .aligned,
        intentCode: Int = Intent.none, intentName: String = "", description: String = "", version: Int? = nil
    ) {
        precondition((3...7).contains(shape.count), "NIfTI files have 3 to 7 axes here, not \(shape.count).")
        precondition(indexToRasMm.count == 16, "A matrix has 16 elements.")
        self.version = version ?? (shape.allSatisfy { $0 <= 32_767 } ? 1 : 2)
        self.element = element
        self.shape = shape
        spacing = shape.indices.map { axis in
            guard axis < 3 else { return 1 }
            let column = (0..<3).map { indexToRasMm[4 * $0 + axis] }
            return column.reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        slope = 1
        intercept = 0
        self.indexToRasMm = indexToRasMm
        orientationSource = .sform
        sformCode = space.rawValue
        qformCode = space.rawValue
        self.intentCode = intentCode
        self.intentName = intentName
        descriptionText = description
        isBigEndian = false
        dataOffset = 0
    }

    /// Length along an axis; 1 for axes beyond the shape.
    public func length(_ axis: Int) -> Int { axis < shape.count ? shape[axis] : 1 }
    /// Planes, rows, columns of one volume.
    public var volumeShape: (planes: Int, rows: Int, columns: Int) { (length(2), length(1), length(0)) }
    /// Voxels of one volume.
    public var volumeVoxelCount: Int { length(0) * length(1) * length(2) }
    /// How many three-dimensional volumes the file holds: the product of the axes past the third.
    public var volumeCount: Int { shape.dropFirst(3).reduce(1, *) }

    /// Axis letters from the first to the last, for example "RAS" or "LPI": where each index grows to.
    public var axisCodes: String {
        var letters = ""
        for axis in 0..<3 {
            let column = (0..<3).map { indexToRasMm[4 * $0 + axis] }
            let largest = (0..<3).max { abs(column[$0]) < abs(column[$1]) } ?? 0
            letters += column[largest] >= 0 ? ["R", "A", "S"][largest] : ["L", "P", "I"][largest]
        }
        return letters
    }
}
