internal import Foundation
public import Torch

extension PositiveShares {
    /// Shares by distance in the brain: ωᵢⱼ = exp(−‖pᵢ − pⱼ‖² / 2σ²) over its sum, j ≠ i (Eq. 1, 2).
    ///
    /// Computed as a softmax of −‖pᵢ − pⱼ‖² / 2σ², which is the same number and never 0/0: a sample so far from all others that
    /// every ω is below the smallest float still has its nearest neighbour as positive. In the limits, σ → 0 gives the
    /// nearest neighbour alone (equally near ones share), and σ → ∞ gives all others equal shares.
    ///
    /// - Parameters:
    ///   - positionsMm: of each sample in the shared space (MNI), mm.
    ///   - sigmaMm: σ, above 0; the paper's is 10 mm.
    ///   - rows: the samples that get a row; nil for all.
    /// - Throws: `NetworkError` for a position that is not a number.
    public static func byDistance(
        positionsMm: [SIMD3<Double>], sigmaMm: Double, rows: Range<Int>? = nil
    ) throws -> PositiveShares {
        guard sigmaMm > 0 else { throw NetworkError(.invalidData, "σ must be above 0 mm, not \(sigmaMm).") }
        if let bad = positionsMm.firstIndex(where: { !($0.x.isFinite && $0.y.isFinite && $0.z.isFinite) }) {
            throw NetworkError(
                .invalidData,
                "Sample \(bad) of the batch lies at \(positionsMm[bad]) mm; leave out points without a position.")
        }
        let count = positionsMm.count
        var exponents = [Double](repeating: 0, count: count)
        return PositiveShares(rows: rows ?? 0..<count, sampleCount: count) { sample, row in
            guard count >= 2 else { return }
            var nearest = Double.infinity
            for other in 0..<count where other != sample {
                let difference = (positionsMm[other] - positionsMm[sample]) / sigmaMm
                exponents[other] = (difference * difference).sum() / 2
                nearest = min(nearest, exponents[other])
            }
            var sum = 0.0
            for other in 0..<count where other != sample {
                // Infinite where σ is tiny: then only the nearest, at infinity − infinity, must not become a NaN.
                let excess = exponents[other] == nearest ? 0 : exponents[other] - nearest
                exponents[other] = exp(-excess)
                sum += exponents[other]
            }
            for other in 0..<count where other != sample { row[other] = Float(exponents[other] / sum) }
        }
    }
}

/// SpatialNCE: patches from places near each other in the brain are drawn together, all others pushed apart.
///
/// Lᵢ = −1/Σ_{j≠i} ωᵢⱼ · Σ_{j≠i} ωᵢⱼ log( exp(zᵢ·zⱼ/τ) / Σ_{k≠i} exp(zᵢ·z_k/τ) ), ωᵢⱼ = exp(−‖pᵢ − pⱼ‖² / 2σ²), averaged over i.
///
/// - Parameters:
///   - features: (samples, d); normalised here.
///   - positionsMm: one for each sample.
///   - sigmaMm: σ; the paper's is 10 mm.
///   - temperature: τ; the paper's is 0.07.
///
/// **Reference** the paper's Eq. 1, 2.
public func spatialNCE(
    _ features: Tensor, positionsMm: [SIMD3<Double>], sigmaMm: Double = 10, temperature: Double = 0.07
) throws -> Tensor {
    try contrastiveLoss(
        features, .byDistance(positionsMm: positionsMm, sigmaMm: sigmaMm), temperature: temperature)
}
