internal import HDF5
public import StageKit

/// The layers that people drew in patches, at the resolution of a network's map.
///
/// A place of the map takes the label of most of its pixels, the lower one of equals. Pixels that only continue the patch by
/// reflection don't count; a place where they are more than half has no label and is neither trained on nor scored.
///
/// **Reference** Methods 3.6. **Differs** the paper leaves mirrored places out of the scores only; here training does not see them
/// either.
public struct LayerMasks: Sendable {
    /// Background and six layers.
    public static let classCount = 7

    /// Side of the map.
    public let mapSide: Int
    /// One for each place of each patch, row by row; −1 for none.
    public let labels: [Int]

    public var count: Int { labels.count / (mapSide * mapSide) }

    /// The labels of one patch's places.
    public func labels(of patch: Int) -> ArraySlice<Int> {
        labels[patch * mapSide * mapSide..<(patch + 1) * mapSide * mapSide]
    }

    /// - Parameters:
    ///   - layer: patches × side × side, 0 … 6.
    ///   - valid: as many, 0 where the patch was continued by reflection; nil for nowhere.
    /// - Throws: `StageError` for a label above 6 or a map finer than the masks.
    public init(layer: [UInt8], valid: [UInt8]?, side: Int, mapSide: Int) throws {
        guard side >= mapSide, mapSide >= 1 else {
            throw StageError(.badInput, "masks of \(side) px are coarser than the network's map of \(mapSide)")
        }
        if let bad = layer.firstIndex(where: { $0 >= Self.classCount }) {
            throw StageError(
                .badInput,
                "/layer of patch \(bad / (side * side)) holds \(layer[bad]); layers are 1 … 6, and 0 is background")
        }
        self.mapSide = mapSide
        let patches = layer.count / (side * side)
        let places = mapSide * mapSide
        var result = [Int](repeating: -1, count: patches * places)
        let cell = (0..<side).map { $0 * mapSide / side }
        var counts = [Int](repeating: 0, count: places * Self.classCount)
        var pixels = [Int](repeating: 0, count: places)
        for patch in 0..<patches {
            for index in counts.indices { counts[index] = 0 }
            for index in pixels.indices { pixels[index] = 0 }
            for row in 0..<side {
                for column in 0..<side {
                    let pixel = patch * side * side + row * side + column
                    let place = cell[row] * mapSide + cell[column]
                    pixels[place] += 1
                    if valid.map({ $0[pixel] != 0 }) ?? true {
                        counts[place * Self.classCount + Int(layer[pixel])] += 1
                    }
                }
            }
            for place in 0..<places {
                let votes = counts[place * Self.classCount..<(place + 1) * Self.classCount]
                guard 2 * votes.reduce(0, +) >= pixels[place], let most = votes.max(), most > 0 else { continue }
                result[patch * places + place] = (votes.firstIndex(of: most) ?? 0) - votes.startIndex
            }
        }
        labels = result
    }

    /// Reads the masks of a set of layer patches.
    public init(_ input: StageInput, mapSide: Int) throws {
        let file = try HDF5File(reading: input.path)
        guard file.contains("/layer") else {
            throw StageError(
                .badInput, "has no /layer: give a set of patches whose layers were drawn", port: input.port,
                file: input.path)
        }
        let layer = try file.dataset("/layer")
        let valid = file.contains("/valid") ? try file.dataset("/valid") : nil
        guard layer.shape.count == 3, layer.shape[1] == layer.shape[2], valid?.shape ?? layer.shape == layer.shape,
            try file.dataset("/pixels").shape == layer.shape
        else {
            throw StageError(
                .badInput, "/layer and /valid must have the shape of /pixels, (patches, side, side)", port: input.port,
                file: input.path)
        }
        let (count, side) = (layer.shape[0], layer.shape[1])
        // Patch by patch: full-size masks of a thousand patches would be gigabytes.
        var labels: [Int] = []
        for patch in 0..<count {
            let mask = try layer.read(at: [patch, 0, 0], shape: [1, side, side], as: UInt8.self)
            let known = try valid?.read(at: [patch, 0, 0], shape: [1, side, side], as: UInt8.self)
            do {
                labels += try LayerMasks(layer: mask, valid: known, side: side, mapSide: mapSide).labels
            } catch let error as StageError {
                throw StageError(error.code, "patch \(patch): \(error.message)", port: input.port, file: input.path)
            }
        }
        self.mapSide = mapSide
        self.labels = labels
    }
}
