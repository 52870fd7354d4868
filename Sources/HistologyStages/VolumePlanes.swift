internal import NDArray
internal import Registration

/// Makes the planes of a volume one after the other, with no more sections in memory than a plane takes.
///
/// A plane that several sections cross takes the vote of their pixels. Where sections lie further apart than the planes, those
/// between two sections are interpolated by shape, as far as the gap between the sections may be filled.
struct VolumePlanes {
    let grid: ReconstructionGrid
    /// Ascending.
    let positionsUm: [Double]
    let fillGapUm: Double
    /// Whether planes between sections are interpolated; else they take the nearest section.
    let interpolates: Bool
    let emptyGray: UInt8
    let threads: Int
    let load: (Int) throws -> PlacedSection

    private(set) var empty = 0
    private(set) var interpolated = 0
    private var loaded: [Int: PlacedSection] = [:]
    private var shapes: [Int: SectionShape] = [:]
    private var pair: (before: Int, shapes: (SectionShape, SectionShape))?

    init(
        grid: ReconstructionGrid, positionsUm: [Double], fillGapUm: Double, interpolates: Bool, emptyGray: UInt8,
        threads: Int, load: @escaping (Int) throws -> PlacedSection
    ) {
        self.grid = grid
        self.positionsUm = positionsUm
        self.fillGapUm = fillGapUm
        self.interpolates = interpolates
        self.emptyGray = emptyGray
        self.threads = threads
        self.load = load
    }

    mutating func plane(_ plane: Int) throws -> VolumePlane {
        let positionUm = grid.positionUm(plane: plane)
        let chosen = sections(
            forPlaneAt: positionUm, thicknessUm: grid.spacingUm, positionsUm: positionsUm, fillGapUm: fillGapUm)
        if chosen.isEmpty { empty += 1 }
        if interpolates, chosen.count == 1, let (before, after) = neighbours(of: positionUm) {
            shapes = shapes.filter { $0.key == before || $0.key == after }
            loaded = [:]
            let (first, second) = try pair(before, after)
            interpolated += 1
            let gapUm = positionsUm[after] - positionsUm[before]
            return interpolatedPlane(
                from: first, to: second, share: (positionUm - positionsUm[before]) / gapUm, grid: grid,
                refinement: refinement, threads: threads)
        }
        loaded = loaded.filter { chosen.contains($0.key) }
        for member in chosen where loaded[member] == nil { loaded[member] = try load(member) }
        return volumePlane(
            from: chosen.compactMap { loaded[$0] }, grid: grid, emptyGray: emptyGray, threads: threads)
    }

    /// Three points along a voxel's side place a boundary to a tenth of the voxel.
    private var refinement: Int { 3 }

    /// The sections on both sides of a position, where the gap between them may be filled.
    private func neighbours(of positionUm: Double) -> (Int, Int)? {
        guard let after = positionsUm.firstIndex(where: { $0 > positionUm }), after > 0,
            positionsUm[after] - positionsUm[after - 1] <= fillGapUm
        else { return nil }
        return (after - 1, after)
    }

    private mutating func pair(_ before: Int, _ after: Int) throws -> (SectionShape, SectionShape) {
        if let pair, pair.before == before { return pair.shapes }
        let made = SectionShape.joined(try shape(before), try shape(after))
        pair = (before, made)
        return made
    }

    private mutating func shape(_ member: Int) throws -> SectionShape {
        if let known = shapes[member] { return known }
        let made = SectionShape(try load(member), grid: grid, refinement: refinement)
        shapes[member] = made
        return made
    }
}
