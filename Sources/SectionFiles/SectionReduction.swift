public import NDArray
internal import Synchronization
internal import TIFF

/// A section at a working resolution.
public struct SectionReduction: Sendable {
    /// Gray values, 0 … 255.
    public let gray: Image<Float>
    /// Which of the scan's own values became 0 and 255.
    public let range: IntensityRange
    /// The pyramid level that was read.
    public let level: Int
    /// The gray values rounded to whole numbers.
    public var rounded: Image<UInt8> { gray.map { UInt8(min(max($0 + 0.5, 0), 255)) } }
}

extension SectionScan {
    /// The whole section at a working resolution, averaged by area straight from the file in bounded memory.
    ///
    /// Every new pixel is the mean of the gray values of the old pixels under it, with exact fractions where its edge cuts one;
    /// the new grid starts at the outer corner of the first pixel, and a last row or column that sticks out is made from what there
    /// is. Where the new pixels are smaller than the old, values are interpolated linearly. Of a pyramid, the
    /// smallest level that is not coarser than the new grid is read.
    ///
    /// Tiles or strips are decoded by several threads, each holding one at a time; the result does not depend on
    /// `threads`.
    ///
    /// - Parameters:
    ///   - spacingUm: size of a new pixel, positive.
    ///   - channel: what stands for a pixel of several channels.
    ///   - progress: is told the fraction done, from any thread, one call at a time.
    /// - Returns: `⌈rows · pixel / spacing⌉ × ⌈columns · pixel / spacing⌉` gray values of 0 … 255, dark tissue dark.
    /// - Throws: `SectionFileError`: `noPixelSize`, `tooLarge` for a result of more than 2²⁸ pixels, or damaged data.
    public func reduction(
        toSpacingUm spacingUm: Double, channel: GrayChannel = .luma, threads: Int = 1,
        progress: (@Sendable (Double) -> Void)? = nil
    ) throws -> SectionReduction {
        precondition(spacingUm > 0 && spacingUm.isFinite, "A pixel cannot be \(spacingUm) µm wide.")
        guard let pixelSize else {
            throw SectionFileError(
                .noPixelSize, file: path,
                problem: "does not say how large its pixels are; give pixel_size_um with the cohort's sections")
        }
        return try reduction(
            rowFactor: spacingUm / pixelSize.rowUm, columnFactor: spacingUm / pixelSize.columnUm, channel: channel,
            threads: threads, progress: progress)
    }

    /// The whole section at a working resolution in whole gray values; see `reduction(toSpacingUm:)`.
    public func reduced(
        toSpacingUm spacingUm: Double, channel: GrayChannel = .luma, threads: Int = 1,
        progress: (@Sendable (Double) -> Void)? = nil
    ) throws -> Image<UInt8> {
        try reduction(toSpacingUm: spacingUm, channel: channel, threads: threads, progress: progress).rounded
    }

    /// The whole section with its longer side at most `side` pixels, whatever its pixel size; never enlarged.
    public func preview(side: Int, channel: GrayChannel = .luma, threads: Int = 1) throws -> SectionReduction {
        precondition(side >= 1, "A preview needs a side of at least one pixel.")
        let factor = max(1, Double(max(rows, columns)) / Double(side))
        return try reduction(
            rowFactor: factor, columnFactor: factor, channel: channel, threads: threads, progress: nil)
    }

    /// - Parameters:
    ///   - rowFactor: rows of level 0 for a new row, as seen.
    ///   - columnFactor: the same for columns.
    func reduction(
        rowFactor: Double, columnFactor: Double, channel: GrayChannel, threads: Int,
        progress: (@Sendable (Double) -> Void)?
    ) throws -> SectionReduction {
        let finest = min(rowFactor, columnFactor) * (1 + 1e-6)
        let level = levels.indices.last { levels[$0].downsample <= max(finest, 1) } ?? 0
        let source = sources[level]
        let base = sources[0]
        let (storedRowFactor, storedColumnFactor) =
            orientation.isTransposed ? (columnFactor, rowFactor) : (rowFactor, columnFactor)
        let rowFactorHere = storedRowFactor / ScanLevel.downsample(from: base.rows, to: source.rows)
        let columnFactorHere = storedColumnFactor / ScanLevel.downsample(from: base.columns, to: source.columns)
        guard
            Double(source.rows) / rowFactorHere * (Double(source.columns) / columnFactorHere) <= Double(1 << 28)
        else {
            throw SectionFileError(
                .tooLarge, file: path,
                problem: "the section would have more than \(1 << 28) pixels; choose a larger spacing")
        }
        let rowWeights = AxisWeights(
            oldCount: source.rows, factor: rowFactorHere, isFlipped: orientation.flipsStoredRows)
        let columnWeights = AxisWeights(
            oldCount: source.columns, factor: columnFactorHere, isFlipped: orientation.flipsStoredColumns)
        let reducer = BandReducer(
            source: source, gray: GrayRows(source.delivery, palette: source.palette, channel: channel),
            rowWeights: rowWeights, columnWeights: columnWeights,
            isIdentity: rowWeights.isIdentity && columnWeights.isIdentity)
        let sums = try SectionFileError.translating { try reducer.run(threads: threads, progress: progress) }
        let delivery = source.delivery
        let range =
            delivery.meaning == .palette
            ? IntensityRange(low: 0, high: 255, source: "palette")
            : IntensityRange(
                bits: delivery.bits, isUnsigned: delivery.format == .unsigned, isFloat: delivery.format == .float,
                significantBits: significantBits, smallest: Double(sums.smallest), largest: Double(sums.largest))
        return SectionReduction(
            gray: orientation.applied(to: sums.scaled(to: range)), range: range, level: level)
    }
}

/// Weighted sums over new pixels, and the range of the values that went in.
private struct WeightedSums {
    var rows: Range<Int>
    let columns: Int
    var values: [Float]
    /// How much of each new pixel was there; empty where all of them were.
    var coverage: [Float]
    var smallest = Float.infinity
    var largest = -Float.infinity

    init(rows: Range<Int>, columns: Int, hasGaps: Bool) {
        self.rows = rows
        self.columns = columns
        values = [Float](repeating: 0, count: rows.count * columns)
        coverage = hasGaps ? values : []
    }

    /// Adds a band's sums, which lie within these rows.
    mutating func add(_ band: WeightedSums) {
        let start = (band.rows.lowerBound - rows.lowerBound) * columns
        for index in band.values.indices { values[start + index] += band.values[index] }
        for index in band.coverage.indices { coverage[start + index] += band.coverage[index] }
        smallest = min(smallest, band.smallest)
        largest = max(largest, band.largest)
    }

    /// The sums as gray values 0 … 255; what was not there is white.
    func scaled(to range: IntensityRange) -> Image<Float> {
        let low = Float(range.low)
        let scale = Float(255 / (range.high - range.low))
        let sums = Image(rows: rows.count, columns: columns, elements: values)
        guard !coverage.isEmpty else { return sums.map { min(max(($0 - low) * scale, 0), 255) } }
        var gray = sums
        for index in gray.elements.indices {
            let covered = coverage[index]
            gray.elements[index] = min(
                max((gray.elements[index] - low * covered) * scale + 255 * (1 - covered), 0), 255)
        }
        return gray
    }
}

/// Reduces a level band by band; bands are added up in their order, so that threads do not show in the result.
private struct BandReducer: Sendable {
    let source: PieceSource
    let gray: GrayRows
    let rowWeights: AxisWeights
    let columnWeights: AxisWeights
    /// Whether the new pixels are the old ones.
    let isIdentity: Bool

    /// Columns worked on at once: their sums stay in the nearest cache.
    private static let chunk = 2048

    /// All readers together stay within this much: fewer threads read a file of huge tiles or strips.
    private static let readersBytes = 384 << 20

    private struct State {
        var total: WeightedSums
        var waiting: [Int: WeightedSums] = [:]
        var next = 0
        var failure: (band: Int, error: any Error)?
    }

    func run(threads: Int, progress: (@Sendable (Double) -> Void)?) throws -> WeightedSums {
        let bands = source.bands
        let state = Mutex(
            State(
                total: WeightedSums(
                    rows: 0..<rowWeights.count, columns: columnWeights.count, hasGaps: source.hasGaps)))
        let affordable = max(1, BandReducer.readersBytes / max(source.workingBytes, 1))
        parallelFor(bands.count, threads: min(threads, affordable)) { index in
            if state.withLock({ $0.failure != nil }) { return }
            do {
                let sums = try source.withReader { try reduce(bands[index], $0) }
                state.withLock { state in
                    state.waiting[index] = sums
                    while let sums = state.waiting.removeValue(forKey: state.next) {
                        state.total.add(sums)
                        state.next += 1
                    }
                    progress?(Double(state.next) / Double(bands.count))
                }
            } catch {
                state.withLock { state in
                    if index < state.failure?.band ?? .max { state.failure = (index, error) }
                }
            }
        }
        return try state.withLock { state in
            if let failure = state.failure { throw failure.error }
            return state.total
        }
    }

    private func reduce(_ band: Range<Int>, _ reader: any PieceReader) throws -> WeightedSums {
        var sums = WeightedSums(
            rows: rowWeights.new(over: band), columns: columnWeights.count, hasGaps: source.hasGaps)
        let chunk = min(BandReducer.chunk, source.columns)
        var row = [Float](repeating: 0, count: chunk)
        var column = [Float](repeating: 0, count: chunk)
        try reader.forEachPiece(rows: band, columns: 0..<source.columns) { piece in
            var start = piece.column
            while start < piece.column + piece.columns {
                let end = min(start + chunk, piece.column + piece.columns)
                add(piece, start..<end, &row, &column, &sums)
                start = end
            }
        }
        return sums
    }

    /// Adds some columns of a piece.
    private func add(
        _ piece: TIFFPiece, _ columns: Range<Int>, _ rowBuffer: inout [Float], _ columnBuffer: inout [Float],
        _ sums: inout WeightedSums
    ) {
        let pieceRows = piece.row..<piece.row + piece.rows
        let newColumns = columnWeights.new(over: columns)
        let offset = (columns.lowerBound - piece.column) * source.delivery.pixelBytes
        let count = columns.count
        rowBuffer.withUnsafeMutableBufferPointer { rowBuffer in
            columnBuffer.withUnsafeMutableBufferPointer { columnBuffer in
                sums.values.withUnsafeMutableBufferPointer { values in
                    guard let line = rowBuffer.baseAddress, let total = columnBuffer.baseAddress else { return }
                    if isIdentity {
                        for row in pieceRows {
                            gray.convert(
                                piece.base + (row - piece.row) * piece.rowBytes + offset, count: count, into: line)
                            widen(&sums.smallest, &sums.largest, by: line, count: count)
                            let target = (row - sums.rows.lowerBound) * columnWeights.count + columns.lowerBound
                            for index in 0..<count { values[target + index] += line[index] }
                        }
                        return
                    }
                    for newRow in rowWeights.new(over: pieceRows) {
                        let old = rowWeights.old(newRow).clamped(to: pieceRows)
                        for index in 0..<count { total[index] = 0 }
                        for oldRow in old {
                            let weight = rowWeights.weights[
                                rowWeights.starts[newRow] + oldRow - rowWeights.first[newRow]]
                            gray.convert(
                                piece.base + (oldRow - piece.row) * piece.rowBytes + offset, count: count, into: line)
                            for index in 0..<count { total[index] += weight * line[index] }
                            widen(&sums.smallest, &sums.largest, by: line, count: count)
                        }
                        let target = (newRow - sums.rows.lowerBound) * columnWeights.count
                        for newColumn in newColumns {
                            let under = columnWeights.old(newColumn).clamped(to: columns)
                            let weights = columnWeights.starts[newColumn] - columnWeights.first[newColumn]
                            var sum: Float = 0
                            for oldColumn in under {
                                sum +=
                                    columnWeights.weights[weights + oldColumn] * total[oldColumn - columns.lowerBound]
                            }
                            values[target + newColumn] += sum
                        }
                    }
                }
            }
        }
        if !sums.coverage.isEmpty {
            for newRow in rowWeights.new(over: pieceRows) {
                let share = rowWeights.share(of: newRow, over: pieceRows)
                let target = (newRow - sums.rows.lowerBound) * columnWeights.count
                for newColumn in newColumns {
                    sums.coverage[target + newColumn] += share * columnWeights.share(of: newColumn, over: columns)
                }
            }
        }
    }

    /// Takes a row's values into their range, where it must be seen.
    private func widen(
        _ smallest: inout Float, _ largest: inout Float, by line: UnsafePointer<Float>, count: Int
    ) {
        guard !gray.hasKnownRange else { return }
        for index in 0..<count {
            smallest = min(smallest, line[index])
            largest = max(largest, line[index])
        }
    }
}
