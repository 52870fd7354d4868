internal import HDF5
public import Networks
internal import StageKit

/// Windows around sampled points, read piece by piece: `/pixels` uint8 (n, side, side), `/mni_mm` float64 (n, 3), and `/label`
/// int32 (n) where areas are known (−1 for none).
public final class PatchSet {
    /// Number of points.
    public let count: Int
    /// Side of a window, px.
    public let windowSide: Int
    /// Of a pixel, µm.
    public let spacingUm: Double
    private let pixels: HDF5Dataset
    private let positionsMm: [SIMD3<Double>]
    private let labels: [Int]
    private let path: String

    /// - Throws: `HDF5Error`, `StageError` where the file is not such a set.
    public init(reading path: String) throws {
        self.path = path
        let file = try HDF5File(reading: path)
        pixels = try file.dataset("/pixels")
        guard pixels.shape.count == 3, pixels.shape[1] == pixels.shape[2], pixels.shape[0] >= 1 else {
            throw StageError(.badInput, "/pixels has the shape \(pixels.shape), not (points, side, side)", file: path)
        }
        count = pixels.shape[0]
        windowSide = pixels.shape[1]
        spacingUm = try file.attribute("spacing_um", as: Double.self)
        guard spacingUm > 0 else { throw StageError(.badInput, "spacing_um is \(spacingUm)", file: path) }
        if file.contains("/mni_mm") {
            let values = try file.dataset("/mni_mm").read(as: Double.self)
            guard values.count == 3 * count else {
                throw StageError(.badInput, "/mni_mm has \(values.count) values for \(count) points", file: path)
            }
            positionsMm = (0..<count).map { SIMD3(values[3 * $0], values[3 * $0 + 1], values[3 * $0 + 2]) }
        } else {
            positionsMm = []
        }
        labels = file.contains("/label") ? try file.dataset("/label").read(as: Int32.self).map { Int($0) } : []
        guard labels.isEmpty || labels.count == count else {
            throw StageError(.badInput, "/label has \(labels.count) values for \(count) points", file: path)
        }
    }

    /// One more than the greatest label.
    public var classCount: Int { (labels.max() ?? -1) + 1 }

    /// Checks that the set holds what an objective needs.
    public func check(for objective: Objective) throws {
        switch objective {
        case .spatial:
            guard !positionsMm.isEmpty else {
                throw StageError(
                    .badInput, "SpatialNCE needs the points' /mni_mm; run mni-coordinates first", file: path)
            }
            if let bad = positionsMm.firstIndex(where: { !($0.x.isFinite && $0.y.isFinite && $0.z.isFinite) }) {
                throw StageError(.badInput, "point \(bad) has no position: /mni_mm is \(positionsMm[bad])", file: path)
            }
        case .pairedViews: break
        case .sameLabel, .classification:
            guard classCount >= 2 else {
                throw StageError(.badInput, "this objective needs /label with at least two classes", file: path)
            }
        }
    }

    /// The windows of some points, one after another.
    public func windows(of points: [Int]) throws -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(points.count * windowSide * windowSide)
        for point in points {
            result += try pixels.read(at: [point, 0, 0], shape: [1, windowSide, windowSide], as: UInt8.self)
        }
        return result
    }

    /// What is known of some points.
    public func targets(of points: [Int]) -> BatchTargets {
        BatchTargets(
            positionsMm: positionsMm.isEmpty ? [] : points.map { positionsMm[$0] },
            labels: labels.isEmpty ? [] : points.map { labels[$0] })
    }
}
