internal import FoundationEssentials
internal import HDF5
internal import NDArray
internal import NIfTI
internal import Registration
internal import SpatialTransforms
public import StageKit
internal import TransformFiles
internal import VolumeRegistration

/// Finds the map from a brain's reconstruction to the template where no transform is given.
///
/// Beyond the paper, which takes its transforms from another workflow (Methods 3.2, Amunts 2020).
public struct TemplateRegistration: Stage {
    public static let name = "template-registration"
    public static let summary =
        "Finds the map from a brain's volume to the template's gray and white matter: affine, then smooth and invertible."

    public static func run(_ context: StageContext) throws {
        let settings = try settings(context)
        let volume = try RegistrationVolume(context)
        let template = try TissueTemplate(context)
        let fieldMm = try context.config.optionalDouble("field_spacing_mm") ?? 1.5 * settings.spacingMm
        guard fieldMm > 0, fieldMm.isFinite else {
            throw StageError(.badJob, "config.field_spacing_mm must be above zero, not \(fieldMm)")
        }
        let match: TemplateMatch
        do {
            match = try registerToTemplate(
                volume.brain, template: template, settings: settings, threads: context.cores
            ) { context.progress($0, $1) }
        } catch {
            throw StageError(
                error.code == .badSetting ? .badJob : .noResult, error.message, port: "volume", file: volume.path)
        }
        warn(context, match.quality, settings)
        context.progress(0.93, "writing")
        let onward = try match.field(
            onBrain: try OrientedGrid(
                covering: volume.cornersMm, marginMm: 5, spacingMm: fieldMm), threads: context.cores)
        let back = try match.field(
            onTemplate: try OrientedGrid(covering: template.cornersMm, marginMm: 0, spacingMm: fieldMm),
            threads: context.cores)
        try TransformFile.write(.displacement(onward), to: try context.output("transform"))
        try TransformFile.write(.displacement(back), to: try context.output("inverse"))
        let scores = TemplateRegistrationScores(
            match.quality, inverseErrorsUm: inverseErrorsUm(volume, onward, back), threads: context.cores)
        for (name, value) in scores.figures { context.figure(name, value) }
        guard FileManager.default.createFile(atPath: try context.output("scores"), contents: try scores.json()) else {
            throw StageError(.inputOutput, "the scores cannot be written", port: "scores")
        }
    }

    private static func settings(_ context: StageContext) throws -> TemplateRegistrationSettings {
        var settings = TemplateRegistrationSettings()
        settings.spacingMm = try context.config.double("spacing_mm", in: 0.1...10)
        settings.knotMm = try context.config.double("knot_mm", in: 0.4...200)
        settings.bendingMm2 = try context.config.double("bending_mm2", in: 1e-3...1e6)
        settings.grayWeight = try context.config.double("gray_weight", in: 0...100)
        settings.whiteWeight = try context.config.double("white_weight", in: 0...100)
        settings.tissueWeight = try context.config.double("tissue_weight", in: 0...100)
        settings.maximumRollDeg = try context.config.double("maximum_roll_deg", in: 0...180)
        settings.iterations = try context.config.integer("iterations", in: 0...1000)
        settings.maximumMisfit = try context.config.double("maximum_misfit", in: 0...1)
        return settings
    }

    private static func warn(
        _ context: StageContext, _ quality: TemplateMatchQuality, _ settings: TemplateRegistrationSettings
    ) {
        func percent(_ share: Double) -> Int { Int((100 * share).rounded()) }
        if quality.half != .both {
            context.warn(
                "only the template's \(quality.half.rawValue) half has tissue in the volume; the map of the other half is "
                    + "carried on from it")
        }
        if quality.startsCut || quality.endsCut {
            context.warn(
                "the stack \(quality.startsCut ? "starts" : "ends")\(quality.startsCut && quality.endsCut ? " and ends" : "") "
                    + "in the middle of tissue; beyond, the map is carried on without any image")
        }
        if quality.emptyPlanes > 0 {
            context.warn("\(quality.emptyPlanes) planes within the stack hold no tissue; they are not compared")
        }
        if !(0.4...2.5).contains(quality.affineVolume) || quality.affineStretch.most > 1.5 * quality.affineStretch.least
        {
            context.warn(
                "the affine map changes volumes by \(quality.affineVolume) and stretches by \(quality.affineStretch.least) "
                    + "to \(quality.affineStretch.most); check the volume's spacing and the template")
        }
        if quality.grayDice.final < 0.5 || quality.grayDice.final < quality.grayDice.affine {
            context.warn(
                "gray matter overlaps by \(percent(quality.grayDice.final)) % (Dice); look at registration-views")
        }
        if quality.bendingMm2 > settings.bendingMm2 {
            context.warn("bending_mm2 was raised to \(quality.bendingMm2), because the map folded with less")
        }
    }

    /// How far every 100th gray voxel comes back from where it started, with the two fields as they are written.
    private static func inverseErrorsUm(
        _ volume: RegistrationVolume, _ onward: DisplacementField, _ back: DisplacementField
    ) -> [Double] {
        var errors: [Double] = []
        var number = 0
        for index in volume.brain.labels.elements.indices where volume.brain.labels.elements[index] == 1 {
            number += 1
            guard number % 100 == 1 else { continue }
            let point = volume.pointMm(index)
            guard let there = onward(point), let again = back(there) else { continue }
            let off = (again - point) * 1000
            errors.append((off * off).sum().squareRoot())
        }
        return errors.sorted()
    }
}

/// The cleaned volume as it is registered.
struct RegistrationVolume {
    let path: String
    let brain: TissueLabels
    let grid: ReconstructionGrid

    init(_ context: StageContext) throws {
        let file = try context.open("volume")
        path = file.path
        grid = try ReconstructionGrid(file)
        let labels = try file.readVolume("/labels", as: UInt8.self)
        let excluded = file.contains("/excluded") ? try file.readVolume("/excluded", as: UInt8.self) : nil
        do {
            brain = try TissueLabels(
                labels: labels, excluded: excluded, spacingUm: grid.spacingUm,
                originUm: (grid.originUm[0], grid.originUm[1], grid.originUm[2]))
        } catch {
            throw StageError(.badInput, error.message, port: "volume", file: file.path)
        }
    }

    /// Voxel centre of an element, RAS mm.
    func pointMm(_ index: Int) -> SIMD3<Double> {
        let column = index % grid.columns
        let row = index / grid.columns % grid.rows
        let plane = index / (grid.columns * grid.rows)
        return AffineTransform(rowMajor: grid.indexToRasMm)(SIMD3(Double(column), Double(row), Double(plane)))
    }

    /// The first and the last voxel's centres.
    var cornersMm: [SIMD3<Double>] { [pointMm(0), pointMm(grid.planes * grid.rows * grid.columns - 1)] }
}

extension TissueTemplate {
    /// The template of the ports `gray` and `white`.
    init(_ context: StageContext) throws {
        let (gray, white) = (try context.input("gray").path, try context.input("white").path)
        let (one, other) = (try NIfTIImage<Float>(reading: gray), try NIfTIImage<Float>(reading: white))
        let differs = zip(one.indexToRasMm, other.indexToRasMm).contains { abs($0 - $1) > 1e-3 }
        guard !differs else {
            throw StageError(
                .badInput, "does not lie where the gray map does (their matrices differ); both must be on one grid",
                port: "white", file: white)
        }
        do {
            try self.init(
                gray: one.volume, white: other.volume, indexToRasMm: AffineTransform(rowMajor: one.indexToRasMm))
        } catch {
            throw StageError(.badInput, error.message, port: "gray", file: gray)
        }
    }

    /// The corners of the template's image in RAS mm.
    var cornersMm: [SIMD3<Double>] {
        (0..<8).map { corner in
            indexToRasMm(
                SIMD3(
                    corner & 1 == 0 ? 0 : Double(gray.columns - 1), corner & 2 == 0 ? 0 : Double(gray.rows - 1),
                    corner & 4 == 0 ? 0 : Double(gray.planes - 1)))
        }
    }
}

extension OrientedGrid {
    /// A grid along the axes of space that covers points.
    init(covering points: [SIMD3<Double>], marginMm: Double, spacingMm: Double) throws {
        var low = points.first ?? SIMD3()
        var high = low
        for point in points {
            low = pointwiseMin(low, point)
            high = pointwiseMax(high, point)
        }
        low -= SIMD3(repeating: marginMm)
        let counts = ((high + SIMD3(repeating: marginMm) - low) / spacingMm).rounded(.up)
        try self.init(
            planes: Int(counts.z) + 1, rows: Int(counts.y) + 1, columns: Int(counts.x) + 1,
            indexToMm: AffineTransform(
                x: [spacingMm, 0, 0], y: [0, spacingMm, 0], z: [0, 0, spacingMm], translation: low))
    }
}
