/// A three-dimensional array, (plane, row, column), slowest first; voxel centres lie at integer coordinates.
@frozen public struct Volume<Element> {
    public let planes: Int
    public let rows: Int
    public let columns: Int
    /// (plane, row, column) stands at `(plane * rows + row) * columns + column`.
    public var elements: [Element]

    /// Takes over `elements`; their count must be `planes × rows × columns`.
    @inlinable public init(planes: Int, rows: Int, columns: Int, elements: [Element]) {
        precondition(planes >= 0 && rows >= 0 && columns >= 0, "A volume cannot have a negative side.")
        precondition(
            elements.count == planes * rows * columns,
            "A volume of \(planes) × \(rows) × \(columns) needs \(planes * rows * columns) elements, not \(elements.count)."
        )
        self.planes = planes
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    /// A volume of one value.
    @inlinable public init(planes: Int, rows: Int, columns: Int, filledWith value: Element) {
        self.init(
            planes: planes, rows: rows, columns: columns,
            elements: Array(repeating: value, count: planes * rows * columns))
    }

    @inlinable public subscript(plane: Int, row: Int, column: Int) -> Element {
        get { elements[(plane * rows + row) * columns + column] }
        set { elements[(plane * rows + row) * columns + column] = newValue }
    }
}

extension Volume: Sendable where Element: Sendable {}
extension Volume: Equatable where Element: Equatable {}
