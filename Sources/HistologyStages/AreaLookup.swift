internal import NDArray
internal import NIfTI
internal import SpatialTransforms
internal import StageKit

/// What a template's maps say of points in its space.
enum AreaLookup {
    /// The label of the voxel that holds each point, or the nearest within `area_distance_mm`; 0 where there is none.
    static func areas(
        _ context: StageContext, at points: [SIMD3<Double>], table: LabelTable?
    ) throws -> [Int32]? {
        guard let input = try context.optionalInput("areas") else { return nil }
        let radiusMm = try context.config.double("area_distance_mm", in: 0...20)
        let image: NIfTIImage<Int32>
        let map: PlacedVolume<Int32>
        do {
            image = try NIfTIImage<Int32>(reading: input.path)
            map = try PlacedVolume(image.volume, indexToMm: AffineTransform(rowMajor: image.indexToRasMm))
            try check(map.grid, points, input)
        } catch {
            throw wrong(error, input)
        }
        if let table {
            let unknown = Set(image.volume.elements).subtracting(table.labels).subtracting([0]).sorted()
            if !unknown.isEmpty {
                context.warn(
                    "the labels \(unknown.prefix(8).map(String.init).joined(separator: ", ")) of the map have no name in the table"
                )
            }
        }
        return LabelSearch(map, radiusMm: radiusMm).labels(at: points, threads: context.cores)
    }

    /// The most probable area at each point and its probability, trilinear; one map is in memory at a time.
    ///
    /// Maps belong to the table's labels in its order (without 0), or to 1, 2, … without a table.
    static func probabilities(
        _ context: StageContext, at points: [SIMD3<Double>], table: LabelTable?
    ) throws -> (area: [Int32], probability: [Float])? {
        guard let input = try context.optionalInput("probabilities") else { return nil }
        var area = [Int32](repeating: 0, count: points.count)
        var probability = [Float](repeating: 0, count: points.count)
        guard !points.isEmpty else { return (area, probability) }
        do {
            let file = try NIfTIFile(reading: input.path)
            let labels = table?.areas ?? (1...Int32(file.header.volumeCount)).map { $0 }
            guard labels.count == file.header.volumeCount else {
                throw StageError(
                    .badInput, "holds \(file.header.volumeCount) maps, but the table names \(labels.count) areas",
                    port: input.port, file: input.path)
            }
            let place = AffineTransform(rowMajor: file.header.indexToRasMm)
            for (index, label) in labels.enumerated() {
                let map = try PlacedVolume(try file.readVolume(index, as: Float.self), indexToMm: place)
                if index == 0 { try check(map.grid, points, input) }
                area.withUnsafeMutableBufferPointer { areaBuffer in
                    probability.withUnsafeMutableBufferPointer { probabilityBuffer in
                        let (area, probability) = (DisjointSlices(areaBuffer), DisjointSlices(probabilityBuffer))
                        parallelBands(points.count, band: 4096, threads: context.cores) { band in
                            for point in band {
                                // Not a number is never above: such a voxel tells nothing.
                                guard let value = map.linear(at: points[point]), value > probability[point] else {
                                    continue
                                }
                                probability[point] = value
                                area[point] = label
                            }
                        }
                    }
                }
                context.progress(0.5 + 0.4 * Double(index + 1) / Double(labels.count), "looking up probabilities")
            }
        } catch {
            throw wrong(error, input)
        }
        return (area, probability)
    }

    /// A map that no point lies in is one of another space: all of them would be without an area.
    private static func check(_ grid: OrientedGrid, _ points: [SIMD3<Double>], _ input: StageInput) throws {
        let known = points.filter { !$0.x.isNaN }
        guard let first = known.first, !known.contains(where: { grid.contains($0) }) else { return }
        let low = known.reduce(first) { pointwiseMin($0, $1) }
        let high = known.reduce(first) { pointwiseMax($0, $1) }
        let box = (0..<3).map {
            "\(["x", "y", "z"][$0]) \(Int(low[$0].rounded())) … \(Int(high[$0].rounded()))"
        }.joined(separator: ", ")
        throw StageError(
            .badInput,
            "none of the \(known.count) points lies in it; they reach over \(box) (RAS mm). Is it in the template's space?",
            port: input.port, file: input.path)
    }

    private static func wrong(_ error: any Error, _ input: StageInput) -> any Error {
        if let error = error as? NIfTIError {
            return StageError(.badInput, error.problem, port: input.port, file: input.path)
        }
        if let error = error as? SpatialTransformError {
            return StageError(.badInput, error.message, port: input.port, file: input.path)
        }
        return error
    }
}
