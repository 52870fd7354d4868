internal import HDF5
internal import NDArray
internal import Phantom
internal import SpatialTransforms
public import StageKit
internal import TransformFiles

/// Patches of phantom sections with their layers and cell bodies, as a cohort of real brains brings them in files.
public struct PhantomLayerPatches: Stage {
    public static let name = "phantom-layer-patches"
    public static let summary =
        "Patches of phantom sections with their layers and cell bodies, as people annotate them."

    private struct Recipe {
        var sections: Int
        var side: Int
        var spacingUm: Double
        var irregularShare: Double
        var apartUm: Double
        var cells: Bool
        var stainSpread: Double
    }

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let recipe = Recipe(
            sections: try config.integer("sections_per_brain", in: 1...1000),
            side: try config.integer("patch_side_px", in: 2...4096),
            spacingUm: try config.double("patch_spacing_um", in: 0.5...1000),
            irregularShare: try config.double("irregular_share", in: 0...1),
            apartUm: try config.double("apart_mm", in: 0...50) * 1000, cells: try config.bool("cells"),
            stainSpread: try config.double("stain_spread", in: 0...3))
        guard recipe.side % 2 == 0 else {
            throw StageError(.badJob, "config.patch_side_px is \(recipe.side), but must be even")
        }
        let total = try config.integer("patches", in: 1...1_000_000)
        let brains = try context.inputs("brains")
        let transforms = try Self.transforms(context)
        var patches: [LayerPatch] = []
        var table = PatchPoints()
        for (number, input) in brains.enumerated() {
            let name = try input.coordinate("brain")
            table.brains.append(name)
            table.roles.append(input.optionalText("role") ?? "")
            // The first brains take what does not divide.
            let share = total / brains.count + (number < total % brains.count ? 1 : 0)
            let found = try Self.patches(of: input, name, count: share, recipe, context) {
                context.progress((Double(number) + $0) / Double(brains.count), name)
            }
            for (section, planeUm, patch) in found {
                table.brain.append(Int32(number))
                table.sectionName.append(section)
                table.positionUm.append(patch.positionUm)
                table.row.append(Int64(patches.count))
                table.label.append(Int32(patch.area))
                table.hemisphere.append(patch.hemisphere)
                table.isTest.append(0)
                let place = ReconstructionSpace.rasMm(
                    planeUm: planeUm, rowUm: patch.planeUm.x, columnUm: patch.planeUm.y)
                table.mniMm.append(transforms[name]?.map([place], threads: 1).points.first ?? SIMD3(repeating: .nan))
                patches.append(patch)
            }
            if table.areas.isEmpty {
                let names = try HDF5File(reading: input.path).readTexts("/profiles/name")
                table.areas = names.enumerated().map { (Int32($0.offset + 1), $0.element) }
            }
        }
        guard patches.count == total else {
            throw StageError(
                .noResult,
                "only \(patches.count) of \(total) patches could be placed; raise sections_per_brain or lower apart_mm")
        }
        try context.write("patches") { file in
            try file.setAttribute("spacing_um", to: recipe.spacingUm)
            try write(patches, side: recipe.side, to: file)
            try table.write(to: file)
        }
        context.figure("patches", Double(patches.count))
        context.figure("areas", Double(Set(table.label).count))
        context.figure("cells", Double(patches.reduce(0) { $0 + $1.cellsUm.count }))
    }

    /// Each brain's way to the template, where it is given.
    private static func transforms(_ context: StageContext) throws -> [String: SpatialTransform] {
        var result: [String: SpatialTransform] = [:]
        for input in context.optionalInputs("transforms") {
            do {
                result[try input.coordinate("brain")] = try TransformFile.read(input.path, invert: false)
            } catch let error as TransformFileError {
                throw StageError(.badInput, error.problem, port: input.port, file: input.path)
            }
        }
        return result
    }

    /// Patches of one brain, from sections spread over it, with the position of each along the brain.
    private static func patches(
        of input: StageInput, _ brain: String, count: Int, _ recipe: Recipe, _ context: StageContext,
        progress: (Double) -> Void
    ) throws -> [(section: String, planeUm: Double, patch: LayerPatch)] {
        let file = try HDF5File(reading: input.path)
        let architecture = try BrainArchitecture(from: file)
        let planes = try file.dataset("/tissue_um").shape.first ?? 0
        let spacingUm: Double = try file.attribute("spacing_um")
        let origin: [Double] = try file.attributeList("origin_um")
        guard let firstUm = origin.first, planes > 1 else {
            throw StageError(.badInput, "holds no usable origin_um", port: input.port, file: input.path)
        }
        let laboratory = input.optionalText("stain").flatMap { SectionStain.Laboratory(rawValue: $0) } ?? .usual
        var random = SeededGenerator(seed: context.seed, stream: "layer patches \(brain)")
        var result: [(section: String, planeUm: Double, patch: LayerPatch)] = []
        // From the ends to the middle: what a small section cannot give, the larger ones after it do.
        let order = (0..<recipe.sections).sorted {
            (abs(2 * $0 + 1 - recipe.sections), $0) > (abs(2 * $1 + 1 - recipe.sections), $1)
        }
        for (visited, number) in order.enumerated() {
            progress(Double(visited) / Double(recipe.sections))
            // The brain's ends hold little cortex; the middle 84 % are cut in equal steps, each at a random place of its step.
            let share = 0.08 + 0.84 * (Double(number) + random.uniform()) / Double(recipe.sections)
            let positionUm = (firstUm + share * Double(planes - 1) * spacingUm).rounded()
            let name = "layers-\(number + 1)"
            guard let fields = try BrainFields.read(from: file, around: positionUm),
                let plane = BrainPlane(fields, positionUm: positionUm)
            else { continue }
            let slide = PhantomSlide(
                brain: brain, section: name, seed: context.seed, laboratory: laboratory,
                stainSpread: recipe.stainSpread)
            let scan = try slide.scan(plane: plane, architecture: architecture, spacingUm: recipe.spacingUm)
            let line = scan.midDepthLine()
            let wanted = (count - result.count) / (recipe.sections - visited)
            let points = places(scan, line, count: wanted, recipe, &random)
            let shown = points.map { _ in shownPart(recipe, &random) }
            var made = [LayerPatch?](repeating: nil, count: points.count)
            made.withUnsafeMutableBufferPointer { buffer in
                guard !buffer.isEmpty else { return }
                let target = DisjointSlices(buffer)
                parallelFor(points.count, threads: context.cores) { index in
                    target[index] = LayerPatch(
                        scan, line, at: points[index], side: recipe.side, shown: shown[index],
                        withCells: recipe.cells)
                }
            }
            result += made.compactMap { $0 }.map { (name, positionUm, $0) }
        }
        return result
    }

    /// Points of the mid-depth line for patches: area after area in turn, so that small ones are there too, and not side by side.
    private static func places(
        _ scan: PhantomScan, _ line: MidDepthLine, count: Int, _ recipe: Recipe, _ random: inout SeededGenerator
    ) -> [Int] {
        var byArea: [UInt8: [Int]] = [:]
        for (index, point) in line.points.enumerated() where line.area[index] > 0 && line.isExcluded[index] == 0 {
            let region = LayerPatch.region(scan, around: point, side: recipe.side)
            guard region.rowUm >= 0, region.columnUm >= 0, region.rowUm + region.heightUm <= scan.field.heightUm,
                region.columnUm + region.widthUm <= scan.field.widthUm
            else { continue }
            byArea[line.area[index], default: []].append(index)
        }
        var waiting = byArea.keys.sorted().compactMap { byArea[$0] }
        var chosen: [Int] = []
        while chosen.count < count, !waiting.isEmpty {
            for area in waiting.indices where chosen.count < count {
                while let last = waiting[area].indices.last {
                    waiting[area].swapAt(random.index(below: last + 1), last)
                    let index = waiting[area].removeLast()
                    let point = line.points[index]
                    let isApart = chosen.allSatisfy {
                        let (row, column) = (line.points[$0].row - point.row, line.points[$0].column - point.column)
                        return row * row + column * column >= recipe.apartUm * recipe.apartUm
                    }
                    if isApart {
                        chosen.append(index)
                        break
                    }
                }
            }
            waiting.removeAll(where: \.isEmpty)
        }
        return chosen
    }

    /// The rows and columns that an annotated patch has: all, or for some patches a part about the middle.
    private static func shownPart(
        _ recipe: Recipe, _ random: inout SeededGenerator
    ) -> (rows: Range<Int>, columns: Range<Int>) {
        // All is drawn for every patch, so that no share shifts what follows.
        let isIrregular = random.uniform() < recipe.irregularShare
        func part() -> Range<Int> {
            let length = Int((Double(recipe.side) * (0.55 + 0.45 * random.uniform())).rounded())
            let room = recipe.side - length
            let start = min(max(room / 2 + Int((random.uniform() - 0.5) * Double(room)), 0), room)
            return start..<start + length
        }
        let (rows, columns) = (part(), part())
        return isIrregular ? (rows, columns) : (0..<recipe.side, 0..<recipe.side)
    }

    private static func write(_ patches: [LayerPatch], side: Int, to file: HDF5File) throws {
        let shape = [patches.count, side, side]
        try file.write(patches.flatMap(\.pixels.elements), shape: shape, to: "/pixels", layout: .contiguous)
        try file.write(patches.flatMap(\.layers.elements), shape: shape, to: "/layer")
        try file.write(patches.flatMap(\.valid.elements), shape: shape, to: "/valid")
        let cells = patches.flatMap { $0.cellsUm.flatMap { [$0.x, $0.y] } }
        let owners = patches.enumerated().flatMap { number, patch in
            [Int32](repeating: Int32(number), count: patch.cellsUm.count)
        }
        // Whole µm pack well at the fastest level.
        try file.write(
            cells, shape: [owners.count, 2], to: "/cells_um", layout: .chunked(shape: [65_536, 2], level: 1))
        try file.setAttribute("unit", to: "um", of: "/cells_um")
        try file.write(
            owners, shape: [owners.count], to: "/cells_patch", layout: .chunked(shape: [262_144], level: 1))
        try file.write(
            patches.flatMap(\.cellLayers), shape: [owners.count], to: "/cells_layer",
            layout: .chunked(shape: [262_144], level: 1))
    }
}
