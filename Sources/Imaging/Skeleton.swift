/// Thins what is set to lines of one pixel that keep its connections: the morphological skeleton.
///
/// Border pixels are taken off in two alternating sweeps, one from south-east, one from north-west, until none can go. 64 pixels are
/// decided on at once, and only words beside one that changed in the last two sweeps are looked at again: the others would stay as they are.
///
/// - Returns: the skeleton; outside the image nothing is set. A square of 2 × 2 pixels vanishes, as the method has it.
/// - Complexity: O(words of the image + words at the border of what is set · sweeps).
///
/// **Reference**: T. Y. Zhang, C. Y. Suen, Commun. ACM 27, 236 (1984), doi:10.1145/357994.358023; equal to OpenCV's
/// `ximgproc.thinning(…, THINNING_ZHANGSUEN)`.
public func skeleton(of image: BitImage) -> BitImage {
    // A frame of unset words spares the checks at the border.
    let width = image.wordsPerRow + 2
    var words = [UInt64](repeating: 0, count: (image.rows + 2) * width)
    var waiting: [Int] = []
    for row in 0..<image.rows {
        for word in 0..<image.wordsPerRow {
            let at = (row + 1) * width + word + 1
            words[at] = image.words[row * image.wordsPerRow + word]
            if words[at] != 0 { waiting.append(at) }
        }
    }
    // The last sweep in which a word or one of its neighbours changed; at first all are looked at by a sweep of either kind.
    var changed = [Int32](repeating: -1, count: words.count)
    var isWaiting = [Bool](repeating: false, count: words.count)
    for at in waiting { isWaiting[at] = true }
    var gone: [(at: Int, pixels: UInt64)] = []
    var sweepsAtRest = 0
    var sweep: Int32 = 0
    while sweepsAtRest < 2, !waiting.isEmpty {
        gone.removeAll(keepingCapacity: true)
        words.withUnsafeBufferPointer { words in
            for at in waiting {
                let pixels = removable(words, at, width: width, isFirst: sweep % 2 == 0)
                if pixels != 0 { gone.append((at, pixels)) }
            }
        }
        for (at, pixels) in gone {
            words[at] &= ~pixels
            // Pixels of the words beside look at the outermost bits only.
            for column in (pixels & 1 == 0 ? 0 : -1)...(pixels >> 63 == 0 ? 0 : 1) {
                for other in stride(from: at - width + column, through: at + width + column, by: width) {
                    changed[other] = sweep
                    guard !isWaiting[other], words[other] != 0 else { continue }
                    isWaiting[other] = true
                    waiting.append(other)
                }
            }
        }
        waiting.removeAll { at in
            let rests = changed[at] < sweep - 1 || words[at] == 0
            if rests { isWaiting[at] = false }
            return rests
        }
        sweepsAtRest = gone.isEmpty ? sweepsAtRest + 1 : 0
        sweep += 1
    }
    var result = BitImage(rows: image.rows, columns: image.columns)
    for row in 0..<image.rows {
        for word in 0..<image.wordsPerRow {
            result.words[row * image.wordsPerRow + word] = words[(row + 1) * width + word + 1]
        }
    }
    return result
}

/// The pixels of a word that a sweep takes off: borders whose set neighbours, two to six of them, are one run.
///
/// - Parameter isFirst: whether south-east borders go in this sweep, else north-west ones.
@inline(__always)
private func removable(_ words: UnsafeBufferPointer<UInt64>, _ at: Int, width: Int, isFirst: Bool) -> UInt64 {
    let (above, here, below) = (at - width, words[at], at + width)
    // Bit k is column k: the neighbour to the east is the next bit.
    @inline(__always) func eastOf(_ word: Int) -> UInt64 { words[word] >> 1 | words[word + 1] << 63 }
    @inline(__always) func westOf(_ word: Int) -> UInt64 { words[word] << 1 | words[word - 1] >> 63 }
    // P2 … P9 of the paper: north, then clockwise.
    let (north, south) = (words[above], words[below])
    let (northEast, northWest) = (eastOf(above), westOf(above))
    let (southEast, southWest) = (eastOf(below), westOf(below))
    let (east, west) = (eastOf(at), westOf(at))
    let goes =
        isFirst ? ~(north & east & south) & ~(east & south & west) : ~(north & east & west) & ~(north & south & west)
    guard here & goes != 0 else { return 0 }
    var (set, twice, unset, twiceUnset, risen, twiceRisen): (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
    (set, twice, unset, twiceUnset, risen, twiceRisen) = (0, 0, 0, 0, 0, 0)
    @inline(__always) func count(_ pixel: UInt64, _ next: UInt64) {
        twice |= set & pixel
        set |= pixel
        twiceUnset |= unset & ~pixel
        unset |= ~pixel
        twiceRisen |= risen & (~pixel & next)
        risen |= ~pixel & next
    }
    count(north, northEast)
    count(northEast, east)
    count(east, southEast)
    count(southEast, south)
    count(south, southWest)
    count(southWest, west)
    count(west, northWest)
    count(northWest, north)
    return here & goes & twice & twiceUnset & risen & ~twiceRisen
}
