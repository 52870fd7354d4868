/// A two-dimensional array, row by row; pixel centres lie at integer (row, column).
@frozen public struct Image<Element> {
    public let rows: Int
    public let columns: Int
    /// `rows × columns` elements; (row, column) stands at `row * columns + column`.
    public var elements: [Element]

    /// Takes over `elements`; their count must be `rows × columns`.
    @inlinable public init(rows: Int, columns: Int, elements: [Element]) {
        precondition(rows >= 0 && columns >= 0, "An image cannot have a negative side: \(rows) × \(columns).")
        precondition(
            elements.count == rows * columns,
            "An image of \(rows) × \(columns) needs \(rows * columns) elements, not \(elements.count).")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    /// An image of one value.
    @inlinable public init(rows: Int, columns: Int, filledWith value: Element) {
        self.init(rows: rows, columns: columns, elements: Array(repeating: value, count: rows * columns))
    }

    @inlinable public var count: Int { elements.count }

    @inlinable public subscript(row: Int, column: Int) -> Element {
        get { elements[row * columns + column] }
        set { elements[row * columns + column] = newValue }
    }

    /// The image of the transformed elements.
    @inlinable public func map<Result>(_ transform: (Element) throws -> Result) rethrows -> Image<Result> {
        let results = try [Result](unsafeUninitializedCapacity: count) { results, initialised in
            try elements.withUnsafeBufferPointer { elements in
                // Counted aside: a count that is written for every element keeps the loop from being vectorised.
                var index = 0
                defer { initialised = index }
                while index < elements.count {
                    results.initializeElement(at: index, to: try transform(elements[index]))
                    index += 1
                }
            }
        }
        return Image<Result>(rows: rows, columns: columns, elements: results)
    }
}

extension Image: Sendable where Element: Sendable {}
extension Image: Equatable where Element: Equatable {}
