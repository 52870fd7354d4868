public import NDArray

/// Where the voxels of a reconstructed brain lie: centre of voxel (plane, row, column) = origin + index × spacing, in µm.
public struct ReconstructionGrid: Sendable, Equatable {
    public var planes: Int
    public var rows: Int
    public var columns: Int
    public var spacingUm: Double
    /// (position along the stack, row, column) of the centre of voxel (0, 0, 0), in µm of the common plane.
    public var originUm: [Double]

    public init(planes: Int, rows: Int, columns: Int, spacingUm: Double, originUm: [Double]) {
        precondition(originUm.count == 3, "An origin has three coordinates.")
        self.planes = planes
        self.rows = rows
        self.columns = columns
        self.spacingUm = spacingUm
        self.originUm = originUm
    }

    /// The grid that holds all sections' frames from the first to the last position.
    ///
    /// - Parameter corners: points of all sections' outlines in the common plane, µm.
    public init(around corners: [PlanarPoint], positionsUm: [Double], spacingUm: Double) {
        precondition(spacingUm > 0, "The spacing must be positive: \(spacingUm) µm.")
        func span(_ values: [Double]) -> (count: Int, origin: Double) {
            guard let low = values.min(), let high = values.max() else { return (0, 0) }
            let count = Int(((high - low) / spacingUm).rounded(.up)) + 1
            return (count, (low + high) / 2 - Double(count - 1) / 2 * spacingUm)
        }
        let (planes, plane) = span(positionsUm)
        let (rows, row) = span(corners.map(\.row))
        let (columns, column) = span(corners.map(\.column))
        self.init(
            planes: planes, rows: rows, columns: columns, spacingUm: spacingUm, originUm: [plane, row, column])
    }

    /// Position of a plane's voxels along the stack, in µm.
    public func positionUm(plane: Int) -> Double { originUm[0] + Double(plane) * spacingUm }
}

/// Which sections make a plane of the volume.
///
/// Those inside the plane's slab; where there is none, the nearest one if the gap that it stands in is at most `fillGapUm` wide.
/// A wider gap stays empty, half a voxel beyond the sections at its sides.
///
/// - Parameter positionsUm: ascending.
/// - Returns: indices of sections, empty for a plane in a wide gap.
public func sections(
    forPlaneAt positionUm: Double, thicknessUm: Double, positionsUm: [Double], fillGapUm: Double
) -> [Int] {
    let half = thicknessUm / 2
    let inside = positionsUm.indices.filter {
        positionsUm[$0] >= positionUm - half && positionsUm[$0] < positionUm + half
    }
    guard inside.isEmpty else { return inside }
    let before = positionsUm.lastIndex { $0 < positionUm }
    let after = positionsUm.firstIndex { $0 >= positionUm }
    switch (before, after) {
    case (let before?, let after?):
        guard positionsUm[after] - positionsUm[before] <= fillGapUm else { return [] }
        return [positionUm - positionsUm[before] <= positionsUm[after] - positionUm ? before : after]
    default: return []
    }
}

/// A section of which a plane is made.
public struct PlacedSection: Sendable {
    /// Class of each pixel.
    public var labels: Image<UInt8>
    /// Gray levels on the same grid.
    public var gray: Image<UInt8>
    /// Gray level of the slide, for what lies beyond the image.
    public var background: UInt8
    public var spacingUm: Double
    /// Section coordinate of the first pixel's centre, in µm.
    public var firstUm: Double
    /// Section µm to the common plane.
    public var transform: RigidTransform

    public init(
        labels: Image<UInt8>, gray: Image<UInt8>, background: UInt8, spacingUm: Double, firstUm: Double,
        transform: RigidTransform
    ) {
        precondition(labels.rows == gray.rows && labels.columns == gray.columns, "Labels and image differ in size.")
        self.labels = labels
        self.gray = gray
        self.background = background
        self.spacingUm = spacingUm
        self.firstUm = firstUm
        self.transform = transform
    }
}

/// One plane of a reconstructed volume.
public struct VolumePlane: Sendable {
    /// The class of most of a voxel: 0 background, 1 gray, 2 white matter.
    public var labels: Image<UInt8>
    /// Share of a voxel that is gray, and that is white matter; 255 is all of it.
    public var grayFraction: Image<UInt8>
    public var whiteFraction: Image<UInt8>
    /// Mean gray level.
    public var gray: Image<UInt8>

    public init(
        labels: Image<UInt8>, grayFraction: Image<UInt8>, whiteFraction: Image<UInt8>, gray: Image<UInt8>
    ) {
        self.labels = labels
        self.grayFraction = grayFraction
        self.whiteFraction = whiteFraction
        self.gray = gray
    }
}

/// One plane of the volume: of each voxel the class that most of its area has, and the mean gray level.
///
/// A voxel is looked at in `n × n` points a section, as many as it takes to miss no pixel; the class with the most points wins, the lower
/// number where two have the same.
///
/// - Parameter sections: those that make the plane; none gives class 0 and `emptyGray`.
/// - Complexity: O(area of the plane / pixel area · sections), or four points a voxel where that is more.
public func volumePlane(
    from sections: [PlacedSection], grid: ReconstructionGrid, emptyGray: UInt8, threads: Int = 1
) -> VolumePlane {
    let (rows, columns) = (grid.rows, grid.columns)
    var labels = Image<UInt8>(rows: rows, columns: columns, filledWith: 0)
    var gray = Image<UInt8>(rows: rows, columns: columns, filledWith: emptyGray)
    guard !sections.isEmpty, rows > 0, columns > 0 else {
        return VolumePlane(labels: labels, grayFraction: labels, whiteFraction: labels, gray: gray)
    }
    let classes = sections.reduce(3) { max($0, Int($1.labels.elements.max() ?? 0) + 1) }
    var parts = Image(rows: rows, columns: columns, filledWith: SIMD2<UInt8>(0, 0))
    labels.elements.withUnsafeMutableBufferPointer { labels in
        gray.elements.withUnsafeMutableBufferPointer { gray in
            parts.elements.withUnsafeMutableBufferPointer { parts in
                let labels = DisjointSlices(labels)
                let gray = DisjointSlices(gray)
                let parts = DisjointSlices(parts)
                parallelBands(rows, band: 4, threads: threads) { band in
                    var votes = [Int32](repeating: 0, count: columns * classes)
                    var sums = [Int](repeating: 0, count: columns)
                    for row in band {
                        for index in votes.indices { votes[index] = 0 }
                        for index in sums.indices { sums[index] = 0 }
                        var points = 0
                        for section in sections {
                            points += section.vote(row: row, grid: grid, classes: classes, votes: &votes, sums: &sums)
                        }
                        for column in 0..<columns {
                            var best = 0
                            for label in 0..<classes
                            where votes[column * classes + label] > votes[column * classes + best] {
                                best = label
                            }
                            labels[row * columns + column] = UInt8(best)
                            gray[row * columns + column] = UInt8((sums[column] + points / 2) / points)
                            func share(_ label: Int) -> UInt8 {
                                UInt8((Int(votes[column * classes + label]) * 255 + points / 2) / points)
                            }
                            parts[row * columns + column] = SIMD2(share(1), share(2))
                        }
                    }
                }
            }
        }
    }
    return VolumePlane(
        labels: labels, grayFraction: parts.map { $0.x }, whiteFraction: parts.map { $0.y }, gray: gray)
}

extension PlacedSection {
    /// Counts the classes and gray levels seen in one row of voxels; returns the number of points in a voxel.
    fileprivate func vote(
        row: Int, grid: ReconstructionGrid, classes: Int, votes: inout [Int32], sums: inout [Int]
    ) -> Int {
        let fine = max(2, Int((grid.spacingUm / spacingUm).rounded(.up)))
        let step = grid.spacingUm / Double(fine)
        // From the plane's µm to this section's pixels, half a pixel further so that cutting off finds the nearest one.
        let back = transform.inverse.matrix.map { $0 / spacingUm }
        let offset = 0.5 - firstUm / spacingUm
        let alongColumns = SIMD2(back[1], back[4])
        let (rows, columns) = (Double(self.labels.rows), Double(self.labels.columns))
        let width = self.labels.columns
        let background = Int(background)
        labels.elements.withUnsafeBufferPointer { labels in
            gray.elements.withUnsafeBufferPointer { gray in
                votes.withUnsafeMutableBufferPointer { votes in
                    sums.withUnsafeMutableBufferPointer { sums in
                        for part in 0..<fine {
                            let y =
                                grid.originUm[1] + Double(row) * grid.spacingUm + (Double(part) + 0.5) * step
                                - grid.spacingUm / 2
                            let start = SIMD2(back[0], back[3]) * y + SIMD2(back[2], back[5]) + offset
                            for column in 0..<grid.columns {
                                let first = grid.originUm[2] + (Double(column) - 0.5) * grid.spacingUm
                                for piece in 0..<fine {
                                    let place = start + alongColumns * (first + (Double(piece) + 0.5) * step)
                                    guard place[0] >= 0, place[0] < rows, place[1] >= 0, place[1] < columns else {
                                        votes[column * classes] += 1
                                        sums[column] += background
                                        continue
                                    }
                                    let at = Int(place[0]) * width + Int(place[1])
                                    votes[column * classes + Int(labels[at])] += 1
                                    sums[column] += Int(gray[at])
                                }
                            }
                        }
                    }
                }
            }
        }
        return fine * fine
    }
}
