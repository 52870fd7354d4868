internal import NDArray

/// A moving section made ready to be sampled many times: at every pixel its gray level, the level's slopes along row and column, and the
/// tissue, side by side, so that one bilinear interpolation gives all four.
///
/// Levels count from the slide's, and two pixels of slide frame the image: whatever lies beyond reads as zero.
struct SlopedImage: Sendable {
    let rows: Int
    let columns: Int
    private let stride: Int
    private let pixels: [SIMD4<Float>]
    private static let frame = 2

    init(_ image: RegistrationImage, threads: Int) {
        rows = image.rows
        columns = image.columns
        let frame = SlopedImage.frame
        let (rows, columns, stride) = (rows, columns, columns + 2 * frame)
        self.stride = stride
        let height = rows + 2 * frame
        let background = image.background
        pixels = [SIMD4<Float>](unsafeUninitializedCapacity: height * stride) { buffer, initialised in
            let output = DisjointSlices(buffer)
            parallelBands(height, band: 64, threads: threads) { band in
                // Three rows of levels with their frame: the one above, this one, the one below.
                var lines = [Float](repeating: 0, count: 3 * (stride + 2))
                image.gray.elements.withUnsafeBufferPointer { gray in
                    image.tissue.elements.withUnsafeBufferPointer { tissue in
                        lines.withUnsafeMutableBufferPointer { lines in
                            guard let base = lines.baseAddress else { return }
                            /// The line of a row, with one more pixel of slide on either side.
                            func line(_ row: Int) -> UnsafeMutablePointer<Float> {
                                base + (row + 3) % 3 * (stride + 2) + 1
                            }
                            func fill(_ row: Int) {
                                let target = line(row)
                                guard row >= 0, row < rows else {
                                    for column in 0..<stride { target[column] = 0 }
                                    return
                                }
                                for column in 0..<columns {
                                    target[column + frame] = gray[row * columns + column] - background
                                }
                            }
                            fill(band.lowerBound - frame - 1)
                            fill(band.lowerBound - frame)
                            for framed in band {
                                let row = framed - frame
                                fill(row + 1)
                                let (above, here, below) = (line(row - 1), line(row), line(row + 1))
                                let target = output.base + framed * stride
                                for column in 0..<stride {
                                    target[column] = SIMD4(
                                        here[column], (below[column] - above[column]) * 0.5,
                                        (here[column + 1] - here[column - 1]) * 0.5, 0)
                                }
                                guard row >= 0, row < rows else { continue }
                                for column in image.tissueExtents[row] where tissue[row * columns + column] != 0 {
                                    target[column + frame].w = 1
                                }
                            }
                        }
                    }
                }
            }
            initialised = height * stride
        }
    }

    /// Calls `body` with level, both slopes, and share of tissue at a row's places.
    @inline(__always) func withSamples(_ row: SampledRow, _ body: (UnsafePointer<SIMD4<Float>>) -> Void) {
        withUnsafeTemporaryAllocation(of: SIMD4<Float>.self, capacity: row.columns.count) { samples in
            pixels.withUnsafeBufferPointer { pixels in
                guard let pixels = pixels.baseAddress, let base = samples.baseAddress else { return }
                let target = base - row.columns.lowerBound
                let inside = row.interior { holds($0) }
                for column in row.columns.lowerBound..<inside.lowerBound {
                    target[column] = sample(pixels, at: row.place(column))
                }
                var column = inside.lowerBound
                while column + 4 <= inside.upperBound {
                    let four = self.samples(pixels, at: row.places(from: column))
                    (target[column], target[column + 1]) = (four.0, four.1)
                    (target[column + 2], target[column + 3]) = (four.2, four.3)
                    column += 4
                }
                for column in column..<row.columns.upperBound {
                    target[column] = sample(pixels, at: row.place(column))
                }
                body(base)
            }
        }
    }

    /// Calls `body` with what `withSamples` has of levels alone, and with 1 where at least half a place is tissue.
    ///
    /// - Parameter image: the section that this one was made from; the memory that is read is a third.
    @inline(__always) func withLevels(
        _ row: SampledRow, of image: RegistrationImage,
        _ body: (_ levels: UnsafePointer<Float>, _ isTissue: UnsafePointer<UInt8>) -> Void
    ) {
        let frame = Double(SlopedImage.frame)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: row.columns.count) { levels in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: row.columns.count) { isTissue in
                pixels.withUnsafeBufferPointer { pixels in
                    image.gray.elements.withUnsafeBufferPointer { gray in
                        image.tissue.elements.withUnsafeBufferPointer { tissue in
                            guard let pixels = pixels.baseAddress, let levels = levels.baseAddress,
                                let isTissue = isTissue.baseAddress, let gray = gray.baseAddress,
                                let tissue = tissue.baseAddress
                            else { return }
                            let first = row.columns.lowerBound
                            let inside = row.interior { image.isInterior($0) }
                            func fill(_ columns: Range<Int>) {
                                for column in columns {
                                    let sample = sample(pixels, at: row.place(column))
                                    levels[column - first] = sample.x
                                    isTissue[column - first] = sample.w >= 0.5 ? 1 : 0
                                }
                            }
                            fill(first..<inside.lowerBound)
                            var column = inside.lowerBound
                            while column + 4 <= inside.upperBound {
                                let four = FourSamples(image, row.places(from: column), frame: frame)
                                let index = column - first
                                UnsafeMutableRawPointer(levels + index).storeBytes(
                                    of: four.levels(gray, above: image.background), as: SIMD4<Float>.self)
                                for lane in 0..<4 { isTissue[index + lane] = four.isTissue(tissue, lane) }
                                column += 4
                            }
                            fill(column..<row.columns.upperBound)
                            body(levels, isTissue)
                        }
                    }
                }
            }
        }
    }

    /// Level, both slopes, and share of tissue at a place (row, column).
    @inline(__always) private func sample(_ pixels: UnsafePointer<SIMD4<Float>>, at place: SIMD2<Double>) -> SIMD4<
        Float
    > {
        let frame = Double(SlopedImage.frame)
        // Beyond the frame it is as on its edge.
        let row = min(max(place[0] + frame, 0), Double(rows + 2 * SlopedImage.frame - 2))
        let column = min(max(place[1] + frame, 0), Double(columns + 2 * SlopedImage.frame - 2))
        let (top, left) = (Int(row), Int(column))
        let (down, across) = (Float(row - Double(top)), Float(column - Double(left)))
        let at = pixels + (top * stride + left)
        let upper = at[0] + (at[1] - at[0]) * across
        let lower = at[stride] + (at[stride + 1] - at[stride]) * across
        return upper + (lower - upper) * down
    }

    /// Whether a place (row, column) lies within the frame.
    @inline(__always) private func holds(_ place: SIMD2<Double>) -> Bool {
        let frame = Double(SlopedImage.frame)
        return place[0] + frame >= 0 && place[0] + frame <= Double(rows + 2 * SlopedImage.frame - 2)
            && place[1] + frame >= 0 && place[1] + frame <= Double(columns + 2 * SlopedImage.frame - 2)
    }

    /// What `sample` tells about four places within the frame.
    @inline(__always) private func samples(
        _ pixels: UnsafePointer<SIMD4<Float>>, at places: (rows: SIMD4<Double>, columns: SIMD4<Double>)
    ) -> (SIMD4<Float>, SIMD4<Float>, SIMD4<Float>, SIMD4<Float>) {
        let (rows, columns) = (places.rows + Double(SlopedImage.frame), places.columns + Double(SlopedImage.frame))
        let (top, left) = (floored(rows), floored(columns))
        let (down, across) = (SIMD4<Float>(rows - top), SIMD4<Float>(columns - left))
        let at = FourPlaces(top * Double(stride) + left)
        @inline(__always) func one(_ lane: Int) -> SIMD4<Float> {
            let at = pixels + at[lane]
            let upper = at[0] + (at[1] - at[0]) * across[lane]
            let lower = at[stride] + (at[stride + 1] - at[stride]) * across[lane]
            return upper + (lower - upper) * down[lane]
        }
        return (one(0), one(1), one(2), one(3))
    }
}
