internal import NDArray

/// Outlines of the areas' cortical ribbons in a section, as people draw them on scans: closed polygons.
public struct AreaContours: Sendable {
    /// Row and column in µm from the centre of the scan's first pixel; the last point of a polygon is its first.
    public var points: [SectionPoint] = []
    /// Where each polygon begins in `points`.
    public var starts: [Int] = []
    public var areas: [UInt8] = []
    public var hemispheres: [UInt8] = []
}

extension PhantomScan {
    /// Traces the areas in the plane of the brain and carries the outlines to the slide.
    ///
    /// - Parameter toleranceUm: how far an outline may lie beside that of the area's elements of the plane.
    public func areaContours(toleranceUm: Double = 40) -> AreaContours {
        let (rows, columns) = (plane.fields.rows, plane.fields.columns)
        let middle = Int((-plane.originUm.column / plane.spacingUm).rounded(.up))
        let deepest = plane.deepest
        // 0 for no cortex, else 1 + 2 × area + hemisphere.
        var names = [UInt16](repeating: 0, count: rows * columns)
        var boxes = [Box?](repeating: nil, count: 2 * 256 + 1)
        names.withUnsafeMutableBufferPointer { names in
            boxes.withUnsafeMutableBufferPointer { boxes in
                plane.fields.elements.withUnsafeBufferPointer { fields in
                    plane.kinds.elements.withUnsafeBufferPointer { kinds in
                        for row in 1..<rows - 1 {
                            // Boxes grow by runs of one name.
                            var run = (name: 0, first: 0)
                            func end(_ column: Int, _ name: Int) {
                                if run.name > 0 {
                                    let box = Box(row: row, first: run.first, last: column - 1)
                                    boxes[run.name] = boxes[run.name]?.union(box) ?? box
                                }
                                run = (name, column)
                            }
                            for block in 0..<deepest.columns {
                                let first = max(block * BrainPlane.blockSide, 1)
                                guard deepest[row / BrainPlane.blockSide, block] > 0 else {
                                    if run.name > 0 { end(first, 0) }
                                    continue
                                }
                                for column in first..<max(min((block + 1) * BrainPlane.blockSide, columns - 1), first) {
                                    let index = row &* columns &+ column
                                    let (here, kind) = (fields[index], kinds[index])
                                    var name = 0
                                    if here[0] > 0, here[1] <= 0, kind.area > 0, kind.excludedPart == 0 {
                                        name = 1 + 2 * Int(kind.area) + (column < middle ? 0 : 1)
                                        names[index] = UInt16(truncatingIfNeeded: name)
                                    }
                                    if name != run.name { end(column, name) }
                                }
                            }
                            end(columns - 1, 0)
                        }
                    }
                }
            }
        }
        var result = AreaContours()
        var mask = [Float](repeating: -1, count: rows * columns)
        for (name, box) in boxes.enumerated() {
            guard let box else { continue }
            let wanted = UInt16(name)
            // The mask is set in the box alone, and cleared there afterwards.
            mask.withUnsafeMutableBufferPointer { mask in
                names.withUnsafeBufferPointer { names in
                    for row in box.rows {
                        for index in row * columns + box.columns.lowerBound..<row * columns + box.columns.upperBound {
                            mask[index] = names[index] == wanted ? 1 : -1
                        }
                    }
                }
            }
            let lines = mask.withUnsafeBufferPointer {
                isoLines(of: $0, columns: columns, rows: box.rows.dropLast(), columns: box.columns.dropLast())
            }
            // Specks of a few elements are the raster's, not the area's.
            for line in lines where line.count > 12 {
                result.starts.append(result.points.count)
                result.areas.append(UInt8((name - 1) / 2))
                result.hemispheres.append(UInt8((name - 1) % 2))
                for point in simplified(line, tolerance: toleranceUm / plane.spacingUm) {
                    let there = lay.place(
                        ofPlaneRow: plane.originUm.row + point.x * plane.spacingUm,
                        column: plane.originUm.column + point.y * plane.spacingUm)
                    result.points.append(
                        SectionPoint(row: there.row - firstUm.row, column: there.column - firstUm.column))
                }
            }
        }
        return result
    }
}

/// Elements that hold a name, and one around them.
private struct Box {
    private var low: (row: Int, column: Int)
    private var high: (row: Int, column: Int)

    /// A run of a row.
    init(row: Int, first: Int, last: Int) {
        (low, high) = ((row, first), (row, last))
    }

    func union(_ other: Box) -> Box {
        var result = self
        result.low = (min(low.row, other.low.row), min(low.column, other.low.column))
        result.high = (max(high.row, other.high.row), max(high.column, other.high.column))
        return result
    }

    var rows: Range<Int> { low.row - 1..<high.row + 2 }
    var columns: Range<Int> { low.column - 1..<high.column + 2 }
}
