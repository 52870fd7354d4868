public import NDArray
public import SpatialTransforms

/// A template brain: probabilities of gray and white matter.
public struct TissueTemplate: Sendable {
    /// 0 to 1.
    public let gray: Volume<Float>
    public let white: Volume<Float>
    /// From (column, row, plane) to RAS mm, and back.
    public let indexToRasMm: AffineTransform
    public let rasMmToIndex: AffineTransform
    let extent: TissueExtent

    /// Takes two maps on one grid.
    ///
    /// - Parameters:
    ///   - gray: probabilities 0 to 1, or on a scale up to the largest value, such as 0 to 255: maps whose maximum is
    ///     above 1.5 are divided by 255, or 100 where they end there.
    ///   - white: likewise, of the shape of `gray`.
    ///   - indexToRasMm: from (column, row, plane) to RAS mm; axes may run in any direction and have any spacing.
    /// - Throws: `VolumeRegistrationError` for shapes that differ, values that are no probabilities, a singular map, or no
    ///   tissue.
    public init(
        gray: Volume<Float>, white: Volume<Float>,
        indexToRasMm: AffineTransform
    ) throws(VolumeRegistrationError) {
        guard gray.planes == white.planes, gray.rows == white.rows, gray.columns == white.columns else {
            throw VolumeRegistrationError(
                .badGrid,
                "the gray map has \(gray.planes) × \(gray.rows) × \(gray.columns) voxels, the white map "
                    + "\(white.planes) × \(white.rows) × \(white.columns); both must lie on one grid")
        }
        guard min(gray.planes, gray.rows, gray.columns) >= 4, let back = indexToRasMm.inverse else {
            throw VolumeRegistrationError(
                .badGrid,
                "the template's grid of \(gray.planes) × \(gray.rows) × \(gray.columns) voxels is too small or its map to "
                    + "mm is singular")
        }
        self.gray = try Self.probabilities(gray, name: "gray")
        self.white = try Self.probabilities(white, name: "white")
        self.indexToRasMm = indexToRasMm
        rasMmToIndex = back
        extent = Self.extent(self.gray, self.white, indexToRasMm)
        guard extent.volumeMm3 > 0, extent.box != nil else {
            throw VolumeRegistrationError(.empty, "the template's maps hold no tissue: all probabilities are below 0.5")
        }
    }

    private static func probabilities(_ map: Volume<Float>, name: String) throws(VolumeRegistrationError)
        -> Volume<Float>
    {
        var (low, high, bad) = (Float.infinity, -Float.infinity, 0)
        for value in map.elements {
            if value.isFinite {
                low = min(low, value)
                high = max(high, value)
            } else {
                bad += 1
            }
        }
        guard bad == 0 else {
            throw VolumeRegistrationError(
                .badValue,
                "the \(name) map holds \(bad) values that are not finite numbers; write 0 where nothing is known")
        }
        // Interpolation of others may leave a little below 0.
        guard low >= -0.05 * max(high, 1), high <= 255.5 else {
            throw VolumeRegistrationError(
                .badValue,
                "the \(name) map runs from \(low) to \(high); probabilities of 0 to 1, 0 to 100 or 0 to 255 are expected"
            )
        }
        let scale: Float = high <= 1.5 ? 1 : high <= 100.5 ? 0.01 : 1 / 255
        var result = map
        for index in result.elements.indices { result.elements[index] = min(max(result.elements[index] * scale, 0), 1) }
        return result
    }

    private static func extent(_ gray: Volume<Float>, _ white: Volume<Float>, _ toMm: AffineTransform) -> TissueExtent {
        var extent = TissueExtent()
        let voxel = abs(toMm.determinant)
        for plane in 0..<gray.planes {
            for row in 0..<gray.rows {
                let start = (plane * gray.rows + row) * gray.columns
                for column in 0..<gray.columns {
                    let share = Double(gray.elements[start + column] + white.elements[start + column])
                    guard share >= 0.5 else { continue }
                    let point = toMm(SIMD3(Double(column), Double(row), Double(plane)))
                    extent.add(point, volumeMm3: min(share, 1) * voxel)
                    extent.reach(point)
                }
            }
        }
        return extent
    }

    /// The box of what is mostly tissue, RAS mm.
    public var tissueCornersMm: (low: SIMD3<Double>, high: SIMD3<Double>) {
        (extent.box?.lowMm ?? SIMD3(), extent.box?.highMm ?? SIMD3())
    }

    /// Probabilities on an isotropic grid: each voxel is the mean over points spread evenly in it.
    ///
    /// - Parameter half: which side of the template's middle counts; the other gets the weight 0.
    func shares(on grid: ChannelGrid, half: BrainHalf, threads: Int) -> ChannelGrid {
        var result = grid
        let (toMm, toIndex) = (indexToRasMm, rasMmToIndex)
        let finest = min(toMm.x.length, toMm.y.length, toMm.z.length)
        let count = min(4, max(1, Int((grid.spacingMm / finest).rounded(.up))))
        let offsets = (0..<count * count * count).map { number in
            let place = SIMD3(Double(number % count), Double(number / count % count), Double(number / (count * count)))
            return SIMD3<Float>(
                toIndex.linear((place + 0.5) / Double(count) * grid.spacingMm - 0.5 * grid.spacingMm))
        }
        let (planes, rows, columns) = (gray.planes, gray.rows, gray.columns)
        let (origin, spacing, middle) = (grid.originMm, grid.spacingMm, extent.centreMm.x)
        let top = SIMD3<Float>(Float(columns - 1), Float(rows - 1), Float(planes - 1))
        result.fill(threads: threads) { column, row, plane in
            let mm = origin + spacing * SIMD3(Double(column), Double(row), Double(plane))
            let centre = SIMD3<Float>(toIndex(mm))
            var sum = SIMD2<Float>()
            gray.elements.withUnsafeBufferPointer { gray in
                white.elements.withUnsafeBufferPointer { white in
                    offsets.withUnsafeBufferPointer { offsets in
                        for offset in offsets {
                            let point = centre + offset
                            // Outside the template's grid there is no tissue.
                            guard all(point .>= -0.5), all(point .<= top + 0.5) else { continue }
                            let inside = SIMD3(
                                min(max(point.x, 0), top.x - 0.001), min(max(point.y, 0), top.y - 0.001),
                                min(max(point.z, 0), top.z - 0.001))
                            let low = inside.lowerIndex
                            let along = inside - SIMD3<Float>(low)
                            let start = (Int(low.z) * rows + Int(low.y)) * columns + Int(low.x)
                            for corner in 0..<8 {
                                let (dx, dy, dz) = (corner & 1, corner >> 1 & 1, corner >> 2)
                                let share =
                                    (dx == 1 ? along.x : 1 - along.x) * (dy == 1 ? along.y : 1 - along.y)
                                    * (dz == 1 ? along.z : 1 - along.z)
                                let index = start + (dz * rows + dy) * columns + dx
                                sum += share * SIMD2(gray[index], white[index])
                            }
                        }
                    }
                }
            }
            sum /= Float(offsets.count)
            let known: Float = half.holds(mm.x - middle) ? 1 : 0
            return SIMD4(sum.x, sum.y, min(sum.x + sum.y, 1), known)
        }
        return result
    }
}

/// Which half of the template a brain is compared with.
public enum BrainHalf: String, Sendable, CaseIterable {
    case both
    case left
    case right

    @inline(__always)
    func holds(_ lateralMm: Double) -> Bool {
        switch self {
        case .both: true
        case .left: lateralMm <= 0
        case .right: lateralMm >= 0
        }
    }
}
