internal import StageKit

/// What a cohort says of the side from which a section was scanned (attribute `face_down` of the section or its brain).
///
/// A section scanned face down comes out mirrored, and finds itself; but where a brain is its own mirror image (a symmetric
/// template, for example) nothing tells the two apart, and the cohort must.
enum FaceDown: String, CaseIterable {
    /// To be found out.
    case auto
    /// Scanned as it should be; all sections of a brain where its axis says so.
    case no
    /// Mirrored.
    case yes

    init(_ input: StageInput) throws {
        guard let text = input.optionalText("face_down"), !text.isEmpty else {
            self = .auto
            return
        }
        let usual = ["true": "yes", "false": "no", "never": "no"][text] ?? text
        guard let known = FaceDown(rawValue: usual) else {
            throw StageError(
                .badJob, "the attribute face_down is \"\(text)\"; write auto, no (or never) or yes", port: input.port,
                file: input.path)
        }
        self = known
    }

    /// Which transforms between two sections are looked for: plain ones (false), mirrored ones (true).
    static func orientations(_ one: FaceDown, _ other: FaceDown) -> [Bool] {
        one == .auto || other == .auto ? [false, true] : [one != other]
    }
}
