import NDArray

/// Filters that see only the pixels inside a mask, so that the bright slide does not bleed into tissue. Outside the
/// mask results are 0.
struct MaskedFilters {
    let mask: BitImage
    let outside: BitImage
    let threads: Int

    init(mask: BitImage, threads: Int) {
        self.mask = mask
        outside = ~mask
        self.threads = threads
    }

    /// The image with `value` outside the mask.
    func filled(_ image: Image<Float>, with value: Float) -> Image<Float> {
        var result = image
        result.elements.withUnsafeMutableBufferPointer { pixels in outside.forEachSet { pixels[$0] = value } }
        return result
    }

    /// Minimum, then maximum (together an opening: thin bright structures go), then mean, each inside the mask.
    func openedMean(_ image: Image<Float>, size: Int) -> Image<Float> {
        let low = minimumFilter(filled(image, with: .infinity), size: size, threads: threads)
        let high = maximumFilter(filled(low, with: -.infinity), size: size, threads: threads)
        return normalised(high) { meanFilter($0, size: size, threads: threads) }
    }

    func gaussian(_ image: Image<Float>, sigmaPx: Double) -> Image<Float> {
        normalised(image) { gaussianFilter($0, sigmaPx: sigmaPx, threads: threads) }
    }

    /// A weighted mean over the mask alone: the filtered image over the filtered mask.
    private func normalised(_ image: Image<Float>, filter: (Image<Float>) -> Image<Float>) -> Image<Float> {
        var ones = Image<Float>(rows: mask.rows, columns: mask.columns, filledWith: 0)
        ones.elements.withUnsafeMutableBufferPointer { pixels in mask.forEachSet { pixels[$0] = 1 } }
        let weights = filter(ones)
        var result = filter(filled(image, with: 0))
        result.elements.withUnsafeMutableBufferPointer { pixels in
            weights.elements.withUnsafeBufferPointer { weights in
                mask.forEachSet { pixels[$0] /= weights[$0] }
                outside.forEachSet { pixels[$0] = 0 }
            }
        }
        return result
    }
}
