internal import HDF5
internal import NDArray
internal import Registration
public import StageKit
internal import StageProtocol

/// Lays all sections of a brain into one plane by composing their transforms towards the base section.
public struct SectionStack: Stage {
    public static let name = "section-stack"
    public static let summary =
        "Composes the transforms between neighbours towards the base section in the middle of the brain (Methods 3.2)."

    public static func run(_ context: StageContext) throws {
        let inputs = try context.inputs("transforms")
        let intervalUm = try context.config.optionalDouble("section_interval_um")
        let sections = try inputs.map { input in
            (
                artifact: try AlignmentArtifact(path: input.path),
                positionUm: try positionUm(of: input, intervalUm: intervalUm), path: input.path
            )
        }.sorted { $0.positionUm < $1.positionUm }
        guard let first = sections.first else {
            throw StageError(.noResult, "there is not one section to stack", port: "transforms")
        }
        for (one, next) in zip(sections, sections.dropFirst()) where one.positionUm == next.positionUm {
            throw StageError(
                .badInput,
                "sections \(one.artifact.section) and \(next.artifact.section) both lie at \(one.positionUm) µm",
                port: "transforms", file: next.path)
        }
        let names = sections.map(\.artifact.section)
        let index = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        var links = sections.enumerated().flatMap { moving, section in
            section.artifact.links.compactMap { link in
                index[link.fixed].map {
                    StackLink(
                        moving: moving, fixed: $0, transform: link.transform, correlation: link.correlation)
                }
            }
        }
        if let input = try context.optionalInput("bridges") {
            for bridge in try BridgesArtifact(path: input.path).bridges {
                guard let moving = index[bridge.moving], let fixed = index[bridge.fixed] else { continue }
                links.append(
                    StackLink(
                        moving: moving, fixed: fixed, transform: bridge.transform, correlation: bridge.correlation))
            }
        }
        var base: Int?
        if let wanted = try context.config.optionalText("base_section"), wanted != "middle" {
            guard let found = index[wanted] else {
                throw StageError(
                    .badJob,
                    "config.base_section is \"\(wanted)\", but the brain's sections are \(first.artifact.section) … "
                        + "\(names.last ?? "")")
            }
            base = found
        }
        let centres = sections.map(\.artifact.tissueCentre)
        let positions = sections.map(\.positionUm)
        var stack = stackSections(
            count: sections.count, positionsUm: positions, centres: centres, links: links, base: base,
            upright: try context.config.bool("upright"))
        let upright = try StackStraightening.run(
            context, sections: names, positionsUm: positions, centres: centres, transforms: stack.transforms)
        if let upright { stack.transforms = upright.transforms }
        let drift = stackDrift(stack, centres: centres)
        for index in names.indices where !stack.isLinked[index] {
            let isJoined = links.contains { $0.moving == index || $0.fixed == index }
            context.warn(
                isJoined
                    ? "nothing credible joins section \(names[index]) and those that hang together with it with the rest of the stack; "
                        + "they are laid down together beside their nearest neighbour"
                    : "section \(names[index]) could not be aligned with any other (\(sections[index].artifact.verdict)); "
                        + "it is laid down as its nearest neighbour")
        }
        try context.write("stack") { file in
            try file.write(stack.transforms.flatMap(\.matrix), shape: [sections.count, 3, 3], to: "/matrices")
            try file.write(texts: names, to: "/section")
            try file.write(positions, to: "/position_um")
            try file.write(stack.isLinked.map { UInt8($0 ? 1 : 0) }, to: "/linked")
            try file.write(stack.transforms.map { UInt8($0.isMirrored ? 1 : 0) }, to: "/mirrored")
            try file.write(stack.steps.map(Int32.init), to: "/steps")
            try file.write(drift.slowRotationDeg, to: "/slow_rotation_deg")
            try upright?.write(to: file)
            try file.setAttribute("unit", to: "um", of: "/matrices")
            try file.setAttribute("unit", to: "um", of: "/position_um")
            try file.setAttribute("base_section", to: names[stack.base])
            try file.setAttribute("rotation_range_deg", to: drift.rotationRangeDeg)
            try file.setAttribute("mean_centre_roughness_um", to: drift.meanCentreRoughnessUm)
        }
        context.figure("unlinked", Double(stack.isLinked.count { !$0 }))
        context.figure("mirrored", Double(stack.transforms.count { $0.isMirrored }))
        context.figure("drift_deg", drift.rotationRangeDeg)
        context.figure("centre_roughness_um", drift.meanCentreRoughnessUm)
    }

    /// The section's place: its own attribute, or its number times the interval between sections.
    private static func positionUm(of input: StageInput, intervalUm: Double?) throws -> Double {
        if let positionUm = try input.optionalDouble("position_um") { return positionUm }
        let section = try input.coordinate("section")
        let digits = section.reversed().prefix { $0.isNumber }.reversed()
        guard let interval = try intervalUm ?? input.optionalDouble("section_interval_um"),
            let number = Double(String(digits))
        else {
            throw StageError(
                .badJob,
                "section \(section) has no position; give the axis position_um, or numbers as names and section_interval_um",
                port: input.port, file: input.path)
        }
        return number * interval
    }
}

/// A stack as its stage wrote it.
struct StackArtifact {
    let sections: [String]
    let positionsUm: [Double]
    let transforms: [RigidTransform]

    init(path: String) throws {
        let file = try HDF5File(reading: path)
        sections = try file.readTexts("/section")
        positionsUm = try file.read("/position_um", as: Double.self)
        let matrices = try file.read("/matrices", as: Double.self)
        guard positionsUm.count == sections.count, matrices.count == 9 * sections.count else {
            throw StageError(.badInput, "its datasets do not all have \(sections.count) sections", file: path)
        }
        transforms = sections.indices.map { RigidTransform(matrix: Array(matrices[9 * $0..<9 * $0 + 9])) }
    }
}
