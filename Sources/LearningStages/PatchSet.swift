internal import HDF5
internal import NDArray
public import Networks
internal import SectionFiles
public import StageKit
internal import Synchronization

/// Windows around sampled points, and what is known of the points; from any thread.
///
/// The windows are the set's `/pixels` uint8 (n, side, side), read piece by piece; a set without them is read from the scans of its
/// sections, through a bounded cache of tiles. Places are `/mni_mm` or another space's float64 (n, 3); areas `/label` int32 (n), −1 for none.
public final class PatchSet: @unchecked Sendable {
    // Sendable because the file is read under `reading` alone, and nothing else changes.
    /// Number of points.
    public let count: Int
    /// Side of a window, px.
    public let windowSide: Int
    /// Of a pixel, µm.
    public let spacingUm: Double
    private let source: WindowSource
    private let reading = Mutex(())
    private let positionsMm: [SIMD3<Double>]
    private let labels: [Int]
    private let path: String
    private let threads: Int
    private let coordinates: String

    private enum WindowSource {
        case stored(HDF5Dataset)
        case scans(SectionWindows)
    }

    /// - Parameters:
    ///   - sections: the scans of the points' sections, for a set without pixels.
    ///   - cacheBytes: room for decoded tiles of the scans.
    ///   - coordinates: the dataset of places that SpatialNCE goes by, `mni_mm` or another space's.
    ///   - threads: how many read at a time.
    /// - Throws: `HDF5Error`, `StageError` where the file is not such a set, or a section is missing that points lie in.
    public init(
        reading path: String, sections: [StageInput] = [], coordinates: String = "mni_mm", cacheBytes: Int = 1 << 30,
        threads: Int = 1
    ) throws {
        (self.path, self.threads, self.coordinates) = (path, threads, "/" + coordinates)
        let file = try HDF5File(reading: path)
        spacingUm = try file.attribute("spacing_um", as: Double.self)
        guard spacingUm > 0 else { throw StageError(.badInput, "spacing_um is \(spacingUm)", file: path) }
        if file.contains("/pixels") {
            let pixels = try file.dataset("/pixels")
            guard pixels.shape.count == 3, pixels.shape[1] == pixels.shape[2], pixels.shape[0] >= 1 else {
                throw StageError(
                    .badInput, "/pixels has the shape \(pixels.shape), not (points, side, side)", file: path)
            }
            (count, windowSide) = (pixels.shape[0], pixels.shape[1])
            source = .stored(pixels)
        } else {
            let windows = try SectionWindows(
                file, sections: sections, spacingUm: spacingUm, cacheBytes: cacheBytes)
            (count, windowSide) = (windows.count, windows.side)
            source = .scans(windows)
        }
        if file.contains(self.coordinates) {
            let values = try file.dataset(self.coordinates).read(as: Double.self)
            guard values.count == 3 * count else {
                throw StageError(
                    .badInput, "\(self.coordinates) has \(values.count) values for \(count) points", file: path)
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
                    .badInput, "SpatialNCE needs the points' \(coordinates); run mni-coordinates first", file: path)
            }
            if let bad = positionsMm.firstIndex(where: { !($0.x.isFinite && $0.y.isFinite && $0.z.isFinite) }) {
                throw StageError(
                    .badInput, "point \(bad) has no position: \(coordinates) is \(positionsMm[bad])", file: path)
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
        let area = windowSide * windowSide
        var result = [UInt8](repeating: 0, count: points.count * area)
        try result.withUnsafeMutableBufferPointer { buffer in
            guard !buffer.isEmpty else { return }
            let target = DisjointSlices(buffer)
            try forEach(points, threads: threads) { index in
                try read(
                    points[index], into: UnsafeMutableBufferPointer(start: target.base + index * area, count: area))
            }
        }
        return result
    }

    /// Patches of some points as a training sees them, each window read and cut by itself: memory holds a window a thread.
    ///
    /// - Parameters:
    ///   - draws: for each view the draws of the points.
    /// - Returns: views × points × `patchSide`² values, as (views · points, 1, side, side) for a network; see `augment`.
    public func augmented(
        _ points: [Int], patchSide: Int, draws: [[AugmentationDraw]], threads: Int
    ) throws -> [Float] {
        let area = patchSide * patchSide
        let total = draws.count * points.count * area
        return try [Float](unsafeUninitializedCapacity: total) { buffer, initialized in
            guard total > 0 else { return }
            let target = DisjointSlices(buffer)
            try forEach(points, threads: threads) { index in
                // Of a scan, only the tiles that some view of the patch touches.
                let needs = { [windowSide, spacingUm] (rows: Range<Int>, columns: Range<Int>) in
                    draws.contains {
                        $0[index].touches(
                            rows: rows, columns: columns, windowSide: windowSide, patchSide: patchSide,
                            spacingUm: spacingUm)
                    }
                }
                let window = try [UInt8](unsafeUninitializedCapacity: windowSide * windowSide) { pixels, count in
                    count = windowSide * windowSide
                    try read(
                        points[index], into: UnsafeMutableBufferPointer(rebasing: pixels[..<count]), needs: needs)
                }
                for (view, draws) in draws.enumerated() {
                    let patch = try augment(
                        windows: window, windowSide: windowSide, patchSide: patchSide, spacingUm: spacingUm,
                        draws: [draws[index]])
                    patch.withUnsafeBufferPointer {
                        guard let base = $0.baseAddress else { return }
                        (target.base + (view * points.count + index) * area).initialize(from: base, count: area)
                    }
                }
            }
            initialized = total
        }
    }

    /// What is known of some points.
    public func targets(of points: [Int]) -> BatchTargets {
        BatchTargets(
            positionsMm: positionsMm.isEmpty ? [] : points.map { positionsMm[$0] },
            labels: labels.isEmpty ? [] : points.map { labels[$0] })
    }

    private func read(
        _ point: Int, into target: UnsafeMutableBufferPointer<UInt8>, needs: ((Range<Int>, Range<Int>) -> Bool)? = nil
    ) throws {
        switch source {
        case .stored(let pixels):
            // Nothing is sent anywhere under the lock: the buffer is the caller's.
            nonisolated(unsafe) let (pixels, target) = (pixels, target)
            try reading.withLock { _ in
                try pixels.read(into: target, at: [point, 0, 0], shape: [1, windowSide, windowSide])
            }
        case .scans(let windows): try windows.read(point, into: target, needs: needs)
        }
    }

    /// Runs `body` for each place in `points`; of several errors the first place's is thrown.
    private func forEach(_ points: [Int], threads: Int, _ body: @Sendable (Int) throws -> Void) throws {
        let failure = Mutex<(index: Int, error: any Error)?>(nil)
        parallelFor(points.count, threads: max(threads, 1)) { index in
            if let failed = failure.withLock({ $0?.index }), failed < index { return }
            do {
                try body(index)
            } catch {
                failure.withLock { if index < $0?.index ?? .max { $0 = (index, error) } }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure.error }
    }
}
