public import NDArray

/// The contrast of an image raised tile by tile, with the histogram of a tile clipped so that noise is not raised with
/// it (CLAHE).
///
/// The image is cut into tiles of `kernelSizePx`; each has a gray-level mapping, its clipped cumulative histogram. A
/// pixel's new value is interpolated bilinearly between the mappings of the four tiles around it.
///
/// With a mask only its pixels enter histograms, so that a large bright slide neither takes up the gray levels of the
/// tissue nor is taken for tissue itself. A tile that holds little of the mask borrows from the mapping of the whole
/// mask.
///
/// - Parameters:
///   - image: brightness in 0 … 1; values outside are clipped.
///   - kernelSizePx: side of a tile, at least 1 pixel.
///   - clipLimit: the share of a tile's pixels that one of 256 levels may hold; 0 clips nothing.
///   - mask: the pixels that count; all where nil.
/// - Returns: values in 0 … 1 that fill the range (inside the mask, 0 outside it); a constant image stays constant.
///
/// Reference: S. M. Pizer et al., Comput. Vis. Graph. Image Process. 39, 355 (1987); K. Zuiderveld, Graphics Gems IV
/// (1994); without a mask `skimage.exposure.equalize_adapthist` (0.26) with 256 bins, equal to one unit in the last
/// place.
/// Differs: the mask.
public func adaptiveHistogramEqualization(
    _ image: Image<Float>, kernelSizePx: Int, clipLimit: Double = 0.01, inside mask: BitImage? = nil, threads: Int = 1
) -> Image<Float> {
    precondition(kernelSizePx >= 1, "A tile needs a side of at least 1 pixel, not \(kernelSizePx).")
    precondition(
        mask.map { $0.rows == image.rows && $0.columns == image.columns } ?? true, "Mask and image differ in size.")
    guard image.count > 0, mask?.isEmpty != true else { return image }
    let levels = quantised(image, inside: mask)
    let mappings = TileMappings(
        levels, kernelSizePx: kernelSizePx, clipLimit: clipLimit, mask: mask, threads: threads)
    var result = mappings.applied(to: levels, inside: mask, threads: threads)
    stretch(&result, inside: mask)
    return result
}

/// scikit-image's number of gray levels inside the algorithm.
private let grayLevels = 1 << 14
private let bins = 256

/// The image's bins: its range is stretched over 16,384 levels, 65 of which make a bin.
private func quantised(_ image: Image<Float>, inside mask: BitImage?) -> Image<UInt8> {
    // As 16-bit levels first, as scikit-image does; the last step decides which bin a value falls into.
    let words = [UInt16](unsafeUninitializedCapacity: image.count) { words, initialised in
        image.elements.withUnsafeBufferPointer { pixels in
            for index in pixels.indices {
                // At 2²³ a number's unit in the last place is 1: the sum is rounded to the nearest even number.
                let value = Swift.max(Swift.min(pixels[index] * 65535, 65535), 0)
                words[index] = value.isNaN ? 0 : UInt16(truncatingIfNeeded: (value + 0x1p23).bitPattern)
            }
        }
        initialised = image.count
    }
    var low = UInt16.max
    var high = UInt16.min
    words.withUnsafeBufferPointer { words in
        if let mask {
            mask.forEachSet {
                low = min(low, words[$0])
                high = max(high, words[$0])
            }
        } else {
            for word in words {
                low = min(low, word)
                high = max(high, word)
            }
        }
    }
    let range = Double(high) - Double(low)
    let binSize = 1 + grayLevels / bins
    // One table entry for each 16-bit level, instead of a division for each pixel.
    let table = (0...65535).map { level -> UInt8 in
        let clipped = min(max(Double(level), Double(low)), Double(high))
        let stretched =
            range > 0 ? (clipped - Double(low)) / range * Double(grayLevels - 1) : min(clipped, Double(grayLevels - 1))
        return UInt8(Int(stretched.rounded(.toNearestOrEven)) / binSize)
    }
    return Image(
        rows: image.rows, columns: image.columns,
        elements: table.withUnsafeBufferPointer { table in words.map { table[Int($0)] } })
}

/// Stretches the values to 0 … 1 as `rescale_intensity` does, and clears what lies outside the mask.
private func stretch(_ image: inout Image<Float>, inside mask: BitImage?) {
    var low = Float.infinity
    var high = -Float.infinity
    image.elements.withUnsafeMutableBufferPointer { pixels in
        if let mask {
            mask.forEachSet {
                low = min(low, pixels[$0])
                high = max(high, pixels[$0])
            }
        } else {
            for value in pixels {
                low = value < low ? value : low
                high = value > high ? value : high
            }
        }
        if high > low {
            let range = high - low
            for index in pixels.indices { pixels[index] = (pixels[index] - low) / range }
        } else {
            for index in pixels.indices { pixels[index] = min(pixels[index], 1) }
        }
    }
    if let mask { image = mask.select(image, otherwise: 0) }
}

/// The gray-level mapping of every tile.
private struct TileMappings: Sendable {
    let kernelSizePx: Int
    let tileRows: Int
    let tileColumns: Int
    /// `bins` values for each tile, row by row.
    var values: [Float]

    init(_ levels: Image<UInt8>, kernelSizePx: Int, clipLimit: Double, mask: BitImage?, threads: Int) {
        let side = kernelSizePx
        self.kernelSizePx = side
        // The image is padded to whole tiles and by half a tile on each side.
        let tileRows = TileMappings.paddedSide(levels.rows, kernel: side) / side - 1
        let tileColumns = TileMappings.paddedSide(levels.columns, kernel: side) / side - 1
        self.tileRows = tileRows
        self.tileColumns = tileColumns
        let tiles = tileRows * tileColumns
        var histograms = [Int](repeating: 0, count: tiles * bins)
        histograms.withUnsafeMutableBufferPointer { buffer in
            let output = DisjointSlices(buffer)
            parallelFor(tiles, threads: threads) { tile in
                let counts = output.base + tile * bins
                levels.elements.withUnsafeBufferPointer { pixels in
                    let rowStart = tile / tileColumns * side
                    let columnStart = tile % tileColumns * side
                    for row in rowStart..<rowStart + side {
                        if let mask {
                            guard row < levels.rows else { break }
                            for column in columnStart..<min(columnStart + side, levels.columns)
                            where mask[row, column] {
                                counts[Int(pixels[row * levels.columns + column])] += 1
                            }
                        } else {
                            let line = mirroredIndex(row, count: levels.rows) * levels.columns
                            for column in columnStart..<columnStart + side {
                                counts[Int(pixels[line + mirroredIndex(column, count: levels.columns)])] += 1
                            }
                        }
                    }
                }
            }
        }
        values = Array(repeating: 0, count: tiles * bins)
        if mask == nil {
            for tile in 0..<tiles {
                let mapping = TileMappings.mapping(
                    Array(histograms[tile * bins..<(tile + 1) * bins]), pixels: side * side, clipLimit: clipLimit)
                for bin in 0..<bins { values[tile * bins + bin] = mapping[bin].rounded(.towardZero) }
            }
            return
        }
        var sum = [Float](repeating: 0, count: bins)
        var total: Float = 0
        var shares = [Float](repeating: 0, count: tiles)
        for tile in 0..<tiles {
            let counts = Array(histograms[tile * bins..<(tile + 1) * bins])
            let pixels = counts.reduce(0, +)
            guard pixels > 0 else { continue }
            let mapping = TileMappings.mapping(counts, pixels: pixels, clipLimit: clipLimit)
            for bin in 0..<bins {
                values[tile * bins + bin] = mapping[bin]
                sum[bin] += mapping[bin] * Float(pixels)
            }
            total += Float(pixels)
            // A quarter of a tile is enough to speak for itself.
            shares[tile] = min(1, 4 * Float(pixels) / Float(side * side))
        }
        for tile in 0..<tiles {
            for bin in 0..<bins {
                let index = tile * bins + bin
                values[index] = shares[tile] * values[index] + (1 - shares[tile]) * sum[bin] / total
            }
        }
    }

    static func paddedSide(_ side: Int, kernel: Int) -> Int {
        kernel / 2 + side + (kernel - side % kernel) % kernel + (kernel + 1) / 2
    }

    /// The clipped, cumulated histogram, scaled to the gray levels.
    private static func mapping(_ counts: [Int], pixels: Int, clipLimit: Double) -> [Float] {
        let limit = clipLimit > 0 ? max(1, Int(clipLimit * Double(pixels))) : pixels
        let clipped = clippedHistogram(counts, limit: limit)
        let scale = Double(grayLevels - 1) / Double(pixels)
        var sum = 0
        return clipped.map { count in
            sum += count
            return Float(min(Double(sum) * scale, Double(grayLevels - 1)))
        }
    }

    /// Each pixel's value, interpolated between the mappings around it.
    func applied(to levels: Image<UInt8>, inside mask: BitImage?, threads: Int) -> Image<Float> {
        let rows = levels.rows
        let columns = levels.columns
        let side = kernelSizePx
        // For every column: the two mappings' offsets and the weight of the second.
        let columnTiles = (0..<columns).map { column -> (Int, Int, Double) in
            let padded = column + side / 2
            return (
                min(max(padded / side - 1, 0), tileColumns - 1) * bins,
                min(max(padded / side, 0), tileColumns - 1) * bins, Double(padded % side) / Double(side)
            )
        }
        let elements = [Float](unsafeUninitializedCapacity: levels.count) { buffer, initialised in
            let output = DisjointSlices(buffer)
            parallelBands(rows, band: 16, threads: threads) { band in
                values.withUnsafeBufferPointer { values in
                    levels.elements.withUnsafeBufferPointer { pixels in
                        columnTiles.withUnsafeBufferPointer { columnTiles in
                            for row in band {
                                let padded = row + side / 2
                                let lower = Double(padded % side) / Double(side)
                                let upper = 1 - lower
                                let top = min(max(padded / side - 1, 0), tileRows - 1) * tileColumns * bins
                                let bottom = min(max(padded / side, 0), tileRows - 1) * tileColumns * bins
                                let looked = mask?.extent(ofRow: row) ?? 0..<columns
                                for column in 0..<looked.lowerBound { output[row * columns + column] = 0 }
                                for column in looked.upperBound..<columns { output[row * columns + column] = 0 }
                                for column in looked {
                                    let index = row * columns + column
                                    let bin = Int(pixels[index])
                                    let (first, second, right) = columnTiles[column]
                                    let left = 1 - right
                                    // scikit-image's order and precision of the sum: its result is cut off to whole
                                    // levels.
                                    var sum = Float(Double(values[top + first + bin]) * (left * upper))
                                    sum += Float(Double(values[top + second + bin]) * (right * upper))
                                    sum += Float(Double(values[bottom + first + bin]) * (left * lower))
                                    sum += Float(Double(values[bottom + second + bin]) * (right * lower))
                                    output[index] = Float(Int32(sum))
                                }
                            }
                        }
                    }
                }
            }
            initialised = buffer.count
        }
        return Image(rows: rows, columns: columns, elements: elements)
    }
}

/// A histogram cut off at `limit`, what was cut off spread evenly over the levels below it.
///
/// Reference: `skimage.exposure._adapthist.clip_histogram`, step for step.
func clippedHistogram(_ counts: [Int], limit: Int) -> [Int] {
    var counts = counts
    var excess = 0
    for index in counts.indices where counts[index] > limit {
        excess += counts[index] - limit
        counts[index] = limit
    }
    let increment = excess / counts.count
    let upper = limit - increment
    for index in counts.indices where counts[index] < upper {
        excess -= increment
        counts[index] += increment
    }
    for index in counts.indices where counts[index] >= upper && counts[index] < limit {
        excess -= limit - counts[index]
        counts[index] = limit
    }
    while excess > 0 {
        let before = excess
        for start in counts.indices {
            let under = counts.count { $0 < limit }
            let step = max(1, under / excess)
            for index in stride(from: start, to: counts.count, by: step) where counts[index] < limit {
                counts[index] += 1
                excess -= 1
            }
            if excess <= 0 { break }
        }
        if before == excess { break }
    }
    return counts
}
