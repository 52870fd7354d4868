internal import NDArray
internal import Phantom

/// How a section of a phantom brain came onto its slide: laid down, damaged and stained by what its name and the seed decide.
struct PhantomSlide {
    var brain: String
    var section: String
    var seed: UInt64
    var mirrored = false
    /// Standard deviations of the rotation and the shift.
    var rotationDeg = 3.0
    var shiftMm = 1.2
    /// How often a section is torn and folded.
    var tears = 0.0
    var folds = 0.0
    var laboratory = SectionStain.Laboratory.usual
    var stainSpread = 1.0

    /// The section, ready to be scanned.
    ///
    /// Seeds come from names, never from a task's item: equal names give equal bytes.
    ///
    /// - Parameters:
    ///   - sizeUm: of the field of view; nil cuts it to the tissue.
    ///   - region: the part of the field that is scanned, nil for all of it.
    func scan(
        plane: BrainPlane, architecture: BrainArchitecture, spacingUm: Double,
        sizeUm: (heightUm: Double, widthUm: Double)? = nil, region: (FieldOfView) throws -> ScanRegion? = { _ in nil }
    ) rethrows -> PhantomScan {
        var random = SeededGenerator(seed: seed, stream: "section \(brain) \(section)")
        var texture = SeededGenerator(seed: seed, stream: "texture \(brain)")
        var shared = SeededGenerator(seed: seed, stream: "stain \(brain)")
        var own = SeededGenerator(seed: seed, stream: "stain \(brain) \(section)")
        var accidents = SeededGenerator(seed: seed, stream: "damage \(brain) \(section)")
        let cut = SectionCut.drawn(
            positionUm: plane.positionUm, mirrored: mirrored, rotationDeg: rotationDeg, shiftMm: shiftMm,
            generator: &random)
        let field =
            sizeUm.map { cut.field(heightUm: $0.heightUm, widthUm: $0.widthUm) } ?? cut.field(around: plane)
        let stain = SectionStain.drawn(laboratory, spread: stainSpread, brain: &shared, section: &own)
        let damage = CuttingArtefact.drawn(
            tears: tears, folds: folds, plane: plane, field: field, generator: &accidents)
        return PhantomScan(
            plane: plane, architecture: architecture, field: field, stain: stain, damage: damage,
            spacingUm: spacingUm, region: try region(field), texture: texture.next(), seed: random.next())
    }
}
