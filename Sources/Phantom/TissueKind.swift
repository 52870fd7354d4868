internal import NDArray

/// What the tissue at a point is: its area, the area that it blends into at a border, the part of the brain.
public struct TissueKind: Sendable, Equatable {
    /// Area of the cortex, 0 where there is none.
    public var area: UInt8 = 0
    /// The neighbouring area, and its share in 255ths (at most 127).
    public var second: UInt8 = 0
    public var secondShare: UInt8 = 0
    /// The part, `BrainPart`, whose texture shows here, and its share in 255ths.
    public var part: UInt8 = 0
    public var partShare: UInt8 = 0

    public init() {}

    /// The part that the point belongs to.
    public var excludedPart: UInt8 { partShare > 127 ? part : 0 }

    /// Names of voxels, spread over a grid `times` finer.
    ///
    /// Each name's share at a point is the cubic B-spline of its voxels: areas blend over about two voxels at a border, and the
    /// borders are smooth.
    static func refined(areas: Volume<UInt8>, parts: Volume<UInt8>, plane: Int, times: Int) -> Image<TissueKind> {
        let (rows, columns) = (areas.rows, areas.columns)
        let (tall, wide) = ((rows - 1) * times + 1, (columns - 1) * times + 1)
        let weights: [SIMD4<Float>] = (0..<times).map { step in
            let t = Float(step) / Float(times)
            let (t2, t3) = (t * t, t * t * t)
            return SIMD4(1 - 3 * t + 3 * t2 - t3, 4 - 6 * t2 + 3 * t3, 1 + 3 * t + 3 * t2 - 3 * t3, t3) / 6
        }
        var result = Image(rows: tall, columns: wide, filledWith: TissueKind())
        let start = plane * rows * columns
        result.elements.withUnsafeMutableBufferPointer { target in
            areas.elements.withUnsafeBufferPointer { areas in
                parts.elements.withUnsafeBufferPointer { parts in
                    for row in 0..<rows {
                        for column in 0..<columns {
                            let (height, width) = (row + 1 < rows ? times : 1, column + 1 < columns ? times : 1)
                            let around = Surroundings(
                                areas: areas, parts: parts, start: start, row: row, column: column, rows: rows,
                                columns: columns)
                            // Nothing to say about the middle of the slide and of white matter.
                            if around.isEmpty { continue }
                            let same = around.uniform
                            let names = same == nil ? around.names : Names(areas: [], parts: [])
                            for downStep in 0..<height {
                                let line = (row * times + downStep) * wide + column * times
                                for acrossStep in 0..<width {
                                    target[line + acrossStep] =
                                        same ?? around.kind(names, weights[downStep], weights[acrossStep])
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}

/// Names of 4 × 4 voxels.
private struct Surroundings {
    private var areas = SIMD16<UInt8>(repeating: 0)
    private var parts = SIMD16<UInt8>(repeating: 0)

    /// The voxels around the square from (row, column) to (row + 1, column + 1); edges are repeated.
    init(
        areas: UnsafeBufferPointer<UInt8>, parts: UnsafeBufferPointer<UInt8>, start: Int, row: Int, column: Int,
        rows: Int, columns: Int
    ) {
        let inside = column > 0 && column + 2 < columns
        for down in 0..<4 {
            let line = start + min(max(row + down - 1, 0), rows - 1) * columns
            for across in 0..<4 {
                let place = inside ? line + column + across - 1 : line + min(max(column + across - 1, 0), columns - 1)
                self.areas[down * 4 + across] = areas[place]
                self.parts[down * 4 + across] = parts[place]
            }
        }
    }

    var isEmpty: Bool { areas == SIMD16(repeating: 0) && parts == SIMD16(repeating: 0) }

    /// The kind of all points between where all voxels have one part and, as far as they have one, one area.
    var uniform: TissueKind? {
        let name = areas.max()
        let part = parts[0]
        let others = (areas .!= SIMD16(repeating: name)) .& (areas .!= SIMD16(repeating: 0))
        guard !any(others), parts == SIMD16(repeating: part) else { return nil }
        var kind = TissueKind()
        (kind.area, kind.part, kind.partShare) = (name, part, part == 0 ? 0 : 255)
        return kind
    }

    /// The names at a point between the middle four, by its weights along rows and columns.
    func kind(_ names: Names, _ down: SIMD4<Float>, _ across: SIMD4<Float>) -> TissueKind {
        let shares = SIMD16<Float>(
            lowHalf: SIMD8(lowHalf: down[0] * across, highHalf: down[1] * across),
            highHalf: SIMD8(lowHalf: down[2] * across, highHalf: down[3] * across))
        var kind = TissueKind()
        let area = strongest(names.areas, areas, shares)
        kind.area = area.first
        if area.secondShare > 0 {
            kind.second = area.second
            kind.secondShare = UInt8(min(255 * area.secondShare / (area.firstShare + area.secondShare), 127))
        }
        let part = strongest(names.parts, parts, shares)
        kind.part = part.first
        kind.partShare = UInt8(min(255 * part.firstShare, 255))
        return kind
    }

    /// The two names of the largest shares.
    private func strongest(
        _ names: [Int32], _ voxels: SIMD16<UInt8>, _ shares: SIMD16<Float>
    ) -> (first: UInt8, firstShare: Float, second: UInt8, secondShare: Float) {
        var best: (UInt8, Float, UInt8, Float) = (0, 0, 0, 0)
        let voxels = SIMD16<Int32>(truncatingIfNeeded: voxels)
        for name in names {
            let share = shares.replacing(with: 0, where: voxels .!= SIMD16(repeating: name)).sum()
            if share > best.1 {
                best = (UInt8(name), share, best.0, best.1)
            } else if share > best.3 {
                (best.2, best.3) = (UInt8(name), share)
            }
        }
        return best
    }

    /// The names other than 0 among the voxels.
    var names: Names {
        func different(_ voxels: SIMD16<UInt8>) -> [Int32] {
            var (rest, found) = (voxels, [Int32]())
            while case let name = rest.max(), name > 0 {
                found.append(Int32(name))
                rest.replace(with: 0, where: rest .== SIMD16(repeating: name))
            }
            return found
        }
        return Names(areas: different(areas), parts: different(parts))
    }
}

/// Names that stand in a neighbourhood, each once, the largest first.
private struct Names {
    var areas: [Int32]
    var parts: [Int32]
}
