internal import NDArray

/// Orientation and descriptor of a keypoint from Haar wavelets on an integral image.
///
/// **Reference**: Bay 2008, sections 4.1 and 4.2.
struct SurfDescriptor {
    let integral: IntegralImage

    /// Offsets within 6 s of the keypoint, in units of s, with the weight of a Gaussian of 2 s (section 4.1).
    private static let disk: [(row: Double, column: Double, weight: Float)] = (-6...6).flatMap { row in
        (-6...6).compactMap { column in
            let squared = Double(row * row + column * column)
            return squared < 36 ? (Double(row), Double(column), Float(Math.exp(-squared / 8))) : nil
        }
    }

    /// The 20 × 20 samples' Gaussian weights of 3.3 s (section 4.2), along one axis.
    private static let window: [Float] = (0..<20).map { index in
        let offset = Double(index) - 9.5
        return Float(Math.exp(-offset * offset / (2 * 3.3 * 3.3)))
    }

    /// The direction in which a window of 60° collects the longest sum of Haar responses.
    func orientationRad(of maximum: HessianMaximum) -> Float {
        let size = max(2, 2 * Int((maximum.scalePx * 2).rounded()))
        var vectors: [(angle: Float, row: Float, column: Float)] = []
        vectors.reserveCapacity(SurfDescriptor.disk.count)
        let isInside = isInside(maximum, reachPx: 6 * maximum.scalePx + Double(size))
        integral.sums.withUnsafeBufferPointer { sums in
            for offset in SurfDescriptor.disk {
                let response = haar(
                    sums, row: maximum.row + offset.row * maximum.scalePx,
                    column: maximum.column + offset.column * maximum.scalePx, size: size, isInside: isInside)
                let (row, column) = (response.row * offset.weight, response.column * offset.weight)
                guard row != 0 || column != 0 else { continue }
                vectors.append((Float(Math.atan2(Double(column), Double(row))), row, column))
            }
        }
        guard !vectors.isEmpty else { return 0 }
        vectors.sort { ($0.angle, $0.row, $0.column) < ($1.angle, $1.row, $1.column) }
        // A window that opens at each vector in turn; every set that a turning window can hold is one of these.
        let width = Float.pi / 3
        var best: Float = -1
        var direction: Float = 0
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
                direction = Float(Math.atan2(sum.y, sum.x))
            }
            sum -= SIMD2(Double(vectors[start].row), Double(vectors[start].column))
        }
        return direction
    }

    /// Writes the 64 numbers of a keypoint: for 4 × 4 cells the sums of the differences along and across its direction and of their sizes.
    func describe(_ maximum: HessianMaximum, angleRad: Float, into output: UnsafeMutablePointer<Float>) {
        let size = max(2, 2 * Int(maximum.scalePx.rounded()))
        let (cosine, sine) = (Math.cos(Double(angleRad)), Math.sin(Double(angleRad)))
        let (alongRow, alongColumn) = (Float(cosine), Float(sine))
        var squares: Float = 0
        // Half a diagonal of the 20 × 20 samples.
        let isInside = isInside(maximum, reachPx: 13.5 * maximum.scalePx + Double(size))
        integral.sums.withUnsafeBufferPointer { sums in
            SurfDescriptor.window.withUnsafeBufferPointer { window in
                for cellAlong in 0..<4 {
                    for cellAcross in 0..<4 {
                        var cell = SIMD4<Float>(repeating: 0)
                        for along in cellAlong * 5..<cellAlong * 5 + 5 {
                            for across in cellAcross * 5..<cellAcross * 5 + 5 {
                                let u = (Double(along) - 9.5) * maximum.scalePx
                                let v = (Double(across) - 9.5) * maximum.scalePx
                                let response = haar(
                                    sums, row: maximum.row + u * cosine - v * sine,
                                    column: maximum.column + u * sine + v * cosine, size: size, isInside: isInside)
                                let weight = window[along] * window[across]
                                let du = (response.row * alongRow + response.column * alongColumn) * weight
                                let dv = (response.column * alongRow - response.row * alongColumn) * weight
                                cell += SIMD4(du, abs(du), dv, abs(dv))
                            }
                        }
                        let start = output + (cellAlong * 4 + cellAcross) * 4
                        for lane in 0..<4 { start[lane] = cell[lane] }
                        squares += (cell * cell).sum()
                    }
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

    /// The Haar wavelets' responses at the nearest pixel: lower minus upper half, right minus left half.
    @inline(__always) private func haar(
        _ sums: UnsafeBufferPointer<UInt32>, row: Double, column: Double, size: Int, isInside: Bool
    ) -> (row: Float, column: Float) {
        let half = size / 2
        // A box of even size from pixel t on has its middle at t + half − ½; t is the one that comes nearest.
        let top = SurfDescriptor.floor(row + 1) - half
        let left = SurfDescriptor.floor(column + 1) - half
        @inline(__always) func corner(_ row: Int, _ column: Int) -> UInt32 {
            if isInside { return sums[(row + integral.margin) * integral.stride + column + integral.margin] }
            let line = min(max(row + integral.margin, 0), integral.rows + 2 * integral.margin)
            let place = min(max(column + integral.margin, 0), integral.columns + 2 * integral.margin)
            return sums[line * integral.stride + place]
        }
        let (a, b, c) = (corner(top, left), corner(top, left + half), corner(top, left + size))
        let (d, f) = (corner(top + half, left), corner(top + half, left + size))
        let (g, h, i) = (corner(top + size, left), corner(top + size, left + half), corner(top + size, left + size))
        let whole = i &- c &- g &+ a
        let upper = f &- c &- d &+ a
        let leftHalf = h &- b &- g &+ a
        return (
            Float(Int32(bitPattern: whole &- upper &- upper)), Float(Int32(bitPattern: whole &- leftHalf &- leftHalf))
        )
    }

    /// The next whole number below, without a call of the C library.
    @inline(__always) private static func floor(_ value: Double) -> Int {
        let whole = Int(value)
        return Double(whole) > value ? whole - 1 : whole
    }
}
