internal import FoundationEssentials
internal import VolumeRegistration

/// The figures of a registration, by name.
struct TemplateRegistrationScores {
    let figures: [(name: String, value: Double)]
    private let texts: [String: String]

    /// - Parameter inverseErrorsUm: sorted; of the fields as they were written.
    init(_ quality: TemplateMatchQuality, inverseErrorsUm: [Double], threads: Int) {
        figures = [
            ("gray_dice_start", quality.grayDice.start), ("gray_dice_affine", quality.grayDice.affine),
            ("gray_dice", quality.grayDice.final), ("white_dice_start", quality.whiteDice.start),
            ("white_dice_affine", quality.whiteDice.affine), ("white_dice", quality.whiteDice.final),
            ("misfit_start", quality.misfit.start), ("misfit_affine", quality.misfit.affine),
            ("misfit", quality.misfit.final), ("jacobian_least", quality.leastJacobian),
            ("jacobian_most", quality.mostJacobian), ("jacobian_folded_share", quality.foldedShare),
            ("inverse_error_median_um", inverseErrorsUm.isEmpty ? 0 : inverseErrorsUm[inverseErrorsUm.count / 2]),
            ("inverse_error_most_um", inverseErrorsUm.last ?? 0), ("flow_median_mm", quality.flowMm.median),
            ("flow_most_mm", quality.flowMm.most), ("affine_volume", quality.affineVolume),
            ("affine_stretch_least", quality.affineStretch.least),
            ("affine_stretch_most", quality.affineStretch.most), ("affine_roll_deg", quality.affineRollDeg),
            ("steps", Double(quality.gaussNewtonSteps)), ("bending_mm2", quality.bendingMm2),
            ("empty_planes", Double(quality.emptyPlanes)),
        ]
        texts = ["half": quality.half.rawValue]
    }

    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        var entries: [String: Entry] = texts.mapValues { .text($0) }
        for (name, value) in figures { entries[name] = .number(value) }
        return try encoder.encode(entries)
    }

    private enum Entry: Encodable {
        case number(Double)
        case text(String)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            }
        }
    }
}
