public import NDArray

/// Parts an image into two regions of different mean brightness with a smooth contour: active contours without edges
/// (Chan, Vese), evolved by morphological operators instead of a differential equation.
///
/// In each iteration a pixel on the contour goes to the region whose mean is nearer to its own brightness, then the
/// curvature operators (sup-inf after inf-sup and the other way round, in turn) straighten the contour. The level set
/// is kept as one bit a pixel: an operator is a dozen word operations for 64 pixels, the means change only by the
/// pixels that changed sides, and brightness is looked at along the contour alone. Once the contour repeats itself
/// (with period 2, as the two operators take turns) the remaining iterations are known and skipped; the result is the
/// same.
///
/// With a mask everything happens inside it: means are of its pixels, a pixel outside stands in the gradient for the
/// one inside next to it, and erosion and dilation do not see it. So the mask's edge neither attracts nor
/// repels the contour.
///
/// - Parameters:
///   - image: brightness, any unit, finite inside the mask.
///   - iterations: how many steps; 0 gives `initial`.
///   - initial: the starting level set, for example `checkerboardLevelSet`; bits outside `mask` are dropped.
///   - mask: where to compute; everywhere if nil, and then exactly as scikit-image does, whose operators see zeros
///     outside the image.
///   - smoothing: how many curvature operators after each step; 0 leaves the contour rough.
///   - lambda1: weight of the brightness spread in the set region.
///   - lambda2: weight of the brightness spread in the other one.
/// - Returns: the set region.
///
/// Reference: P. Márquez-Neila, L. Baumela, L. Álvarez, IEEE Trans. PAMI 36, 2 (2014), doi:10.1109/TPAMI.2013.106;
/// `skimage.segmentation.morphological_chan_vese` (0.26) gives the same pixels.
/// Differs: the mask; scikit-image also goes on with the curvature operator at which an earlier call stopped, here
/// each call starts with sup-inf after inf-sup.
public func morphologicalChanVese(
    _ image: Image<Float>, iterations: Int, initial: BitImage, inside mask: BitImage? = nil, smoothing: Int = 1,
    lambda1: Double = 1, lambda2: Double = 1
) -> BitImage {
    precondition(
        image.rows == initial.rows && image.columns == initial.columns,
        "The level set has \(initial.rows) × \(initial.columns) pixels, the image \(image.rows) × \(image.columns).")
    precondition(
        mask.map { $0.rows == image.rows && $0.columns == image.columns } ?? true, "Mask and image differ in size.")
    guard iterations > 0, image.count > 0 else { return mask.map { initial & $0 } ?? initial }
    guard var contour = LevelSet(initial: initial, mask: mask) else {
        return BitImage(rows: image.rows, columns: image.columns)
    }
    return image.elements.withUnsafeBufferPointer { pixels in
        contour.evolve(
            pixels, iterations: iterations, smoothing: smoothing, lambda1: lambda1, lambda2: lambda2)
        return contour.result
    }
}

/// A level set of squares that alternate like those of a checkerboard; it starts the evolution everywhere at once.
///
/// Reference: `skimage.segmentation.checkerboard_level_set`.
public func checkerboardLevelSet(rows: Int, columns: Int, squareSizePx: Int = 5) -> BitImage {
    precondition(squareSizePx >= 1, "A checkerboard's squares need a side of at least 1 pixel, not \(squareSizePx).")
    var image = BitImage(rows: rows, columns: columns)
    for row in 0..<rows {
        for column in 0..<columns where (row / squareSizePx + column / squareSizePx) % 2 == 1 {
            image[row, column] = true
        }
    }
    return image
}

/// The evolving region, in words with a frame of one word and one row on each side, so that neighbours need no branch.
///
/// Only the words from the mask's first to its last are kept. Their rows follow each other with the frame between them, so that an operator
/// runs over all of them in one line, four words at a time; in the frame the mask's zeros give what belongs there.
private struct LevelSet {
    private let imageSize: (rows: Int, columns: Int)
    private let layout: LevelSetLayout
    let isMasked: Bool
    /// The mask's words, all ones where there is none; zero in the frame.
    var mask: [UInt64]
    var region: [UInt64]
    var scratch: [UInt64]

    /// Nil where the mask is empty.
    init?(initial: BitImage, mask bits: BitImage?) {
        imageSize = (initial.rows, initial.columns)
        isMasked = bits != nil
        let mask = bits ?? BitImage(rows: initial.rows, columns: initial.columns, filledWith: true)
        guard let box = LevelSet.box(of: mask) else { return nil }
        layout = LevelSetLayout(rows: box.0, words: box.1, imageColumns: initial.columns)
        self.mask = layout.framed(mask)
        region = layout.framed(initial)
        scratch = Array(repeating: 0, count: region.count)
        for index in region.indices { region[index] &= self.mask[index] }
    }

    /// The rows and the words of a row that hold a set pixel.
    private static func box(of image: BitImage) -> (Range<Int>, Range<Int>)? {
        var (firstRow, lastRow, firstWord, lastWord) = (Int.max, -1, Int.max, -1)
        for row in 0..<image.rows {
            for word in 0..<image.wordsPerRow where image.words[row * image.wordsPerRow + word] != 0 {
                (firstRow, lastRow) = (min(firstRow, row), row)
                (firstWord, lastWord) = (min(firstWord, word), max(lastWord, word))
            }
        }
        return lastRow < 0 ? nil : (firstRow..<lastRow + 1, firstWord..<lastWord + 1)
    }

    var result: BitImage {
        var result = BitImage(rows: imageSize.rows, columns: imageSize.columns)
        for row in layout.rows {
            for word in layout.words {
                result.words[row * result.wordsPerRow + word] = region[layout.place(row: row, word: word)]
            }
        }
        return result
    }

    mutating func evolve(
        _ pixels: UnsafeBufferPointer<Float>, iterations: Int, smoothing: Int, lambda1: Double, lambda2: Double
    ) {
        var inside = Sums()
        var outside = Sums()
        forEachBit(of: mask) { index, word, bit in
            if region[word] >> bit & 1 == 1 { inside.add(pixels[index]) } else { outside.add(pixels[index]) }
        }
        var supInfLast = true
        var previous = region
        var beforePrevious: [UInt64] = []
        // An odd number of operators an iteration: the state recurs after two iterations; an even number: after one.
        let period = smoothing % 2 == 0 ? 1 : 2
        var remaining = iterations
        while remaining > 0 {
            attach(pixels, insideMean: inside.mean, outsideMean: outside.mean, lambda1: lambda1, lambda2: lambda2)
            for _ in 0..<smoothing {
                smooth(supInfLast: supInfLast)
                supInfLast.toggle()
            }
            remaining -= 1
            if region == (period == 1 ? previous : beforePrevious) {
                // What follows repeats: only the parity of what is left counts.
                remaining %= period
            }
            for word in region.indices where region[word] != previous[word] {
                let start = layout.firstPixel(ofWord: word)
                var changed = region[word] ^ previous[word]
                while changed != 0 {
                    let bit = changed.trailingZeroBitCount
                    let value = pixels[start + bit]
                    if region[word] >> UInt64(bit) & 1 == 1 {
                        inside.add(value)
                        outside.remove(value)
                    } else {
                        inside.remove(value)
                        outside.add(value)
                    }
                    changed &= changed - 1
                }
            }
            if period == 2 { beforePrevious = previous }
            previous = region
        }
    }

    /// Moves each pixel at the contour to the region with the nearer mean.
    private mutating func attach(
        _ pixels: UnsafeBufferPointer<Float>, insideMean: Double, outsideMean: Double, lambda1: Double, lambda2: Double
    ) {
        let layout = layout
        let stride = layout.stride
        var places = [(word: Int, edge: UInt64)]()
        scratch.withUnsafeMutableBufferPointer { result in
            region.withUnsafeBufferPointer { region in
                mask.withUnsafeBufferPointer { mask in
                    layout.forEachBlock { index in
                        let here = block(region, index)
                        // A neighbour outside the mask stands for the pixel itself.
                        let above = block(region, index - stride) | here & ~block(mask, index - stride)
                        let below = block(region, index + stride) | here & ~block(mask, index + stride)
                        let left = blockTowardsHigher(region, index) | here & ~blockTowardsHigher(mask, index)
                        let right = blockTowardsLower(region, index) | here & ~blockTowardsLower(mask, index)
                        let edge = ((above ^ below) | (left ^ right)) & block(mask, index)
                        store(here, in: result, at: index)
                        if edge != .zero {
                            for lane in 0..<4 where edge[lane] != 0 { places.append((index + lane, edge[lane])) }
                        }
                    }
                }
            }
            layout.fillFrame(of: result, with: 0)
            for (word, edge) in places {
                let start = layout.firstPixel(ofWord: word)
                var value = result[word]
                var edge = edge
                while edge != 0 {
                    let bit = edge.trailingZeroBitCount
                    let brightness = Double(pixels[start + bit])
                    let toInside = brightness - insideMean
                    let toOutside = brightness - outsideMean
                    let force = lambda1 * toInside * toInside - lambda2 * toOutside * toOutside
                    if force < 0 {
                        value |= 1 << UInt64(bit)
                    } else if force > 0 {
                        value &= ~(1 << UInt64(bit))
                    }
                    edge &= edge - 1
                }
                result[word] = value
            }
        }
        swap(&region, &scratch)
    }

    /// One curvature operator: sup-inf after inf-sup, or inf-sup after sup-inf.
    private mutating func smooth(supInfLast: Bool) {
        if supInfLast {
            infSup(next: .supInf)
            supInf(next: .infSup)
        } else {
            // The erosion's neutral surroundings are ones.
            if isMasked { for index in region.indices { region[index] |= ~mask[index] } }
            supInf(next: .infSup)
            infSup(next: .infSup)
        }
    }

    private enum Operator { case supInf, infSup }

    /// The union of the erosions by the four lines of three pixels.
    private mutating func supInf(next: Operator) {
        apply(next: next) { b, a, c, aLeft, aRight, bLeft, bRight, cLeft, cRight in
            b & ((aLeft & cRight) | (a & c) | (aRight & cLeft) | (bLeft & bRight))
        }
    }

    /// The intersection of the dilations by the four lines of three pixels.
    private mutating func infSup(next: Operator) {
        apply(next: next) { b, a, c, aLeft, aRight, bLeft, bRight, cLeft, cRight in
            b | ((aLeft | cRight) & (a | c) & (aRight | cLeft) & (bLeft | bRight))
        }
    }

    /// Applies an operator on 3 × 3 neighbourhoods and fills what lies outside the mask with what the next operator
    /// needs there.
    @inline(__always)
    private mutating func apply(
        next: Operator,
        _ combine: (Block, Block, Block, Block, Block, Block, Block, Block, Block) -> Block
    ) {
        let fill: UInt64 = isMasked && next == .supInf ? .max : 0
        let outside = Block(repeating: fill)
        let layout = layout
        let stride = layout.stride
        region.withUnsafeBufferPointer { region in
            mask.withUnsafeBufferPointer { mask in
                scratch.withUnsafeMutableBufferPointer { result in
                    layout.forEachBlock { index in
                        let value = combine(
                            block(region, index), block(region, index - stride), block(region, index + stride),
                            blockTowardsHigher(region, index - stride), blockTowardsLower(region, index - stride),
                            blockTowardsHigher(region, index), blockTowardsLower(region, index),
                            blockTowardsHigher(region, index + stride), blockTowardsLower(region, index + stride))
                        let inside = block(mask, index)
                        store((value & inside) | (outside & ~inside), in: result, at: index)
                    }
                    layout.fillFrame(of: result, with: fill)
                }
            }
        }
        swap(&region, &scratch)
    }

    private typealias Block = SIMD4<UInt64>

    private func forEachBit(of bits: [UInt64], _ body: (Int, Int, UInt64) -> Void) {
        for index in bits.indices where bits[index] != 0 {
            let start = layout.firstPixel(ofWord: index)
            var set = bits[index]
            while set != 0 {
                let bit = set.trailingZeroBitCount
                body(start + bit, index, UInt64(bit))
                set &= set - 1
            }
        }
    }
}

/// Where the words of a part of a binary image stand, with a word's frame on each side of a row and a row's above and below.
private struct LevelSetLayout {
    /// The rows, and the words of each, that are kept.
    let rows: Range<Int>
    let words: Range<Int>
    let imageColumns: Int
    /// Words from one row to the next.
    var stride: Int { words.count + 2 }

    @inline(__always) func place(row: Int, word: Int) -> Int {
        (row - rows.lowerBound + 1) * stride + word - words.lowerBound + 1
    }

    /// The index of a word's first pixel in the image.
    @inline(__always) func firstPixel(ofWord index: Int) -> Int {
        (index / stride - 1 + rows.lowerBound) * imageColumns + (index % stride - 1 + words.lowerBound) * 64
    }

    func framed(_ image: BitImage) -> [UInt64] {
        // The last block of four may reach beyond the frame.
        var framed = [UInt64](repeating: 0, count: (rows.count + 2) * stride + 4)
        for row in rows {
            for word in words { framed[place(row: row, word: word)] = image.words[row * image.wordsPerRow + word] }
        }
        return framed
    }

    /// The places of the first word of each block, from the first row's first word to the last row's last.
    @inline(__always) func forEachBlock(_ body: (Int) -> Void) {
        var index = stride + 1
        let end = (rows.count + 1) * stride - 1
        while index < end {
            body(index)
            index += 4
        }
    }

    /// Fills the frame above and below, from the word before the first row's first and from the one after the last row's last.
    func fillFrame(of buffer: UnsafeMutableBufferPointer<UInt64>, with value: UInt64) {
        buffer[...stride].update(repeating: value)
        buffer[((rows.count + 1) * stride - 1)...].update(repeating: value)
    }
}

/// Sum and count of a region's brightness.
private struct Sums {
    var sum = 0.0
    var count = 0

    mutating func add(_ value: Float) {
        sum += Double(value)
        count += 1
    }

    mutating func remove(_ value: Float) {
        sum -= Double(value)
        count -= 1
    }

    /// The mean; an empty region's is 0, by scikit-image's small addend.
    var mean: Double { sum / (Double(count) + 1e-8) }
}
