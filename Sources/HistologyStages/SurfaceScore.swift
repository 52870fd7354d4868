internal import HDF5
internal import NDArray
internal import Phantom
internal import Registration
internal import StageKit
internal import Surfaces

/// How far a midsurface lies from the true one, both ways.
struct SurfaceScore {
    /// Of each vertex in the cortex, µm.
    var foundToTruthUm: [Float]
    /// Of each vertex of the true midsurface, µm.
    var truthToFoundUm: [Float]
    /// Genus (NaN where it has none) and whether it is a closed manifold, of each hemisphere.
    var hemispheres: [(name: String, genus: Double, isClosed: Bool, vertices: Int)]

    /// - Parameters:
    ///   - surface: a surface-mesh artifact in reconstruction µm.
    ///   - truth: the truth of a phantom brain; its midsurface is where the depth is ½.
    ///   - toBrain: carries reconstruction µm into brain µm.
    init(surface: StageInput, truth: StageInput, toBrain: ReconstructionToBrain, cores: Int) throws {
        hemispheres = []
        var found = TriangleMesh()
        var isCortex: [Bool] = []
        for hemisphere in try SurfaceArtifact(surface).hemispheres {
            let mesh = hemisphere.mesh
            let topology = MeshTopology(mesh)
            hemispheres.append(
                (
                    hemisphere.index == 0 ? "left" : "right", topology.genus.map(Double.init) ?? .nan,
                    topology.isClosedManifold, mesh.vertices.count
                ))
            isCortex += hemisphere.isCortex?.map { $0 != 0 } ?? mesh.vertices.map { _ in true }
            let offset = UInt32(found.vertices.count)
            found.vertices += mesh.vertices.map { toBrain($0) }
            found.faces += mesh.faces.map { $0 &+ SIMD3(repeating: offset) }
        }
        guard !found.isEmpty else {
            throw StageError(.badInput, "holds no hemisphere", port: surface.port, file: surface.path)
        }
        let brain = try HDF5File(reading: truth.path)
        let depth = try brain.dataset("/depth")
        let originUm: [Double] = try brain.attributeList("origin_um")
        let spacingUm: Double = try brain.attribute("spacing_um")
        guard depth.shape.count == 3, originUm.count == 3 else {
            throw StageError(.badInput, "/depth is no volume with an origin", port: truth.port, file: truth.path)
        }
        let right = marchingCubes(
            Volume(
                planes: depth.shape[0], rows: depth.shape[1], columns: depth.shape[2],
                elements: try depth.read(as: Float.self)),
            level: 0.5, origin: SIMD3(originUm[0], originUm[1], originUm[2]), spacing: SIMD3(repeating: spacingUm),
            threads: cores)
        let (rightGrid, foundGrid) = (TriangleGrid(right, cell: 900), TriangleGrid(found, cell: 900))
        let cortex = found.vertices.indices.filter { isCortex[$0] }.map { found.vertices[$0] }
        foundToTruthUm = distances(of: cortex, to: rightGrid, threads: cores)
        // Beyond the first and the last section there is nothing to find.
        let inside = right.vertices.filter { Double($0.x) >= toBrain.firstUm && Double($0.x) <= toBrain.lastUm }
        truthToFoundUm = distances(of: inside, to: foundGrid, threads: cores)
    }

    var figures: [(String, Double)] {
        func shares(_ name: String, _ values: [Float]) -> [(String, Double)] {
            let values = values.filter(\.isFinite).map(Double.init)
            let mean = values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
            return [
                ("\(name)_mean_um", mean), ("\(name)_median_um", quantile(0.5, of: values) ?? .nan),
                ("\(name)_95_um", quantile(0.95, of: values) ?? .nan),
            ]
        }
        return shares("surface_to_truth", foundToTruthUm) + shares("truth_to_surface", truthToFoundUm)
            + hemispheres.flatMap { side in
                [
                    ("\(side.name)_genus", side.genus), ("\(side.name)_closed", side.isClosed ? 1 : 0),
                    ("\(side.name)_vertices", Double(side.vertices)),
                ]
            }
    }
}

/// Carries points of a reconstruction into the brain's own space, by the sections on both sides of them.
struct ReconstructionToBrain: Sendable {
    private let positionsUm: [Double]
    /// From the common plane to the plane of the brain, one a section.
    private let maps: [PlaneTransform]

    init(stack: StackArtifact, truths: [String: SectionLineTruth]) throws {
        var positions: [Double] = []
        var maps: [PlaneTransform] = []
        for (index, section) in stack.sections.enumerated() {
            guard let truth = truths[section],
                let back = PlaneTransform(stack.transforms[index].matrix).inverse
            else { continue }
            positions.append(stack.positionsUm[index])
            maps.append(back.followed(by: truth.transform))
        }
        guard !maps.isEmpty else {
            throw StageError(.badInput, "not one section of the stack is one whose truth is known", port: "stack")
        }
        positionsUm = positions
        self.maps = maps
    }

    var firstUm: Double { positionsUm[0] }
    var lastUm: Double { positionsUm[positionsUm.count - 1] }

    func callAsFunction(_ point: SIMD3<Float>) -> SIMD3<Float> {
        let position = Double(point.x)
        let after = positionsUm.firstIndex { $0 >= position } ?? positionsUm.count - 1
        let before = max(after - 1, 0)
        let gap = positionsUm[after] - positionsUm[before]
        let share = gap > 0 ? min(max((position - positionsUm[before]) / gap, 0), 1) : 0
        let one = maps[before].apply(row: Double(point.y), column: Double(point.z))
        let other = maps[after].apply(row: Double(point.y), column: Double(point.z))
        return SIMD3(
            point.x, Float(one.row + share * (other.row - one.row)),
            Float(one.column + share * (other.column - one.column)))
    }
}

/// Distance of each point to a mesh; NaN beyond 20 mm.
private func distances(of points: [SIMD3<Float>], to grid: TriangleGrid, threads: Int) -> [Float] {
    var result = [Float](repeating: .nan, count: points.count)
    result.withUnsafeMutableBufferPointer { result in
        let result = DisjointSlices(result)
        parallelBands(points.count, band: 1024, threads: threads) { band in
            for index in band { result[index] = grid.distance(to: points[index], within: 20_000) ?? .nan }
        }
    }
    return result
}
