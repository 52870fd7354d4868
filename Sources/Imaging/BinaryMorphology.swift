import NDArray

/// The shape with which a binary image is dilated or eroded once.
public enum StructuringElement: Sendable {
    /// A pixel and its 4 neighbours.
    case cross
    /// A pixel and its 8 neighbours.
    case square
}

extension BitImage {
    /// Grows the set pixels by one pixel, `iterations` times; inside `mask` only where one is given.
    ///
    /// With many iterations and a mask this is reconstruction: what is set spreads to all of the mask that it touches.
    ///
    /// Reference: `scipy.ndimage.binary_dilation(…, iterations:, mask:)`.
    public func dilated(
        by element: StructuringElement = .cross, iterations: Int = 1, inside mask: BitImage? = nil
    ) -> BitImage {
        morphed(element, iterations: iterations, mask: mask, outside: 0) { $0 | $1 | $2 | $3 | $4 }
    }

    /// Shrinks the set pixels by one pixel, `iterations` times; pixels outside `mask` stay as they are where one is
    /// given. Beyond the image's border everything counts as set, unless `borderIsSet` is false.
    ///
    /// Reference: `scipy.ndimage.binary_erosion(…, iterations:, mask:, border_value:)`.
    public func eroded(
        by element: StructuringElement = .cross, iterations: Int = 1, inside mask: BitImage? = nil,
        borderIsSet: Bool = true
    ) -> BitImage {
        morphed(element, iterations: iterations, mask: mask, outside: borderIsSet ? .max : 0) { $0 & $1 & $2 & $3 & $4 }
    }

    /// The pixels within `radiusPx` of a set pixel: dilation by a disk of any radius.
    ///
    /// - Complexity: O(pixels · radius / 64) up to a radius of 40, beyond that a distance transform.
    public func dilated(radiusPx: Double, threads: Int = 1) -> BitImage {
        guard !isEmpty, radiusPx > 0 else { return self }
        guard radiusPx <= 40 else {
            return BitImage(distanceTransform(of: ~self, threads: threads)) { Double($0) <= radiusPx }
        }
        return dilatedByChords(radiusPx: radiusPx)
    }

    /// The pixels further than `radiusPx` from every unset pixel: erosion by a disk of any radius.
    /// Beyond the image's border everything counts as set.
    public func eroded(radiusPx: Double, threads: Int = 1) -> BitImage {
        ~(~self).dilated(radiusPx: radiusPx, threads: threads)
    }

    /// A disk is a stack of chords: every row is dilated sideways by half a chord and laid over the rows that far above and below.
    private func dilatedByChords(radiusPx: Double) -> BitImage {
        let reach = Int(radiusPx)
        let square = radiusPx * radiusPx
        // A word on each side of a row takes what grows over its ends, which at most 40 steps do not cross; four more at either end of it all
        // let blocks of four words begin and end anywhere.
        let stride = wordsPerRow + 2
        var wide = [UInt64](repeating: 0, count: rows * stride + 8)
        for row in 0..<rows {
            for word in 0..<wordsPerRow { wide[4 + row * stride + word + 1] = words[row * wordsPerRow + word] }
        }
        var next = wide
        var grown = wide
        // Offsets of rows by the half chord that belongs to them.
        var offsets: [Int: [Int]] = [:]
        for offset in 0...min(reach, rows) {
            offsets[Int((square - Double(offset * offset)).squareRoot()), default: []].append(offset)
        }
        let end = rows * stride + 4
        grown.withUnsafeMutableBufferPointer { grown in
            for halfChord in 0...reach {
                if halfChord > 0 {
                    wide.withUnsafeBufferPointer { wide in
                        next.withUnsafeMutableBufferPointer { next in
                            for word in Swift.stride(from: 4, to: end, by: 4) {
                                store(
                                    block(wide, word) | blockTowardsHigher(wide, word) | blockTowardsLower(wide, word),
                                    in: next, at: word)
                            }
                        }
                    }
                    swap(&wide, &next)
                }
                wide.withUnsafeBufferPointer { wide in
                    for offset in offsets[halfChord] ?? [] {
                        for shift in offset == 0 ? [0] : [offset * stride, -offset * stride] {
                            for word in max(4, 4 - shift)..<max(max(4, 4 - shift), min(end, end - shift)) {
                                grown[word] |= wide[word + shift]
                            }
                        }
                    }
                }
            }
        }
        var result = self
        for row in 0..<rows {
            for word in 0..<wordsPerRow { result.words[row * wordsPerRow + word] = grown[4 + row * stride + word + 1] }
        }
        result.clearTails()
        return result
    }

    /// Erosion, then dilation by a disk: what is thinner than it goes.
    public func opened(radiusPx: Double, threads: Int = 1) -> BitImage {
        eroded(radiusPx: radiusPx, threads: threads).dilated(radiusPx: radiusPx, threads: threads)
    }

    /// The part of `mask` that is connected to this image's set pixels.
    public func reconstructed(inside mask: BitImage, connectivity: Connectivity = .faces) -> BitImage {
        let components = connectedComponents(of: mask, connectivity: connectivity)
        let found = components.touched(by: self)
        return components.pixels { found[$0] }
    }

    @inline(__always)
    private func morphed(
        _ element: StructuringElement, iterations: Int, mask: BitImage?, outside: UInt64,
        _ combine: (UInt64, UInt64, UInt64, UInt64, UInt64) -> UInt64
    ) -> BitImage {
        var current = self
        for _ in 0..<iterations {
            let next = current.morphedOnce(element, outside: outside, combine)
            let limited = mask.map { (next & $0) | (current & ~$0) } ?? next
            if limited == current { break }
            current = limited
        }
        return current
    }

    /// One step. A row's words are read with the two words beside them, the row's ends continued with `outside`.
    @inline(__always)
    private func morphedOnce(
        _ element: StructuringElement, outside: UInt64, _ combine: (UInt64, UInt64, UInt64, UInt64, UInt64) -> UInt64
    ) -> BitImage {
        guard rows > 0, columns > 0 else { return self }
        let stride = wordsPerRow + 2
        var framed = [UInt64](repeating: outside, count: (rows + 2) * stride)
        for row in 0..<rows {
            for word in 0..<wordsPerRow { framed[(row + 1) * stride + word + 1] = words[row * wordsPerRow + word] }
            framed[(row + 1) * stride + wordsPerRow] |= outside & ~tailMask
        }
        var result = self
        if element == .square {
            // A square is a row of three, then a column of three.
            var lines = framed
            framed.withUnsafeBufferPointer { source in
                for row in 0..<rows + 2 {
                    for word in 1...wordsPerRow {
                        let index = row * stride + word
                        let here = source[index]
                        lines[index] = combine(
                            here, towardsHigher(source, index), towardsLower(source, index), here, here)
                    }
                }
            }
            for row in 0..<rows {
                for word in 0..<wordsPerRow {
                    let index = (row + 1) * stride + word + 1
                    let here = lines[index]
                    result.words[row * wordsPerRow + word] = combine(
                        here, lines[index - stride], lines[index + stride], here, here)
                }
            }
        } else {
            framed.withUnsafeBufferPointer { source in
                for row in 0..<rows {
                    for word in 0..<wordsPerRow {
                        let index = (row + 1) * stride + word + 1
                        result.words[row * wordsPerRow + word] = combine(
                            source[index], source[index - stride], source[index + stride],
                            towardsHigher(source, index), towardsLower(source, index))
                    }
                }
            }
        }
        result.clearTails()
        return result
    }
}
