internal import NDArray
internal import NIfTI
internal import SpatialTransforms
internal import StageKit

/// Label and probability maps in template space, looked up at points.
enum TemplateMaps {
    /// The labels of a map at the points with coordinates, 0 for none.
    ///
    /// - Parameter leastLabelled: a smaller share of labelled points is an error: the map lies in another space.
    static func labels(
        _ input: StageInput, at pointsMm: [SIMD3<Double>], distanceMm: Double, leastLabelled: Double, threads: Int
    ) throws -> [Int32] {
        let map: PlacedVolume<Int32>
        do {
            let image = try NIfTIImage<Int32>(reading: input.path)
            map = try PlacedVolume(image.volume, indexToMm: AffineTransform(rowMajor: image.indexToRasMm))
        } catch {
            throw located(error, input)
        }
        let known = pointsMm.filter(\.x.isFinite)
        let inside = known.count { map.grid.contains($0) }
        let labels = LabelSearch(map, radiusMm: distanceMm).labels(at: pointsMm, threads: threads)
        let labelled = labels.count { $0 != 0 }
        guard !known.isEmpty else {
            throw StageError(.badInput, "no point has coordinates in /mni_mm", port: "features")
        }
        guard Double(labelled) >= leastLabelled * Double(known.count), labelled > 0 else {
            throw StageError(
                .badInput,
                "labels \(labelled) of \(known.count) points, \(inside) of which lie inside of it: the map reaches over "
                    + "\(reach(corners(of: map.grid))) (RAS mm), the points over \(reach(known)). Is it in the template's space (config.least_labelled)?",
                port: input.port, file: input.path)
        }
        return labels
    }

    /// The probabilities of some areas at points, by a 4-D image with a map an area; NaN where a point has no coordinates or lies outside.
    ///
    /// - Parameter order: the labels of the maps; without it the maps are 1, 2, ….
    static func probabilities(
        _ input: StageInput, of areas: [Int32], order: [Int32]?, at pointsMm: [SIMD3<Double>]
    ) throws -> [[Float]] {
        do {
            let file = try NIfTIFile(reading: input.path)
            let labels = order ?? (0..<file.header.volumeCount).map { Int32($0 + 1) }
            guard labels.count == file.header.volumeCount else {
                throw StageError(
                    .badInput, "holds \(file.header.volumeCount) maps, but the table names \(labels.count) areas",
                    port: input.port, file: input.path)
            }
            let place = AffineTransform(rowMajor: file.header.indexToRasMm)
            return try areas.map { area in
                guard let index = labels.firstIndex(of: area) else {
                    throw StageError(
                        .badInput, "has no map of the area \(area)", port: input.port, file: input.path)
                }
                let map = try PlacedVolume(try file.readVolume(index, as: Float.self), indexToMm: place)
                let known = pointsMm.filter(\.x.isFinite)
                guard known.isEmpty || known.contains(where: { map.grid.contains($0) }) else {
                    throw StageError(
                        .badInput,
                        "the maps reach over \(reach(corners(of: map.grid))) (RAS mm), and none of the \(known.count) points lies there: "
                            + "they reach over \(reach(known)). Is it in the template's space?",
                        port: input.port, file: input.path)
                }
                return pointsMm.map { $0.x.isFinite ? map.linear(at: $0) ?? .nan : .nan }
            }
        } catch {
            throw located(error, input)
        }
    }

    private static func corners(of grid: OrientedGrid) -> [SIMD3<Double>] {
        (0..<8).map { corner in
            grid.point(
                plane: corner & 1 == 0 ? 0 : grid.planes - 1, row: corner & 2 == 0 ? 0 : grid.rows - 1,
                column: corner & 4 == 0 ? 0 : grid.columns - 1)
        }
    }

    /// The box that points fill, as a sentence has it.
    private static func reach(_ points: [SIMD3<Double>]) -> String {
        guard let first = points.first else { return "nothing" }
        let low = points.reduce(first) { pointwiseMin($0, $1) }
        let high = points.reduce(first) { pointwiseMax($0, $1) }
        return (0..<3).map { "\(["x", "y", "z"][$0]) \(Int(low[$0].rounded())) … \(Int(high[$0].rounded()))" }
            .joined(separator: ", ")
    }

    private static func located(_ error: any Error, _ input: StageInput) -> any Error {
        switch error {
        case let error as NIfTIError: StageError(.badInput, error.problem, port: input.port, file: input.path)
        case let error as SpatialTransformError:
            StageError(.badInput, error.message, port: input.port, file: input.path)
        default: error
        }
    }
}
