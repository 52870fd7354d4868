internal import HDF5
internal import NDArray
internal import Registration
internal import SectionFiles
public import StageKit

/// Finds the SURF keypoints of one section, and keeps the small image that the alignment looks at.
public struct SectionKeypoints: Stage {
    public static let name = "section-keypoints"
    public static let summary = "Finds the SURF keypoints of one section's tissue at working resolution (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let spacingUm = try config.double("spacing_um", in: 0.1...10_000)
        let settings = SurfSettings(
            octaves: try config.integer("octaves", in: 1...6),
            threshold: Float(try config.double("threshold", in: 0...1)),
            maximumCount: try config.integer("maximum_keypoints", in: 0...100_000),
            upsampling: try config.integer("upsampling", in: 1...8))
        let section = try context.input("section")
        let scan = try SectionScan(path: section.path, pixelSizeUm: try section.optionalDouble("pixel_size_um"))
        context.progress(0, "reading")
        let gray = try scan.reduced(toSpacingUm: spacingUm, threads: context.cores) { context.progress(0.6 * $0) }
        context.progress(0.6, "keypoints")
        let (tissue, keypoints) = SectionFeatures.tissueAndKeypoints(
            of: gray, marginPx: try config.double("margin_um", in: 0...1e6) / spacingUm, settings: settings,
            threads: context.cores)
        if !tissue.elements.contains(1) {
            context.warn("no tissue was found on \(section.path); the section cannot be aligned")
        }
        try context.write("keypoints") { file in
            try file.write(
                keypoints, spacingUm: spacingUm, firstUm: (spacingUm - (scan.pixelSize?.rowUm ?? spacingUm)) / 2, gray,
                tissue)
        }
        context.figure("keypoints", Double(keypoints.count))
    }
}

extension HDF5File {
    /// Writes a section's keypoints: positions and scales in section µm, whose zero is the centre of the scan's first pixel.
    func write(
        _ found: KeypointSet, spacingUm: Double, firstUm: Double, _ gray: Image<UInt8>, _ tissue: Image<UInt8>
    ) throws {
        let keypoints = found.keypoints
        try write(
            keypoints.flatMap {
                [
                    Float($0.position.row * spacingUm + firstUm), Float($0.position.column * spacingUm + firstUm),
                ]
            },
            shape: [keypoints.count, 2], to: "/position")
        try write(keypoints.map { $0.scalePx * Float(spacingUm) }, to: "/scale")
        try write(keypoints.map(\.angleRad), to: "/angle")
        try write(keypoints.map(\.response), to: "/response")
        try write(keypoints.map(\.laplacian), to: "/laplacian")
        try write(found.descriptors, shape: [keypoints.count, 64], to: "/descriptor")
        try write(gray, to: "/image", layout: .grayLevels(of: gray))
        try write(tissue, to: "/tissue")
        try setAttribute("spacing_um", to: spacingUm)
        try setAttribute("first_um", to: firstUm)
        for (path, unit) in [("/position", "um"), ("/scale", "um"), ("/angle", "rad")] {
            try setAttribute("unit", to: unit, of: path)
        }
    }
}

/// A section's keypoints as their stage wrote them.
struct KeypointsArtifact {
    let features: SectionFeatures
    let gray: Image<UInt8>
    let spacingUm: Double
    /// Section coordinate of the first pixel's centre.
    let firstUm: Double

    init(path: String) throws {
        let file = try HDF5File(reading: path)
        let spacingUm = try file.attribute("spacing_um", as: Double.self)
        let firstUm = try file.attribute("first_um", as: Double.self)
        self.spacingUm = spacingUm
        self.firstUm = firstUm
        gray = try file.readImage("/image", as: UInt8.self)
        let position = try file.read("/position", as: Float.self)
        let scale = try file.read("/scale", as: Float.self)
        let angle = try file.read("/angle", as: Float.self)
        let response = try file.read("/response", as: Float.self)
        let laplacian = try file.read("/laplacian", as: Int8.self)
        let descriptors = try file.read("/descriptor", as: Float.self)
        let count = scale.count
        guard position.count == 2 * count, angle.count == count, response.count == count, laplacian.count == count,
            descriptors.count == 64 * count
        else {
            throw StageError(.badInput, "its datasets do not all have \(count) keypoints", file: path)
        }
        let keypoints = (0..<count).map { index in
            Keypoint(
                position: PlanarPoint(
                    row: (Double(position[2 * index]) - firstUm) / spacingUm,
                    column: (Double(position[2 * index + 1]) - firstUm) / spacingUm),
                scalePx: scale[index] / Float(spacingUm), angleRad: angle[index], response: response[index],
                laplacian: laplacian[index])
        }
        features = SectionFeatures(
            image: RegistrationImage(gray: gray, tissue: try file.readImage("/tissue", as: UInt8.self)),
            keypoints: KeypointSet(keypoints: keypoints, descriptors: descriptors))
    }

    /// A transform from this section's pixels to another's, in section µm of both.
    func inUm(_ transform: RigidTransform, onto fixed: KeypointsArtifact) -> RigidTransform {
        let ours = RigidTransform(
            rotationRad: 0, translation: PlanarPoint(row: firstUm, column: firstUm))
        let theirs = RigidTransform(
            rotationRad: 0, translation: PlanarPoint(row: fixed.firstUm, column: fixed.firstUm))
        return theirs.after(transform.inUnits(of: 1 / spacingUm)).after(ours.inverse)
    }

    /// The other way round.
    func inPixels(_ transform: RigidTransform, onto fixed: KeypointsArtifact) -> RigidTransform {
        let ours = RigidTransform(
            rotationRad: 0, translation: PlanarPoint(row: firstUm, column: firstUm))
        let theirs = RigidTransform(
            rotationRad: 0, translation: PlanarPoint(row: fixed.firstUm, column: fixed.firstUm))
        return theirs.inverse.after(transform).after(ours).inUnits(of: spacingUm)
    }
}
