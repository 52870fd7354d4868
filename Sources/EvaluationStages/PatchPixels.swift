internal import HDF5
internal import StageKit

/// The patches of a table's points, cut from the middle of their windows in the patch-sets that the features were made from.
struct PatchPixels {
    /// Side of a patch.
    let sidePx: Int
    /// Of a pixel.
    let spacingUm: Double
    private let sets: [(pixels: HDF5Dataset, rows: Range<Int>)]

    /// Matches patch-sets with the files of a table, row by row.
    ///
    /// - Parameter sidePx: side of a patch; nil: the whole window.
    /// - Returns: nil where no set is given or a set has no pixels.
    /// - Throws: `StageError` where the sets' points are not the table's.
    init?(_ inputs: [StageInput], points: PointTable, sidePx: Int?) throws {
        guard !inputs.isEmpty else { return nil }
        for input in inputs where !(try HDF5File(reading: input.path).contains("/pixels")) { return nil }
        let patches = try PointTable(inputs, rowDataset: "/pixels")
        let mismatch = StageError(
            .badInput,
            "the patches are not those of the features, row by row; connect the set that the features were made from",
            port: inputs.first?.port, file: inputs.first?.path)
        guard patches.count == points.count else { throw mismatch }
        for row in 0..<points.count {
            let (a, b) = (points.positionUm[row], patches.positionUm[row])
            let samePlace = a == b || (a.x.isNaN && b.x.isNaN)
            guard samePlace, points.brainName(row) == patches.brainName(row),
                points.sections[Int(points.section[row])].name == patches.sections[Int(patches.section[row])].name
            else { throw mismatch }
        }
        var sets: [(HDF5Dataset, Range<Int>)] = []
        var window = Int.max
        var spacing = 0.0
        for source in patches.sources {
            let file = try HDF5File(reading: source.input.path)
            let pixels = try file.dataset("/pixels")
            guard pixels.shape.count == 3, pixels.shape[1] == pixels.shape[2] else {
                throw StageError(
                    .badInput, "/pixels has the shape \(pixels.shape), not (points, side, side)",
                    port: source.input.port, file: source.input.path)
            }
            window = min(window, pixels.shape[1])
            spacing = try file.attribute("spacing_um", as: Double.self)
            sets.append((pixels, source.rows))
        }
        if let sidePx, !(1...window).contains(sidePx) {
            throw StageError(.badJob, "config.patch_side_px is \(sidePx), but the windows are \(window) px wide")
        }
        self.sidePx = sidePx ?? window
        spacingUm = spacing
        self.sets = sets
    }

    /// The patch of a row, row-major.
    func patch(_ row: Int) throws -> [UInt8] {
        guard let set = sets.first(where: { $0.rows.contains(row) }) else { return [] }
        let first = (set.pixels.shape[1] - sidePx) / 2
        return try set.pixels.read(
            at: [row - set.rows.lowerBound, first, first], shape: [1, sidePx, sidePx], as: UInt8.self)
    }
}
