public import NDArray

extension BrainAnatomy {
    /// Share of individuals of a species that have each area at a place of the template.
    ///
    /// - Parameters:
    ///   - individuals: their seeds.
    ///   - grid: voxels of the template, isotropic.
    /// - Returns: one volume an area, shares 0…1.
    public static func areaProbabilities(
        species: UInt64, individuals: [UInt64], on grid: TemplateGrid, threads: Int,
        progress: (Double) -> Void = { _ in }
    ) -> [Volume<Float>] {
        let voxels = grid.planes * grid.rows * grid.columns
        var counts = [[UInt16]](repeating: [UInt16](repeating: 0, count: voxels), count: areaCount)
        for (number, individual) in individuals.enumerated() {
            progress(Double(number) / Double(individuals.count))
            let anatomy = BrainAnatomy(species: species, individual: individual)
            let fields = anatomy.fields(spacingUm: 900, threads: threads, mendsHandles: false)
            let areas = fields.areas(of: anatomy.deformation, on: grid, threads: threads)
            for (index, area) in areas.enumerated() where area > 0 { counts[Int(area) - 1][index] += 1 }
        }
        let share = 1 / Float(max(individuals.count, 1))
        return counts.map {
            Volume(planes: grid.planes, rows: grid.rows, columns: grid.columns, elements: $0.map { Float($0) * share })
        }
    }
}

/// Voxels of the template's space, isotropic; (plane, row, column) as in a brain.
public struct TemplateGrid: Sendable {
    public let planes: Int
    public let rows: Int
    public let columns: Int
    public let spacingMm: Float
    public let originMm: PointMm

    public init(planes: Int, rows: Int, columns: Int, spacingMm: Float, originMm: PointMm) {
        (self.planes, self.rows, self.columns) = (planes, rows, columns)
        (self.spacingMm, self.originMm) = (spacingMm, originMm)
    }

    /// The grid that holds the species' brain.
    public init(species: BrainAnatomy, spacingMm: Float) {
        let grid = Grid(halfAxesMm: species.halfAxesMm, size: species.deformation.size, spacingMm: spacingMm)
        self.init(
            planes: grid.planes, rows: grid.rows, columns: grid.columns, spacingMm: spacingMm, originMm: grid.origin)
    }
}

extension BrainFields {
    /// The area at each voxel of the template, 0 outside this brain's cortex.
    func areas(of deformation: BrainDeformation, on grid: TemplateGrid, threads: Int) -> [UInt8] {
        // The inverse is smooth: found every 3 mm, trilinear in between.
        let step: Float = 3
        func nodes(_ count: Int) -> Int { Int((Float(count - 1) * grid.spacingMm / step).rounded(.up)) + 1 }
        let (p, r, c) = (nodes(grid.planes), nodes(grid.rows), nodes(grid.columns))
        var places = [SIMD3<Float>](repeating: .zero, count: p * r * c)
        places.withUnsafeMutableBufferPointer { places in
            let places = DisjointSlices(places)
            parallelFor(p, threads: threads) { plane in
                for row in 0..<r {
                    for column in 0..<c {
                        let there = deformation.brainPoint(
                            PointMm(
                                plane: grid.originMm.plane + Float(plane) * step,
                                row: grid.originMm.row + Float(row) * step,
                                column: grid.originMm.column + Float(column) * step))
                        places[(plane * r + row) * c + column] = SIMD3(there.plane, there.row, there.column)
                    }
                }
            }
        }
        var result = [UInt8](repeating: 0, count: grid.planes * grid.rows * grid.columns)
        let scale = Float(1000 / spacingUm)
        let origin = SIMD3(Float(originUm.plane), Float(originUm.row), Float(originUm.column)) / 1000
        result.withUnsafeMutableBufferPointer { result in
            let result = DisjointSlices(result)
            parallelFor(grid.planes, threads: threads) { [places] plane in
                for row in 0..<grid.rows {
                    for column in 0..<grid.columns {
                        let at = SIMD3(Float(plane), Float(row), Float(column)) * (grid.spacingMm / step)
                        let low = SIMD3<Int>(
                            min(Int(at.x), max(p - 2, 0)), min(Int(at.y), max(r - 2, 0)), min(Int(at.z), max(c - 2, 0)))
                        let part = at - SIMD3(Float(low.x), Float(low.y), Float(low.z))
                        func node(_ a: Int, _ b: Int, _ d: Int) -> SIMD3<Float> {
                            places[(min(low.x + a, p - 1) * r + min(low.y + b, r - 1)) * c + min(low.z + d, c - 1)]
                        }
                        func line(_ a: Int, _ b: Int) -> SIMD3<Float> {
                            node(a, b, 0) * (1 - part.z) + node(a, b, 1) * part.z
                        }
                        let near = line(0, 0) * (1 - part.y) + line(0, 1) * part.y
                        let far = line(1, 0) * (1 - part.y) + line(1, 1) * part.y
                        let there = ((near * (1 - part.x) + far * part.x - origin) * scale).rounded(.toNearestOrEven)
                        let (i, j, k) = (Int(there.x), Int(there.y), Int(there.z))
                        guard i >= 0, j >= 0, k >= 0, i < areas.planes, j < areas.rows, k < areas.columns,
                            tissueUm[i, j, k] > 0, whiteUm[i, j, k] <= 0, parts[i, j, k] == 0
                        else { continue }
                        result[(plane * grid.rows + row) * grid.columns + column] = areas[i, j, k]
                    }
                }
            }
        }
        return result
    }
}
