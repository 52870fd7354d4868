internal import NDArray
internal import TIFF

/// Reads square windows around points of a scan, by any number of threads, through a cache that they share.
///
/// Of a pyramid, the smallest level that is not coarser than the window's pixels is read; where its pixels are smaller, they are averaged by
/// area. Beyond the scan's edge it is continued by reflection. Tiles are kept as gray levels of 8 bits, so that colour and
/// deeper scans are rounded once before they are averaged.
public final class WindowReader: Sendable {
    public let scan: SectionScan
    public let spacingUm: Double
    /// The pyramid level that is read.
    public let level: Int
    /// Which of the scan's own values become 0 and 255.
    public let range: IntensityRange
    private let source: PieceSource
    private let gray: GrayRows
    private let cache: TileCache
    private let number: Int
    /// Size of a pixel of level 0, and pixels of level 0 a pixel of the level, as seen.
    private let pixelUm: SIMD2<Double>
    private let downsample: SIMD2<Double>

    /// - Parameters:
    ///   - spacingUm: size of a window's pixel, positive.
    ///   - range: of the gray values; nil finds it, for which a scan of more than 8 bits is read once, by its smallest level.
    /// - Throws: `SectionFileError` where nothing tells the size of the scan's pixels, or it is damaged.
    public init(_ scan: SectionScan, spacingUm: Double, range: IntensityRange? = nil, cache: TileCache) throws {
        precondition(spacingUm > 0 && spacingUm.isFinite, "A pixel cannot be \(spacingUm) µm wide.")
        guard let size = scan.pixelSize else {
            throw SectionFileError(
                .noPixelSize, file: scan.path,
                problem: "does not say how large its pixels are; give pixel_size_um with the cohort's sections")
        }
        self.scan = scan
        self.spacingUm = spacingUm
        self.cache = cache
        pixelUm = SIMD2(size.rowUm, size.columnUm)
        let finest = max(spacingUm / max(size.rowUm, size.columnUm) * (1 + 1e-6), 1)
        level = scan.levels.indices.last { scan.levels[$0].downsample <= finest } ?? 0
        source = scan.sources[level]
        gray = GrayRows(source.delivery, palette: source.palette, channel: .luma)
        downsample = SIMD2(
            ScanLevel.downsample(from: scan.rows, to: scan.levels[level].rows),
            ScanLevel.downsample(from: scan.columns, to: scan.levels[level].columns))
        number = cache.nextScan()
        if let range {
            self.range = range
        } else if gray.hasKnownRange {
            self.range = IntensityRange(
                low: 0, high: source.delivery.meaning == .palette ? 255 : Double(gray.white), source: "its bits")
        } else {
            self.range = try scan.preview(side: 1024).range
        }
    }

    /// A window as gray levels, row by row.
    ///
    /// - Parameters:
    ///   - centreUm: row and column in µm from the centre of the scan's first pixel. Where the level's pixels are not larger than the
    ///     window's, the window is moved to the nearest of its pixels.
    ///   - side: pixels.
    /// - Throws: `SectionFileError` with `outside` for a centre that is not on the scan; for damaged data.
    public func window(centreUm: SIMD2<Double>, side: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: side * side) { buffer, count in
            try read(
                centreUm: centreUm, side: side, into: UnsafeMutableBufferPointer(rebasing: buffer[..<(side * side)]))
            count = side * side
        }
    }

    /// A window into a buffer of `side`² pixels; see `window`.
    ///
    /// - Parameter needs: tells of rows and columns of the window whether they are needed; what a tile has that is not is
    ///   left as it stands in the buffer, or black. nil needs all.
    public func read(
        centreUm: SIMD2<Double>, side: Int, into target: UnsafeMutableBufferPointer<UInt8>,
        needs: ((_ rows: Range<Int>, _ columns: Range<Int>) -> Bool)? = nil
    ) throws {
        precondition(side >= 1 && target.count == side * side, "A window of \(side) px needs \(side * side) pixels.")
        let size = scan.levels[level]
        let centre = (centreUm / pixelUm + 0.5) / downsample
        let length = (row: size.rows, column: size.columns)
        guard centre.x.isFinite, centre.y.isFinite, centre.x >= 0, centre.y >= 0, centre.x <= Double(length.row),
            centre.y <= Double(length.column)
        else {
            throw SectionFileError(
                .outside, file: scan.path,
                problem: "the point at row \(centreUm.x) µm, column \(centreUm.y) µm lies outside the scan of "
                    + "\(Double(scan.rows) * pixelUm.x) × \(Double(scan.columns) * pixelUm.y) µm")
        }
        let factor = spacingUm / (pixelUm * downsample)
        let rows = WindowAxis(centre: centre.x, side: side, factor: factor.x)
        let columns = WindowAxis(centre: centre.y, side: side, factor: factor.y)
        let isInside = rows.isInside(length: length.row) && columns.isInside(length: length.column)
        if isInside, rows.isCopy, columns.isCopy, scan.orientation.isIdentity {
            return try fetch(
                rows: rows.start..<rows.start + side, columns: columns.start..<columns.start + side, into: target,
                needs: needs)
        }
        // Old pixels of a window that lies within the scan, as pixels of the window; a reflected one needs all.
        let needsOld =
            !isInside || !scan.orientation.isIdentity
            ? nil
            : needs.map { needs in
                { (old: Range<Int>, across: Range<Int>) in
                    needs(rows.new(over: old, factor: factor.x), columns.new(over: across, factor: factor.y))
                }
            }
        var old = try region(
            rows: rows.needed(length: length.row), columns: columns.needed(length: length.column), needs: needsOld)
        if !isInside { old = continued(old, rows, columns, length) }
        old.elements.withUnsafeBufferPointer { resample($0, rows, columns, into: target) }
    }

    /// A rectangle of the level, as seen.
    private func region(
        rows: Range<Int>, columns: Range<Int>, needs: ((Range<Int>, Range<Int>) -> Bool)?
    ) throws -> Image<UInt8> {
        let stored = scan.orientation.stored(
            rows: rows, columns: columns, storedRows: source.rows, storedColumns: source.columns)
        let count = stored.rows.count * stored.columns.count
        var pixels = [UInt8](repeating: 0, count: count)
        try pixels.withUnsafeMutableBufferPointer {
            try fetch(rows: stored.rows, columns: stored.columns, into: $0, needs: needs)
        }
        return scan.orientation.applied(
            to: Image(rows: stored.rows.count, columns: stored.columns.count, elements: pixels))
    }

    /// The endless line's pixels, out of those that the image has.
    private func continued(
        _ image: Image<UInt8>, _ rows: WindowAxis, _ columns: WindowAxis, _ length: (row: Int, column: Int)
    ) -> Image<UInt8> {
        let (top, left) = (rows.needed(length: length.row).lowerBound, columns.needed(length: length.column).lowerBound)
        let across = (columns.start..<columns.start + columns.count).map {
            WindowAxis.reflected($0, length: length.column) - left
        }
        var elements: [UInt8] = []
        elements.reserveCapacity(rows.count * columns.count)
        for row in rows.start..<rows.start + rows.count {
            let line = (WindowAxis.reflected(row, length: length.row) - top) * image.columns
            for column in across { elements.append(image.elements[line + column]) }
        }
        return Image(rows: rows.count, columns: columns.count, elements: elements)
    }

    /// Means of old pixels: rows first, a line of sums at a time.
    private func resample(
        _ old: UnsafeBufferPointer<UInt8>, _ rows: WindowAxis, _ columns: WindowAxis,
        into target: UnsafeMutableBufferPointer<UInt8>
    ) {
        let side = rows.side
        let width = columns.count
        if rows.isCopy, columns.isCopy {
            _ = target.update(from: old)
            return
        }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { line in
            for row in 0..<side {
                let from = rows.isCopy ? row : Int(rows.first[row])
                let some = rows.isCopy ? 0..<1 : Int(rows.starts[row])..<Int(rows.starts[row + 1])
                for (offset, place) in some.enumerated() {
                    let weight = rows.isCopy ? 1 : rows.weights[place]
                    let source = UnsafeBufferPointer(
                        rebasing: old[(from + offset) * width..<(from + offset + 1) * width])
                    if offset == 0 {
                        for column in 0..<width { line[column] = weight * Float(source[column]) }
                    } else if weight != 0 {
                        for column in 0..<width { line[column] += weight * Float(source[column]) }
                    }
                }
                let pixels = UnsafeMutableBufferPointer(rebasing: target[row * side..<(row + 1) * side])
                if columns.isCopy {
                    for column in 0..<side { pixels[column] = UInt8(line[column] + 0.5) }
                } else {
                    columns.weights.withUnsafeBufferPointer { weights in
                        for column in 0..<side {
                            let first = Int(columns.first[column])
                            let low = Int(columns.starts[column])
                            var sum: Float = 0
                            for index in 0..<Int(columns.starts[column + 1]) - low {
                                sum += weights[low + index] * line[first + index]
                            }
                            pixels[column] = UInt8(min(max(sum + 0.5, 0), 255))
                        }
                    }
                }
            }
        }
    }

    // MARK: Tiles

    /// A rectangle of the stored level, tile by tile.
    ///
    /// - Parameter needs: of rows and columns from the rectangle's first.
    private func fetch(
        rows: Range<Int>, columns: Range<Int>, into target: UnsafeMutableBufferPointer<UInt8>,
        needs: ((Range<Int>, Range<Int>) -> Bool)?
    ) throws {
        let (height, width) = (source.blockRows, source.blockColumns)
        let across = (source.columns + width - 1) / width
        for blockRow in rows.lowerBound / height...(rows.upperBound - 1) / height {
            let tileRows = blockRow * height..<min((blockRow + 1) * height, source.rows)
            let common = tileRows.clamped(to: rows)
            for blockColumn in columns.lowerBound / width...(columns.upperBound - 1) / width {
                let tileColumns = blockColumn * width..<min((blockColumn + 1) * width, source.columns)
                let shared = tileColumns.clamped(to: columns)
                if let needs,
                    !needs(
                        common.lowerBound - rows.lowerBound..<common.upperBound - rows.lowerBound,
                        shared.lowerBound - columns.lowerBound..<shared.upperBound - columns.lowerBound)
                {
                    continue
                }
                let pixels = try cache.tile(TileCache.Key(scan: number, tile: blockRow * across + blockColumn)) {
                    try decode(rows: tileRows, columns: tileColumns)
                }
                pixels.withUnsafeBufferPointer { pixels in
                    guard let from = pixels.baseAddress, let to = target.baseAddress else { return }
                    for row in common {
                        let start =
                            (row - tileRows.lowerBound) * tileColumns.count + shared.lowerBound - tileColumns.lowerBound
                        let place = (row - rows.lowerBound) * columns.count + shared.lowerBound - columns.lowerBound
                        (to + place).update(from: from + start, count: shared.count)
                    }
                }
            }
        }
    }

    /// A tile's gray levels; white where the file leaves something out.
    private func decode(rows: Range<Int>, columns: Range<Int>) throws -> [UInt8] {
        let width = columns.count
        var pixels = [UInt8](repeating: 255, count: rows.count * width)
        let delivery = source.delivery
        let isPlain =
            delivery.bytesPerSample == 1 && delivery.channels == 1 && delivery.meaning == .gray
            && delivery.format == .unsigned && range.low == 0 && range.high == 255
        let low = Float(range.low)
        let scale = Float(255 / (range.high - range.low))
        var line = [Float](repeating: 0, count: isPlain ? 0 : width)
        try SectionFileError.translating {
            try source.withReader { reader in
                try reader.forEachPiece(rows: rows, columns: columns) { piece in
                    pixels.withUnsafeMutableBufferPointer { pixels in
                        for row in 0..<piece.rows {
                            let place = (piece.row + row - rows.lowerBound) * width + piece.column - columns.lowerBound
                            let base = piece.base + row * piece.rowBytes
                            let target = UnsafeMutableBufferPointer(rebasing: pixels[place..<place + piece.columns])
                            if isPlain {
                                target.withMemoryRebound(to: UInt8.self) {
                                    _ = $0.update(
                                        from: UnsafeBufferPointer(
                                            start: base.assumingMemoryBound(to: UInt8.self), count: piece.columns))
                                }
                                continue
                            }
                            line.withUnsafeMutableBufferPointer { line in
                                guard let values = line.baseAddress else { return }
                                gray.convert(base, count: piece.columns, into: values)
                                for index in 0..<piece.columns {
                                    target[index] = UInt8(min(max((line[index] - low) * scale + 0.5, 0), 255))
                                }
                            }
                        }
                    }
                }
            }
        }
        return pixels
    }
}
