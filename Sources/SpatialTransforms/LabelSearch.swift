internal import NDArray

/// Looks up the labels of a map at points, or the nearest label within a distance where there is none.
public struct LabelSearch: Sendable {
    public let map: PlacedVolume<Int32>
    /// Steps (plane, row, column) to the voxels within the distance, nearest first; equal ones in the order of their axes.
    private let offsets: [SIMD3<Int>]

    /// - Parameters:
    ///   - map: labels, 0 for none.
    ///   - radiusMm: how far from a point's voxel a label may be; 0: its own voxel alone.
    public init(_ map: PlacedVolume<Int32>, radiusMm: Double = 0) {
        precondition(radiusMm >= 0, "A label is not searched within \(radiusMm) mm.")
        self.map = map
        let grid = map.grid
        var offsets: [(SIMD3<Int>, Double)] = [(SIMD3(0, 0, 0), 0)]
        let steps = [grid.indexToMm.z, grid.indexToMm.y, grid.indexToMm.x].map { ($0 * $0).sum().squareRoot() }
        let reach = steps.map { Int((radiusMm / $0).rounded(.down)) }
        for plane in -reach[0]...reach[0] {
            for row in -reach[1]...reach[1] {
                for column in -reach[2]...reach[2] where plane != 0 || row != 0 || column != 0 {
                    let vector = grid.indexToMm.linear(SIMD3(Double(column), Double(row), Double(plane)))
                    let square = (vector * vector).sum()
                    if square <= radiusMm * radiusMm { offsets.append((SIMD3(plane, row, column), square)) }
                }
            }
        }
        self.offsets = offsets.enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }
            .map(\.element.0)
    }

    /// The label at a point in mm; 0 where there is none in reach, outside of the map, and at NaN.
    public func label(at pointMm: SIMD3<Double>) -> Int32 {
        guard pointMm.x.isFinite, pointMm.y.isFinite, pointMm.z.isFinite, let centre = map.voxel(at: pointMm) else {
            return 0
        }
        for offset in offsets {
            let (plane, row, column) = (centre.x &+ offset.x, centre.y &+ offset.y, centre.z &+ offset.z)
            guard plane >= 0, row >= 0, column >= 0, plane < map.grid.planes, row < map.grid.rows,
                column < map.grid.columns
            else { continue }
            let label = map.volume[plane, row, column]
            if label != 0 { return label }
        }
        return 0
    }

    /// The labels at many points; the same for any number of threads.
    public func labels(at pointsMm: [SIMD3<Double>], threads: Int) -> [Int32] {
        var found = [Int32](repeating: 0, count: pointsMm.count)
        found.withUnsafeMutableBufferPointer { buffer in
            guard !buffer.isEmpty else { return }
            let target = DisjointSlices(buffer)
            parallelBands(pointsMm.count, band: 4096, threads: threads) { band in
                for index in band { target[index] = label(at: pointsMm[index]) }
            }
        }
        return found
    }
}
