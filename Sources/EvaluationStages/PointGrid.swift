internal import NDArray

/// Points sorted into cubes, to find the nearest within a distance.
struct PointGrid {
    /// Where the points lie, mm.
    let points: [SIMD3<Double>]
    private let cellMm: Double
    private var cells: [SIMD3<Int32>: [Int32]] = [:]

    struct Neighbour: Equatable {
        var index: Int
        var distanceMm: Double
    }

    /// - Parameter cellMm: edge of a cube; about the distance that is searched within.
    init(_ points: [SIMD3<Double>], cellMm: Double) {
        precondition(cellMm > 0, "A cell of \(cellMm) mm holds nothing.")
        self.points = points
        self.cellMm = cellMm
        for (index, point) in points.enumerated() where point.x.isFinite && point.y.isFinite && point.z.isFinite {
            cells[cell(point), default: []].append(Int32(index))
        }
    }

    /// The nearest points to one of them, itself left out, nearest first; of equal ones the first in the list.
    ///
    /// - Parameter counts: whether a point counts.
    func nearest(
        to index: Int, count: Int, withinMm: Double, where counts: (Int) -> Bool = { _ in true }
    ) -> [Neighbour] {
        let place = points[index]
        guard place.x.isFinite, place.y.isFinite, place.z.isFinite else { return [] }
        let reach = Int32((withinMm / cellMm).rounded(.up))
        let centre = cell(place)
        var found: [Neighbour] = []
        for x in -reach...reach {
            for y in -reach...reach {
                for z in -reach...reach {
                    for other in cells[centre &+ SIMD3(x, y, z)] ?? []
                    where Int(other) != index && counts(Int(other)) {
                        let offset = points[Int(other)] - place
                        let distance = (offset * offset).sum().squareRoot()
                        if distance <= withinMm { found.append(Neighbour(index: Int(other), distanceMm: distance)) }
                    }
                }
            }
        }
        return Array(found.sorted { ($0.distanceMm, $0.index) < ($1.distanceMm, $1.index) }.prefix(count))
    }

    private func cell(_ point: SIMD3<Double>) -> SIMD3<Int32> {
        let scaled = (point / cellMm).rounded(.down)
        return SIMD3(Int32(scaled.x), Int32(scaled.y), Int32(scaled.z))
    }
}
