internal import NDArray

/// What is at a point of a brain's plane, by pointers into the plane and the tables: valid inside `with` only.
struct TissueLookup {
    private let fields: UnsafePointer<SIMD2<Float>>
    private let kinds: UnsafePointer<TissueKind>
    private let occupied: UnsafePointer<Bool>
    private let entries: UnsafePointer<SIMD4<Float>>
    private let layers: UnsafePointer<UInt8>
    private let numbers: UnsafePointer<Int32>
    private let partNumbers: UnsafePointer<Int32>
    private let grains: UnsafePointer<Float>
    private let rows: Int
    private let width: Int
    private let lastRow: Float
    private let lastColumn: Float
    private let blocksAcross: Int
    private let tilesAcross: Int
    private let areas: Int
    private let middleColumn: Int
    private let white: SIMD4<Float>
    private let perPixel: Float
    private let perFade: Float
    private let gray: Float
    private let whiteGround: Float
    /// Light that a unit of cells takes away, 0 where cells are drawn one by one.
    private let cover: Float

    static func with<Result>(
        plane: BrainPlane, tables: CompositionTables, granularity: [Float], stain: SectionStain, cover: Float?,
        spacingUm: Float, _ body: (TissueLookup) -> Result
    ) -> Result {
        plane.fields.elements.withUnsafeBufferPointer { fields in
            plane.kinds.elements.withUnsafeBufferPointer { kinds in
                plane.occupied.elements.withUnsafeBufferPointer { occupied in
                    tables.entries.withUnsafeBufferPointer { entries in
                        tables.layers.withUnsafeBufferPointer { layers in
                            tables.numbers.withUnsafeBufferPointer { numbers in
                                tables.partNumbers.withUnsafeBufferPointer { parts in
                                    granularity.withUnsafeBufferPointer { grains in
                                        guard let fields = fields.baseAddress, let kinds = kinds.baseAddress,
                                            let occupied = occupied.baseAddress, let entries = entries.baseAddress,
                                            let layers = layers.baseAddress,
                                            let numbers = numbers.baseAddress, let parts = parts.baseAddress,
                                            let grains = grains.baseAddress
                                        else { preconditionFailure("A plane and its tables are never empty.") }
                                        let gain = Float(stain.gain)
                                        return body(
                                            TissueLookup(
                                                fields: fields, kinds: kinds, occupied: occupied, entries: entries,
                                                layers: layers,

                                                numbers: numbers, partNumbers: parts, grains: grains,
                                                rows: plane.fields.rows, width: plane.fields.columns,
                                                lastRow: Float(plane.fields.rows - 1) - 0.001,
                                                lastColumn: Float(plane.fields.columns - 1) - 0.001,
                                                blocksAcross: plane.occupied.columns, tilesAcross: tables.tilesAcross,
                                                areas: tables.areas, middleColumn: tables.middleColumn,
                                                white: tables.white, perPixel: 1 / spacingUm,
                                                perFade: 1 / Float(max(stain.fadeUm, Double(spacingUm))),
                                                gray: gain * stain.grayDensity, whiteGround: gain * stain.whiteDensity,
                                                cover: cover ?? 0))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Share of tissue and optical density at a point.
    ///
    /// - Parameters:
    ///   - row: in elements of the plane, likewise `column`.
    ///   - quantile: 0 … 255, which of the evenly likely graininesses; asked for on tissue only.
    @inline(__always)
    func stained(row: Float, column: Float, quantile: @autoclosure () -> Int) -> StainedPixel {
        let r = min(max(row, 0), lastRow)
        let c = min(max(column, 0), lastColumn)
        let (ri, ci) = (Int(r), Int(c))
        guard occupied[(ri >> 3) * blocksAcross + (ci >> 3)] else { return StainedPixel() }
        let here = distances(r, c, ri, ci)
        let coverage = min(max(here[0] * perPixel + 0.5, 0), 1)
        guard coverage > 0 else { return StainedPixel() }
        let inWhite = min(max(here[1] * perFade + 0.5, 0), 1)
        var density = gray + inWhite * (whiteGround - gray)
        if cover > 0 {
            let cells = composition(r, c, here, inWhite)
            density += cover * cells[1] * grains[Int(cells[3]) + quantile()]
        }
        return StainedPixel(coverage: coverage, density: density * coverage)
    }

    /// Cells at a point; nil on the slide.
    func site(row: Float, column: Float) -> CellSite? {
        guard row >= 0, column >= 0, row < lastRow, column < lastColumn else { return nil }
        let (ri, ci) = (Int(row), Int(column))
        guard occupied[(ri >> 3) * blocksAcross + (ci >> 3)] else { return nil }
        let here = distances(row, column, ri, ci)
        guard here[0] > 0 else { return nil }
        let inWhite = min(max(here[1] * perFade + 0.5, 0), 1)
        let cells = composition(row, column, here, inWhite)
        let giants = cells[2] * CellBody.giantAreaUm2
        let kind = kind(row, column)
        return CellSite(
            density: cells[0], giantDensity: cells[2], areaUm2: max(cells[1] - giants, 0) / max(cells[0], 1e-9),
            layer: kind.area == 0 || kind.excludedPart != 0 || here[1] >= 0
                ? 0 : layer(row, column, kind.area, depth(here)))
    }

    /// Everything that the truth tells about a point.
    @inline(__always)
    func truth(row: Float, column: Float) -> TissueTruth {
        var truth = TissueTruth()
        guard row >= 0, column >= 0, row < lastRow, column < lastColumn else { return truth }
        let (ri, ci) = (Int(row), Int(column))
        guard occupied[(ri >> 3) * blocksAcross + (ci >> 3)] else { return truth }
        let here = distances(row, column, ri, ci)
        guard here[0] > 0 else { return truth }
        let kind = kind(row, column)
        truth.label = here[1] > 0 ? 2 : 1
        truth.part = kind.excludedPart
        if here[1] <= 0, kind.area > 0, truth.part == 0 {
            truth.area = kind.area
            let depth = depth(here)
            // The nearest whole number, halves upwards; what is cut off here is exact.
            let steps = depth * 250
            let whole = UInt8(steps)
            truth.depth = steps - Float(whole) >= 0.5 ? whole + 1 : whole
            truth.layer = layer(row, column, kind.area, depth)
        }
        return truth
    }

    @inline(__always)
    private func distances(_ r: Float, _ c: Float, _ ri: Int, _ ci: Int) -> SIMD2<Float> {
        let (dr, dc) = (r - Float(ri), c - Float(ci))
        let base = fields + ri * width + ci
        let upper = base[0] + dc * (base[1] - base[0])
        let lower = base[width] + dc * (base[width + 1] - base[width])
        return upper + dr * (lower - upper)
    }

    @inline(__always) private func depth(_ here: SIMD2<Float>) -> Float {
        here[1] >= 0 ? 1 : min(max(here[0] / (here[0] - here[1]), 0), 1)
    }

    @inline(__always) private func kind(_ r: Float, _ c: Float) -> TissueKind {
        kinds[Int(r + 0.5) * width + Int(c + 0.5)]
    }

    /// Start of the tables of a tile and hemisphere.
    @inline(__always) private func tile(_ r: Float, _ c: Float) -> Int {
        let (ri, ci) = (Int(r + 0.5), Int(c + 0.5))
        let shift = CompositionTables.tileShift
        return (((ri >> shift) * tilesAcross + ci >> shift) * 2 + (ci < middleColumn ? 0 : 1)) * areas
    }

    @inline(__always)
    private func composition(_ r: Float, _ c: Float, _ here: SIMD2<Float>, _ inWhite: Float) -> SIMD4<Float> {
        if inWhite >= 1 { return white }
        let step = min(Int(depth(here) * Float(CompositionTables.depths)), CompositionTables.depths - 1)
        let kind = kind(r, c)
        let tables = numbers + tile(r, c)
        var cells = entries[Int(tables[Int(kind.area)]) * CompositionTables.depths + step]
        if kind.secondShare > 0 {
            let other = entries[Int(tables[Int(kind.second)]) * CompositionTables.depths + step]
            cells = blended(cells, other, Float(kind.secondShare) * (1 / 255))
        }
        if kind.partShare > 0 {
            let part = entries[Int(partNumbers[Int(kind.part)]) * CompositionTables.depths + step]
            cells = blended(cells, part, Float(kind.partShare) * (1 / 255))
        }
        return inWhite > 0 ? blended(cells, white, inWhite) : cells
    }

    /// Between two compositions; the granularity is that of the larger share.
    @inline(__always)
    private func blended(_ one: SIMD4<Float>, _ two: SIMD4<Float>, _ share: Float) -> SIMD4<Float> {
        var result = one + share * (two - one)
        result[3] = share > 0.5 ? two[3] : one[3]
        return result
    }

    @inline(__always)
    private func layer(_ r: Float, _ c: Float, _ area: UInt8, _ depth: Float) -> UInt8 {
        let step = min(Int(depth * Float(CompositionTables.depths)), CompositionTables.depths - 1)
        return layers[Int(numbers[tile(r, c) + Int(area)]) * CompositionTables.depths + step]
    }
}

/// What is true at a point of a section.
struct TissueTruth: Sendable, Equatable {
    /// 0 slide, 1 gray, 2 white matter.
    var label: UInt8 = 0
    /// `BrainPart`.
    var part: UInt8 = 0
    /// Area, layer (1 … 6) and depth (0 … 250 from pia to white surface; 255 for none) of cortex that counts.
    var area: UInt8 = 0
    var layer: UInt8 = 0
    var depth: UInt8 = 255
}
