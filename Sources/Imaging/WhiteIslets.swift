import NDArray

/// Small islands of white matter inside gray matter: gyri's thin blades, cut across, which the filters and the contour have lost.
///
/// Brightness counts on the scale from the mean of gray matter nearby, 0, to that of white matter, 1. An islet is a patch above the middle that
/// is as bright as white matter somewhere, clearly brighter than what is around it, and deep below the tissue's edge. Two things look alike and are told
/// apart: the pale first layer between a sulcus' banks that touch is darker than white matter; a pocket of the sulcus between them shows the slide, which is
/// brighter, or is a hole already.
struct WhiteIslets {
    /// Side of a pixel.
    let spacingUm: Double
    /// An islet reaches so deep below the tissue's edge.
    let whiteDepthUm: Double
    /// Smaller ones are noise.
    let leastPx: Int
    /// Standard deviation of the window in which gray and white matter are measured.
    let sigmaPx: Double
    let threads: Int

    /// From here on a pixel belongs to an islet.
    private static let middle: Float = 0.55
    /// Mean brightness of an islet, at least; what a tenth of it reaches; what none of it reaches.
    private static let (mean, bright, slide): (Float, Float, Float) = (0.65, 0.8, 1.2)
    /// Brighter than its surroundings by so much.
    private static let contrast: Float = 0.35

    /// - Parameters:
    ///   - image: brightness, blurred by a pixel.
    ///   - solid: the tissue with vessels and other small holes filled.
    /// - Returns: the islets; none where the section shows too little gray or white matter to measure them.
    func found(in image: Image<Float>, tissue: BitImage, solid: BitImage, white: BitImage) -> BitImage {
        let none = BitImage(rows: image.rows, columns: image.columns)
        let near = white.dilated(radiusPx: 3, threads: threads)
        let gray = tissue.eroded(radiusPx: 6, threads: threads) & ~near
        let core = white.eroded(radiusPx: 2)
        guard core.setCount >= 500, gray.setCount >= 500,
            let levels = stainNormalized(
                image, gray: gray, white: core, over: tissue, sigmaPx: sigmaPx, threads: threads)
        else { return none }
        // A patch that comes nearer to the edge than two thirds of that depth is first layer.
        let edge = solid & ~solid.eroded(radiusPx: whiteDepthUm * 2 / 3 / spacingUm, threads: threads)
        let deep = solid.eroded(radiusPx: whiteDepthUm / spacingUm, threads: threads)
        let bright = BitImage(levels) { $0 > WhiteIslets.middle } & tissue
        let pieces = connectedComponents(of: bright & ~near, connectivity: .corners)
        let (atEdge, isDeep) = (pieces.touched(by: edge), pieces.touched(by: deep))
        let atHole = pieces.touched(by: (~tissue).dilated(radiusPx: 3, threads: threads))
        var members = [[Int]](repeating: [], count: pieces.sizes.count)
        for (run, number) in zip(pieces.runs, pieces.numbers) {
            let piece = Int(number)
            guard pieces.sizes[piece] >= leastPx, isDeep[piece], !atEdge[piece], !atHole[piece] else { continue }
            members[piece] += run.line * image.columns + Int(run.start)..<run.line * image.columns + Int(run.end)
        }
        let islets = pieces.pixels { piece in
            !members[piece].isEmpty && isWhite(members[piece], levels: levels, tissue: tissue)
        }
        // A blade hangs together with the white matter that is known.
        return islets | islets.dilated(radiusPx: 4, threads: threads) & bright
    }

    private func isWhite(_ pixels: [Int], levels: Image<Float>, tissue: BitImage) -> Bool {
        var inside = pixels.map { levels.elements[$0] }
        let mean = inside.reduce(0, +) / Float(inside.count)
        guard mean > WhiteIslets.mean, inside.max() ?? 0 < WhiteIslets.slide,
            inside.orderStatistic(inside.count * 9 / 10) > WhiteIslets.bright
        else { return false }
        let around = surroundings(of: pixels, in: levels, tissue: tissue)
        return !around.isEmpty && mean - around.reduce(0, +) / Float(around.count) > WhiteIslets.contrast
    }

    /// Brightness of the tissue three to six pixels away.
    private func surroundings(of pixels: [Int], in levels: Image<Float>, tissue: BitImage) -> [Float] {
        let reach = 6
        let columns = levels.columns
        let across = pixels.map { $0 % columns }
        guard let top = pixels.first.map({ $0 / columns - reach }),
            let bottom = pixels.last.map({ $0 / columns + reach }),
            let left = across.min().map({ $0 - reach }), let right = across.max().map({ $0 + reach })
        else { return [] }
        var piece = BitImage(rows: bottom - top + 1, columns: right - left + 1)
        for pixel in pixels { piece[pixel / columns - top, pixel % columns - left] = true }
        var around: [Float] = []
        let ring = piece.dilated(radiusPx: Double(reach)) & ~piece.dilated(radiusPx: 2)
        ring.forEachSet { place in
            let (row, column) = (top + place / ring.columns, left + place % ring.columns)
            guard row >= 0, column >= 0, row < levels.rows, column < columns, tissue[row, column] else { return }
            around.append(levels.elements[row * columns + column])
        }
        return around
    }
}
