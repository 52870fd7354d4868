internal import HDF5
internal import NDArray
public import StageKit

/// Points along the middle of annotated areas, for training and testing classifiers of areas (Methods 3.5).
public struct AreaPoints: Stage {
    public static let name = "area-points"
    public static let summary =
        "Points along the middle of annotated areas, a part of the sections kept for tests (Methods 3.5)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let stepUm = try config.double("step_mm", in: 0.01...100) * 1000
        let rasterUm = try config.double("raster_um", in: 1...1000)
        let spurFactor = try config.double("spur_factor", in: 0...10)
        let testEvery = try config.integer("test_every", in: 0...)
        let reachUm = try config.double("reach_mm", in: 0...100) * 1000

        context.progress(0, "reading")
        let inputs = try context.inputs("annotations")
        let sections = try inputs.map { try AnnotatedSection($0) }.filter { !$0.isEmpty }
        guard !sections.isEmpty else {
            throw StageError(.noResult, "none of the \(inputs.count) sections has a contour", port: "annotations")
        }
        let names = try areas(sections, context)

        var found = [[AnnotatedSection.Point]](repeating: [], count: sections.count)
        let done = Tally()
        found.withUnsafeMutableBufferPointer { buffer in
            let result = DisjointSlices(buffer)
            parallelFor(sections.count, threads: context.cores) { index in
                result[index] = sections[index].points(stepUm: stepUm, rasterUm: rasterUm, spurFactor: spurFactor)
                context.progress(0.9 * Double(done.next()) / Double(sections.count), "skeletons")
            }
        }
        let sampled = try context.optionalInput("points").map { try SampledPlaces($0) }
        var table = PatchPoints()
        var isFar = 0
        for (index, section) in sections.enumerated() {
            let isTest = testEvery > 0 && index % testEvery == testEvery - 1
            for point in found[index] {
                let near = sampled?.nearest(to: point.positionUm, in: section.name, withinUm: reachUm)
                if sampled != nil, near == nil { isFar += 1 }
                table.sectionName.append(section.name)
                table.positionUm.append(point.positionUm)
                table.hemisphere.append(point.hemisphere)
                table.label.append(Int32(point.area))
                table.isTest.append(isTest ? 1 : 0)
                table.mniMm.append(near?.mniMm ?? SIMD3(repeating: .nan))
                table.reconstructionUm.append(near?.reconstructionUm ?? SIMD3(repeating: .nan))
            }
        }
        context.progress(0.95, "writing")
        table.areas = names
        try context.write("points") { file in
            try table.writeAreaPoints(to: file)
        }
        let count = table.sectionName.count
        context.figure("points", Double(count))
        context.figure("sections", Double(sections.count))
        context.figure("test_points", Double(table.isTest.count { $0 != 0 }))
        if sampled != nil { context.figure("placed", Double(count - isFar) / Double(max(count, 1))) }
    }

    /// Labels and names of the areas: all of the table's where there is one, else those that occur.
    private static func areas(
        _ sections: [AnnotatedSection], _ context: StageContext
    ) throws -> [(label: Int32, name: String)] {
        let present = sections.reduce(into: Set<Int32>()) { $0.formUnion($1.areas.map { Int32($0) }) }.sorted()
        guard let input = try context.optionalInput("labels") else { return present.map { ($0, "area \($0)") } }
        let table = try LabelTable(input)
        let unknown = present.filter { !table.labels.contains($0) }
        guard unknown.isEmpty else {
            throw StageError(
                .badInput,
                "the contours have areas \(unknown.prefix(8).map(String.init).joined(separator: ", ")), "
                    + "which the table does not name", port: "labels", file: input.path)
        }
        return zip(table.labels, table.names).filter { $0.0 != 0 }.map { ($0, $1) }
    }
}

extension PatchPoints {
    init() {}

    /// Writes the datasets of area-points.
    func writeAreaPoints(to file: HDF5File) throws {
        let count = sectionName.count
        try file.write(texts: sectionName, to: "/section_name")
        try file.write(positionUm.flatMap { [$0.x, $0.y] }, shape: [count, 2], to: "/position_um")
        try file.write(hemisphere, to: "/hemisphere")
        try file.write(label, to: "/label")
        try file.write(isTest, to: "/test")
        try file.write(mniMm.flatMap { [$0.x, $0.y, $0.z] }, shape: [count, 3], to: "/mni_mm")
        try file.write(
            reconstructionUm.flatMap { [$0.x, $0.y, $0.z] }, shape: [count, 3], to: "/reconstruction_um")
        try file.write(areas.map(\.label), to: "/areas/label")
        try file.write(texts: areas.map(\.name), to: "/areas/name")
        for (path, unit) in [("/position_um", "um"), ("/mni_mm", "mm"), ("/reconstruction_um", "um")] {
            try file.setAttribute("unit", to: unit, of: path)
        }
    }
}

/// Sampling points of a brain by section, to look up where in the brain a place of a section is.
private struct SampledPlaces {
    struct Place {
        var mniMm: SIMD3<Double>
        var reconstructionUm: SIMD3<Double>
    }

    private let points: PatchPoints
    private var rows: [String: [Int]] = [:]

    init(_ input: StageInput) throws {
        points = try PatchPoints([input], brainHere: "")
        for (row, section) in points.sectionName.enumerated() { rows[section, default: []].append(row) }
    }

    /// What is known of the nearest sampling point of a section; nil where none is near.
    func nearest(to place: SIMD2<Double>, in section: String, withinUm reach: Double) -> Place? {
        var best = reach * reach
        var nearest: Int?
        for row in rows[section] ?? [] {
            let move = points.positionUm[row] - place
            let square = move.x * move.x + move.y * move.y
            if square <= best { (best, nearest) = (square, row) }
        }
        return nearest.map { Place(mniMm: points.mniMm[$0], reconstructionUm: points.reconstructionUm[$0]) }
    }
}
