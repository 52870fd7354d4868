internal import NDArray

/// Voxels of a brain.
struct Grid: Sendable {
    let planes: Int
    let rows: Int
    let columns: Int
    let spacingMm: Float
    let origin: PointMm

    /// The grid that holds a brain of these half axes with 6.6 mm to spare for its bulges and bends, its middle on a voxel.
    init(halfAxesMm: PointMm, size: PointMm, spacingMm: Float) {
        func half(_ axis: Float, _ size: Float) -> Int { Int(((axis * size + 6.6) / spacingMm).rounded(.up)) }
        let plane = half(halfAxesMm.plane, size.plane)
        let row = half(halfAxesMm.row, size.row)
        let column = half(halfAxesMm.column, size.column)
        (planes, rows, columns) = (2 * plane + 1, 2 * row + 1, 2 * column + 1)
        self.spacingMm = spacingMm
        origin = PointMm(
            plane: -Float(plane) * spacingMm, row: -Float(row) * spacingMm, column: -Float(column) * spacingMm)
    }

    init(planes: Int, rows: Int, columns: Int, spacingMm: Float, origin: PointMm) {
        (self.planes, self.rows, self.columns) = (planes, rows, columns)
        (self.spacingMm, self.origin) = (spacingMm, origin)
    }

    @inline(__always)
    func point(_ plane: Int, _ row: Int, _ column: Int) -> PointMm {
        PointMm(
            plane: origin.plane + Float(plane) * spacingMm, row: origin.row + Float(row) * spacingMm,
            column: origin.column + Float(column) * spacingMm)
    }

    func isEdge(_ plane: Int, _ row: Int, _ column: Int) -> Bool {
        plane == 0 || row == 0 || column == 0 || plane == planes - 1 || row == rows - 1 || column == columns - 1
    }

    func volume<Element: Numeric>() -> Volume<Element> {
        Volume(planes: planes, rows: rows, columns: columns, filledWith: 0)
    }

    var count: Int { planes * rows * columns }

    /// The columns of the left hemisphere, then those of the right, which has the middle.
    var sides: [Range<Int>] { [0..<columns / 2, columns / 2..<columns] }
}
