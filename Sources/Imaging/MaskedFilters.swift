import NDArray

/// Filters that see only the pixels inside a mask, so that the bright slide does not bleed into tissue. Outside the
/// mask results are 0.
struct MaskedFilters {
    let mask: BitImage
    /// 1 inside the mask, 0 outside.
    private let inside: Image<Float>
    /// The mask under the mean filter of the size that all steps share.
    private let meanWeights: Image<Float>
    private let size: Int
    let threads: Int

    /// - Parameter size: of the minimum, maximum and mean filters, in pixels.
    init(mask: BitImage, size: Int, threads: Int) {
        self.mask = mask
        self.threads = threads
        self.size = size
        inside = mask.select(
            Image(rows: mask.rows, columns: mask.columns, filledWith: Float(1)), otherwise: 0, threads: threads)
        meanWeights = meanFilter(inside, size: size, threads: threads)
    }

    /// Minimum, then maximum (together an opening: thin bright structures go), then mean, each inside the mask.
    func openedMean(_ image: Image<Float>) -> Image<Float> {
        let low = minimumFilter(
            mask.select(image, otherwise: .infinity, threads: threads), size: size, threads: threads)
        let high = maximumFilter(
            mask.select(low, otherwise: -.infinity, threads: threads), size: size, threads: threads)
        return mean(high)
    }

    /// The same of 8-bit levels, whose extremes are of the same type.
    func openedMean(_ image: Image<UInt8>) -> Image<Float> {
        let low = minimumFilter(mask.select(image, otherwise: 255, threads: threads), size: size, threads: threads)
        let high = maximumFilter(mask.select(low, otherwise: 0, threads: threads), size: size, threads: threads)
        return mean(high.asFloat)
    }

    func gaussian(_ image: Image<Float>, sigmaPx: Double) -> Image<Float> {
        normalised(image, by: gaussianFilter(inside, sigmaPx: sigmaPx, threads: threads)) {
            gaussianFilter($0, sigmaPx: sigmaPx, threads: threads)
        }
    }

    private func mean(_ image: Image<Float>) -> Image<Float> {
        normalised(image, by: meanWeights) { meanFilter($0, size: size, threads: threads) }
    }

    /// A weighted mean over the mask alone: the filtered image over the filtered mask.
    private func normalised(
        _ image: Image<Float>, by weights: Image<Float>, filter: (Image<Float>) -> Image<Float>
    ) -> Image<Float> {
        var result = filter(mask.select(image, otherwise: 0, threads: threads))
        result.elements.withUnsafeMutableBufferPointer { pixels in
            weights.elements.withUnsafeBufferPointer { weights in
                inside.elements.withUnsafeBufferPointer { inside in
                    for index in pixels.indices {
                        let mean = pixels[index] / weights[index]
                        pixels[index] = inside[index] > 0 ? mean : 0
                    }
                }
            }
        }
        return result
    }
}
