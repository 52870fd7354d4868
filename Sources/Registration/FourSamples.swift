internal import NDArray

/// Four places in an image's interior, as `RegistrationImage.isInterior` tells it, with what lies around them.
struct FourSamples {
    private let columns: Int
    /// The pixel above and left of each place.
    private let corner: FourPlaces
    private let top: SIMD4<Double>
    private let left: SIMD4<Double>
    private let rowRest: SIMD4<Double>
    private let columnRest: SIMD4<Double>
    private let down: SIMD4<Float>
    private let across: SIMD4<Float>

    /// - Parameter frame: pixels that the places are counted from outside the image; the rounding is theirs.
    @inline(__always) init(
        _ image: RegistrationImage, _ places: (rows: SIMD4<Double>, columns: SIMD4<Double>), frame: Double = 0
    ) {
        let (rows, columns) = (places.rows + frame, places.columns + frame)
        let (top, left) = (floored(rows), floored(columns))
        (rowRest, columnRest) = (rows - top, columns - left)
        (down, across) = (SIMD4<Float>(rowRest), SIMD4<Float>(columnRest))
        (self.top, self.left) = (top - frame, left - frame)
        self.columns = image.columns
        corner = FourPlaces(self.top * Double(image.columns) + self.left)
    }

    /// The pixels nearest to the places.
    @inline(__always) var nearest: FourPlaces {
        let one = SIMD4<Double>(repeating: 1)
        let row = top + selected(.zero, where: signs(rowRest - 0.5), else: one)
        let column = left + selected(.zero, where: signs(columnRest - 0.5), else: one)
        return FourPlaces(row * Double(columns) + column)
    }

    /// The gray levels at the places; see `RegistrationImage.level`.
    @inline(__always) func levels(_ pixels: UnsafePointer<Float>) -> SIMD4<Float> {
        let (upper, lower) = (pairs(pixels), pairs(pixels + columns))
        let high: SIMD4<Float> = upper.evenHalf * (1 - across) + upper.oddHalf * across
        let low: SIMD4<Float> = lower.evenHalf * (1 - across) + lower.oddHalf * across
        return high * (1 - down) + low * down
    }

    /// The gray levels at the places, counted from that of the slide; see `SlopedImage.sample`.
    @inline(__always) func levels(_ pixels: UnsafePointer<Float>, above background: Float) -> SIMD4<Float> {
        let (upper, lower) = (pairs(pixels) - background, pairs(pixels + columns) - background)
        let high = upper.evenHalf + (upper.oddHalf - upper.evenHalf) * across
        let low = lower.evenHalf + (lower.oddHalf - lower.evenHalf) * across
        return high + (low - high) * down
    }

    /// 1 where at least half a place is tissue; see `SlopedImage.sample`.
    @inline(__always) func isTissue(_ mask: UnsafePointer<UInt8>, _ lane: Int) -> UInt8 {
        let at = mask + corner[lane]
        let (a, b, c, d) = (at[0], at[1], at[columns], at[columns + 1])
        if a | b | c | d == 0 { return 0 }
        if a != 0, b != 0, c != 0, d != 0 { return 1 }
        func share(_ pixel: UInt8) -> Float { pixel == 0 ? 0 : 1 }
        let high = share(a) + (share(b) - share(a)) * across[lane]
        let low = share(c) + (share(d) - share(c)) * across[lane]
        return high + (low - high) * down[lane] >= 0.5 ? 1 : 0
    }

    /// The pixel on either side of each place, by turns.
    @inline(__always) private func pairs(_ pixels: UnsafePointer<Float>) -> SIMD8<Float> {
        @inline(__always) func pair(_ lane: Int) -> SIMD2<Float> {
            UnsafeRawPointer(pixels + corner[lane]).loadUnaligned(as: SIMD2<Float>.self)
        }
        return SIMD8(
            lowHalf: SIMD4(lowHalf: pair(0), highHalf: pair(1)), highHalf: SIMD4(lowHalf: pair(2), highHalf: pair(3)))
    }
}
