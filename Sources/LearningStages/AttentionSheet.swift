internal import Foundation
public import NDArray

/// A picture of attention: a row a patch, first the patch, then each head laid over it in red.
///
/// The strongest place of a head's map is all red; weaker ones by their share of it to the power γ.
///
/// **Reference** Fig. 3 of the paper (γ = 0.5).
public struct AttentionSheet: Sendable {
    /// Side of a patch, px.
    public var patchSide: Int
    /// Side of a map.
    public var mapSide: Int
    public var heads: Int
    public var gamma: Double
    /// Pixels of the picture for one of a patch, along each side.
    public var enlargement: Int
    private static let gap = 4
    /// How much of the patch the strongest red covers.
    private static let opacity: Float = 0.85

    public init(patchSide: Int, mapSide: Int, heads: Int, gamma: Double, enlargement: Int) {
        self.patchSide = patchSide
        self.mapSide = mapSide
        self.heads = heads
        self.gamma = gamma
        self.enlargement = enlargement
    }

    /// - Parameters:
    ///   - pixels: patches × side².
    ///   - attention: patches × heads × map².
    public func picture(pixels: [UInt8], attention: [Float], count: Int) -> Image<RGB> {
        let side = patchSide * enlargement
        let cell = side + Self.gap
        var sheet = Image(
            rows: max(1, count * cell - Self.gap), columns: (heads + 1) * cell - Self.gap, filledWith: RGB(gray: 255))
        for patch in 0..<count {
            for part in 0...heads {
                let strength = part == 0 ? nil : shares(attention, patch: patch, head: part - 1)
                for row in 0..<side {
                    for column in 0..<side {
                        let pixel = pixels[
                            patch * patchSide * patchSide + row / enlargement * patchSide + column / enlargement]
                        sheet[patch * cell + row, part * cell + column] = mixed(
                            pixel, strength.map { interpolated($0, row: row, column: column, side: side) } ?? 0)
                    }
                }
            }
        }
        return sheet
    }

    /// A head's map over its greatest value, to the power γ.
    private func shares(_ attention: [Float], patch: Int, head: Int) -> [Float] {
        let places = mapSide * mapSide
        let map = attention[(patch * heads + head) * places..<(patch * heads + head + 1) * places]
        let greatest = map.max() ?? 0
        return map.map { greatest > 0 ? Float(pow(Double($0 / greatest), gamma)) : 0 }
    }

    /// The map at a pixel of the picture, between the centres of its places.
    private func interpolated(_ map: [Float], row: Int, column: Int, side: Int) -> Float {
        func place(_ pixel: Int) -> (Int, Int, Float) {
            let along = min(max((Float(pixel) + 0.5) * Float(mapSide) / Float(side) - 0.5, 0), Float(mapSide - 1))
            let first = Int(along)
            return (first, min(first + 1, mapSide - 1), along - Float(first))
        }
        let (top, bottom, down) = place(row)
        let (left, right, across) = place(column)
        let upper = map[top * mapSide + left] * (1 - across) + map[top * mapSide + right] * across
        let lower = map[bottom * mapSide + left] * (1 - across) + map[bottom * mapSide + right] * across
        return upper * (1 - down) + lower * down
    }

    private func mixed(_ gray: UInt8, _ strength: Float) -> RGB {
        let share = strength * Self.opacity
        let dark = Float(gray) * (1 - share)
        return RGB(UInt8(min(dark + 255 * share, 255)), UInt8(dark), UInt8(dark))
    }
}
