internal import NDArray

/// Lines on which a sampled field is zero, by marching squares with linear interpolation along the edges of the grid.
///
/// Each line runs with the positive side on its left hand (row down, column right); a closed one ends where it began. In
/// a square with two crossings the mean of the corners decides which are joined.
///
/// - Parameters:
///   - values: row-major on the grid.
///   - rectangle: the squares to look at, by their first corner.
/// - Returns: points (row, column) in elements of the grid.
///
/// **Reference**: Lorensen and Cline 1987, DOI 10.1145/37401.37422, in the plane.
func isoLines(
    of values: UnsafeBufferPointer<Float>, columns: Int, rows rowRange: Range<Int>, columns columnRange: Range<Int>
) -> [[SIMD2<Double>]] {
    guard !rowRange.isEmpty, !columnRange.isEmpty else { return [] }
    var squares = MarchingSquares(columns: columns, range: columnRange)
    for row in rowRange { squares.march(along: row, of: values) }
    func point(_ edge: Int) -> SIMD2<Double> {
        let index = edge / 2
        let (row, column) = (Double(index / columns), Double(index % columns))
        let isDown = edge % 2 == 1
        let (one, two) = (Double(values[index]), Double(values[isDown ? index + columns : index + 1]))
        let share = one / (one - two)
        return isDown ? SIMD2(row + share, column) : SIMD2(row, column + share)
    }
    // Open lines begin where no other segment ends; what is left are loops.
    let segments = squares.segments
    var isDrawn = [Bool](repeating: false, count: segments.count)
    var lines: [[SIMD2<Double>]] = []
    for first in segments.indices.filter({ !segments[$0].follows }) + segments.indices where !isDrawn[first] {
        var line = [point(segments[first].from)]
        var segment = first
        while segment >= 0, !isDrawn[segment] {
            isDrawn[segment] = true
            line.append(point(segments[segment].to))
            segment = segments[segment].next
        }
        lines.append(line)
    }
    return lines
}

/// Finds the segments of iso-lines row by row, and which follows on which.
private struct MarchingSquares {
    /// From one edge of a square to another. An edge is named by its first corner: 2i to the right of element i, 2i + 1 below it.
    struct Segment {
        var from: Int
        var to: Int
        /// The segment that begins where this one ends, −1 while none is known.
        var next = -1
        /// Whether this is another one's next.
        var follows = false
    }

    private enum Side { case top, left, bottom, right }

    private(set) var segments: [Segment] = []
    private let columns: Int
    private let range: Range<Int>
    /// Whether corners are positive, 1 or 0: of a row of squares the upper ones and the lower ones.
    private var upper: [UInt8]
    private var lower: [UInt8]
    private var isFirstRow = true
    /// The segments that meet the edges above and below a row of squares, and those of a square on its left and right; −1 for none.
    private var above: [Int]
    private var below: [Int]
    private var left = -1
    private var right = -1

    init(columns: Int, range: Range<Int>) {
        (self.columns, self.range) = (columns, range)
        upper = [UInt8](repeating: 0, count: range.count + 1)
        lower = upper
        above = [Int](repeating: -1, count: range.count)
        below = above
    }

    /// Looks at the squares below a row of the grid; rows come in order.
    mutating func march(along row: Int, of values: UnsafeBufferPointer<Float>) {
        if isFirstRow { MarchingSquares.signs(of: values, from: row * columns + range.lowerBound, into: &lower) }
        isFirstRow = false
        swap(&upper, &lower)
        swap(&above, &below)
        MarchingSquares.signs(of: values, from: (row + 1) * columns + range.lowerBound, into: &lower)
        right = -1
        var column = 0
        while column < range.count {
            (left, right) = (right, -1)
            if column + 8 <= range.count, isUniform(from: column) {
                column += 8
                continue
            }
            let code = upper[column] | upper[column + 1] << 1 | lower[column + 1] << 2 | lower[column] << 3
            if code != 0, code != 15 {
                let index = row * columns + range.lowerBound + column
                let mean =
                    values[index] + values[index + 1] + values[index + columns + 1] + values[index + columns]
                cross(index, column, code: code, isMeanPositive: mean > 0)
            }
            column += 1
        }
    }

    private static func signs(of values: UnsafeBufferPointer<Float>, from start: Int, into signs: inout [UInt8]) {
        let values = UnsafeBufferPointer(rebasing: values[start..<start + signs.count])
        signs.withUnsafeMutableBufferPointer { signs in
            for column in 0..<signs.count { signs[column] = values[column] > 0 ? 1 : 0 }
        }
    }

    /// Whether nothing crosses the eight squares from a column on.
    private func isUniform(from column: Int) -> Bool {
        upper.withUnsafeBytes { upper in
            lower.withUnsafeBytes { lower in
                let first = upper.loadUnaligned(fromByteOffset: column, as: UInt64.self)
                return first == upper.loadUnaligned(fromByteOffset: column + 1, as: UInt64.self)
                    && first == lower.loadUnaligned(fromByteOffset: column, as: UInt64.self)
                    && first == lower.loadUnaligned(fromByteOffset: column + 1, as: UInt64.self)
            }
        }
    }

    /// The segments of one square.
    ///
    /// - Parameter code: bits of its positive corners, clockwise from the first.
    private mutating func cross(_ index: Int, _ column: Int, code: UInt8, isMeanPositive: Bool) {
        func join(_ from: Side, _ to: Side) { self.join(from, to, index, column) }
        switch code {
        case 1: join(.top, .left)
        case 2: join(.right, .top)
        case 3: join(.right, .left)
        case 4: join(.bottom, .right)
        case 6: join(.bottom, .top)
        case 7: join(.bottom, .left)
        case 8: join(.left, .bottom)
        case 9: join(.top, .bottom)
        case 11: join(.right, .bottom)
        case 12: join(.left, .right)
        case 13: join(.top, .right)
        case 14: join(.left, .top)
        case 5:
            if isMeanPositive {
                join(.top, .right)
                join(.bottom, .left)
            } else {
                join(.top, .left)
                join(.bottom, .right)
            }
        default:
            if isMeanPositive {
                join(.left, .top)
                join(.right, .bottom)
            } else {
                join(.right, .top)
                join(.left, .bottom)
            }
        }
    }

    private mutating func join(_ from: Side, _ to: Side, _ index: Int, _ column: Int) {
        let segment = segments.count
        segments.append(Segment(from: edge(from, index), to: edge(to, index)))
        // What meets an edge above or on the left is known; below and on the right this segment is the first.
        if let earlier = meeting(from, column, segment) { follow(earlier, segment) }
        if let later = meeting(to, column, segment) { follow(segment, later) }
    }

    private mutating func follow(_ one: Int, _ other: Int) {
        segments[one].next = other
        segments[other].follows = true
    }

    private func edge(_ side: Side, _ index: Int) -> Int {
        switch side {
        case .top: 2 * index
        case .left: 2 * index + 1
        case .bottom: 2 * (index + columns)
        case .right: 2 * (index + 1) + 1
        }
    }

    /// The other segment at a side of a square, where one is known.
    private mutating func meeting(_ side: Side, _ column: Int, _ segment: Int) -> Int? {
        switch side {
        case .top: return above[column] >= 0 ? above[column] : nil
        case .left: return left >= 0 ? left : nil
        case .bottom: below[column] = segment
        case .right: right = segment
        }
        return nil
    }
}
