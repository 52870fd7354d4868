internal import HDF5
internal import Imaging
internal import NDArray
internal import PNG
internal import Registration
public import StageKit

/// Draws the orthogonal views of a volume: gray levels above, labels below.
public struct VolumeViews: Stage {
    public static let name = "volume-views"
    public static let summary = "Draws the three orthogonal views through a brain's volume."

    public static func run(_ context: StageContext) throws {
        let fraction = try context.config.double("fraction", in: 0...1)
        let lateral = try context.config.double("lateral_fraction", in: 0...1)
        let scale = try context.config.integer("scale", in: 1...16)
        let file = try context.open("volume")
        let labels = try file.readVolume("/labels", as: UInt8.self)
        guard labels.planes > 0, labels.rows > 0, labels.columns > 0 else {
            throw StageError(.badInput, "the volume is empty", port: "volume", file: file.path)
        }
        let hasImage = file.contains("/image")
        var image = hasImage ? try file.readVolume("/image", as: UInt8.self) : labels
        guard image.elements.count == labels.elements.count else {
            throw StageError(.badInput, "/image and /labels differ in size", port: "volume", file: file.path)
        }
        if hasImage, try context.config.bool("evens_stain") { evenStain(of: &image, labels: labels) }
        let cut = OrthogonalCut(
            plane: Int((fraction * Double(labels.planes - 1)).rounded()),
            row: Int((fraction * Double(labels.rows - 1)).rounded()),
            column: Int((lateral * Double(labels.columns - 1)).rounded()))
        let colours = ColourMap.tissue
        var rows: [[Image<RGB>]] = []
        if hasImage { rows.append(cut.views(of: image).map { $0.map { RGB($0, $0, $0) } }) }
        rows.append(
            cut.views(of: labels).map { view in
                view.map { RGB(colours[Int($0)].red, colours[Int($0)].green, colours[Int($0)].blue) }
            })
        try writePNG(montage(rows, scale: scale, gap: 8), to: try context.output("views"))
    }
}
