internal import HDF5
internal import NDArray
internal import PNG
public import StageKit

/// A sheet of a brain's sections with their points, to see at a glance whether they run through the middle of the cortex.
public struct MidlinePreview: Stage {
    public static let name = "midline-preview"
    public static let summary =
        "Shows some sections of a brain with their labels' borders and their points, left pink and right green."

    private static let colours = [RGB(230, 60, 150), RGB(20, 160, 70)]

    public static func run(_ context: StageContext) throws {
        let count = try context.config.integer("sections", in: 1...1000)
        let sheet = ContactSheet(
            widthPx: try context.config.integer("width_px", in: 16...4096),
            pairsInRow: try context.config.integer("pairs_in_row", in: 1...50))
        let file = try context.open("points")
        let names = try file.readTexts("/section_name")
        let positions = try file.read("/position_um", as: Double.self)
        let hemispheres = try file.read("/hemisphere", as: UInt8.self)
        guard positions.count == 2 * names.count, hemispheres.count == names.count else {
            throw StageError(
                .badInput, "its datasets do not all have \(names.count) points", port: "points", file: file.path)
        }
        var members: [String: [Int]] = [:]
        for (index, name) in names.enumerated() { members[name, default: []].append(index) }
        let inputs = try context.inputs("labels")
        guard !inputs.isEmpty else { throw StageError(.badInput, "there is no section to show", port: "labels") }
        // Evenly spread, without the two ends, where there is little cortex.
        let shown = min(count, inputs.count)
        let chosen = (0..<shown).map { (2 * $0 + 1) * inputs.count / (2 * shown) }
        var entries: [ContactSheet.Entry] = []
        for (number, place) in chosen.enumerated() {
            let input = inputs[place]
            let labels = try LabelsArtifact(path: input.path)
            let dots = (members[try input.coordinate("section")] ?? []).map { index in
                ContactSheet.Dot(
                    row: (positions[2 * index] - labels.firstUm) / labels.spacingUm,
                    column: (positions[2 * index + 1] - labels.firstUm) / labels.spacingUm,
                    colour: colours[min(Int(hemispheres[index]), 1)])
            }
            entries.append(ContactSheet.Entry(image: labels.gray, labels: labels.labels, dots: dots))
            context.progress(0.9 * Double(number + 1) / Double(shown), "reading")
        }
        try writePNG(sheet.picture(entries), to: try context.output("picture"))
    }
}
