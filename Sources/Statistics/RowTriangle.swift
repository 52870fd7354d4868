internal import LinearAlgebra
internal import NDArray

/// R of the QR factorisation of centred points with their targets beside them: all that least squares needs to know of the data.
///
/// The points are factorised in blocks of rows, and the blocks' factors together, so that memory is that of the factors and of a
/// block for each thread, whatever the number of points. Blocks do not depend on the number of threads. All in double precision.
struct RowTriangle {
    /// Columns of the points and of the targets.
    let features: Int
    let targets: Int
    /// `factorRows × (features + targets)` elements, upper trapezoidal.
    private(set) var factor: [Double]
    private(set) var factorRows: Int
    let pointMeans: [Double]
    let targetMeans: [Double]

    /// - Parameter centred: whether the means are taken off first (a model with intercepts).
    init(points: Matrix, targets: Matrix, centred: Bool, threads: Int) {
        let features = points.columns
        let width = features + targets.columns
        self.features = features
        self.targets = targets.columns
        let pointMeans = centred ? columnMeans(points, threads: threads) : [Double](repeating: 0, count: features)
        let targetMeans =
            centred ? columnMeans(targets, threads: threads) : [Double](repeating: 0, count: targets.columns)
        self.pointMeans = pointMeans
        self.targetMeans = targetMeans
        // A block of many more rows than columns costs little more than its rows.
        let band = max(1024, 3 * width)
        let bands = (points.rows + band - 1) / band
        var factors = [[Double]](repeating: [], count: max(bands, 1))
        factors.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelFor(bands, threads: threads) { index in
                let rows = index * band..<min(points.rows, (index + 1) * band)
                var block = [Double](repeating: 0, count: rows.count * width)
                points.withUnsafeElements { source in
                    targets.withUnsafeElements { goals in
                        for (place, row) in rows.enumerated() {
                            for column in 0..<features {
                                block[place * width + column] =
                                    Double(source[row * features + column]) - pointMeans[column]
                            }
                            for column in 0..<targets.columns {
                                block[place * width + features + column] =
                                    Double(goals[row * targets.columns + column]) - targetMeans[column]
                            }
                        }
                    }
                }
                slices[index] = triangularFactor(&block, rows: rows.count, columns: width)
            }
        }
        // Factors are joined in pairs, in order, as many at once as there are threads.
        while factors.count > 1 {
            let pairs = factors.count / 2
            var joined = [[Double]](repeating: [], count: pairs)
            let open = factors
            joined.withUnsafeMutableBufferPointer { buffer in
                let slices = DisjointSlices(buffer)
                parallelFor(pairs, threads: threads) { pair in
                    var stack = open[2 * pair] + open[2 * pair + 1]
                    slices[pair] = triangularFactor(&stack, rows: stack.count / width, columns: width)
                }
            }
            if factors.count % 2 == 1 { joined.append(factors[factors.count - 1]) }
            factors = joined
        }
        factor = factors[0]
        factorRows = width > 0 ? factor.count / width : 0
    }

    /// The factor of the points below which √penalty · I is stacked: the least squares of ridge regression.
    func withPenalty(_ penalty: Double) -> RowTriangle {
        guard penalty > 0, features > 0 else { return self }
        let width = features + targets
        var stack = factor
        for feature in 0..<features {
            var row = [Double](repeating: 0, count: width)
            row[feature] = penalty.squareRoot()
            stack += row
        }
        var result = self
        result.factor = triangularFactor(&stack, rows: factorRows + features, columns: width)
        result.factorRows = min(factorRows + features, width)
        return result
    }

    /// The part of the factor that belongs to the points (`rows × features`) and that of the targets (`rows × targets`).
    ///
    /// Rows below the points' triangle hold only what no coefficient can explain.
    var system: (rows: Int, matrix: [Double], right: [Double]) {
        let width = features + targets
        let rows = min(factorRows, features)
        var matrix: [Double] = []
        var right: [Double] = []
        for row in 0..<rows {
            matrix += factor[row * width..<row * width + features]
            right += factor[row * width + features..<(row + 1) * width]
        }
        return (rows, matrix, right)
    }
}

/// The mean of each column in double precision, added in blocks that do not depend on the number of threads.
func columnMeans(_ points: Matrix, threads: Int) -> [Double] {
    let columns = points.columns
    guard points.rows > 0, columns > 0 else { return [Double](repeating: 0, count: columns) }
    let band = 4096
    let bands = (points.rows + band - 1) / band
    var sums = [Double](repeating: 0, count: bands * columns)
    sums.withUnsafeMutableBufferPointer { buffer in
        let slices = DisjointSlices(buffer)
        points.withUnsafeElements { elements in
            // Read only.
            nonisolated(unsafe) let elements = elements
            parallelBands(points.rows, band: band, threads: threads) { rows in
                let sum = slices.base + rows.lowerBound / band * columns
                for row in rows {
                    let source = elements.baseAddress.unsafelyUnwrapped + row * columns
                    for column in 0..<columns { sum[column] += Double(source[column]) }
                }
            }
        }
    }
    return (0..<columns).map { column in
        (0..<bands).reduce(0) { $0 + sums[$1 * columns + column] } / Double(points.rows)
    }
}
