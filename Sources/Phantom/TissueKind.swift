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
                            let first = row * times * wide + column * times
                            if let same = around.uniform {
                                for downStep in 0..<height {
                                    for acrossStep in 0..<width { target[first + downStep * wide + acrossStep] = same }
                                }
                                continue
                            }
                            let names = around.names
                            for downStep in 0..<height {
                                for acrossStep in 0..<width {
                                    target[first + downStep * wide + acrossStep] =
                                        around.kind(names, weights[downStep], weights[acrossStep])
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
    /// Row by row, the two upper rows and the two lower ones.
    private var areas: SIMD2<UInt64>
    private var parts: SIMD2<UInt64>

    /// The voxels around the square from (row, column) to (row + 1, column + 1); edges are repeated.
    init(
        areas: UnsafeBufferPointer<UInt8>, parts: UnsafeBufferPointer<UInt8>, start: Int, row: Int, column: Int,
        rows: Int, columns: Int
    ) {
        let inside = column > 0 && column + 2 < columns
        func four(_ voxels: UnsafeBufferPointer<UInt8>, _ down: Int) -> UInt64 {
            let line = start + min(max(row + down - 1, 0), rows - 1) * columns
            if inside {
                return UInt64(
                    UInt32(
                        littleEndian: UnsafeRawBufferPointer(voxels).loadUnaligned(
                            fromByteOffset: line + column - 1, as: UInt32.self)))
            }
            return (0..<4).reduce(0) { bytes, across in
                bytes | UInt64(voxels[line + min(max(column + across - 1, 0), columns - 1)]) << UInt64(8 * across)
            }
        }
        self.areas = SIMD2(four(areas, 0) | four(areas, 1) << 32, four(areas, 2) | four(areas, 3) << 32)
        self.parts = SIMD2(four(parts, 0) | four(parts, 1) << 32, four(parts, 2) | four(parts, 3) << 32)
    }

    var isEmpty: Bool { areas.x | areas.y | parts.x | parts.y == 0 }

    /// The kind of all points between where all voxels have one part and, as far as they have one, one area.
    var uniform: TissueKind? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let part = UInt8(truncatingIfNeeded: parts.x)
        // The bits of all voxels together are the area's where there is but one.
        var bits = areas.x | areas.y
        bits |= bits >> 32
        bits |= bits >> 16
        bits |= bits >> 8
        let name = UInt8(truncatingIfNeeded: bits)
        /// The voxels that have an area, with `name` in their place.
        func named(_ voxels: UInt64) -> UInt64 {
            let sevens = 0x7f &* ones
            let isSet = (((voxels & sevens) &+ sevens) | voxels) >> 7 & ones
            return isSet &* UInt64(name)
        }
        guard parts.x == UInt64(part) &* ones, parts.y == parts.x, named(areas.x) == areas.x, named(areas.y) == areas.y
        else { return nil }
        var kind = TissueKind()
        (kind.area, kind.part, kind.partShare) = (name, part, part == 0 ? 0 : 255)
        return kind
    }

    private static func bytes(_ words: SIMD2<UInt64>) -> SIMD16<UInt8> {
        unsafeBitCast(SIMD2(words.x.littleEndian, words.y.littleEndian), to: SIMD16<UInt8>.self)
    }

    /// The names at a point between the middle four, by its weights along rows and columns.
    func kind(_ names: Names, _ down: SIMD4<Float>, _ across: SIMD4<Float>) -> TissueKind {
        let shares = SIMD16<Float>(
            lowHalf: SIMD8(lowHalf: down[0] * across, highHalf: down[1] * across),
            highHalf: SIMD8(lowHalf: down[2] * across, highHalf: down[3] * across))
        var kind = TissueKind()
        let area = strongest(names.areas, shares)
        kind.area = area.first
        if area.secondShare > 0 {
            kind.second = area.second
            kind.secondShare = UInt8(min(255 * area.secondShare / (area.firstShare + area.secondShare), 127))
        }
        let part = strongest(names.parts, shares)
        kind.part = part.first
        kind.partShare = UInt8(min(255 * part.firstShare, 255))
        return kind
    }

    /// The two names of the largest shares.
    private func strongest(
        _ names: [Named], _ shares: SIMD16<Float>
    ) -> (first: UInt8, firstShare: Float, second: UInt8, secondShare: Float) {
        var best: (UInt8, Float, UInt8, Float) = (0, 0, 0, 0)
        for named in names {
            let share = (shares * named.voxels).sum()
            if share > best.1 {
                best = (named.name, share, best.0, best.1)
            } else if share > best.3 {
                (best.2, best.3) = (named.name, share)
            }
        }
        return best
    }

    /// The names other than 0 among the voxels.
    var names: Names {
        func different(_ voxels: SIMD16<UInt8>) -> [Named] {
            var found: [Named] = []
            for place in 0..<16 where voxels[place] > 0 {
                if let known = found.firstIndex(where: { $0.name == voxels[place] }) {
                    found[known].voxels[place] = 1
                } else {
                    found.append(Named(name: voxels[place], voxels: .zero))
                    found[found.count - 1].voxels[place] = 1
                }
            }
            return found.sorted { $0.name > $1.name }
        }
        return Names(areas: different(Surroundings.bytes(areas)), parts: different(Surroundings.bytes(parts)))
    }
}

/// Names that stand in a neighbourhood, each once, the largest first.
private struct Names {
    var areas: [Named]
    var parts: [Named]
}

/// A name, and 1 for each voxel of a neighbourhood that has it.
private struct Named {
    let name: UInt8
    var voxels: SIMD16<Float>
}
