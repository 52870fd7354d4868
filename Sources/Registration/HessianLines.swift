/// The second derivatives' box filters of one size along a row of an integral image, in two steps: the differences down each column that
/// the boxes of a row have in common, and from these the boxes.
///
/// That reads a third less than four corners for every box. Sums are whole numbers, and as long as none is beyond 2²⁴, single precision
/// holds each of them: the result is what the boxes give when they are converted one by one.
struct HessianLines {
    private let lobe: Int
    private let half: Int
    private let stride: Int
    private let scale: Float

    /// nil for a filter so large that its sums do not fit.
    init?(filterPx: Int, stride: Int, scale: Float) {
        lobe = filterPx / 3
        half = filterPx / 2
        self.stride = stride
        self.scale = scale
        guard 3 * lobe * (2 * lobe - 1) * Int(255 * IntegralImage.unitsPerLevel) <= 1 << 24 else { return nil }
    }

    /// The determinants at every `step`-th column.
    ///
    /// - Parameters:
    ///   - line: the integral image at the row and its column 0.
    ///   - columns: where they are wanted, in steps.
    ///   - output: takes the determinant of a column at its place.
    func determinants(
        along line: UnsafePointer<UInt32>, columns: Range<Int>, step: Int, into output: UnsafeMutablePointer<Float>
    ) {
        guard !columns.isEmpty else { return }
        // The differences reach half a filter further on either side.
        let first = columns.lowerBound * step - half
        let width = (columns.count - 1) * step + 2 * half + 2
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 3 * width) { buffer in
            guard let differences = buffer.baseAddress else { return }
            let (down, across, mixed) = (differences, differences + width, differences + 2 * width)
            fillDifferences(line + first, width: width, down: down, across: across, mixed: mixed)
            let sums = Sums(
                down: down + half, across: across + half, mixed: mixed + half, lobe: lobe, half: half, scale: scale)
            let target = output + columns.lowerBound
            var column = 0
            if step == 1 {
                while column + 8 <= columns.count {
                    UnsafeMutableRawPointer(target + column).storeBytes(
                        of: sums.eight(column), as: SIMD8<Float>.self)
                    column += 8
                }
            }
            while column < columns.count {
                target[column] = sums.one(column * step)
                column += 1
            }
        }
    }

    /// Down: the band across rows less three times its middle lobe. Across: the height of the band across columns. Mixed: the upper two
    /// lobes' height less the lower two's.
    private func fillDifferences(
        _ at: UnsafePointer<UInt32>, width: Int, down: UnsafeMutablePointer<UInt32>,
        across: UnsafeMutablePointer<UInt32>, mixed: UnsafeMutablePointer<UInt32>
    ) {
        func row(_ offset: Int) -> UnsafePointer<UInt32> { at + offset * stride }
        let (bandTop, bandEnd, lobeTop, lobeEnd) = (row(-half), row(half + 1), row(-(lobe / 2)), row(lobe / 2 + 1))
        let (longTop, longEnd) = (row(1 - lobe), row(lobe))
        let (upperTop, upperEnd, lowerTop, lowerEnd) = (row(-lobe), row(0), row(1), row(lobe + 1))
        for column in 0..<width {
            let middle = lobeEnd[column] &- lobeTop[column]
            down[column] = bandEnd[column] &- bandTop[column] &- middle &- middle &- middle
        }
        for column in 0..<width { across[column] = longEnd[column] &- longTop[column] }
        for column in 0..<width {
            mixed[column] = upperEnd[column] &- upperTop[column] &- lowerEnd[column] &+ lowerTop[column]
        }
    }

    /// The differences, from the first wanted column on.
    private struct Sums {
        let down: UnsafePointer<UInt32>
        let across: UnsafePointer<UInt32>
        let mixed: UnsafePointer<UInt32>
        let lobe: Int
        let half: Int
        let scale: Float

        @inline(__always) func one(_ column: Int) -> Float {
            func float(_ sum: UInt32) -> Float { Float(Int32(bitPattern: sum)) }
            let (down, across, mixed) = (down + column, across + column, mixed + column)
            let middle = across[lobe / 2 + 1] &- across[-(lobe / 2)]
            let rows = float(down[lobe] &- down[1 - lobe]) * scale
            let columns = float(across[half + 1] &- across[-half] &- middle &- middle &- middle) * scale
            let both = float(mixed[0] &- mixed[-lobe] &- mixed[lobe + 1] &+ mixed[1]) * scale
            return rows * columns - 0.81 * both * both
        }

        @inline(__always) func eight(_ column: Int) -> SIMD8<Float> {
            func load(_ line: UnsafePointer<UInt32>, _ offset: Int) -> SIMD8<UInt32> {
                UnsafeRawPointer(line + column + offset).loadUnaligned(as: SIMD8<UInt32>.self)
            }
            func float(_ sum: SIMD8<UInt32>) -> SIMD8<Float> { SIMD8<Float>(SIMD8<Int32>(truncatingIfNeeded: sum)) }
            let middle = load(across, lobe / 2 + 1) &- load(across, -(lobe / 2))
            let rows = float(load(down, lobe) &- load(down, 1 - lobe)) * scale
            let columns =
                float(load(across, half + 1) &- load(across, -half) &- middle &- middle &- middle) * scale
            let both = float(load(mixed, 0) &- load(mixed, -lobe) &- load(mixed, lobe + 1) &+ load(mixed, 1)) * scale
            return rows * columns - 0.81 * both * both
        }
    }
}
