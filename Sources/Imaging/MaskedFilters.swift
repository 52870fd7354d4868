import NDArray

/// Filters that see only the pixels inside a mask, so that the bright slide does not bleed into tissue. Outside the
/// mask results are 0.
struct MaskedFilters {
    let mask: BitImage
    /// 1 inside the mask, 0 outside.
    private let inside: Image<Float>
    let threads: Int

    init(mask: BitImage, threads: Int) {
        self.mask = mask
        self.threads = threads
        inside = mask.select(
            Image(rows: mask.rows, columns: mask.columns, filledWith: Float(1)), otherwise: 0, threads: threads)
    }

    /// Minimum, then maximum (together an opening: thin bright structures go), then mean, each inside the mask.
    func openedMean(_ image: Image<Float>, size: Int) -> Image<Float> {
        let low = minimumFilter(
            mask.select(image, otherwise: .infinity, threads: threads), size: size, threads: threads)
        let high = maximumFilter(
            mask.select(low, otherwise: -.infinity, threads: threads), size: size, threads: threads)
        return mean(high, size: size)
    }

    /// The same of 8-bit levels, whose extremes are of the same type.
    func openedMean(_ image: Image<UInt8>, size: Int) -> Image<Float> {
        let low = minimumFilter(mask.select(image, otherwise: 255, threads: threads), size: size, threads: threads)
        let high = maximumFilter(mask.select(low, otherwise: 0, threads: threads), size: size, threads: threads)
        return mean(high.asFloat, size: size)
    }

    func gaussian(_ image: Image<Float>, sigmaPx: Double) -> Image<Float> {
        normalised(image) { gaussianFilter($0, sigmaPx: sigmaPx, threads: threads) }
    }

    private func mean(_ image: Image<Float>, size: Int) -> Image<Float> {
        normalised(image) { meanFilter($0, size: size, threads: threads) }
    }

    /// A weighted mean over the mask alone: the filtered image over the filtered mask.
    private func normalised(_ image: Image<Float>, filter: (Image<Float>) -> Image<Float>) -> Image<Float> {
        let weights = filter(inside)
        var result = filter(mask.select(image, otherwise: 0, threads: threads))
        result.elements.withUnsafeMutableBufferPointer { pixels in
            weights.elements.withUnsafeBufferPointer { weights in
                inside.elements.withUnsafeBufferPointer { inside in
                    for index in pixels.indices {
                        pixels[index] = inside[index] > 0 ? pixels[index] / weights[index] : 0
                    }
                }
            }
        }
        return result
    }
}
