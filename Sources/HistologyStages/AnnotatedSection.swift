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
        guard sides.allSatisfy({ $0 <= 1 }) else {
            throw wrong("/contour_hemisphere is 0 for left and 1 for right, not \(sides.max() ?? 0)")
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

    /// Points in the middle of the annotated cortex, `stepUm` apart, each with the area that it lies in.
    ///
    /// The areas of a hemisphere are rasterised together: where a border runs along the ribbon, the middle of one area is not that of
    /// the cortex.
    ///
    /// - Parameters:
    ///   - rasterUm: size of the raster's pixels.
    ///   - spurFactor: see `skeletonLines`.
    func points(stepUm: Double, rasterUm: Double, spurFactor: Double) -> [Point] {
        [UInt8(0), 1].flatMap { side -> [Point] in
            guard let raster = AreaRaster(outlines.filter { $0.hemisphere == side }, rasterUm: rasterUm) else {
                return []
            }
            return skeletonLines(of: raster.mask, spurFactor: spurFactor).flatMap { line in
                pointsAlong(line, step: stepUm / rasterUm).compactMap { place in
                    raster.area(at: place).map {
                        Point(positionUm: raster.positionUm(place), area: $0, hemisphere: side)
                    }
                }
            }
        }
    }

    /// The areas of one hemisphere as pixels.
    private struct AreaRaster {
        private(set) var areas: Image<UInt8>
        private let firstUm: SIMD2<Double>
        private let rasterUm: Double

        init?(_ outlines: [Outline], rasterUm: Double) {
            let corners = outlines.lazy.flatMap { $0.polygons.joined() }
            guard let any = corners.first else { return nil }
            let low = corners.reduce(any) { pointwiseMin($0, $1) }
            let high = corners.reduce(any) { pointwiseMax($0, $1) }
            let size = (high - low) / rasterUm
            (self.rasterUm, firstUm) = (rasterUm, low - rasterUm)
            areas = Image(rows: Int(size.x.rounded(.up)) + 3, columns: Int(size.y.rounded(.up)) + 3, filledWith: 0)
            let (rows, columns, first) = (areas.rows, areas.columns, firstUm)
            for outline in outlines {
                let inside = BitImage(
                    rows: rows, columns: columns,
                    polygons: outline.polygons.map { polygon in polygon.map { ($0 - first) / rasterUm } })
                areas.elements.withUnsafeMutableBufferPointer { areas in
                    inside.forEachSet { if areas[$0] == 0 { areas[$0] = outline.area } }
                }
            }
            bridge()
        }

        /// Fills slits of one or two pixels between two areas: neighbours' outlines are not drawn on the very same line. Slits within
        /// an area stay, they are sulci.
        private mutating func bridge() {
            let (rows, columns) = (areas.rows, areas.columns)
            var filled: [(index: Int, area: UInt8)] = []
            areas.elements.withUnsafeBufferPointer { pixels in
                for row in 2..<max(rows - 2, 2) {
                    for index in row * columns + 2..<max((row + 1) * columns - 2, row * columns + 2) {
                        guard pixels[index] == 0 else { continue }
                        let (left, right) = (pixels[index - 1], pixels[index + 1])
                        let (above, below) = (pixels[index - columns], pixels[index + columns])
                        guard left | right | above | below != 0 else { continue }
                        let beside = left != 0 ? left : right != 0 ? right : above != 0 ? above : below
                        let joins = (-2...2).contains { down in
                            (-2...2).contains {
                                let other = pixels[index + down * columns + $0]
                                return other != 0 && other != beside
                            }
                        }
                        if joins { filled.append((index, beside)) }
                    }
                }
            }
            for (index, area) in filled { areas.elements[index] = area }
        }

        var mask: BitImage { BitImage(areas) }

        func positionUm(_ place: SIMD2<Double>) -> SIMD2<Double> { place * rasterUm + firstUm }

        /// The area of the nearest pixel that has one, within three pixels; smoothed lines may leave the cortex in sharp bends.
        func area(at place: SIMD2<Double>) -> UInt8? {
            let (row, column) = (Int(place.x.rounded()), Int(place.y.rounded()))
            var best: (square: Int, area: UInt8)?
            for down in -3...3 {
                for right in -3...3 {
                    let (r, c) = (row + down, column + right)
                    guard r >= 0, c >= 0, r < areas.rows, c < areas.columns, areas[r, c] != 0 else { continue }
                    let square = down * down + right * right
                    if square < best?.square ?? .max { best = (square, areas[r, c]) }
                }
            }
            return best?.area
        }
    }
}
