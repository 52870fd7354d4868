internal import FoundationEssentials
internal import HDF5
internal import Phantom

/// The scores of one brain, as numbers for programs and as a page for people.
struct ReconstructionReport {
    struct Pair {
        var moving: String
        var fixed: String
        var error: TransformError
    }

    struct Stack {
        var sections: [String]
        var error: StackError
    }

    var sections: [String]
    var overlaps: [LabelOverlap]
    var pairs: [Pair]
    var stack: Stack

    /// All sections in one table.
    var overall: LabelOverlap {
        var sum = LabelOverlap()
        for overlap in overlaps { sum.add(overlap) }
        return sum
    }

    /// The figures that matter, in the order in which people want them.
    var figures: [(String, Double)] {
        let agreeing = pairs.filter(\.error.mirroringAgrees)
        let drift = stack.error.sections.filter(\.mirroringAgrees)
        func middle(_ values: [Double]) -> Double { quantile(0.5, of: values) ?? .nan }
        func high(_ values: [Double]) -> Double { quantile(0.95, of: values) ?? .nan }
        let (rotations, translations) = (agreeing.map(\.error.rotationDeg), agreeing.map(\.error.translationUm))
        let displacements = agreeing.map(\.error.displacementUm)
        return [
            ("gray_dice", overall.dice(1)), ("white_dice", overall.dice(2)),
            ("gray_dice_worst", overlaps.map { $0.dice(1) }.min() ?? .nan),
            ("white_dice_worst", overlaps.map { $0.dice(2) }.min() ?? .nan),
            ("pairs", Double(pairs.count)),
            ("pair_rotation_median_deg", middle(rotations)), ("pair_rotation_95_deg", high(rotations)),
            ("pair_translation_median_um", middle(translations)), ("pair_translation_95_um", high(translations)),
            ("pair_displacement_median_um", middle(displacements)), ("pair_displacement_95_um", high(displacements)),
            ("pairs_with_wrong_mirroring", Double(pairs.count - agreeing.count)),
            ("mirrored_found", Double(stack.error.mirroredFound)),
            ("mirrored_missed", Double(stack.error.mirroredMissed)),
            ("mirrored_invented", Double(stack.error.mirroredInvented)),
            ("stack_displacement_median_um", middle(drift.map(\.displacementUm))),
            ("stack_displacement_largest_um", drift.map(\.displacementUm).max() ?? .nan),
            ("stack_rotation_largest_deg", drift.map(\.rotationDeg).max() ?? .nan),
        ]
    }

    func write(to file: HDF5File) throws {
        try file.write(texts: sections, to: "/section")
        try file.write(overlaps.map { $0.dice(1) }, to: "/gray_dice")
        try file.write(overlaps.map { $0.dice(2) }, to: "/white_dice")
        try file.write(
            overlaps.flatMap { $0.counts.map { Int64($0) } }, shape: [overlaps.count, 3, 3], to: "/confusion")
        try file.setAttribute("axes", to: "section, true label, found label", of: "/confusion")
        try file.write(texts: pairs.map(\.moving), to: "/pair_moving")
        try file.write(texts: pairs.map(\.fixed), to: "/pair_fixed")
        try file.write(pairs.map(\.error.rotationDeg), to: "/pair_rotation_deg")
        try file.write(pairs.map(\.error.translationUm), to: "/pair_translation_um")
        try file.write(pairs.map(\.error.displacementUm), to: "/pair_displacement_um")
        try file.write(texts: stack.sections, to: "/stack_section")
        try file.write(stack.error.sections.map(\.displacementUm), to: "/stack_displacement_um")
        try file.write(stack.error.sections.map(\.rotationDeg), to: "/stack_rotation_deg")
        for path in ["/pair_rotation_deg", "/stack_rotation_deg"] { try file.setAttribute("unit", to: "deg", of: path) }
        for path in ["/pair_translation_um", "/pair_displacement_um", "/stack_displacement_um"] {
            try file.setAttribute("unit", to: "um", of: path)
        }
        for (name, value) in figures where value.isFinite { try file.setAttribute(name, to: value) }
    }

    /// The figures, then section by section and pair by pair.
    func json() throws -> Data {
        struct Page: Encodable {
            var figures: [String: Double]
            var sections: [Section]
            var pairs: [Row]
        }
        struct Section: Encodable {
            var section: String
            var grayDice: Double
            var whiteDice: Double
            var grayAsWhite: Double
            var whiteAsGray: Double
            var grayAsSlide: Double
            var whiteAsSlide: Double
        }
        struct Row: Encodable {
            var moving: String
            var fixed: String
            var rotationDeg: Double
            var translationUm: Double
            var displacementUm: Double
            var mirroringAgrees: Bool
        }
        func short(_ value: Double) -> Double { (value * 1e5).rounded() / 1e5 }
        let page = Page(
            figures: Dictionary(
                uniqueKeysWithValues: figures.filter { $0.1.isFinite }.map { ($0.0, short($0.1)) }),
            sections: zip(sections, overlaps).map { section, overlap in
                Section(
                    section: section, grayDice: short(overlap.dice(1)), whiteDice: short(overlap.dice(2)),
                    grayAsWhite: short(overlap.share(of: 1, foundAs: 2)),
                    whiteAsGray: short(overlap.share(of: 2, foundAs: 1)),
                    grayAsSlide: short(overlap.share(of: 1, foundAs: 0)),
                    whiteAsSlide: short(overlap.share(of: 2, foundAs: 0)))
            },
            pairs: pairs.map {
                Row(
                    moving: $0.moving, fixed: $0.fixed, rotationDeg: short($0.error.rotationDeg),
                    translationUm: short($0.error.translationUm), displacementUm: short($0.error.displacementUm),
                    mirroringAgrees: $0.error.mirroringAgrees)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(page)
    }
}
