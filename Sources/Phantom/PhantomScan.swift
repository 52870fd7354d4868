public import NDArray

/// A section of a phantom brain on its slide, ready to be scanned at its pixel size.
///
/// Scanning is a pure function of the pixel's place, so rows can be scanned in any order and in bands of any height.
public struct PhantomScan: Sendable {
    public let rows: Int
    public let columns: Int
    public let spacingUm: Double
    /// From the section, in µm from the centre of its first pixel, to the plane of the brain.
    public let transform: PlaneTransform

    private let plane: BrainPlane
    private let stain: SectionStain
    private let marks: SectionMarks
    private let profile: [Float]
    /// Density of stain in gray and in white matter, light; relative, every `coarseUm`.
    private let uneven: Image<SIMD4<Float>>
    private let grains: [GrainTexture]
    private let offsets: [(row: Int, column: Int)]

    private static let coarseUm = 500.0

    /// Prepares a scan.
    ///
    /// - Parameters:
    ///   - plane: the brain where it was cut.
    ///   - texture: seed of what the brain's tissue has in common between neighbouring sections.
    ///   - seed: seed of what is this section's own.
    public init(
        plane: BrainPlane, cut: SectionCut, stain: SectionStain, profile: LaminarProfile = LaminarProfile(), rows: Int,
        columns: Int, spacingUm: Double, texture: UInt64, seed: UInt64
    ) {
        precondition(rows > 0 && columns > 0 && spacingUm > 0, "A scan needs pixels of a positive size.")
        self.rows = rows
        self.columns = columns
        self.spacingUm = spacingUm
        self.plane = plane
        self.stain = stain
        self.profile = profile.density
        transform = cut.transform(rows: rows, columns: columns, spacingUm: spacingUm)
        var random = SeededGenerator(seed: seed, stream: "marks")
        marks = SectionMarks(
            plane: plane, transform: transform, stain: stain, heightUm: Double(rows) * spacingUm,
            widthUm: Double(columns) * spacingUm, generator: &random)
        uneven = PhantomScan.unevenness(
            transform: transform, stain: stain, positionUm: cut.positionUm, heightUm: Double(rows) * spacingUm,
            widthUm: Double(columns) * spacingUm, texture: texture, seed: seed)
        var grain = SeededGenerator(seed: seed, stream: "grain")
        let sizePx = stain.grainUm / spacingUm / 2
        // Sides without a common factor: the sum repeats after half a million pixels.
        grains = [
            GrainTexture(side: 512, sizePx: sizePx, generator: &grain),
            GrainTexture(side: 389, sizePx: 2.2 * sizePx, generator: &grain),
            GrainTexture(side: 509, sizePx: 0, generator: &grain),
        ]
        offsets = grains.map { (grain.index(below: $0.side), grain.index(below: $0.side)) }
    }

    /// The whole scan.
    public func image(threads: Int) -> Image<UInt8> {
        var image = Image<UInt8>(rows: rows, columns: columns, filledWith: 0)
        image.elements.withUnsafeMutableBufferPointer { pixels in
            let pixels = DisjointSlices(pixels)
            parallelBands(rows, band: 32, threads: threads) { band in
                let target = UnsafeMutableBufferPointer(
                    start: pixels.base + band.lowerBound * columns, count: band.count * columns)
                scan(rows: band, into: target)
            }
        }
        return image
    }

    /// Scans some rows into a buffer of as many pixels.
    public func scan(rows band: Range<Int>, into target: UnsafeMutableBufferPointer<UInt8>) {
        precondition(target.count == band.count * columns, "The buffer must hold the band's pixels.")
        let height = Float(spacingUm)
        var vessels = [Float](repeating: 0, count: band.count * columns)
        var specks = vessels
        SectionMarks.paint(marks.vessels, rows: band, columns: columns, spacingUm: height, into: &vessels)
        SectionMarks.paint(marks.specks, rows: band, columns: columns, spacingUm: height, into: &specks)
        var tissue = [Float](repeating: 0, count: columns)
        var density = tissue
        var coarse = [SIMD4<Float>](repeating: SIMD4(repeating: 0), count: columns)
        for row in band {
            sample(row: row, tissue: &tissue, density: &density)
            spreadUnevenness(row: row, into: &coarse)
            let start = (row - band.lowerBound) * columns
            expose(
                row: row, tissue: tissue, density: density, coarse: coarse, vessels: vessels, specks: specks,
                from: start, into: target)
        }
    }

    /// Labels on a grid over the same field of view: 0 slide, 1 gray, 2 white matter.
    ///
    /// - Parameter spacingUm: edge of a label's pixel. The first pixel begins where the scan's first pixel begins, as
    ///   it does when the scan is reduced by averaging.
    public func labels(spacingUm coarse: Double, threads: Int) -> Image<UInt8> {
        let height = max(Int((Double(rows) * spacingUm / coarse - 1e-6).rounded(.up)), 1)
        let width = max(Int((Double(columns) * spacingUm / coarse - 1e-6).rounded(.up)), 1)
        var labels = Image<UInt8>(rows: height, columns: width, filledWith: 0)
        let first = (coarse - spacingUm) / 2
        labels.elements.withUnsafeMutableBufferPointer { pixels in
            let pixels = DisjointSlices(pixels)
            parallelBands(height, band: 32, threads: threads) { band in
                for row in band {
                    for column in 0..<width {
                        let place = transform.apply(
                            row: first + Double(row) * coarse, column: first + Double(column) * coarse)
                        let fields = plane.sample(rowUm: place.row, columnUm: place.column)
                        pixels[row * width + column] = fields[0] <= 0 ? 0 : fields[1] > 0 ? 2 : 1
                    }
                }
            }
        }
        return labels
    }

    // MARK: One row

    /// Coverage by tissue and optical density of the tissue, along one row.
    private func sample(row: Int, tissue: inout [Float], density: inout [Float]) {
        let scale = 1 / plane.spacingUm
        let start = transform.apply(row: Double(row) * spacingUm, column: 0)
        let row0 = Float((start.row - plane.originUm.row) * scale)
        let column0 = Float((start.column - plane.originUm.column) * scale)
        let rowStep = Float(transform.elements[1] * spacingUm * scale)
        let columnStep = Float(transform.elements[4] * spacingUm * scale)
        let lastRow = Float(plane.fields.rows - 1) - 0.001
        let lastColumn = Float(plane.fields.columns - 1) - 0.001
        let width = plane.fields.columns
        let perPixel = 1 / Float(spacingUm)
        let samples = profile.count
        // Layer VI fades into white matter; the truth's border is the middle of the ramp.
        let perFade = 1 / Float(max(stain.fadeUm, spacingUm))
        let perSample = Float(samples)
        let white = Float(stain.whiteDensity)
        let nucleus = Float(stain.nucleusDensity)
        plane.fields.elements.withUnsafeBufferPointer { fields in
            profile.withUnsafeBufferPointer { profile in
                tissue.withUnsafeMutableBufferPointer { tissue in
                    density.withUnsafeMutableBufferPointer { density in
                        for column in 0..<columns {
                            let r = min(max(row0 + Float(column) * rowStep, 0), lastRow)
                            let c = min(max(column0 + Float(column) * columnStep, 0), lastColumn)
                            let (ri, ci) = (Int(r), Int(c))
                            let (dr, dc) = (r - Float(ri), c - Float(ci))
                            let base = ri * width + ci
                            let upper = fields[base] + dc * (fields[base + 1] - fields[base])
                            let lower = fields[base + width] + dc * (fields[base + width + 1] - fields[base + width])
                            let here = upper + dr * (lower - upper)
                            let cover = min(max(here[0] * perPixel + 0.5, 0), 1)
                            tissue[column] = cover
                            guard cover > 0 else {
                                density[column] = 0
                                continue
                            }
                            let inWhite = min(max(here[1] * perFade + 0.5, 0), 1)
                            let depth = Int(min(max(here[0] / here[2], 0), 0.9999) * perSample)
                            // Nuclei fade into their surroundings over half a millimetre.
                            let inNucleus = min(max(here[3] / 500 + 0.5, 0), 1)
                            let gray = profile[depth] + inNucleus * (nucleus - profile[depth])
                            density[column] = gray + inWhite * (white - gray)
                        }
                    }
                }
            }
        }
    }

    /// The slow factors along one row, from the coarse grid.
    private func spreadUnevenness(row: Int, into line: inout [SIMD4<Float>]) {
        let scale = Float(spacingUm / PhantomScan.coarseUm)
        let r = Float(row) * scale
        let ri = min(Int(r), uneven.rows - 2)
        let dr = r - Float(ri)
        let width = uneven.columns
        uneven.elements.withUnsafeBufferPointer { field in
            line.withUnsafeMutableBufferPointer { line in
                let upper = ri * width
                let lower = upper + width
                for column in 0..<columns {
                    let c = Float(column) * scale
                    let ci = min(Int(c), width - 2)
                    let dc = c - Float(ci)
                    let above = field[upper + ci] + dc * (field[upper + ci + 1] - field[upper + ci])
                    let below = field[lower + ci] + dc * (field[lower + ci + 1] - field[lower + ci])
                    line[column] = above + dr * (below - above)
                }
            }
        }
    }

    /// Light through the section: Beer–Lambert, grain, noise.
    private func expose(
        row: Int, tissue: [Float], density: [Float], coarse: [SIMD4<Float>], vessels: [Float], specks: [Float],
        from start: Int, into target: UnsafeMutableBufferPointer<UInt8>
    ) {
        let gain = Float(stain.gain)
        let slide = Float(stain.slideLevel)
        let noise = Float(stain.noiseLevels)
        let white = Float(stain.whiteDensity)
        let fine = Float(stain.grain) * 0.8
        let broad = Float(stain.grain) * 0.45
        let rowsOf = (0..<3).map { (row + offsets[$0].row) % grains[$0].side * grains[$0].side }
        var columnsOf = offsets.map(\.column)
        let sides = grains.map(\.side)
        let edge = edgeDensity(row: row)
        for column in 0..<columns {
            let grain =
                fine * grains[0].values[rowsOf[0] + columnsOf[0]] + broad * grains[1].values[rowsOf[1] + columnsOf[1]]
            let camera = grains[2].values[rowsOf[2] + columnsOf[2]]
            for texture in 0..<3 {
                columnsOf[texture] += 1
                if columnsOf[texture] == sides[texture] { columnsOf[texture] = 0 }
            }
            let slow = coarse[column]
            let inWhite = density[column] <= white * 1.05 ? slow[1] : slow[0]
            let stained =
                density[column] * gain * inWhite * max(1 + grain, 0) * tissue[column] * (1 - vessels[start + column])
            let all = stained + specks[start + column] + max(edge.0, edgeDensity(column: column))
            let level = slide * slow[2] * Math.expf(-all) + noise * camera
            target[start + column] = UInt8(min(max(level + 0.5, 0), 255))
        }
    }

    private func edgeDensity(row: Int) -> (Float, Float) { (slideEdge(distancePx: min(row, rows - 1 - row)), 0) }

    private func edgeDensity(column: Int) -> Float { slideEdge(distancePx: min(column, columns - 1 - column)) }

    /// The cover glass ends a little inside the scan: a dark line, and a duller slide beyond.
    private func slideEdge(distancePx: Int) -> Float {
        let distance = Float(distancePx) * Float(spacingUm) - 900
        if abs(distance) < 50 { return 0.06 }
        return distance < 0 ? 0.015 : 0
    }

    // MARK: Slow factors

    private static func unevenness(
        transform: PlaneTransform, stain: SectionStain, positionUm: Double, heightUm: Double, widthUm: Double,
        texture: UInt64, seed: UInt64
    ) -> Image<SIMD4<Float>> {
        var shared = SeededGenerator(seed: texture, stream: "texture")
        let grayTexture = WaveNoise(wavelengthMm: 9, bandwidth: 0.5, generator: &shared)
        let whiteTexture = WaveNoise(wavelengthMm: 5, bandwidth: 0.5, generator: &shared)
        var own = SeededGenerator(seed: seed, stream: "unevenness")
        let broad = WaveNoise(wavelengthMm: 45, bandwidth: 0.4, generator: &own)
        let patchy = WaveNoise(wavelengthMm: 16, bandwidth: 0.4, generator: &own)
        let light = WaveNoise(wavelengthMm: 70, bandwidth: 0.3, generator: &own)
        let rows = Int(heightUm / coarseUm) + 2
        let columns = Int(widthUm / coarseUm) + 2
        let strength = Float(stain.unevenness)
        var field = Image(rows: rows, columns: columns, filledWith: SIMD4<Float>(repeating: 1))
        for row in 0..<rows {
            for column in 0..<columns {
                let inSection = PointMm(
                    plane: 0, row: Float(Double(row) * coarseUm / 1000), column: Float(Double(column) * coarseUm / 1000)
                )
                let place = transform.apply(row: Double(row) * coarseUm, column: Double(column) * coarseUm)
                let inBrain = PointMm(
                    plane: Float(positionUm / 1000), row: Float(place.row / 1000), column: Float(place.column / 1000))
                let staining = 1 + strength * (0.8 * broad.value(inSection) + 0.6 * patchy.value(inSection))
                field[row, column] = SIMD4(
                    max(staining * (1 + 0.05 * grayTexture.value(inBrain)), 0.3),
                    max(staining * (1 + 0.10 * whiteTexture.value(inBrain)), 0.3),
                    1 + Float(stain.lightUnevenness) * light.value(inSection), 0)
            }
        }
        return field
    }
}
