internal import HDF5
internal import NDArray
internal import Registration
public import StageKit

/// Builds the volume of a brain from its sections' labels and the stack of their transforms.
public struct TissueVolume: Stage {
    public static let name = "tissue-volume"
    public static let summary =
        "Resamples the stacked sections' labels and gray levels on an isotropic grid (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        let spacingUm = try context.config.double("spacing_um", in: 1...1e6)
        let fillGapUm = try context.config.optionalDouble("fill_gap_um") ?? 2 * spacingUm
        let stack = try StackArtifact(path: try context.input("stack").path)
        var paths: [String: String] = [:]
        for input in try context.inputs("labels") { paths[try input.coordinate("section")] = input.path }
        // Sections whose labels are missing leave a gap, as if they had not been cut.
        let members = stack.sections.indices.filter { paths[stack.sections[$0]] != nil }
        for index in stack.sections.indices where paths[stack.sections[index]] == nil {
            context.warn("section \(stack.sections[index]) has no labels; it leaves a gap")
        }
        let positions = members.map { stack.positionsUm[$0] }
        guard !members.isEmpty else {
            throw StageError(.noResult, "not one of the stack's sections has labels", port: "labels")
        }
        context.progress(0, "measuring")
        var corners: [PlanarPoint] = []
        var backgrounds: [UInt8] = []
        for index in members {
            let layout = try SectionLayout(path: paths[stack.sections[index]] ?? "")
            corners += layout.tissueCorners.map { stack.transforms[index]($0) }
            backgrounds.append(layout.background)
        }
        backgrounds.sort()
        let empty = backgrounds[backgrounds.count / 2]
        guard !corners.isEmpty else { throw StageError(.noResult, "no section holds any tissue", port: "labels") }
        // A voxel of slide all around.
        let lows = PlanarPoint(
            row: (corners.map(\.row).min() ?? 0) - spacingUm, column: (corners.map(\.column).min() ?? 0) - spacingUm)
        let highs = PlanarPoint(
            row: (corners.map(\.row).max() ?? 0) + spacingUm, column: (corners.map(\.column).max() ?? 0) + spacingUm)
        let grid = ReconstructionGrid(around: [lows, highs], positionsUm: positions, spacingUm: spacingUm)

        let nearestOnly = try context.config.text("between") == "nearest"
        var planes = VolumePlanes(
            grid: grid, positionsUm: positions, fillGapUm: fillGapUm, interpolates: !nearestOnly, emptyGray: empty,
            threads: context.cores
        ) { member in
            let index = members[member]
            return try LabelsArtifact(path: paths[stack.sections[index]] ?? "").placed(by: stack.transforms[index])
        }
        // The whole volume is kept and written at once: a compressed chunk spans planes, and would be packed again for each.
        var volume = (labels: [UInt8](), gray: [UInt8](), grayFraction: [UInt8](), whiteFraction: [UInt8]())
        for plane in 0..<grid.planes {
            let made = try planes.plane(plane)
            volume.labels += made.labels.elements
            volume.gray += made.gray.elements
            volume.grayFraction += made.grayFraction.elements
            volume.whiteFraction += made.whiteFraction.elements
            context.progress(Double(plane + 1) / Double(grid.planes), "resampling")
        }
        try context.write("volume") { file in
            let shape = [grid.planes, grid.rows, grid.columns]
            try file.write(volume.labels, shape: shape, to: "/labels")
            try file.write(volume.gray, shape: shape, to: "/image")
            try file.write(volume.grayFraction, shape: shape, to: "/gray_fraction")
            try file.write(volume.whiteFraction, shape: shape, to: "/white_fraction")
            try file.setAttribute("spacing_um", to: spacingUm)
            try file.setAttribute("origin_um", to: grid.originUm)
            try file.setAttribute("axes", to: ["position", "row", "column"])
        }
        context.figure("planes", Double(grid.planes))
        context.figure("empty_planes", Double(planes.empty))
        context.figure("interpolated_planes", Double(planes.interpolated))
    }
}

/// Labels of one section as the segmentation wrote them.
struct LabelsArtifact {
    let labels: Image<UInt8>
    let gray: Image<UInt8>
    let spacingUm: Double
    let firstUm: Double

    /// - Parameter withImage: whether the gray image is read; otherwise the labels stand in its place.
    init(path: String, withImage: Bool = true) throws {
        let file = try HDF5File(reading: path)
        labels = try file.readImage("/labels", as: UInt8.self)
        let hasImage = file.contains("/image")
        gray = hasImage && withImage ? try file.readImage("/image", as: UInt8.self) : labels
        spacingUm = try file.attribute("spacing_um", as: Double.self)
        firstUm = try file.attribute("first_um", as: Double.self)
        guard try !hasImage || file.dataset("/image").shape == [labels.rows, labels.columns] else {
            throw StageError(.badInput, "/labels and /image differ in size", file: path)
        }
    }

    func placed(by transform: RigidTransform) -> PlacedSection {
        PlacedSection(
            labels: labels, gray: gray, background: SectionLayout.background(of: gray, labels: labels),
            spacingUm: spacingUm, firstUm: firstUm,
            transform: transform)
    }
}
