internal import NDArray

/// What is at a point of a brain's plane, by pointers into the plane and the tables: valid inside `with` only.
struct TissueLookup {
    private let fields: UnsafePointer<SIMD2<Float>>
    private let kinds: UnsafePointer<TissueKind>
    private let occupied: UnsafePointer<Bool>
    private let entries: UnsafePointer<SIMD4<Float>>
    private let covers: UnsafePointer<CellCover>
    private let layers: UnsafePointer<UInt8>
    private let numbers: UnsafePointer<Int32>
    private let partNumbers: UnsafePointer<Int32>
    private let grains: UnsafePointer<Float>
    private let width: Int
    private let lastRow: Float
    private let lastColumn: Float
    private let blocksAcross: Int
    private let tilesAcross: Int
    private let areas: Int
    private let middleColumn: Int
    private let white: SIMD4<Float>
    private let whiteCover: CellCover
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
                    tables.withUnsafePointers { pointers in
                        granularity.withUnsafeBufferPointer { grains in
                            guard let fields = fields.baseAddress, let kinds = kinds.baseAddress,
                                let occupied = occupied.baseAddress, let grains = grains.baseAddress
                            else { preconditionFailure("A plane and its tables are never empty.") }
                            let gain = Float(stain.gain)
                            return body(
                                TissueLookup(
                                    fields: fields, kinds: kinds, occupied: occupied, entries: pointers.entries,
                                    covers: pointers.covers, layers: pointers.layers, numbers: pointers.numbers,
                                    partNumbers: pointers.partNumbers, grains: grains, width: plane.fields.columns,
                                    lastRow: Float(plane.fields.rows - 1) - 0.001,
                                    lastColumn: Float(plane.fields.columns - 1) - 0.001,
                                    blocksAcross: plane.occupied.columns, tilesAcross: tables.tilesAcross,
                                    areas: tables.areas, middleColumn: tables.middleColumn, white: tables.white,
                                    whiteCover: CellCover(tables.white), perPixel: 1 / spacingUm,
                                    perFade: 1 / Float(max(stain.fadeUm, Double(spacingUm))),
                                    gray: gain * stain.grayDensity, whiteGround: gain * stain.whiteDensity,
                                    cover: cover ?? 0))
                        }
                    }
                }
            }
        }
    }

    /// A point of the plane, in elements: inside it, with the whole parts of its row and column and the nearest element.
    struct Place {
        fileprivate let row: Float
        fileprivate let column: Float
        /// Whole parts of row, column, nearest row, nearest column.
        private let whole: SIMD4<Int32>

        @inline(__always) fileprivate init(row: Float, column: Float) {
            (self.row, self.column) = (row, column)
            whole = wholeParts(SIMD4(row, column, row + 0.5, column + 0.5))
        }

        @inline(__always) fileprivate var above: Int { Int(whole[0]) }
        @inline(__always) fileprivate var left: Int { Int(whole[1]) }
        @inline(__always) fileprivate var nearestRow: Int { Int(whole[2]) }
        @inline(__always) fileprivate var nearestColumn: Int { Int(whole[3]) }
        @inline(__always) fileprivate var blockRow: Int { above >> 3 }
        @inline(__always) fileprivate var blockColumn: Int { left >> 3 }
    }

    /// The place of a row and column in elements of the plane; what lies outside comes to its border.
    @inline(__always)
    func place(row: Float, column: Float) -> Place {
        Place(row: min(max(row, 0), lastRow), column: min(max(column, 0), lastColumn))
    }

    /// How many points of a line are asked about together whether they lie on the slide.
    static let runLength = 16

    /// Whether neither two places nor what lies on the straight line between them is near tissue.
    @inline(__always)
    func isSlide(from first: Place, to last: Place) -> Bool {
        for row in min(first.blockRow, last.blockRow)...max(first.blockRow, last.blockRow) {
            for column in min(first.blockColumn, last.blockColumn)...max(first.blockColumn, last.blockColumn)
            where occupied[row &* blocksAcross &+ column] {
                return false
            }
        }
        return true
    }

    @inline(__always) private func isSlide(_ place: Place) -> Bool {
        !occupied[place.blockRow &* blocksAcross &+ place.blockColumn]
    }

    /// Share of tissue and optical density at a point.
    ///
    /// - Parameter quantile: 0 … 255, which of the evenly likely graininesses; asked for on tissue only.
    @inline(__always)
    func stained(_ place: Place, quantile: @autoclosure () -> Int) -> StainedPixel {
        guard !isSlide(place) else { return StainedPixel() }
        let here = distances(place)
        let coverage = min(max(here[0] * perPixel + 0.5, 0), 1)
        guard coverage > 0 else { return StainedPixel() }
        let inWhite = min(max(here[1] * perFade + 0.5, 0), 1)
        var density = gray + inWhite * (whiteGround - gray)
        if cover > 0 {
            let cells = cellCover(place, here, inWhite)
            density += cover * cells.covered * grains[Int(cells.grains) &+ quantile()]
        }
        return StainedPixel(coverage: coverage, density: density * coverage)
    }

    /// Cells at a point, in elements of the plane; nil on the slide.
    func site(row: Float, column: Float) -> CellSite? {
        guard let place = placeInside(row: row, column: column) else { return nil }
        let here = distances(place)
        guard here[0] > 0 else { return nil }
        let inWhite = min(max(here[1] * perFade + 0.5, 0), 1)
        let cells = composition(place, here, inWhite)
        let giants = cells[2] * CellBody.giantAreaUm2
        let kind = kind(place)
        return CellSite(
            density: cells[0], giantDensity: cells[2], areaUm2: max(cells[1] - giants, 0) / max(cells[0], 1e-9),
            layer: kind.area == 0 || kind.excludedPart != 0 || here[1] >= 0
                ? 0 : layer(place, kind.area, depth(here)))
    }

    /// Everything that the truth tells about a point, in elements of the plane.
    @inline(__always)
    func truth(row: Float, column: Float) -> TissueTruth {
        var truth = TissueTruth()
        guard let place = placeInside(row: row, column: column) else { return truth }
        let here = distances(place)
        guard here[0] > 0 else { return truth }
        let kind = kind(place)
        truth.label = here[1] > 0 ? 2 : 1
        truth.part = kind.excludedPart
        if here[1] <= 0, kind.area > 0, truth.part == 0 {
            truth.area = kind.area
            let depth = depth(here)
            // The nearest whole number, halves upwards; what is cut off here is exact.
            let steps = depth * 250
            let whole = wholePart(steps)
            truth.depth = UInt8(truncatingIfNeeded: whole &+ (steps - Float(whole) >= 0.5 ? 1 : 0))
            truth.layer = layer(place, kind.area, depth)
        }
        return truth
    }

    /// The place of a point that lies inside the plane and not far from tissue.
    @inline(__always)
    private func placeInside(row: Float, column: Float) -> Place? {
        guard row >= 0, column >= 0, row < lastRow, column < lastColumn else { return nil }
        let place = Place(row: row, column: column)
        return isSlide(place) ? nil : place
    }

    @inline(__always)
    private func distances(_ place: Place) -> SIMD2<Float> {
        let (dr, dc) = (place.row - Float(place.above), place.column - Float(place.left))
        let base = fields + (place.above &* width &+ place.left)
        let upper = base[0] + dc * (base[1] - base[0])
        let lower = base[width] + dc * (base[width &+ 1] - base[width])
        return upper + dr * (lower - upper)
    }

    @inline(__always) private func depth(_ here: SIMD2<Float>) -> Float {
        here[1] >= 0 ? 1 : min(max(here[0] / (here[0] - here[1]), 0), 1)
    }

    @inline(__always) private func kind(_ place: Place) -> TissueKind {
        kinds[place.nearestRow &* width &+ place.nearestColumn]
    }

    /// Start of the tables of a tile and hemisphere.
    @inline(__always) private func tile(_ place: Place) -> Int {
        let shift = CompositionTables.tileShift
        let tile = (place.nearestRow >> shift) &* tilesAcross &+ place.nearestColumn >> shift
        return (tile &* 2 &+ (place.nearestColumn < middleColumn ? 0 : 1)) &* areas
    }

    /// Entry of a table at a depth 0 … 1.
    @inline(__always) private func entry(_ number: Int32, _ depth: Float) -> Int {
        let step = min(Int(wholePart(depth * Float(CompositionTables.depths))), CompositionTables.depths - 1)
        return Int(number) &* CompositionTables.depths &+ step
    }

    @inline(__always)
    private func composition(_ place: Place, _ here: SIMD2<Float>, _ inWhite: Float) -> SIMD4<Float> {
        if inWhite >= 1 { return white }
        let depth = depth(here)
        let kind = kind(place)
        let tables = numbers + tile(place)
        var cells = entries[entry(tables[Int(kind.area)], depth)]
        if kind.secondShare > 0 {
            let other = entries[entry(tables[Int(kind.second)], depth)]
            cells = blended(cells, other, Float(kind.secondShare) * (1 / 255))
        }
        if kind.partShare > 0 {
            let part = entries[entry(partNumbers[Int(kind.part)], depth)]
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

    /// What of `composition` a pixel shows that holds many cells.
    @inline(__always)
    private func cellCover(_ place: Place, _ here: SIMD2<Float>, _ inWhite: Float) -> CellCover {
        if inWhite >= 1 { return whiteCover }
        let depth = depth(here)
        let kind = kind(place)
        let tables = numbers + tile(place)
        var cells = covers[entry(tables[Int(kind.area)], depth)]
        if kind.secondShare > 0 {
            cells.blend(
                with: covers[entry(tables[Int(kind.second)], depth)], share: Float(kind.secondShare) * (1 / 255))
        }
        if kind.partShare > 0 {
            cells.blend(
                with: covers[entry(partNumbers[Int(kind.part)], depth)], share: Float(kind.partShare) * (1 / 255))
        }
        if inWhite > 0 { cells.blend(with: whiteCover, share: inWhite) }
        return cells
    }

    @inline(__always)
    private func layer(_ place: Place, _ area: UInt8, _ depth: Float) -> UInt8 {
        layers[entry(numbers[tile(place) &+ Int(area)], depth)]
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
