/// A dense matrix of 32-bit floats, row-major and contiguous: a row is a point (a patch, a section, a parcel), a column a feature.
///
/// A value: copies share storage until one is changed. Analyses borrow the storage and copy nothing of the size of the data
/// unless they say so.
///
///     let features = Matrix(rows: 3, columns: 2, elements: [0, 1, 2, 3, 4, 5])
///     features[2, 0]                          // 4
///     features.selecting(rows: [2, 0])        // [[4, 5], [0, 1]]
public struct Matrix: Sendable, Equatable {
    /// Number of points.
    public let rows: Int
    /// Number of features.
    public let columns: Int
    /// `rows × columns` elements, row after row.
    public private(set) var elements: [Float]

    /// The matrix of the given elements, row after row.
    public init(rows: Int, columns: Int, elements: [Float]) {
        precondition(rows >= 0 && columns >= 0, "A matrix cannot have \(rows) rows and \(columns) columns.")
        precondition(
            elements.count == rows * columns,
            "A matrix of \(rows) × \(columns) needs \(rows * columns) elements, not \(elements.count).")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    /// A matrix of one value.
    public init(rows: Int, columns: Int, repeating value: Float = 0) {
        self.init(rows: rows, columns: columns, elements: [Float](repeating: value, count: rows * columns))
    }

    /// The matrix of rows of equal length; of no rows, the matrix of 0 × 0.
    public init(_ rows: [[Float]]) {
        let columns = rows.first?.count ?? 0
        precondition(rows.allSatisfy { $0.count == columns }, "The rows of a matrix have one length.")
        self.init(rows: rows.count, columns: columns, elements: rows.flatMap { $0 })
    }

    /// A matrix whose elements `body` writes; what it does not write is undefined.
    public init(
        rows: Int, columns: Int, initializingWith body: (UnsafeMutableBufferPointer<Float>) throws -> Void
    ) rethrows {
        precondition(rows >= 0 && columns >= 0, "A matrix cannot have \(rows) rows and \(columns) columns.")
        self.rows = rows
        self.columns = columns
        elements = try [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            try body(UnsafeMutableBufferPointer(rebasing: buffer[..<(rows * columns)]))
            count = rows * columns
        }
    }

    /// The element at a row and a column.
    public subscript(row: Int, column: Int) -> Float {
        get {
            precondition(row >= 0 && row < rows && column >= 0 && column < columns, "(\(row), \(column)) is outside.")
            return elements[row * columns + column]
        }
        set {
            precondition(row >= 0 && row < rows && column >= 0 && column < columns, "(\(row), \(column)) is outside.")
            elements[row * columns + column] = newValue
        }
    }

    /// One row, as a view into the elements.
    public func row(_ index: Int) -> ArraySlice<Float> {
        precondition(index >= 0 && index < rows, "Row \(index) is outside a matrix of \(rows) rows.")
        return elements[index * columns..<(index + 1) * columns]
    }

    /// One column, copied.
    public func column(_ index: Int) -> [Float] {
        precondition(index >= 0 && index < columns, "Column \(index) is outside a matrix of \(columns) columns.")
        return (0..<rows).map { elements[$0 * columns + index] }
    }

    /// The rows of the given indices, in that order; an index may come more than once.
    public func selecting(rows indices: [Int]) -> Matrix {
        Matrix(rows: indices.count, columns: columns) { target in
            elements.withUnsafeBufferPointer { source in
                for (place, index) in indices.enumerated() {
                    precondition(index >= 0 && index < rows, "Row \(index) is outside a matrix of \(rows) rows.")
                    _ = UnsafeMutableBufferPointer(rebasing: target[place * columns..<(place + 1) * columns])
                        .update(fromContentsOf: source[index * columns..<(index + 1) * columns])
                }
            }
        }
    }

    /// The columns of a range, for instance the first principal components.
    public func selecting(columns range: Range<Int>) -> Matrix {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= columns, "Columns \(range) are outside 0..<\(columns).")
        return Matrix(rows: rows, columns: range.count) { target in
            elements.withUnsafeBufferPointer { source in
                for row in 0..<rows {
                    for (place, column) in range.enumerated() {
                        target[row * range.count + place] = source[row * columns + column]
                    }
                }
            }
        }
    }

    /// The rows of this matrix followed by those of another of as many columns.
    public func appending(_ other: Matrix) -> Matrix {
        if rows == 0 && columns == 0 { return other }
        precondition(other.columns == columns, "Rows of \(columns) and of \(other.columns) elements make no matrix.")
        return Matrix(rows: rows + other.rows, columns: columns, elements: elements + other.elements)
    }

    /// Columns become rows.
    public var transposed: Matrix {
        Matrix(rows: columns, columns: rows) { target in
            elements.withUnsafeBufferPointer { source in
                for row in 0..<rows {
                    for column in 0..<columns { target[column * rows + row] = source[row * columns + column] }
                }
            }
        }
    }

    /// The elements, to read in place.
    public func withUnsafeElements<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try elements.withUnsafeBufferPointer(body)
    }

    /// The elements, to change in place.
    public mutating func withUnsafeMutableElements<Result>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        try elements.withUnsafeMutableBufferPointer { try body($0) }
    }

    /// Row and column of the first element that is NaN or infinite, nil where all are finite.
    public var firstNotFinite: (row: Int, column: Int)? {
        // The sum of x · 0 is NaN if any x is not finite; one fast pass tells whether to look.
        let clean = elements.withUnsafeBufferPointer { buffer in
            var sums = SIMD16<Float>()
            let whole = buffer.count / 16 * 16
            for start in stride(from: 0, to: whole, by: 16) {
                var piece = SIMD16<Float>()
                for lane in 0..<16 { piece[lane] = buffer[start + lane] }
                sums += piece * 0
            }
            return sums.sum() == 0 && buffer[whole...].allSatisfy(\.isFinite)
        }
        if clean { return nil }
        return elements.firstIndex { !$0.isFinite }.map { ($0 / columns, $0 % columns) }
    }

    /// Throws where an element is NaN or infinite, and says where.
    public func requireFinite(_ name: String) throws(StatisticsError) {
        if let (row, column) = firstNotFinite {
            throw StatisticsError(
                .notFinite,
                "The \(name) hold \(self[row, column]) at row \(row), column \(column): leave such rows out, or look at what made them."
            )
        }
    }
}
