internal import NDArray

/// From optical density to gray levels: uneven stain and light, grain, exposure, blur, noise.
struct ScanLight: Sendable {
    /// Stain in gray and in white matter, light; relative, every `coarseUm` of the field.
    private let uneven: Image<SIMD4<Float>>
    private let exposure: [Float]
    private let grain: SlideGrain
    private let noise: [Float]
    private let seed: UInt64
    private let blurWeight: Float
    private let spacingUm: Double
    private let field: FieldOfView
    private let whiteDensity: Float

    private static let coarseUm = 1000.0

    init(
        field: FieldOfView, stain: SectionStain, positionUm: Double, spacingUm: Double, texture: UInt64, seed: UInt64
    ) {
        self.field = field
        self.spacingUm = spacingUm
        self.seed = seed ^ 0x6e6f_6973_65
        uneven = ScanLight.unevenness(field: field, stain: stain, positionUm: positionUm, texture: texture, seed: seed)
        exposure = stain.exposure()
        grain = SlideGrain(stain: stain, spacingUm: spacingUm, seed: seed)
        noise = normalQuantiles(256).map { $0 * Float(stain.noiseLevels) }
        // Three taps (w, 1 − 2w, w) have the variance 2w.
        blurWeight = Float(min(stain.blurPx * stain.blurPx / 2, 1.0 / 3))
        whiteDensity = stain.whiteDensity * Float(stain.gain) * 1.35
    }

    /// Turns a row's optical density into the light that comes through.
    ///
    /// - Parameters:
    ///   - row: in pixels of the whole field.
    ///   - places: the columns' among the slow factors, as `slowColumns` tells them.
    ///   - columns: theirs in the grain, as `grainColumns` tells them.
    ///   - strokes: what lies on and in the row beside tissue: share that is missing, density that is added.
    ///   - levels: holds the density of the cells that were drawn, and gets gray levels.
    func expose(
        row: Int, places: [SlowPlace], columns: [SIMD4<Int32>], line: [StainedPixel],
        strokes: UnsafeBufferPointer<SIMD2<Float>>, densityToLevel levels: UnsafeMutableBufferPointer<Float>
    ) {
        let slow = slowRow(row)
        let rowEdge = edgeDensity(ofRow: row)
        let start = grain.row(row)
        let (strengths, hasFibres) = (grain.strengths, grain.hasFibres)
        let steps = Float(SectionStain.densitySteps)
        let last = Float(exposure.count - 1)
        let white = whiteDensity
        exposure.withUnsafeBufferPointer { exposure in
            line.withUnsafeBufferPointer { line in
                slow.withUnsafeBufferPointer { slow in
                    places.withUnsafeBufferPointer { places in
                        columns.withUnsafeBufferPointer { columns in
                            grain.values.withUnsafeBufferPointer { values in
                                for index in 0..<levels.count {
                                    let (place, mark, pixel) = (places[index], strokes[index], line[index])
                                    let left = slow[Int(place.whole)]
                                    let local = left + place.share * (slow[Int(place.whole) &+ 1] - left)
                                    var density = mark[1] + max(rowEdge, place.edge)
                                    if pixel.coverage > 0 {
                                        let stain = pixel.density <= white ? local[1] : local[0]
                                        let texel = start &+ columns[index]
                                        var grain: Float = 0
                                        grain += strengths[0] * values[Int(texel[0])]
                                        grain += strengths[1] * values[Int(texel[1])]
                                        if hasFibres {
                                            grain += strengths[2] * values[Int(texel[2])]
                                            grain += strengths[3] * values[Int(texel[3])]
                                        }
                                        let own = (pixel.density + levels[index]) * stain + pixel.coverage * grain
                                        density += own * (1 - mark[0])
                                    }
                                    let step = min(max(density * steps + 0.5, 0), last)
                                    levels[index] = exposure[Int(wholePart(step))] * local[2]
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Blurs a tile that has a pixel more on each side, adds the camera's noise and rounds.
    ///
    /// - Parameters:
    ///   - firstRow: of the target, in pixels of the whole field, likewise `firstColumn`.
    ///   - target: the first pixel without the margin, `stride` from row to row.
    func develop(
        _ levels: [Float], tile: ScanTile, firstRow: Int, firstColumn: Int, into target: UnsafeMutablePointer<UInt8>,
        stride: Int
    ) {
        let (side, middle) = (blurWeight, 1 - 2 * blurWeight)
        let width = tile.columns
        var line = [Float](repeating: 0, count: width)
        var random = [Float](repeating: 0, count: width)
        levels.withUnsafeBufferPointer { levels in
            noise.withUnsafeBufferPointer { noise in
                line.withUnsafeMutableBufferPointer { line in
                    random.withUnsafeMutableBufferPointer { random in
                        guard let levels = levels.baseAddress else { return }
                        for row in 0..<tile.rows - 2 {
                            let above = levels + row * width
                            let (here, below) = (above + width, above + 2 * width)
                            for column in 0..<width {
                                line[column] = side * (above[column] + below[column]) + middle * here[column]
                            }
                            let bits = PixelNoise(seed: seed, row: firstRow + row)
                            for column in 0..<width - 2 {
                                random[column] = noise[bits.quantile(firstColumn &+ column)]
                            }
                            let pixels = target + row * stride
                            for column in 0..<width - 2 {
                                let level = side * (line[column] + line[column + 2]) + middle * line[column + 1]
                                let noisy = level + random[column]
                                pixels[column] = UInt8(
                                    truncatingIfNeeded: wholePart(min(max(noisy + 0.5, 0), 255)))
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: Lines

    /// Where the columns of a tile lie in the grain.
    func grainColumns(first: Int, count: Int) -> [SIMD4<Int32>] { grain.columns(first: first, count: count) }

    /// The slow factors where a row crosses their columns: stain in gray, in white, light.
    private func slowRow(_ row: Int) -> [SIMD4<Float>] {
        let scale = spacingUm / ScanLight.coarseUm
        let down = min(max((Double(row) + 0.5) * scale, 0), Double(uneven.rows) - 1.001)
        let (above, share) = (Int(down) * uneven.columns, Float(down - down.rounded(.down)))
        return (0..<uneven.columns).map { column in
            let upper = uneven.elements[above + column]
            return upper + share * (uneven.elements[above + uneven.columns + column] - upper)
        }
    }

    /// Optical density that the cover glass's upper and lower edges give a row.
    private func edgeDensity(ofRow row: Int) -> Float {
        let place = (Double(row) + 0.5) * spacingUm
        return edgeDensity(distanceUm: min(place, field.heightUm - place))
    }

    /// Where the columns of a tile lie among the slow factors.
    func slowColumns(first: Int, count: Int) -> [SlowPlace] {
        let last = Float(uneven.columns) - 1.001
        let step = Float(spacingUm / ScanLight.coarseUm)
        let width = Float(field.widthUm)
        let pixel = Float(spacingUm)
        return (first..<first + count).map { column in
            let place = Float(column) + 0.5
            let across = min(max(place * step, 0), last)
            let whole = Int32(across)
            let edge = min(place * pixel, width - place * pixel)
            return SlowPlace(
                whole: whole, share: across - Float(whole),
                edge: edge > 1000 ? 0 : edgeDensity(distanceUm: Double(edge)))
        }
    }

    /// The cover glass ends a little inside the scan: a dark line, and a duller slide beyond.
    private func edgeDensity(distanceUm: Double) -> Float {
        let distance = distanceUm - 900
        if abs(distance) < 50 { return 0.06 }
        return distance < 0 ? 0.015 : 0
    }

    private static func unevenness(
        field: FieldOfView, stain: SectionStain, positionUm: Double, texture: UInt64, seed: UInt64
    ) -> Image<SIMD4<Float>> {
        var shared = SeededGenerator(seed: texture, stream: "texture")
        let grayTexture = WaveNoise(wavelengthMm: 9, bandwidth: 0.5, generator: &shared)
        let whiteTexture = WaveNoise(wavelengthMm: 5, bandwidth: 0.5, generator: &shared)
        var own = SeededGenerator(seed: seed, stream: "unevenness")
        let broad = WaveNoise(wavelengthMm: 45, bandwidth: 0.4, generator: &own)
        let patchy = WaveNoise(wavelengthMm: 16, bandwidth: 0.4, generator: &own)
        let light = WaveNoise(wavelengthMm: 70, bandwidth: 0.3, generator: &own)
        let rows = Int(field.heightUm / coarseUm) + 2
        let columns = Int(field.widthUm / coarseUm) + 2
        let strength = Float(stain.unevenness)
        var result = Image(rows: rows, columns: columns, filledWith: SIMD4<Float>(repeating: 1))
        for row in 0..<rows {
            for column in 0..<columns {
                let (down, across) = (Double(row) * coarseUm, Double(column) * coarseUm)
                let inSection = PointMm(plane: 0, row: Float(down / 1000), column: Float(across / 1000))
                let place = field.toPlane.apply(row: down, column: across)
                let inBrain = PointMm(
                    plane: Float(positionUm / 1000), row: Float(place.row / 1000), column: Float(place.column / 1000))
                let staining = 1 + strength * (0.8 * broad.value(inSection) + 0.6 * patchy.value(inSection))
                result[row, column] = SIMD4(
                    max(staining * (1 + 0.05 * grayTexture.value(inBrain)), 0.3),
                    max(staining * (1 + 0.10 * whiteTexture.value(inBrain)), 0.3),
                    1 + Float(stain.lightUnevenness) * light.value(inSection), 0)
            }
        }
        return result
    }
}

/// A column among the slow factors.
struct SlowPlace {
    /// The sample on its left.
    var whole: Int32
    /// How far it lies on the way to the next one.
    var share: Float
    /// Optical density of the cover glass's edge there.
    var edge: Float
}

/// What a pixel shows before light goes through.
struct StainedPixel {
    /// Share of the pixel that is tissue.
    var coverage: Float = 0
    /// Optical density, cells that are drawn left out.
    var density: Float = 0
}
