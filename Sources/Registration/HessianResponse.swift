internal import NDArray

/// The determinant of the Hessian at one filter size, on every `step`-th pixel of every `step`-th row.
package struct HessianResponse: Sendable {
    let rows: Int
    let columns: Int
    let step: Int
    /// Side of the box filter in pixels: 9, 15, 21, …
    let filterPx: Int
    /// rows × columns determinants; what was not asked for is undefined.
    package let determinants: [Float]
    private let kernel: HessianKernel

    /// The filter that stands for a Gaussian of 1.2 px has a side of 9 px.
    var scalePx: Double { 1.2 * Double(filterPx) / 9 }

    /// - Parameters:
    ///   - wanted: the columns, on this response's own grid, that are asked for in each of its rows.
    ///   - finer: the same filter's response on a grid twice as fine, which holds this one.
    ///
    /// **Reference**: Bay 2008, section 3.2: box filters in place of second derivatives of Gaussians, det = Dxx Dyy − (0.9 Dxy)².
    package init(
        _ integral: IntegralImage, filterPx: Int, step: Int, wanted: [Range<Int>], finer: HessianResponse? = nil,
        threads: Int
    ) {
        let rows = (integral.rows + step - 1) / step
        let columns = (integral.columns + step - 1) / step
        self.rows = rows
        self.columns = columns
        self.step = step
        self.filterPx = filterPx
        precondition(integral.margin > filterPx / 2 + 1, "A filter of \(filterPx) px sticks out of the margin.")
        let kernel = HessianKernel(filterPx: filterPx, stride: integral.stride)
        self.kernel = kernel
        let lines = HessianLines(filterPx: filterPx, stride: integral.stride, scale: kernel.scale)
        determinants = [Float](unsafeUninitializedCapacity: rows * columns) { buffer, initialised in
            let determinants = DisjointSlices(buffer)
            parallelBands(rows, band: 16, threads: threads) { band in
                integral.sums.withUnsafeBufferPointer { sums in
                    guard let base = sums.baseAddress else { return }
                    for row in band {
                        let output = determinants.base + row * columns
                        var column = wanted[row].lowerBound
                        let end = wanted[row].upperBound
                        if let finer {
                            finer.determinants.withUnsafeBufferPointer { fine in
                                let source = 2 * row * finer.columns
                                while column < end {
                                    output[column] = fine[source + 2 * column]
                                    column += 1
                                }
                            }
                            continue
                        }
                        let line = base + (row * step + integral.margin) * integral.stride + integral.margin
                        if let lines {
                            lines.determinants(along: line, columns: column..<end, step: step, into: output)
                            continue
                        }
                        while column < end {
                            output[column] = kernel.one(at: line + column * step).determinant
                            column += 1
                        }
                    }
                }
            }
            initialised = rows * columns
        }
    }

    /// The sign of the Hessian's trace, the Laplacian, at a place of the response's grid.
    func laplacianSign(_ integral: IntegralImage, row: Int, column: Int) -> Int8 {
        integral.sums.withUnsafeBufferPointer { sums in
            let at = (row * step + integral.margin) * integral.stride + integral.margin + column * step
            return sums.baseAddress.map { kernel.one(at: $0 + at).trace >= 0 ? 1 : -1 } ?? 1
        }
    }
}

/// The three box filters of one size as offsets into an integral image, seen from the centre pixel.
private struct HessianKernel: Sendable {
    /// Offsets of a box's corners: + top left, − top right, − bottom left, + bottom right.
    struct Box: Sendable {
        let a: Int
        let b: Int
        let c: Int
        let d: Int

        init(row: Int, column: Int, height: Int, width: Int, stride: Int) {
            a = row * stride + column
            b = a + width
            c = a + height * stride
            d = c + width
        }

        @inline(__always) func one(_ at: UnsafePointer<UInt32>) -> Float {
            Float(Int32(bitPattern: at[d] &- at[b] &- at[c] &+ at[a]))
        }
    }

    /// Across rows: the whole band and its middle lobe, which counts −2, that is 1 − 3.
    let rowBand: Box
    let rowLobe: Box
    let columnBand: Box
    let columnLobe: Box
    /// The four lobes of the mixed derivative.
    let upperLeft: Box
    let upperRight: Box
    let lowerLeft: Box
    let lowerRight: Box
    let scale: Float

    init(filterPx: Int, stride: Int) {
        let lobe = filterPx / 3
        let half = filterPx / 2
        let long = 2 * lobe - 1
        rowBand = Box(row: -half, column: 1 - lobe, height: filterPx, width: long, stride: stride)
        rowLobe = Box(row: -(lobe / 2), column: 1 - lobe, height: lobe, width: long, stride: stride)
        columnBand = Box(row: 1 - lobe, column: -half, height: long, width: filterPx, stride: stride)
        columnLobe = Box(row: 1 - lobe, column: -(lobe / 2), height: long, width: lobe, stride: stride)
        upperLeft = Box(row: -lobe, column: -lobe, height: lobe, width: lobe, stride: stride)
        upperRight = Box(row: -lobe, column: 1, height: lobe, width: lobe, stride: stride)
        lowerLeft = Box(row: 1, column: -lobe, height: lobe, width: lobe, stride: stride)
        lowerRight = Box(row: 1, column: 1, height: lobe, width: lobe, stride: stride)
        // Gray levels 0 … 1, and as many of them as the filter has pixels.
        scale = 1 / (255 * IntegralImage.unitsPerLevel * Float(filterPx * filterPx))
    }

    @inline(__always) func one(at: UnsafePointer<UInt32>) -> (determinant: Float, trace: Float) {
        let rows = (rowBand.one(at) - 3 * rowLobe.one(at)) * scale
        let columns = (columnBand.one(at) - 3 * columnLobe.one(at)) * scale
        let mixed = (upperLeft.one(at) + lowerRight.one(at) - upperRight.one(at) - lowerLeft.one(at)) * scale
        return (rows * columns - 0.81 * mixed * mixed, rows + columns)
    }
}
