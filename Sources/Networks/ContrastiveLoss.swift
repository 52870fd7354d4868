public import Torch

/// For each sample, how its share of the loss is divided among the others; what SpatialNCE, NT-Xent and SupCon differ in.
///
/// Row i belongs to sample `rows[i]` of the batch, column j to sample j. A row sums to 1, or to 0 where the sample has no
/// positive and is left out of the mean. A sample is never its own positive.
public struct PositiveShares {
    /// (rows, samples), row by row.
    public let shares: [Float]
    /// The samples that the rows belong to: all, or those of one process of many.
    public let rows: Range<Int>
    public let sampleCount: Int

    init(rows: Range<Int>, sampleCount: Int, _ fill: (_ sample: Int, _ row: UnsafeMutableBufferPointer<Float>) -> Void)
    {
        self.rows = rows
        self.sampleCount = sampleCount
        shares = [Float](unsafeUninitializedCapacity: rows.count * sampleCount) { buffer, initialized in
            for (row, sample) in rows.enumerated() {
                let slice = UnsafeMutableBufferPointer(
                    rebasing: buffer[row * sampleCount..<(row + 1) * sampleCount])
                slice.initialize(repeating: 0)
                fill(sample, slice)
            }
            initialized = rows.count * sampleCount
        }
    }

    /// The two views of an image are each other's positive (NT-Xent): sample i and sample i + n/2.
    ///
    /// **Reference** Chen et al. 2020, arXiv 2002.05709, Eq. 1.
    public static func pairedViews(sampleCount: Int, rows: Range<Int>? = nil) throws -> PositiveShares {
        guard sampleCount >= 2, sampleCount % 2 == 0 else {
            throw NetworkError(.invalidData, "\(sampleCount) samples are not two views of each image.")
        }
        return PositiveShares(rows: rows ?? 0..<sampleCount, sampleCount: sampleCount) { sample, row in
            row[(sample + sampleCount / 2) % sampleCount] = 1
        }
    }

    /// All samples of the same label are positives, in equal shares (SupCon, the sum outside of the logarithm). A label below 0 is
    /// none: such a sample is only among the others.
    ///
    /// **Reference** Khosla et al. 2020, arXiv 2004.11362, Eq. 2.
    public static func sameLabel(_ labels: [Int], rows: Range<Int>? = nil) -> PositiveShares {
        let counts = labels.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        return PositiveShares(rows: rows ?? 0..<labels.count, sampleCount: labels.count) { sample, row in
            let others = counts[labels[sample], default: 1] - 1
            guard others > 0, labels[sample] >= 0 else { return }
            for other in labels.indices where other != sample && labels[other] == labels[sample] {
                row[other] = 1 / Float(others)
            }
        }
    }
}

/// The contrastive loss of normalised features: −Σⱼ shareᵢⱼ log( exp(zᵢ·zⱼ/τ) / Σ_{k≠i} exp(zᵢ·z_k/τ) ), averaged over the
/// samples that have a positive.
///
/// - Parameters:
///   - features: (samples, d), of any length; they are normalised here.
///   - shares: see `PositiveShares`; one row for each sample, or for those of `shares.rows`.
///   - temperature: τ; the paper's is 0.07.
/// - Returns: one number, float32 (float64 for features of float64). 0 where no sample has a positive.
/// - Throws: `NetworkError` where sizes do not fit; `TorchError`.
/// - Complexity: O(rows · samples · d).
public func contrastiveLoss(_ features: Tensor, _ shares: PositiveShares, temperature: Double) throws -> Tensor {
    let sizes = features.shape
    guard sizes.count == 2, sizes[0] == shares.sampleCount, sizes[0] >= 2, temperature > 0 else {
        throw NetworkError(
            .invalidData,
            "A contrastive loss needs at least two samples and a temperature above 0; got features of shape \(sizes) "
                + "for \(shares.sampleCount) samples and τ = \(temperature).")
    }
    let rows = shares.rows
    let z = try normalised(features.widened())  // (samples, d)
    let logits = try z.slice(rows, axis: 0).matmul(z.transposed()) / temperature  // (rows, samples)
    let own = try ownSamples(rows: rows, sampleCount: sizes[0]).moved(to: features.device)
    // The sample itself is out of the sum: −10⁹ and not −∞, whose product with the share 0 would not be a number.
    let logarithms = try logits.filled(with: -1e9, where: own).logSoftmax(axis: 1).filled(with: 0, where: own)
    let wanted = try Tensor(shares.shares, shape: [rows.count, sizes[0]]).converted(to: z.type).moved(
        to: features.device)
    let counted = shares.rowsWithPositives
    return try (logarithms * wanted).sum() * (-1 / Double(max(1, counted)))
}

extension PositiveShares {
    /// Rows that are not zero throughout.
    public var rowsWithPositives: Int {
        stride(from: 0, to: shares.count, by: max(1, sampleCount)).reduce(0) { count, start in
            count + (shares[start..<start + sampleCount].contains { $0 > 0 } ? 1 : 0)
        }
    }
}

extension Tensor {
    /// In the precision that losses are computed in: float32 for bfloat16 outputs, else as it is.
    func widened() throws -> Tensor { try type == .float64 ? self : converted(to: .float32) }
}

/// Rows divided by their Euclidean length; a row of zeros stays one.
func normalised(_ features: Tensor) throws -> Tensor {
    // 10⁻²⁴ under the root bounds the gradient at 0 and changes no row of a length above 10⁻⁹ in float32.
    try features / ((features * features).sum([1], keepingAxes: true) + 1e-24).squareRoot()
}

private func ownSamples(rows: Range<Int>, sampleCount: Int) throws -> Tensor {
    let row = try Tensor(rows.map { Int64($0) }, shape: [rows.count, 1])
    return try row.isEqual(to: Tensor.indices(sampleCount).reshaped([1, sampleCount]))
}
