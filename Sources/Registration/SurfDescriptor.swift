internal import NDArray

/// Orientation and descriptor of a keypoint from Haar wavelets on an integral image.
///
/// **Reference**: Bay 2008, sections 4.1 and 4.2.
struct SurfDescriptor {
    let integral: IntegralImage

    /// Offsets within 6 s of the keypoint, in units of s, with the weight of a Gaussian of 2 s (section 4.1); four by four, the last ones
    /// filled up with weights of zero.
    private static let disk: [(rows: SIMD4<Double>, columns: SIMD4<Double>, weights: SIMD4<Float>)] = {
        var offsets = (-6...6).flatMap { row in
            (-6...6).compactMap { column -> (row: Double, column: Double, weight: Float)? in
                let squared = Double(row * row + column * column)
                return squared < 36 ? (Double(row), Double(column), Float(Math.exp(-squared / 8))) : nil
            }
        }
        while offsets.count % 4 != 0 { offsets.append((0, 0, 0)) }
        return stride(from: 0, to: offsets.count, by: 4).map { first in
            let four = offsets[first..<first + 4]
            return (SIMD4(four.map(\.row)), SIMD4(four.map(\.column)), SIMD4(four.map(\.weight)))
        }
    }()

    /// The 20 × 20 samples' Gaussian weights of 3.3 s (section 4.2), along one axis.
    private static let window: [Float] = (0..<20).map { index in
        let offset = Double(index) - 9.5
        return Float(Math.exp(-offset * offset / (2 * 3.3 * 3.3)))
    }

    /// A Haar response and where it points.
    struct Vector {
        var angle: Float
        var row: Float
        var column: Float

        /// By angle, then row, then column.
        @inline(__always) static func < (one: Vector, other: Vector) -> Bool {
            if one.angle != other.angle { return one.angle < other.angle }
            return one.row != other.row ? one.row < other.row : one.column < other.column
        }
    }

    /// The direction in which a window of 60° collects the longest sum of Haar responses.
    func orientationRad(of maximum: HessianMaximum) -> Float {
        let capacity = 4 * SurfDescriptor.disk.count
        return withUnsafeTemporaryAllocation(of: Vector.self, capacity: 2 * capacity) { buffer in
            let unsorted = UnsafeMutableBufferPointer(rebasing: buffer[capacity...])
            let count = collectVectors(around: maximum, into: unsorted)
            let vectors = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
            SurfDescriptor.sort(unsorted[..<count], into: vectors)
            return SurfDescriptor.longestSumRad(of: UnsafeBufferPointer(vectors))
        }
    }

    /// The weighted Haar responses within 6 s that are not zero; gives their count.
    private func collectVectors(
        around maximum: HessianMaximum, into vectors: UnsafeMutableBufferPointer<Vector>
    ) -> Int {
        let size = max(2, 2 * Int((maximum.scalePx * 2).rounded()))
        let isInside = isInside(maximum, reachPx: 6 * maximum.scalePx + Double(size))
        var count = 0
        integral.sums.withUnsafeBufferPointer { sums in
            for four in SurfDescriptor.disk {
                let response = haar(
                    sums, rows: maximum.row + four.rows * maximum.scalePx,
                    columns: maximum.column + four.columns * maximum.scalePx, size: size, isInside: isInside)
                let (rows, columns) = (response.rows * four.weights, response.columns * four.weights)
                let angles = arcTangents(columns, rows)
                func add(_ angle: Float, _ row: Float, _ column: Float) {
                    guard row != 0 || column != 0 else { return }
                    vectors[count] = Vector(angle: angle, row: row, column: column)
                    count += 1
                }
                add(angles.x, rows.x, columns.x)
                add(angles.y, rows.y, columns.y)
                add(angles.z, rows.z, columns.z)
                add(angles.w, rows.w, columns.w)
            }
        }
        return count
    }

    /// The direction of the longest sum of sorted vectors that a window of 60° holds; 0 of none.
    ///
    /// The window opens at each vector in turn; every set that a turning window can hold is one of these.
    private static func longestSumRad(of vectors: UnsafeBufferPointer<Vector>) -> Float {
        let width = Float.pi / 3
        var best: Float = -1
        var longest = SIMD2<Double>(0, 0)
        var end = 0
        var sum = SIMD2<Double>(0, 0)
        for start in vectors.indices {
            while end < start + vectors.count {
                let turn = end >= vectors.count
                let vector = vectors[turn ? end - vectors.count : end]
                guard vector.angle + (turn ? 2 * .pi : 0) - vectors[start].angle < width else { break }
                sum += SIMD2(Double(vector.row), Double(vector.column))
                end += 1
            }
            let length = Float((sum * sum).sum())
            if length > best {
                best = length
                longest = sum
            }
            sum -= SIMD2(Double(vectors[start].row), Double(vectors[start].column))
        }
        return vectors.isEmpty ? 0 : Float(Math.atan2(longest.y, longest.x))
    }

    /// Sorts vectors: into 64 bins of angles first, which leaves few to be exchanged.
    private static func sort(
        _ unsorted: Slice<UnsafeMutableBufferPointer<Vector>>, into vectors: UnsafeMutableBufferPointer<Vector>
    ) {
        let bins = 64
        func bin(_ vector: Vector) -> Int {
            min(max(Int((vector.angle + .pi) * (Float(bins) / (2 * .pi))), 0), bins - 1)
        }
        withUnsafeTemporaryAllocation(of: Int.self, capacity: bins + 1) { ends in
            ends.initialize(repeating: 0)
            for vector in unsorted { ends[bin(vector) + 1] += 1 }
            for bin in 0..<bins { ends[bin + 1] += ends[bin] }
            for vector in unsorted {
                let bin = bin(vector)
                vectors[ends[bin]] = vector
                ends[bin] += 1
            }
        }
        for place in vectors.indices.dropFirst() {
            let vector = vectors[place]
            var place = place
            while place > 0, vector < vectors[place - 1] {
                vectors[place] = vectors[place - 1]
                place -= 1
            }
            vectors[place] = vector
        }
    }

    /// Writes the 64 numbers of a keypoint: for 4 × 4 cells the sums of the differences along and across its direction and of their sizes.
    func describe(_ maximum: HessianMaximum, angleRad: Float, into output: UnsafeMutablePointer<Float>) {
        let size = max(2, 2 * Int(maximum.scalePx.rounded()))
        let (cosine, sine) = (Math.cos(Double(angleRad)), Math.sin(Double(angleRad)))
        let (alongRow, alongColumn) = (Float(cosine), Float(sine))
        var squares: Float = 0
        // Half a diagonal of the 20 × 20 samples.
        let isInside = isInside(maximum, reachPx: 13.5 * maximum.scalePx + Double(size))
        // The samples that stand at the same place of the four cells side by side are taken together.
        let offsets = (0..<20).map { (Double($0) - 9.5) * maximum.scalePx }
        let beside = (0..<5).map { across -> (rows: SIMD4<Double>, columns: SIMD4<Double>, weights: SIMD4<Float>) in
            let v = SIMD4(offsets[across], offsets[across + 5], offsets[across + 10], offsets[across + 15])
            let window = SurfDescriptor.window
            return (
                v * sine, v * cosine,
                SIMD4(window[across], window[across + 5], window[across + 10], window[across + 15])
            )
        }
        integral.sums.withUnsafeBufferPointer { sums in
            for cellAlong in 0..<4 {
                var (du, dv) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
                var (sizeAlong, sizeAcross) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
                for along in cellAlong * 5..<cellAlong * 5 + 5 {
                    let row = maximum.row + offsets[along] * cosine
                    let column = maximum.column + offsets[along] * sine
                    for samples in beside {
                        let response = haar(
                            sums, rows: row - samples.rows, columns: column + samples.columns, size: size,
                            isInside: isInside)
                        let weights = SurfDescriptor.window[along] * samples.weights
                        let ahead = (response.rows * alongRow + response.columns * alongColumn) * weights
                        let aside = (response.columns * alongRow - response.rows * alongColumn) * weights
                        du += ahead
                        dv += aside
                        sizeAlong += SurfDescriptor.magnitude(ahead)
                        sizeAcross += SurfDescriptor.magnitude(aside)
                    }
                }
                for cellAcross in 0..<4 {
                    let cell = SIMD4(du[cellAcross], sizeAlong[cellAcross], dv[cellAcross], sizeAcross[cellAcross])
                    let start = output + (cellAlong * 4 + cellAcross) * 4
                    for lane in 0..<4 { start[lane] = cell[lane] }
                    squares += (cell * cell).sum()
                }
            }
        }
        let scale = squares > 0 ? 1 / squares.squareRoot() : 0
        for index in 0..<64 { output[index] *= scale }
    }

    /// Whether all that lies within a distance of the keypoint, and two pixels more, is inside the frame of the integral image.
    private func isInside(_ maximum: HessianMaximum, reachPx: Double) -> Bool {
        let reach = reachPx + 2 - Double(integral.margin)
        return maximum.row >= reach && maximum.column >= reach && maximum.row <= Double(integral.rows - 1) - reach
            && maximum.column <= Double(integral.columns - 1) - reach
    }

    private static func magnitude(_ values: SIMD4<Float>) -> SIMD4<Float> {
        unsafeBitCast(unsafeBitCast(values, to: SIMD4<UInt32>.self) & 0x7fff_ffff, to: SIMD4<Float>.self)
    }

    /// The Haar wavelets' responses at the pixels nearest to four places: lower minus upper half, right minus left half.
    ///
    /// A box of even size from pixel t on has its middle at t + half − ½; t is the one that comes nearest.
    @inline(__always) private func haar(
        _ sums: UnsafeBufferPointer<UInt32>, rows: SIMD4<Double>, columns: SIMD4<Double>, size: Int, isInside: Bool
    ) -> (rows: SIMD4<Float>, columns: SIMD4<Float>) {
        let shift = Double(integral.margin - size / 2)
        let (top, left) = (floored(rows + 1) + shift, floored(columns + 1) + shift)
        @inline(__always) func four(
            _ one: (Int) -> (row: Float, column: Float)
        ) -> (rows: SIMD4<Float>, columns: SIMD4<Float>) {
            // Written out: lanes of a number that is known stay in registers.
            let (a, b, c, d) = (one(0), one(1), one(2), one(3))
            return (SIMD4(a.row, b.row, c.row, d.row), SIMD4(a.column, b.column, c.column, d.column))
        }
        if isInside {
            let places = FourPlaces(top * Double(integral.stride) + left)
            let (across, down) = (size / 2, size / 2 &* integral.stride)
            return four { lane in
                let place = places[lane]
                return SurfDescriptor.haar { sums[place &+ $0 &* down &+ $1 &* across] }
            }
        }
        return four { lane in
            SurfDescriptor.haar { halvesDown, halvesAcross in
                let line = Int(top[lane]) + halvesDown * (size / 2)
                let place = Int(left[lane]) + halvesAcross * (size / 2)
                return sums[
                    min(max(line, 0), integral.rows + 2 * integral.margin) * integral.stride
                        + min(max(place, 0), integral.columns + 2 * integral.margin)]
            }
        }
    }

    /// The same of one box, by its sums at so many half sides down and across from its corner.
    @inline(__always) private static func haar(_ corner: (Int, Int) -> UInt32) -> (row: Float, column: Float) {
        let (a, b, c) = (corner(0, 0), corner(0, 1), corner(0, 2))
        let (d, f) = (corner(1, 0), corner(1, 2))
        let (g, h, i) = (corner(2, 0), corner(2, 1), corner(2, 2))
        let whole = i &- c &- g &+ a
        let upper = f &- c &- d &+ a
        let leftHalf = h &- b &- g &+ a
        return (
            Float(Int32(bitPattern: whole &- upper &- upper)), Float(Int32(bitPattern: whole &- leftHalf &- leftHalf))
        )
    }
}
