internal import HDF5
internal import NDArray
internal import Registration
internal import StageKit
internal import StageProtocol

/// The straightening of a stack by the symmetry axes of its sections' images, and the figures that show it.
struct StackStraightening {
    let transforms: [RigidTransform]
    /// Angle of the axis as it was found in each section, in degrees before straightening; NaN where it was not looked for or not found.
    let foundDeg: [Double]
    /// Correlation of each section with its mirror image, and how much it depends on the angle; NaN as above.
    let correlation: [Double]
    let contrast: [Double]
    /// The slow curve that was taken off.
    let slowDeg: [Double]
    /// The slow curve of the axis' columns less its mean; only taken off where columns are straightened.
    let slowColumnUm: [Double]
    /// The slow curve through the axes found in the straightened stack.
    let leftDeg: [Double]

    private enum Way: String, CaseIterable {
        case symmetry
        case none
    }

    /// Nil where it is not wanted, where the images are not given, or where the sections are not symmetric.
    static func run(
        _ context: StageContext, sections: [String], positionsUm: [Double], centres: [PlanarPoint],
        transforms: [RigidTransform]
    ) throws -> StackStraightening? {
        let config = context.config
        let way: Way = try config.choice("straighten")
        let columnsToo = try config.bool("straighten_columns")
        let span = try config.double("straighten_span", in: 0.05...1)
        let most = try config.integer("straighten_sections", in: 5...)
        let minimum = try config.double("symmetry_minimum", in: 0...1)
        let contrast = try config.double("symmetry_contrast", in: 0...1)
        let rangeDeg = try config.double("symmetry_range_deg", in: 4...60)
        let inputs = context.job.inputs["keypoints"] == nil ? [] : try context.inputs("keypoints")
        guard way == .symmetry, !inputs.isEmpty else { return nil }
        var paths: [String: String] = [:]
        for input in inputs { paths[try input.coordinate("section")] = input.path }
        let every = max(1, (sections.count + most - 1) / most)
        let looked = stride(from: 0, to: sections.count, by: every).filter { paths[sections[$0]] != nil }

        /// The axes under the given transforms.
        func axes(_ transforms: [RigidTransform], _ step: String) throws -> [SymmetryAxis?] {
            var axes = [SymmetryAxis?](repeating: nil, count: sections.count)
            for (number, index) in looked.enumerated() {
                guard let path = paths[sections[index]] else { continue }
                let section = try SectionPicture(path: path)
                axes[index] = symmetryAxis(
                    of: section.image, spacingUm: section.spacingUm, firstUm: section.firstUm,
                    transform: transforms[index], rangeDeg: rangeDeg)
                context.progress(Double(number + 1) / Double(looked.count), step)
            }
            return axes
        }
        func straight(_ transforms: [RigidTransform], _ axes: [SymmetryAxis?]) -> StraightenedStack? {
            straightened(
                transforms, positionsUm: positionsUm, centres: centres, axes: axes, looked: looked.count,
                columnsToo: columnsToo, span: span,
                minimumCorrelation: minimum, minimumContrast: contrast)
        }
        let before = try axes(transforms, "symmetry axes")
        guard let upright = straight(transforms, before) else {
            context.warn(
                "the stack is not straightened: of \(looked.count) sections too few are symmetric about an axis; "
                    + "set straighten to none where sections are not coronal")
            return nil
        }
        let after = try axes(upright.transforms, "symmetry axes of the straightened stack")
        let left = straight(upright.transforms, after)
        let result = StackStraightening(
            transforms: upright.transforms, foundDeg: before.map { ($0?.angleRad ?? .nan) * 180 / .pi },
            correlation: before.map { $0?.correlation ?? .nan }, contrast: before.map { $0?.contrast ?? .nan },
            slowDeg: upright.angleRad.map { $0 * 180 / .pi }, slowColumnUm: upright.columnUm,
            leftDeg: (left?.angleRad ?? []).map { $0 * 180 / .pi })
        context.figure("axis_before_deg", result.slowDeg.map(abs).max() ?? 0)
        if let largest = result.leftDeg.map(abs).max() { context.figure("axis_after_deg", largest) }
        return result
    }

    func write(to file: HDF5File) throws {
        try file.write(foundDeg, to: "/axis_found_deg")
        try file.write(correlation, to: "/axis_correlation")
        try file.write(contrast, to: "/axis_contrast")
        try file.write(slowDeg, to: "/axis_slow_deg")
        try file.write(slowColumnUm, to: "/axis_slow_column_um")
        try file.setAttribute("unit", to: "um", of: "/axis_slow_column_um")
        if !leftDeg.isEmpty { try file.write(leftDeg, to: "/axis_left_deg") }
        for path in ["/axis_found_deg", "/axis_slow_deg"] { try file.setAttribute("unit", to: "deg", of: path) }
    }
}

/// What the keypoints' artifact shows of a section, without the keypoints.
private struct SectionPicture {
    let image: RegistrationImage
    let spacingUm: Double
    let firstUm: Double

    init(path: String) throws {
        let file = try HDF5File(reading: path)
        let gray = try file.readImage("/image", as: UInt8.self)
        let tissue = try file.readImage("/tissue", as: UInt8.self)
        guard gray.rows == tissue.rows, gray.columns == tissue.columns else {
            throw StageError(.badInput, "/image and /tissue differ in size", file: path)
        }
        image = RegistrationImage(gray: gray, tissue: tissue)
        spacingUm = try file.attribute("spacing_um", as: Double.self)
        firstUm = try file.attribute("first_um", as: Double.self)
    }
}
