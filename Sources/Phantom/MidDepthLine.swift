internal import NDArray

/// The true mid-depth line of a section: where the cortical depth a/(a + b) is one half, as points on the slide.
public struct MidDepthLine: Sendable {
    /// Row and column in µm from the centre of the scan's first pixel.
    public var points: [SectionPoint] = []
    /// Position in the brain's plane, in µm from its middle.
    public var planePoints: [SectionPoint] = []
    public var hemisphere: [UInt8] = []
    /// Area, 0 in excluded parts.
    public var area: [UInt8] = []
    /// 1 where the line runs through a part that is left out and yet folded like cortex: the cerebellum.
    public var isExcluded: [UInt8] = []
    /// a + b: distance to the pia plus distance to the white surface.
    public var thicknessUm: [Float] = []
}

extension PhantomScan {
    /// Finds the mid-depth line in the plane of the brain, where a − b is interpolated linearly on the refined grid, and
    /// carries it to the slide.
    ///
    /// - Parameter stepUm: largest distance between neighbouring points.
    /// - Returns: points of the scan only, neighbours in line where the line is not interrupted.
    public func midDepthLine(stepUm: Double = 75) -> MidDepthLine {
        let (rows, columns) = (plane.fields.rows, plane.fields.columns)
        // b is minus the distance to the white surface as the plane has it.
        let difference = plane.fields.map { $0[0] + $0[1] }.elements
        let lines = difference.withUnsafeBufferPointer {
            isoLines(of: $0, columns: columns, rows: 0..<rows - 1, columns: 0..<columns - 1)
        }
        var result = MidDepthLine()
        let (height, width) = (Double(self.rows) * spacingUm, Double(self.columns) * spacingUm)
        for line in lines {
            let places = line.map {
                SIMD2(plane.originUm.row, plane.originUm.column) + $0 * plane.spacingUm
            }
            for piece in places.split(whereSeparator: { !isCortex($0) }) {
                for place in resampled(Array(piece), step: stepUm) {
                    let fields = plane.sample(rowUm: place.x, columnUm: place.y)
                    let kind = plane.kind(rowUm: place.x, columnUm: place.y)
                    let there = lay.place(ofPlaneRow: place.x, column: place.y)
                    let point = SectionPoint(row: there.row - firstUm.row, column: there.column - firstUm.column)
                    guard point.row > -spacingUm / 2, point.row < height - spacingUm / 2,
                        point.column > -spacingUm / 2, point.column < width - spacingUm / 2
                    else { continue }
                    let excluded = kind.excludedPart != 0
                    result.points.append(point)
                    result.planePoints.append(SectionPoint(row: place.x, column: place.y))
                    result.hemisphere.append(isLeft(place) ? 0 : 1)
                    result.area.append(excluded ? 0 : kind.area)
                    result.isExcluded.append(excluded ? 1 : 0)
                    result.thicknessUm.append(fields[0] - fields[1])
                }
            }
        }
        return result
    }

    /// The hemisphere of a point: by its column; beside the fissure by the side that its tissue lies on.
    private func isLeft(_ place: SIMD2<Double>) -> Bool {
        guard abs(place.y) < 400 else { return place.y < 0 }
        func depth(_ offset: Double) -> Float { plane.sample(rowUm: place.x, columnUm: place.y + offset)[0] }
        let (left, right) = (depth(-800), depth(800))
        return left == right ? place.y < 0 : left > right
    }

    /// Whether a point where both distances agree lies in cortex, or in what is folded like it.
    private func isCortex(_ place: SIMD2<Double>) -> Bool {
        // Where a ventricle meets white matter the two agree as well, but on the slide; and where the cortex tapers off at the
        // body that joins the hemispheres it is none any more.
        guard plane.sample(rowUm: place.x, columnUm: place.y)[0] > 500 else { return false }
        let kind = plane.kind(rowUm: place.x, columnUm: place.y)
        return kind.excludedPart == 0 ? kind.area > 0 : kind.excludedPart == BrainPart.cerebellum.rawValue
    }
}
