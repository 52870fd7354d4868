internal import HDF5
internal import NDArray
internal import PNG
public import StageKit

/// A sheet of a brain's sections with the borders of gray and white matter, to see at a glance whether a segmentation is right.
public struct SegmentationPreview: Stage {
    public static let name = "segmentation-preview"
    public static let summary = "Shows some sections of a brain beside themselves with their labels' borders."

    public static func run(_ context: StageContext) throws {
        let count = try context.config.integer("sections", in: 1...1000)
        let sheet = ContactSheet(
            widthPx: try context.config.integer("width_px", in: 16...4096),
            pairsInRow: try context.config.integer("pairs_in_row", in: 1...50))
        let inputs = try context.inputs("labels")
        guard !inputs.isEmpty else { throw StageError(.badInput, "there is no section to show", port: "labels") }
        // Evenly spread, the first and the last among them.
        let shown = min(count, inputs.count)
        let chosen = (0..<shown).map { shown == 1 ? inputs.count / 2 : $0 * (inputs.count - 1) / (shown - 1) }
        var entries: [ContactSheet.Entry] = []
        for (number, place) in chosen.enumerated() {
            let file = try HDF5File(reading: inputs[place].path)
            entries.append(
                ContactSheet.Entry(
                    image: try file.readImage("/image", as: UInt8.self),
                    labels: try file.readImage("/labels", as: UInt8.self)))
            context.progress(0.9 * Double(number + 1) / Double(shown), "reading")
        }
        try writePNG(sheet.picture(entries), to: try context.output("picture"))
    }
}
