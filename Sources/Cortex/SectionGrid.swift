internal import Imaging
internal import NDArray

/// The gray matter of one section, pixel by pixel: what `GrayGrid` is for volumes, without lists of cells and links.
///
/// The section lies within a frame that belongs to no class, so that each of its pixels has four neighbours in memory. Pixels of gray
/// matter are linked to those beside them, save where a pia was put between two (`cuts`).
struct SectionGrid {
    let rows: Int
    let columns: Int
    /// Pixels from one row to the next: left and right of the section lies the same column of the frame.
    let stride: Int
    /// Pixels with the frame.
    let count: Int
    /// The class of each pixel, `beyond` in the frame.
    let labels: GridBuffer<UInt8>
    /// For each pixel a bit for each of its links that is cut, in the order of `steps`.
    let cuts: GridBuffer<UInt8>
    /// For each pixel of gray matter what `NearestWhite` packs into a number; below zero elsewhere.
    let whites: GridBuffer<Int32>
    /// Pixels of gray matter with background beside them.
    let atPia: [Int32]
    /// Pixels of gray matter with white matter among the eight around, those with an even sum of row and column first.
    let atWhite: [Int32]

    static let beyond: UInt8 = 255

    /// To the neighbours: row −, row +, column −, column +.
    var steps: SIMD4<Int> { SIMD4(-stride, stride, -1, 1) }

    init(_ image: Image<UInt8>) {
        let (rows, columns) = (image.rows, image.columns)
        (self.rows, self.columns, stride) = (rows, columns, columns + 1)
        let stride = columns + 1
        count = (rows + 2) * stride + 1
        let labels = GridBuffer(count: count, filledWith: Self.beyond)
        self.labels = labels
        cuts = GridBuffer(count: count, filledWith: 0)
        whites = GridBuffer(count: count, filledWith: NearestWhite.outside)
        image.elements.withUnsafeBufferPointer { elements in
            guard let base = elements.baseAddress else { return }
            for row in 0..<rows {
                (labels.base + (row + 1) * stride + 1).update(from: base + row * columns, count: columns)
            }
        }
        let bits = GrayBits(image)
        atPia = bits.places(stride: stride) { bits.besideOthers($0, $1) }
        let beside = bits.places(stride: stride) { bits.besideWhite($0, $1) }
        // Row and column of a place without the frame, whose sum is odd where that of the place's own is.
        @inline(__always) func isOdd(_ pixel: Int32) -> Bool {
            let (row, column) = Int(pixel).quotientAndRemainder(dividingBy: stride)
            return (row + column) & 1 == 1
        }
        atWhite = beside.filter { !isOdd($0) } + beside.filter { isOdd($0) }
        for row in 0..<rows {
            let start = (row + 1) * stride + 1
            for pixel in start..<start + columns where labels.base[pixel] == TissueClass.gray {
                whites.base[pixel] = NearestWhite.unknown
            }
        }
    }

    /// The place of a row's first pixel.
    @inline(__always) func start(ofRow row: Int) -> Int { (row + 1) * stride + 1 }

    @inline(__always) func isGray(_ pixel: Int) -> Bool { labels.base[pixel] == TissueClass.gray }

    /// Whether a label is that of a pixel without tissue.
    @inline(__always) static func isBackground(_ label: UInt8) -> Bool {
        label != TissueClass.gray && label != TissueClass.white && label != beyond
    }

    @inline(__always) func touchesPia(_ pixel: Int) -> Bool {
        let place = labels.base + pixel
        return Self.isBackground(place[-stride]) || Self.isBackground(place[stride]) || Self.isBackground(place[-1])
            || Self.isBackground(place[1])
    }

    /// 1 / diagonal of Laplace's equation at a pixel of gray matter: what ties it to pia, white matter and its neighbours; 0 where it hangs on nothing.
    ///
    /// As in `GrayGrid` a link to another class is cut where the level between both is crossed, and pulls the more the nearer that is.
    func inverseDiagonal(_ pixel: Int, cutShare: (_ pixel: Int, _ link: Int) -> Float) -> Float {
        let cut = Int(cuts.base[pixel])
        var diagonal: Float = 0
        var links = 0
        for link in 0..<4 {
            let other = pixel + steps[link]
            let label = labels.base[other]
            if label == TissueClass.gray {
                links += cut >> link & 1 ^ 1
            } else if label != Self.beyond {
                diagonal += 1 / max(share(from: pixel, to: other), GrayGrid.smallestShare)
            }
        }
        for link in 0..<4 where cut >> link & 1 == 1 { diagonal += 1 / cutShare(pixel, link) }
        for _ in 0..<links { diagonal += 1 }
        return diagonal > 0 ? 1 / diagonal : 0
    }

    /// The share of the way from a pixel of gray matter to its neighbour of another class that lies in gray matter: where the shares of the
    /// pixels around, near ones counting more (1 2 1 along both axes), are equal.
    private func share(from gray: Int, to other: Int) -> Float {
        let wanted = labels.base[other]
        let (here, there) = (level(at: gray, against: wanted), level(at: other, against: wanted))
        guard here >= 0, there <= 0, here > there else { return 0.5 }
        return Float(here) / Float(here - there)
    }

    private func level(at pixel: Int, against wanted: UInt8) -> Int {
        let (row, column) = (pixel / stride - 1, (pixel - 1) % stride)
        // Beyond the section its border goes on.
        let (above, below) = (row > 0 ? -stride : 0, row + 1 < rows ? stride : 0)
        let (left, right) = (column > 0 ? -1 : 0, column + 1 < columns ? 1 : 0)
        let place = labels.base + pixel
        @inline(__always) func sign(_ step: Int) -> Int {
            let label = place[step]
            return label == TissueClass.gray ? 1 : label == wanted ? -1 : 0
        }
        let corners = sign(above + left) + sign(above + right) + sign(below + left) + sign(below + right)
        return corners + 2 * (sign(above) + sign(left) + sign(right) + sign(below)) + 4 * sign(0)
    }
}

/// Gray and white matter of a section, 64 pixels a word.
private struct GrayBits {
    let gray: BitImage
    let white: BitImage

    init(_ labels: Image<UInt8>) {
        gray = BitImage(labels) { $0 == TissueClass.gray }
        white = BitImage(labels) { $0 == TissueClass.white }
    }

    private var wordsPerRow: Int { gray.wordsPerRow }

    /// The pixels of a row's word for which bits are set, and of the words on both sides the bits beside it.
    @inline(__always) private func around(
        _ row: Int, _ word: Int, _ bits: (Int) -> UInt64
    ) -> (left: UInt64, here: UInt64, right: UInt64) {
        guard row >= 0, row < gray.rows else { return (0, 0, 0) }
        let index = row * wordsPerRow + word
        let here = bits(index)
        let before = word > 0 ? bits(index - 1) >> 63 : 0
        let after = word + 1 < wordsPerRow ? bits(index + 1) << 63 : 0
        return (here << 1 | before, here, here >> 1 | after)
    }

    /// Pixels of neither class within the section.
    @inline(__always) private func others(_ index: Int) -> UInt64 {
        let rest = gray.columns - index % wordsPerRow * 64
        return ~(gray.words[index] | white.words[index]) & (rest < 64 ? 1 << UInt64(rest) - 1 : .max)
    }

    /// Gray matter beside a pixel of neither class.
    @inline(__always) func besideOthers(_ row: Int, _ word: Int) -> UInt64 {
        let own = gray.words[row * wordsPerRow + word]
        if own == 0 { return 0 }
        let middle = around(row, word, others)
        return own
            & (middle.left | middle.right | around(row - 1, word, others).here | around(row + 1, word, others).here)
    }

    /// Gray matter with white matter among the eight pixels around.
    @inline(__always) func besideWhite(_ row: Int, _ word: Int) -> UInt64 {
        let own = gray.words[row * wordsPerRow + word]
        if own == 0 { return 0 }
        var found: UInt64 = 0
        for other in row - 1...row + 1 {
            let bits = around(other, word) { white.words[$0] }
            found |= bits.left | bits.here | bits.right
        }
        return own & found
    }

    /// The places in a grid with a frame of all pixels that are set in the words.
    func places(stride: Int, _ words: (Int, Int) -> UInt64) -> [Int32] {
        var found: [Int32] = []
        for row in 0..<gray.rows {
            for word in 0..<wordsPerRow {
                var left = words(row, word)
                while left != 0 {
                    found.append(Int32((row + 1) * stride + 1 + 64 * word + left.trailingZeroBitCount))
                    left &= left - 1
                }
            }
        }
        return found
    }
}
