internal import HDF5
internal import Imaging
internal import NDArray
internal import StageKit

/// The outlines of areas in one section, and the points along their middle (Methods 3.5).
struct AnnotatedSection: Sendable {
    /// One area of one hemisphere: its polygons, (row, column) µm.
    private struct Outline: Sendable {
        var area: UInt8
        var hemisphere: UInt8
        var polygons: [[SIMD2<Double>]] = []
    }

    struct Point: Sendable, Equatable {
        var positionUm: SIMD2<Double>
        var area: UInt8
        var hemisphere: UInt8
    }

    let name: String
    private let outlines: [Outline]

    var isEmpty: Bool { outlines.isEmpty }
    var areas: Set<UInt8> { Set(outlines.map(\.area)) }

    init(_ input: StageInput) throws {
        name = try input.coordinate("section")
        let file = try HDF5File(reading: input.path)
        let corners = try file.read("/contour_um", as: Double.self)
        let starts = try file.read("/contour_start", as: Int64.self).map { Int($0) }
        let areas = try file.read("/contour_area", as: UInt8.self)
        let sides = try file.read("/contour_hemisphere", as: UInt8.self)
        func wrong(_ problem: String) -> StageError {
            StageError(.badInput, problem, port: input.port, file: input.path)
        }
        guard areas.count == starts.count, sides.count == starts.count else {
            throw wrong(
                "has \(starts.count) contours, but \(areas.count) areas and \(sides.count) hemispheres of them")
        }
        if let bad = corners.firstIndex(where: { !$0.isFinite }) {
            throw wrong("corner \(bad / 2) of the contours is not a finite number")
        }
        let ends = starts.dropFirst() + [corners.count / 2]
        var found: [SIMD2<UInt8>: Outline] = [:]
        for (number, (start, end)) in zip(starts, ends).enumerated() {
            guard start >= 0, start < end, end <= corners.count / 2 else {
                throw wrong(
                    "/contour_start of contour \(number) is \(start), and the next begins at \(end); "
                        + "contours follow each other in /contour_um, none empty")
            }
            let key = SIMD2(sides[number], areas[number])
            found[key, default: Outline(area: areas[number], hemisphere: sides[number])].polygons.append(
                (start..<end).map { SIMD2(corners[2 * $0], corners[2 * $0 + 1]) })
        }
        outlines = found.keys.sorted { ($0.x, $0.y) < ($1.x, $1.y) }.compactMap { found[$0] }
    }

    /// Points in the middle of each area, `stepUm` apart.
    ///
    /// Each area is rasterised by itself: in a closed sulcus two banks touch, and their common skeleton would run along the pia.
    ///
    /// - Parameter rasterUm: size of the raster's pixels.
    func points(stepUm: Double, rasterUm: Double, spurFactor: Double) -> [Point] {
        outlines.flatMap { outline -> [Point] in
            let corners = outline.polygons.joined()
            guard let any = corners.first else { return [] }
            let low = corners.reduce(any) { pointwiseMin($0, $1) }
            let high = corners.reduce(any) { pointwiseMax($0, $1) }
            let size = (high - low) / rasterUm
            let mask = BitImage(
                rows: Int(size.x.rounded(.up)) + 3, columns: Int(size.y.rounded(.up)) + 3,
                polygons: outline.polygons.map { polygon in polygon.map { ($0 - low) / rasterUm + 1 } })
            return skeletonLines(of: mask, spurFactor: spurFactor).flatMap { line in
                pointsAlong(line, step: stepUm / rasterUm).map {
                    Point(
                        positionUm: ($0 - 1) * rasterUm + low, area: outline.area, hemisphere: outline.hemisphere)
                }
            }
        }
    }
}
