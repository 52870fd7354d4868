internal import NDArray

/// Cells of a piece of tissue.
struct CellComposition: Sendable, Equatable {
    /// Lane 0: cells per µm² of section; 1: share of the section that their bodies take; 2: giant cells per µm²; 3: start of the
    /// granularity for the scan's pixels.
    var lanes: SIMD4<Float>

    init(lanes: SIMD4<Float>) { self.lanes = lanes }

    init(cellsPerMm2: Float, areaUm2: Float, giantPerMm2: Float = 0, pixel: PixelAveraging) {
        let cells = cellsPerMm2 * 1e-6
        let giants = giantPerMm2 * 1e-6
        let covered = cells * areaUm2 + giants * CellBody.giantAreaUm2
        // As many equal cells as make the cover vary as much.
        let square = cells * areaUm2 * areaUm2 + giants * CellBody.giantAreaUm2 * CellBody.giantAreaUm2
        let mean = square > 0 ? square / covered : 1
        let count = square > 0 ? pixel.areaUm2 * covered * covered / square / pixel.retained(cellAreaUm2: mean) : 100
        lanes = SIMD4(cells, covered, giants, Float(CellGranularity.start(count: count)))
    }
}

/// What a pixel larger than cells shows of a composition.
struct CellCover: Sendable {
    /// Share of the section that cell bodies take.
    private(set) var covered: Float
    /// Start of the granularity.
    private(set) var grains: Int32

    init(_ lanes: SIMD4<Float>) { (covered, grains) = (lanes[1], Int32(lanes[3])) }

    /// The granularity is that of the larger share.
    @inline(__always) mutating func blend(with other: CellCover, share: Float) {
        covered += share * (other.covered - covered)
        if share > 0.5 { grains = other.grains }
    }
}

/// What averaging over a pixel leaves of the variance of cells, by the size of the cells.
struct PixelAveraging: Sendable {
    let areaUm2: Float
    /// By the radius of a cell in steps of a quarter µm.
    private let shares: [Float]

    init(pixelUm: Float) {
        areaUm2 = pixelUm * pixelUm
        // A disc of radius r with a rim has a standard deviation of about 0.6 r along each axis.
        shares = (0..<100).map { CellBody.retainedVariance(pixelUm: pixelUm, sigmaUm: 0.6 * 0.25 * Float($0)) }
    }

    func retained(cellAreaUm2: Float) -> Float {
        shares[min(Int(4 * (cellAreaUm2 / 3.14159).squareRoot()), shares.count - 1)]
    }
}

/// Cells by depth of every kind of tissue in a plane.
///
/// Cortex has a table for each area of each hemisphere in each tile of the plane: tiles are small enough (2.4 mm) for what changes
/// slowly over the cortex. Parts that are left out have a table each.
struct CompositionTables: Sendable {
    static let depths = 128
    static let tileShift = 5  // 32 elements of the plane

    /// `number × depths + depth`.
    let entries: [SIMD4<Float>]
    private let covers: [CellCover]
    /// Layer 1 … 6 of each entry, 0 outside the cortex.
    let layers: [UInt8]
    /// Number of the table for (tile, hemisphere, area): `((tileRow × across + tileColumn) × 2 + hemisphere) × areas + area`.
    let numbers: [Int32]
    /// Number of the table of a part.
    let partNumbers: [Int32]
    let white: SIMD4<Float>
    let tilesAcross: Int
    let areas: Int
    /// First column of the right hemisphere.
    let middleColumn: Int
    /// The most cells per µm² anywhere.
    let highestDensity: Float

    init(plane: BrainPlane, architecture: BrainArchitecture, pixel: PixelAveraging) {
        let named = plane.kinds.elements.withUnsafeBufferPointer { kinds in
            // No name is larger than the bits of all names together.
            var bits: UInt8 = 0
            for index in kinds.indices { bits |= kinds[index].area | kinds[index].second }
            return Int(bits)
        }
        let areas = max(architecture.names.count, named) + 1
        let shift = CompositionTables.tileShift
        let (tall, across) = ((plane.fields.rows >> shift) + 1, (plane.fields.columns >> shift) + 1)
        var numbers = [Int32](repeating: -1, count: tall * across * 2 * areas)
        let middle = Int((-plane.originUm.column / plane.spacingUm).rounded(.up))
        var tables: [SIMD4<Float>] = []
        var layers: [UInt8] = []
        var partNumbers: [Int32] = []
        for part in BrainPart.allCases {
            partNumbers.append(Int32(tables.count / CompositionTables.depths))
            tables += CompositionTables.table(of: part, pixel: pixel)
            layers += [UInt8](repeating: 0, count: CompositionTables.depths)
        }
        let needed = CompositionTables.needed(in: plane, areas: areas, middleColumn: middle, tilesAcross: across)
        tables.reserveCapacity(tables.count + needed.count * CompositionTables.depths)
        layers.reserveCapacity(layers.count + needed.count * CompositionTables.depths)
        // What the tables of an area have in common, by hemisphere and area.
        var common = [ProfileByDepth?](repeating: nil, count: 2 * areas)
        for (place, point) in needed {
            numbers[place] = Int32(tables.count / CompositionTables.depths)
            let which = place % (2 * areas)
            let profile =
                common[which]
                ?? ProfileByDepth(
                    architecture.profile(
                        area: UInt8(which % areas), hemisphere: which < areas ? .left : .right))
            common[which] = profile
            profile.addTable(to: &tables, slow: architecture.slowFactors(at: point), pixel: pixel)
            layers += profile.layers
        }
        entries = tables
        covers = tables.map(CellCover.init)
        self.layers = layers
        // Where nothing is asked for, cortex as it is on average.
        self.numbers = numbers.map { max($0, 0) }
        self.partNumbers = partNumbers
        self.areas = areas
        tilesAcross = across
        middleColumn = middle
        white = CellComposition(cellsPerMm2: 700, areaUm2: 26, pixel: pixel).lanes
        highestDensity = tables.reduce(white[0]) { max($0, $1[0] + $1[2]) }
    }

    struct Pointers {
        let entries: UnsafePointer<SIMD4<Float>>
        let covers: UnsafePointer<CellCover>
        let layers: UnsafePointer<UInt8>
        let numbers: UnsafePointer<Int32>
        let partNumbers: UnsafePointer<Int32>
    }

    /// Pointers into the tables: valid inside `body` only.
    func withUnsafePointers<Result>(_ body: (Pointers) -> Result) -> Result {
        entries.withUnsafeBufferPointer { entries in
            covers.withUnsafeBufferPointer { covers in
                layers.withUnsafeBufferPointer { layers in
                    numbers.withUnsafeBufferPointer { numbers in
                        partNumbers.withUnsafeBufferPointer { parts in
                            guard let entries = entries.baseAddress, let covers = covers.baseAddress,
                                let layers = layers.baseAddress, let numbers = numbers.baseAddress,
                                let parts = parts.baseAddress
                            else { preconditionFailure("The tables are never empty.") }
                            return body(
                                Pointers(
                                    entries: entries, covers: covers, layers: layers, numbers: numbers,
                                    partNumbers: parts))
                        }
                    }
                }
            }
        }
    }

    /// The tables that pixels may ask for, and the middle of each one's tile.
    private static func needed(
        in plane: BrainPlane, areas: Int, middleColumn: Int, tilesAcross: Int
    ) -> [(place: Int, point: PointMm)] {
        let width = plane.fields.columns
        let tiles = ((plane.fields.rows >> tileShift) + 1) * tilesAcross
        let deepest = plane.deepest.elements
        var asked = [Bool](repeating: false, count: tiles * 2 * areas)
        asked.withUnsafeMutableBufferPointer { asked in
            plane.fields.elements.withUnsafeBufferPointer { fields in
                plane.kinds.elements.withUnsafeBufferPointer { kinds in
                    for row in 0..<plane.fields.rows {
                        let tileRow = (row >> tileShift) * tilesAcross
                        let blocks = row / BrainPlane.blockSide * plane.deepest.columns
                        // Neighbours mostly ask for the same.
                        var (lastTile, lastArea, lastSecond) = (-1, UInt8(0), UInt8(0))
                        // As far as bilinear interpolation and the fading into white matter reach.
                        let reach: Float = -1000
                        for block in 0..<plane.deepest.columns where deepest[blocks + block] > reach {
                            let first = block * BrainPlane.blockSide
                            for column in first..<min(first + BrainPlane.blockSide, width) {
                                let here = fields[row &* width &+ column]
                                guard here[0] > reach, here[1] < 1500 else { continue }
                                let kind = kinds[row &* width &+ column]
                                let tile = (tileRow + (column >> tileShift)) * 2 + (column < middleColumn ? 0 : 1)
                                let second = kind.secondShare > 0 ? kind.second : kind.area
                                if tile == lastTile, kind.area == lastArea, second == lastSecond { continue }
                                (lastTile, lastArea, lastSecond) = (tile, kind.area, second)
                                asked[tile * areas + Int(kind.area)] = true
                                asked[tile * areas + Int(second)] = true
                            }
                        }
                    }
                }
            }
        }
        let half = 1 << (tileShift - 1)
        return asked.indices.filter { asked[$0] }.map { place in
            let tile = place / areas / 2
            let row = ((tile / tilesAcross) << tileShift) + half
            let column = ((tile % tilesAcross) << tileShift) + half
            return (
                place,
                PointMm(
                    plane: Float(plane.positionUm / 1000),
                    row: Float((plane.originUm.row + Double(row) * plane.spacingUm) / 1000),
                    column: Float((plane.originUm.column + Double(column) * plane.spacingUm) / 1000))
            )
        }
    }

    /// Cells by depth of a part that is left out: deep nuclei, folia of the cerebellum, nuclei of the brainstem.
    private static func table(of part: BrainPart, pixel: PixelAveraging) -> [SIMD4<Float>] {
        if part == .cerebrum {
            var table: [SIMD4<Float>] = []
            ProfileByDepth(.base).addTable(to: &table, slow: SlowFactors(cells: SIMD8(repeating: 1)), pixel: pixel)
            return table
        }
        return (0..<depths).map { index in
            let depth = (Float(index) + 0.5) / Float(depths)
            switch part {
            case .cerebrum, .subcortex: return CellComposition(cellsPerMm2: 750, areaUm2: 160, pixel: pixel).lanes
            case .cerebellum:
                // The molecular layer has few cells, the granular layer the most of the brain.
                let granular = min(max((depth - 0.52) / 0.06 + 0.5, 0), 1)
                return CellComposition(
                    cellsPerMm2: 900 + granular * 6000, areaUm2: 70 - 46 * granular, pixel: pixel
                ).lanes
            case .brainstem: return CellComposition(cellsPerMm2: 420, areaUm2: 260, pixel: pixel).lanes
            }
        }
    }
}
