internal import NDArray

/// Correlated grain in optical density over a slide: textures in layers, each with its own pitch.
struct SlideGrain: Sendable {
    /// A texture laid on the slide.
    private struct Layer {
        /// Where the texture's values begin.
        var start: Int
        var side: Int
        /// Edge of a texture's element on the slide.
        var pitchUm: Double
        /// Standard deviation in optical density.
        var strength: Float
        var offset: (row: Int, column: Int)

        /// Row or column of the texture that a row or column of the field's pixels shows.
        func place(_ pixel: Int, spacingUm: Double, offset: Int) -> Int {
            let place = (Int((Double(pixel) * spacingUm / pitchUm).rounded(.down)) + offset) % side
            return place < 0 ? place + side : place
        }
    }

    /// The textures' values, one texture after the other.
    let values: [Float]
    /// Two layers, and two of fibres between the cells where these are seen.
    let hasFibres: Bool
    /// By layer.
    let strengths: SIMD4<Float>
    private let layers: [Layer]
    private let spacingUm: Double

    init(stain: SectionStain, spacingUm: Double, seed: UInt64) {
        var random = SeededGenerator(seed: seed, stream: "grain")
        // Sides without a common factor: the sum repeats after 800 mm.
        let textures = [
            GrainTexture(side: 256, sizePx: 2, generator: &random),
            GrainTexture(side: 227, sizePx: 4.5, generator: &random),
        ]
        let retained = CellBody.retainedVariance(pixelUm: Float(spacingUm), sigmaUm: Float(1.6 * stain.grainUm))
        let strength = Float(stain.grain) * retained.squareRoot()
        var layers = [(0, stain.grainUm / 2, 0.8 * strength), (1, stain.grainUm / 2, 0.6 * strength)]
        // Fibres between the cells: seen where cells are, averaged away in larger pixels.
        hasFibres = spacingUm < PhantomScan.cellPixelUm && stain.grain > 0
        if hasFibres { layers += [(0, 1.3, 0.035), (1, 2.1, 0.025)] }
        self.layers = layers.map { number, pitchUm, strength in
            let side = textures[number].side
            return Layer(
                start: number == 0 ? 0 : textures[0].values.count, side: side, pitchUm: pitchUm, strength: strength,
                offset: (random.index(below: side), random.index(below: side)))
        }
        values = textures[0].values + textures[1].values
        var strengths = SIMD4<Float>()
        for (number, layer) in layers.enumerated() { strengths[number] = layer.2 }
        (self.strengths, self.spacingUm) = (strengths, spacingUm)
    }

    /// Where a row of pixels begins in the values, by layer.
    func row(_ row: Int) -> SIMD4<Int32> {
        byLayer { $0.start + $0.place(row, spacingUm: spacingUm, offset: $0.offset.row) * $0.side }
    }

    /// Where columns of pixels lie behind the beginning of a row, by layer.
    func columns(first: Int, count: Int) -> [SIMD4<Int32>] {
        (first..<first + count).map { column in
            byLayer { $0.place(column, spacingUm: spacingUm, offset: $0.offset.column) }
        }
    }

    private func byLayer(_ place: (Layer) -> Int) -> SIMD4<Int32> {
        var places = SIMD4<Int32>()
        for (number, layer) in layers.enumerated() { places[number] = Int32(place(layer)) }
        return places
    }
}
