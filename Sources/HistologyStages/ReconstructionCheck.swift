internal import FoundationEssentials
internal import HDF5
internal import NDArray
internal import Phantom
public import StageKit

/// Holds one phantom brain's segmentation, alignments and stack against the truth.
public struct ReconstructionCheck: Stage {
    public static let name = "reconstruction-check"
    public static let summary = "Scores segmentation, alignment and stack of a phantom brain against the truth."

    public static func run(_ context: StageContext) throws {
        context.progress(0, "labels")
        var truths: [SectionTruth] = []
        for input in try context.inputs("truth") { truths.append(try SectionTruth(input)) }
        guard !truths.isEmpty else { throw StageError(.badInput, "there is no section to check", port: "truth") }
        let index = Dictionary(truths.enumerated().map { ($1.section, $0) }, uniquingKeysWith: { first, _ in first })

        let labels = try checkLabels(context, truths, index)
        context.progress(0.6, "pairs")
        let pairs = try checkPairs(context, truths, index)
        context.progress(0.9, "stack")
        let stack = try checkStack(context, truths, index)
        let report = ReconstructionReport(
            sections: truths.map(\.section), overlaps: labels, pairs: pairs, stack: stack)
        for (name, value) in report.figures { context.figure(name, value) }
        try context.write("scores") { try report.write(to: $0) }
        let json = try report.json()
        guard FileManager.default.createFile(atPath: try context.output("summary"), contents: json) else {
            throw StageError(.inputOutput, "the summary cannot be written", port: "summary")
        }
    }

    /// The table of each section.
    private static func checkLabels(
        _ context: StageContext, _ truths: [SectionTruth], _ index: [String: Int]
    ) throws -> [LabelOverlap] {
        var overlaps = truths.map { _ in LabelOverlap() }
        let inputs = try context.inputs("labels")
        for (number, input) in inputs.enumerated() {
            let truth = truths[try place(of: input, in: index)]
            let file = try HDF5File(reading: input.path)
            let spacingUm: Double = try file.attribute("spacing_um")
            guard abs(spacingUm - truth.spacingUm) < 0.01 * truth.spacingUm else {
                throw StageError(
                    .badInput,
                    "the labels have \(spacingUm) µm a pixel, the truth \(truth.spacingUm); "
                        + "set truth_spacing_um of phantom-section to the segmentation's spacing_um", port: "labels",
                    file: input.path)
            }
            let firstUm: Double = try file.attribute("first_um")
            guard abs(firstUm - truth.firstUm) < 0.01 * truth.spacingUm else {
                throw StageError(
                    .badInput,
                    "the labels' first pixel lies at \(firstUm) µm of the section, the truth's at \(truth.firstUm); "
                        + "segment the scan that the truth was made with", port: "labels", file: input.path)
            }
            overlaps[try place(of: input, in: index)]
                .add(truth: truth.labels, found: try file.readImage("/labels", as: UInt8.self))
            context.progress(0.6 * Double(number + 1) / Double(inputs.count), "labels")
        }
        return overlaps
    }

    /// The error of every transform that leads to a neighbour.
    private static func checkPairs(
        _ context: StageContext, _ truths: [SectionTruth], _ index: [String: Int]
    ) throws -> [ReconstructionReport.Pair] {
        try context.inputs("transforms").compactMap { input in
            let moving = try place(of: input, in: index)
            let file = try HDF5File(reading: input.path)
            let offset: Int = file.hasAttribute("offset") ? try file.attribute("offset") : 1
            // The last section has no neighbour, and a transform that was refused leads nowhere.
            guard offset > 0 else { return nil }
            var fixed = moving + offset
            if file.hasAttribute("fixed_section") {
                let name = try file.textAttribute("fixed_section")
                guard !name.isEmpty else { return nil }
                guard let known = index[name] else {
                    throw StageError(
                        .badInput, "leads to the section \(name), of which no truth is known", port: "transforms",
                        file: input.path)
                }
                fixed = known
            }
            guard truths.indices.contains(fixed), let back = truths[fixed].transform.inverse else { return nil }
            return ReconstructionReport.Pair(
                moving: truths[moving].section, fixed: truths[fixed].section,
                error: TransformError(
                    found: try transform(file.read("/matrix", as: Double.self), input),
                    truth: truths[moving].transform.followed(by: back), tissueUm: truths[moving].tissueUm))
        }
    }

    private static func checkStack(
        _ context: StageContext, _ truths: [SectionTruth], _ index: [String: Int]
    ) throws -> ReconstructionReport.Stack {
        let input = try context.input("stack")
        let file = try HDF5File(reading: input.path)
        let names = try file.readTexts("/section")
        let matrices = try file.read("/matrices", as: Double.self)
        guard matrices.count == 9 * names.count else {
            throw StageError(
                .badInput, "holds \(matrices.count / 9) matrices for \(names.count) sections", port: "stack",
                file: input.path)
        }
        var found: [PlaneTransform] = []
        var chosen: [SectionTruth] = []
        for (number, name) in names.enumerated() {
            guard let place = index[name] else { continue }
            found.append(try transform(Array(matrices[9 * number..<9 * number + 9]), input))
            chosen.append(truths[place])
        }
        guard
            let error = StackError(
                found: found, truth: chosen.map(\.transform), tissueUm: chosen.map(\.tissueUm), base: found.count / 2)
        else {
            throw StageError(
                .badInput, "holds no usable stack of the sections whose truth is known", port: "stack", file: input.path
            )
        }
        return ReconstructionReport.Stack(sections: chosen.map(\.section), error: error)
    }

    private static func place(of input: StageInput, in index: [String: Int]) throws -> Int {
        let section = try input.coordinate("section")
        guard let place = index[section] else {
            throw StageError(
                .badInput, "no truth is known of the section \(section)", port: input.port, file: input.path)
        }
        return place
    }

    private static func transform(_ elements: [Double], _ input: StageInput) throws -> PlaneTransform {
        guard elements.count == 9, elements.allSatisfy(\.isFinite) else {
            throw StageError(.badInput, "holds no 3 × 3 matrix of numbers", port: input.port, file: input.path)
        }
        return PlaneTransform(elements)
    }
}

/// What is true of one section.
private struct SectionTruth {
    let section: String
    let labels: Image<UInt8>
    let transform: PlaneTransform
    let spacingUm: Double
    /// Section coordinate of the first label's centre.
    let firstUm: Double
    /// Where the tissue is, in µm of the section.
    let tissueUm: [SIMD2<Double>]

    init(_ input: StageInput) throws {
        section = try input.coordinate("section")
        let file = try HDF5File(reading: input.path)
        labels = try file.readImage("/labels", as: UInt8.self)
        let elements = try file.read("/matrix", as: Double.self)
        guard elements.count == 9 else {
            throw StageError(.badInput, "/matrix is not 3 × 3", port: input.port, file: input.path)
        }
        transform = PlaneTransform(elements)
        spacingUm = try file.attribute("spacing_um")
        let first: Double = try file.attribute("first_um")
        firstUm = first
        tissueUm = tissuePoints(labels, spacingUm: spacingUm).map { $0 + SIMD2(first, first) }
    }
}
