internal import Cortex
internal import HDF5
internal import NDArray
internal import Registration
public import StageKit
internal import Surfaces

/// Tells of each point of one brain how the cortex lies there: curvature, thickness, cutting angle, and where its layers are known their
/// thicknesses (Methods 3.7).
public struct Morphology: Stage {
    public static let name = "morphology"
    public static let summary =
        "Curvature, thickness, cutting angle and layer thicknesses of the cortex at the points of one brain (Methods 3.7)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let smoothingUm = try config.double("curvature_smoothing_um", in: 0...20_000)
        let reachUm = try config.double("surface_reach_um", in: 1...20_000)
        let maximumUm = try config.double("maximum_thickness_um", in: 1...100_000)
        let step = try config.double("step", in: 0.01...2)
        context.progress(0, "reading")
        let stack = try StackArtifact(path: try context.input("stack").path)
        let rows = try PointRows(context, stack: stack)
        let depth = try DepthField(context, port: "depth")
        let settings = TraverseSettings(
            stepUm: step * depth.spacingUm, maximumLengthUm: maximumUm, reachUm: 2 * depth.spacingUm)

        context.progress(0.1, "curvature")
        let bends = try SurfaceBends(context, smoothingUm: smoothingUm)
        context.progress(0.3, "thickness")
        var results = [PointMorphology](repeating: PointMorphology(), count: rows.count)
        results.withUnsafeMutableBufferPointer { results in
            guard !results.isEmpty else { return }
            let results = DisjointSlices(results)
            parallelBands(rows.count, band: 256, threads: context.cores) { band in
                for index in band {
                    let place = rows.reconstructionUm[index]
                    guard !place.x.isNaN, !place.y.isNaN, !place.z.isNaN else { continue }
                    results[index] = PointMorphology(
                        depth.traverse(from: place, settings: settings), sample: depth.sample(at: place))
                    results[index].curvaturePerMm = bends.curvaturePerMm(
                        at: place, facing: results[index].outward, withinUm: reachUm)
                }
            }
        }
        context.progress(0.7, "layers")
        let layers = try LayerRows(context, rows: rows, stack: stack, depth: depth, angles: results)
        try context.write("properties") { file in
            try file.write(results.map(\.curvaturePerMm), to: "/curvature_per_mm")
            try file.write(results.map(\.thicknessUm), to: "/thickness_um")
            try file.write(results.map(\.cuttingAngleDeg), to: "/cutting_angle_deg")
            try file.write(results.map(\.lengthUm), to: "/length_um")
            if let layers { try file.write(layers.thicknessUm, shape: [rows.count, 6], to: "/layer_thickness_um") }
            for (path, unit) in [
                ("/curvature_per_mm", "1/mm"), ("/thickness_um", "um"), ("/length_um", "um"),
                ("/cutting_angle_deg", "deg"),
            ] { try file.setAttribute("unit", to: unit, of: path) }
            if layers != nil { try file.setAttribute("unit", to: "um", of: "/layer_thickness_um") }
            try file.setAttribute("curvature_smoothing_um", to: smoothingUm)
        }
        tell(context, "curvature_per_mm", results.map(\.curvaturePerMm))
        tell(context, "thickness_um", results.map(\.thicknessUm))
        tell(context, "cutting_angle_deg", results.map(\.cuttingAngleDeg))
        if let layers {
            let whole = (0..<rows.count).map { row in
                (0..<6).reduce(Float(0)) { $0 + layers.thicknessUm[6 * row + $1] }
            }
            tell(context, "layers_um", whole)
        }
    }

    /// Median of a property and the share of rows that have it.
    private static func tell(_ context: StageContext, _ name: String, _ values: [Float]) {
        let known = values.filter { !$0.isNaN }.sorted()
        context.figure("\(name)_median", known.isEmpty ? .nan : Double(known[known.count / 2]))
        context.figure("\(name)_known", Double(known.count) / Double(max(values.count, 1)))
    }
}

/// What is told of one point; NaN where unknown.
struct PointMorphology: Sendable {
    var curvaturePerMm = Float.nan
    /// Straight distance between corresponding places of pia and white surface, as the paper has it.
    var thicknessUm = Float.nan
    /// Length of the bent way between them.
    var lengthUm = Float.nan
    /// Between the section's plane and the surface's normal: 0 for a cut across the cortex, 90 for one along it.
    var cuttingAngleDeg = Float.nan
    /// Towards the pia.
    var outward: SIMD3<Float>?

    init() {}

    /// - Parameters:
    ///   - traverse: the way through the cortex, nil where there is none.
    ///   - sample: the depth there, which still tells the normal where no way leads through.
    init(_ traverse: CorticalTraverse?, sample: DepthField.Sample?) {
        let normal: SIMD3<Double>
        if let traverse {
            thicknessUm = Float(traverse.spanUm)
            lengthUm = Float(traverse.lengthUm)
            normal = traverse.outward
        } else if let sample {
            let size = (sample.gradient * sample.gradient).sum().squareRoot()
            guard size > 0 else { return }
            normal = sample.gradient / -size
        } else {
            return
        }
        outward = SIMD3(Float(normal.x), Float(normal.y), Float(normal.z))
        let across = max(0, 1 - normal.x * normal.x).squareRoot()
        cuttingAngleDeg = Float(Math.atan2(abs(normal.x), across) * 180 / Double.pi)
    }
}

/// The curvature of a brain's midsurface, asked by places.
private struct SurfaceBends: Sendable {
    private let sides: [(grid: TriangleGrid, curvature: [Float])]

    init(_ context: StageContext, smoothingUm: Double) throws {
        let surface = try SurfaceArtifact(context.input("surface"))
        guard !surface.hemispheres.isEmpty else {
            throw StageError(
                .badInput, "the surface has no faces in either hemisphere", port: "surface",
                file: try context.input("surface").path)
        }
        sides = surface.hemispheres.map { hemisphere in
            let mesh = hemisphere.mesh
            let bends = mesh.meanCurvatures(
                smoothing: smoothingUm, counts: hemisphere.isCortex.map { $0.map { $0 != 0 } })
            return (TriangleGrid(mesh, cell: 900), bends)
        }
    }

    func curvaturePerMm(at place: SIMD3<Double>, facing normal: SIMD3<Float>?, withinUm reachUm: Double) -> Float {
        let point = SIMD3(Float(place.x), Float(place.y), Float(place.z))
        var best: (distance: Float, side: Int)?
        for (index, side) in sides.enumerated() {
            guard let hit = side.grid.closest(to: point, facing: normal, within: best?.distance ?? Float(reachUm))
            else { continue }
            best = (hit.distance, index)
        }
        guard let best else { return .nan }
        let side = sides[best.side]
        let perUm = side.grid.interpolated(side.curvature, at: point, facing: normal, within: best.distance * 1.001 + 1)
        return (perUm ?? .nan) * 1000
    }
}

/// Thicknesses of the layers at the rows whose sections have a map of them.
private struct LayerRows {
    /// (rows, 6), NaN where unknown.
    var thicknessUm: [Float]

    /// Nil where the port is not connected.
    init?(
        _ context: StageContext, rows: PointRows, stack: StackArtifact, depth: DepthField, angles: [PointMorphology]
    ) throws {
        let inputs = context.optionalInputs("layers")
        guard !inputs.isEmpty else { return nil }
        let mostObliqueDeg = try context.config.double("maximum_angle_deg", in: 0...89)
        let slackUm = try context.config.double("layer_slack_um", in: 0...10_000)
        let maximumUm = try context.config.double("maximum_thickness_um", in: 1...100_000)
        let lines = SectionLines(
            stack: stack, depth: depth,
            settings: TraverseSettings(
                stepUm: 0.5 * depth.spacingUm, maximumLengthUm: 2 * maximumUm, reachUm: 2 * depth.spacingUm,
                staysInSection: true))
        let members = rows.rowsBySection
        var byRow = [[Double]?](repeating: nil, count: rows.count)
        let files = try inputs.filter { members[try $0.coordinate("section")] != nil }
        var results = [Result<[(Int, [Double])], any Error>](repeating: .success([]), count: files.count)
        results.withUnsafeMutableBufferPointer { results in
            guard !results.isEmpty else { return }
            let results = DisjointSlices(results)
            parallelFor(files.count, threads: context.cores) { number in
                results[number] = Result {
                    let section = try files[number].coordinate("section")
                    let file = try HDF5File(reading: files[number].path)
                    let map = try file.readImage("/layer", as: UInt8.self)
                    let spacingUm = try file.attribute("spacing_um", as: Double.self)
                    let firstUm = file.hasAttribute("first_um") ? try file.attribute("first_um", as: Double.self) : 0
                    guard spacingUm > 0 else {
                        throw StageError(
                            .badInput, "spacing_um is \(spacingUm)", port: "layers", file: files[number].path)
                    }
                    return (members[section] ?? []).compactMap { row in
                        let angle = Double(angles[row].cuttingAngleDeg)
                        guard angle <= mostObliqueDeg,
                            let line = lines.line(section: section, throughUm: rows.positionUm[row])
                        else { return nil }
                        return layerThicknesses(
                            map, along: line.pathUm.map { ($0 - firstUm) / spacingUm }, start: line.start,
                            spacingUm: spacingUm, cosine: Math.cos(angle * Double.pi / 180),
                            slackPx: slackUm / spacingUm
                        ).map { (row, $0) }
                    }
                }
            }
        }
        for result in results {
            for (row, lengths) in try result.get() { byRow[row] = lengths }
        }
        thicknessUm = byRow.flatMap { ($0 ?? [Double](repeating: .nan, count: 6)).map { Float($0) } }
    }
}
