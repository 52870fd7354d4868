import Foundation
import HDF5
import HistologyStages
import NDArray
import PNG
import StageKit
import StageProtocol
import Testing

/// A brain that is one shell: white matter to a radius of 3 mm, cortex to 5.4 mm, cut into seven sections each turned, shifted or mirrored on
/// its slide.
private final class ShellBrain {
    static let (inner, outer) = (3000.0, 5400.0)
    static let pixelUm = 50.0
    let folder = NSTemporaryDirectory() + "shell-" + UUID().uuidString
    let sections = (0..<7).map { "000\($0 + 1)" }
    let positionsUm = (0..<7).map { Double($0 - 3) * 700 }
    /// Section µm to the common plane, whose origin is the shell's middle.
    var matrices: [[Double]] = []
    /// Points in the cortex: section, (row, column) on the slide, place in the reconstruction.
    var points: [(section: Int, at: SIMD2<Double>, place: SIMD3<Double>)] = []

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for index in sections.indices {
            let angle = 0.2 * Double(index)
            let mirror = index == 4 ? -1.0 : 1.0
            // The slide's middle, (6500, 6500) µm, lies near the brain's.
            let (c, s) = (cos(angle), sin(angle))
            let (row, column) = (6500 + 10 * Double(index), mirror * 6400)
            matrices.append([
                c, -s * mirror, -(c * row - s * column), s, c * mirror, -(s * row + c * column), 0, 0, 1,
            ])
        }
        for index in sections.indices {
            for step in 0..<8 {
                let radius = (4200.0 * 4200 - positionsUm[index] * positionsUm[index]).squareRoot()
                let turn = Double(step) * 0.785 + 0.1 * Double(index)
                let place = SIMD3(positionsUm[index], radius * cos(turn), radius * sin(turn))
                points.append((index, onSlide(index, SIMD2(place.y, place.z)), place))
            }
        }
        try writeGeometry()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { folder + "/" + name }

    private func onSlide(_ index: Int, _ plane: SIMD2<Double>) -> SIMD2<Double> {
        let m = matrices[index]
        // The linear part is orthogonal.
        let moved = plane - SIMD2(m[2], m[5])
        return SIMD2(m[0] * moved.x + m[3] * moved.y, m[1] * moved.x + m[4] * moved.y)
    }

    private func inPlane(_ index: Int, _ slide: SIMD2<Double>) -> SIMD2<Double> {
        let m = matrices[index]
        return SIMD2(m[0] * slide.x + m[1] * slide.y + m[2], m[3] * slide.x + m[4] * slide.y + m[5])
    }

    private func radius(_ index: Int, row: Int, column: Int) -> Double {
        let plane = inPlane(index, SIMD2(Double(row), Double(column)) * ShellBrain.pixelUm)
        return (plane.x * plane.x + plane.y * plane.y + positionsUm[index] * positionsUm[index]).squareRoot()
    }

    private func writeGeometry() throws {
        try HDF5File.create(path("stack.h5")) { file in
            try file.write(matrices.flatMap { $0 }, shape: [7, 3, 3], to: "/matrices")
            try file.write(texts: sections, to: "/section")
            try file.write(positionsUm, to: "/position_um")
        }
        try HDF5File.create(path("points.h5")) { file in
            try file.write(texts: points.map { sections[$0.section] }, to: "/section_name")
            try file.write(points.flatMap { [$0.at.x, $0.at.y] }, shape: [points.count, 2], to: "/position_um")
            try file.write(
                points.flatMap { [$0.place.x, $0.place.y, $0.place.z] }, shape: [points.count, 3],
                to: "/reconstruction_um")
        }
        let (side, spacing) = (44, 300.0)
        let origin = -Double(side - 1) / 2 * spacing
        var depth = Volume<Float>(planes: side, rows: side, columns: side, filledWith: .nan)
        for i in 0..<side {
            for j in 0..<side {
                for k in 0..<side {
                    let at = SIMD3(Double(i), Double(j), Double(k)) * spacing + origin
                    let r = (at * at).sum().squareRoot()
                    if r >= ShellBrain.inner, r <= ShellBrain.outer {
                        depth[i, j, k] = Float((ShellBrain.outer - r) / (ShellBrain.outer - ShellBrain.inner))
                    }
                }
            }
        }
        try HDF5File.create(path("depth.h5")) { file in
            try file.write(depth, to: "/depth")
            try file.setAttribute("spacing_um", to: spacing)
            try file.setAttribute("origin_um", to: [origin, origin, origin])
        }
        // The midsurface by latitude and longitude, poles along the columns.
        let (around, along) = (96, 48)
        var vertices: [Float] = []
        var faces: [UInt32] = []
        for i in 0...along {
            let latitude = Double.pi * Double(i) / Double(along)
            for j in 0..<around {
                let longitude = 2 * Double.pi * Double(j) / Double(around)
                vertices += [
                    Float(4200 * sin(latitude) * cos(longitude)), Float(4200 * sin(latitude) * sin(longitude)),
                    Float(4200 * cos(latitude)),
                ]
                guard i < along else { continue }
                let (a, b) = (UInt32(i * around + j), UInt32(i * around + (j + 1) % around))
                faces += [a, a + UInt32(around), b, b, a + UInt32(around), b + UInt32(around)]
            }
        }
        try HDF5File.create(path("surface.h5")) { file in
            try file.write(vertices, shape: [vertices.count / 3, 3], to: "/left/vertices")
            try file.write(faces, shape: [faces.count / 3, 3], to: "/left/faces")
        }
    }

    /// Layers of equal thickness, and slides whose gray value falls with the depth.
    func writeSections() throws {
        for (index, name) in sections.enumerated() {
            var layer = Image<UInt8>(rows: 260, columns: 260, filledWith: 0)
            var gray = Image<UInt8>(rows: 260, columns: 260, filledWith: 250)
            for row in 0..<260 {
                for column in 0..<260 {
                    let r = radius(index, row: row, column: column)
                    guard r <= ShellBrain.outer else { continue }
                    let depth = (ShellBrain.outer - r) / (ShellBrain.outer - ShellBrain.inner)
                    gray[row, column] = UInt8(max(20, 220 - 150 * depth))
                    if depth < 1 { layer[row, column] = UInt8(depth * 6) + 1 }
                }
            }
            try writePNG(gray, to: path(name + ".png"), pixelSizeUm: ShellBrain.pixelUm)
            try HDF5File.create(path(name + ".h5")) { file in
                try file.write(layer, to: "/layer")
                try file.setAttribute("spacing_um", to: ShellBrain.pixelUm)
                try file.setAttribute("first_um", to: 0.0)
            }
        }
    }

    func file(_ name: String, section: String? = nil) -> InputFile {
        InputFile(
            path: path(name), item: section.map { [Coordinate(axis: "section", value: $0)] } ?? [], digest: "",
            attributes: section == nil ? [:] : ["section": ["pixel_size_um": .real(ShellBrain.pixelUm)]])
    }

    func run(
        _ stage: any Stage.Type, _ inputs: [String: [InputFile]], output: String, _ config: [String: ConfigValue],
        cores: Int = 2
    ) throws -> HDF5File {
        let target = path(output + "-\(cores).h5")
        try stage.run(
            StageContext(
                job: StageJob(
                    stage: stage.name, item: [], inputs: inputs, outputs: [output: OutputFile(path: target)],
                    config: config, seed: 0, cores: cores, scratch: folder)))
        return try HDF5File(reading: target)
    }

    static let morphology: [String: ConfigValue] = [
        "curvature_smoothing_um": .real(450), "surface_reach_um": .real(2000), "maximum_thickness_um": .real(8000),
        "step": .real(0.5), "maximum_angle_deg": .real(60), "layer_slack_um": .real(800),
    ]
    static let profiles: [String: ConfigValue] = [
        "samples": .integer(200), "width_px": .real(1), "spacing_um": .real(50), "z_score": .bool(false),
        "maximum_length_um": .real(16_000),
    ]
}

@Suite struct StructureStagesTests {
    @Test func shellHasItsThicknessCurvatureAndAngle() throws {
        let brain = try ShellBrain()
        try brain.writeSections()
        var inputs: [String: [InputFile]] = [
            "points": [brain.file("points.h5")], "depth": [brain.file("depth.h5")],
            "surface": [brain.file("surface.h5")], "stack": [brain.file("stack.h5")],
            "layers": brain.sections.map { brain.file($0 + ".h5", section: $0) },
        ]
        let file = try brain.run(Morphology.self, inputs, output: "properties", ShellBrain.morphology)
        let thickness = try file.read("/thickness_um", as: Float.self)
        let curvature = try file.read("/curvature_per_mm", as: Float.self)
        let angle = try file.read("/cutting_angle_deg", as: Float.self)
        let layers = try file.read("/layer_thickness_um", as: Float.self)
        for (row, point) in brain.points.enumerated() {
            #expect(abs(thickness[row] - 2400) < 60)
            #expect(abs(curvature[row] - 0.2381) < 0.015)
            let truth = asin(abs(point.place.x) / 4200) * 180 / Double.pi
            #expect(abs(Double(angle[row]) - truth) < 1.5)
            // The cut through a shell is bent; the cosine straightens it to a few per cent up to 20°.
            guard truth < 20 else { continue }
            for layer in 0..<6 { #expect(abs(layers[6 * row + layer] - 400) < 70) }
        }
        // Without layers there is no such dataset, and one thread finds the same.
        inputs["layers"] = nil
        let alone = try brain.run(Morphology.self, inputs, output: "properties", ShellBrain.morphology, cores: 1)
        #expect(!alone.contains("/layer_thickness_um"))
        #expect(try alone.read("/thickness_um", as: Float.self) == thickness)
    }

    @Test func profilesRunFromThePiaToWhiteMatterInTheSectionsPlane() throws {
        let brain = try ShellBrain()
        try brain.writeSections()
        let file = try brain.run(
            IntensityProfiles.self,
            [
                "points": [brain.file("points.h5")], "depth": [brain.file("depth.h5")],
                "stack": [brain.file("stack.h5")],
                "section": brain.sections.map { brain.file($0 + ".png", section: $0) },
            ], output: "profiles", ShellBrain.profiles)
        let profiles = try file.read("/profile", as: Float.self)
        for (row, point) in brain.points.enumerated() where abs(point.place.x) < 800 {
            let profile = Array(profiles[row * 200..<(row + 1) * 200])
            // 220 − 150 · depth; half a pixel of the slide and of the boundary's place is 3 levels.
            for sample in stride(from: 10, to: 190, by: 20) {
                let truth = 220 - 150 * Float(sample) / 199
                #expect(abs(profile[sample] - truth) < 7)
            }
        }
    }

    @Test func rowsWithoutAPlaceOrWithoutCortexAreNaN() throws {
        let brain = try ShellBrain()
        let path = brain.path("odd.h5")
        try HDF5File.create(path) { file in
            try file.write(texts: ["0001", "0099", "0004"], to: "/section_name")
            try file.write([0.0, 0, 0, 0, 6500, 6400], shape: [3, 2], to: "/position_um")
        }
        let file = try brain.run(
            Morphology.self,
            [
                "points": [brain.file("odd.h5")], "depth": [brain.file("depth.h5")],
                "surface": [brain.file("surface.h5")], "stack": [brain.file("stack.h5")],
            ], output: "properties", ShellBrain.morphology)
        #expect(try file.read("/thickness_um", as: Float.self).allSatisfy { $0.isNaN })
        #expect(try file.read("/cutting_angle_deg", as: Float.self).allSatisfy { $0.isNaN })
    }

    @Test func pointsOfSeveralBrainsOrWithoutSectionsAreRefused() throws {
        let brain = try ShellBrain()
        for (name, problem) in [("two.h5", "several brains"), ("none.h5", "has no /section_name")] {
            try HDF5File.create(brain.path(name)) { file in
                if name == "two.h5" {
                    try file.write(texts: ["B1", "B2"], to: "/brains/name")
                    try file.write(texts: ["0001"], to: "/section_name")
                }
                try file.write([0.0, 0], shape: [1, 2], to: "/position_um")
            }
            var message = ""
            do {
                _ = try brain.run(
                    Morphology.self,
                    [
                        "points": [brain.file(name)], "depth": [brain.file("depth.h5")],
                        "surface": [brain.file("surface.h5")], "stack": [brain.file("stack.h5")],
                    ], output: "properties", ShellBrain.morphology)
            } catch { message = "\(error)" }
            #expect(message.contains(problem))
        }
    }

    @Test func layerDensitiesAreThoseOfTheCellsAndLeaveOutWhatIsNotValid() throws {
        let brain = try ShellBrain()
        let side = 64
        // Layer I above, VI below; the right third is padding. 2,500 and 400 cells a mm² on even grids.
        var layer = [UInt8](repeating: 0, count: 2 * side * side)
        var valid = [UInt8](repeating: 1, count: 2 * side * side)
        for row in 0..<side {
            for column in 0..<side {
                layer[row * side + column] = row < side / 2 ? 1 : 6
                if column >= 44 { valid[row * side + column] = 0 }
            }
        }
        var cells: [Double] = []
        let half = Double(side) * 32
        for (low, high, step) in [(-half, 0.0, 20.0), (0.0, half, 50.0)] {
            for row in stride(from: low + step / 2, to: high, by: step) {
                for column in stride(from: -half + step / 2, to: half, by: step) { cells += [row, column] }
            }
        }
        try HDF5File.create(brain.path("patches.h5")) { file in
            try file.write(layer, shape: [2, side, side], to: "/layer")
            try file.write(valid, shape: [2, side, side], to: "/valid")
            try file.write([Int32](repeating: 0, count: cells.count / 2), to: "/cells_patch")
            try file.write(cells, shape: [cells.count / 2, 2], to: "/cells_um")
            try file.setAttribute("spacing_um", to: 64.0)
        }
        let file = try brain.run(
            LayerDensity.self, ["patches": [brain.file("patches.h5")]], output: "densities",
            ["bandwidth_um": .real(100), "map_spacing_um": .real(20), "edge_correction": .bool(true)])
        let densities = try file.read("/density_per_mm2", as: Float.self)
        // Across the border the kernel takes σ/√(2π) · the step from one side to the other over 2 mm: 2,100 · 40 µm / 2048 µm ≈ 41.
        #expect(abs(densities[0] - 2459) < 25)
        #expect(abs(densities[5] - 441) < 25)
        #expect(densities[1].isNaN && densities[2].isNaN)
        // The second patch has no layer and no cell.
        #expect(densities[6...].allSatisfy { $0.isNaN })
    }
}
