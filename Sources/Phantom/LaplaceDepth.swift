public import NDArray

extension BrainFields {
    /// Cortical depth as the solution of Laplace's equation, 0 at the pia, 1 at the white surface, NaN outside the cortex: what the
    /// cortex's pipeline calls depth.
    ///
    /// It differs from a / (a + b) where the cortex is curved: in a cylindrical shell of radii r and R its middle lies at √(rR), not
    /// at (r + R) / 2. So a midsurface found from a Laplace field is held against this one.
    ///
    /// Borders lie between voxels, where the distances cross zero (Shortley–Weller); red-black over-relaxation from a / (a + b).
    /// Nothing flows into parts that are left out.
    ///
    /// - Parameters:
    ///   - sweeps: how many; 150 bring a cortex of 8 voxels to 10⁻³.
    ///   - threads: how many threads to use; the result does not depend on it.
    ///
    /// **Reference**: Jones, Buchbinder, Aharon 2000, DOI 10.1002/1097-0193(200009)11:1<12::AID-HBM20>3.0.CO;2-K.
    public func laplaceDepth(sweeps: Int = 150, threads: Int) -> Volume<Float> {
        let (planes, rows, columns) = (tissueUm.planes, tissueUm.rows, tissueUm.columns)
        var depth = Volume<Float>(planes: planes, rows: rows, columns: columns, filledWith: .nan)
        let sheet = rows * columns
        // Voxels of each plane and colour with the weights of their neighbours, made once.
        struct Cell: Sendable {
            var index: Int32
            /// Weight of each neighbour in the cortex, 0 for others: plane, row, column, each before and after.
            var weights: (Float, Float, Float, Float, Float, Float)
            /// What the borders bring.
            var constant: Float
        }
        @Sendable func isCortex(_ index: Int) -> Bool {
            tissueUm.elements[index] > 0 && whiteUm.elements[index] <= 0 && parts.elements[index] == 0
        }
        @Sendable func cell(_ index: Int) -> Cell {
            let (tissue, white) = (Float(tissueUm.elements[index]), Float(whiteUm.elements[index]))
            var weights = [Float](repeating: 0, count: 6)
            var (constant, total) = (Float(0), Float(0))
            for (number, offset) in [-sheet, sheet, -columns, columns, -1, 1].enumerated() {
                let near = index + offset
                guard near >= 0, near < tissueUm.elements.count else { continue }
                let (nearTissue, nearWhite) = (Float(tissueUm.elements[near]), Float(whiteUm.elements[near]))
                if parts.elements[near] != 0 {
                    continue
                } else if nearTissue <= 0 {
                    total += 1 / max(tissue / (tissue - nearTissue), 0.05)
                } else if nearWhite > 0 {
                    let weight = 1 / max(white / (white - nearWhite), 0.05)
                    total += weight
                    constant += weight
                } else {
                    weights[number] = 1
                    total += 1
                }
            }
            let scale = total > 0 ? 1 / total : 0
            return Cell(
                index: Int32(index),
                weights: (
                    weights[0] * scale, weights[1] * scale, weights[2] * scale, weights[3] * scale, weights[4] * scale,
                    weights[5] * scale
                ), constant: constant * scale)
        }
        var cells = [[Cell]](repeating: [], count: 2 * planes)
        cells.withUnsafeMutableBufferPointer { target in
            let target = DisjointSlices(target)
            parallelFor(planes, threads: threads) { plane in
                for row in 0..<rows {
                    for column in 0..<columns {
                        let index = plane * sheet + row * columns + column
                        guard isCortex(index) else { continue }
                        target.base[2 * plane + (plane + row + column) % 2].append(cell(index))
                    }
                }
            }
        }
        for index in depth.elements.indices where isCortex(index) {
            let (tissue, white) = (Float(tissueUm.elements[index]), Float(whiteUm.elements[index]))
            depth.elements[index] = tissue / (tissue - white)
        }
        depth.elements.withUnsafeMutableBufferPointer { depth in
            let depth = DisjointSlices(depth)
            for sweep in 0..<2 * sweeps {
                let colour = sweep % 2
                parallelFor(planes, threads: threads) { [cells] plane in
                    func value(_ weight: Float, _ index: Int) -> Float { weight > 0 ? weight * depth[index] : 0 }
                    for cell in cells[2 * plane + colour] {
                        let index = Int(cell.index)
                        let w = cell.weights
                        var sum = cell.constant
                        sum += value(w.0, index - sheet) + value(w.1, index + sheet)
                        sum += value(w.2, index - columns) + value(w.3, index + columns)
                        sum += value(w.4, index - 1) + value(w.5, index + 1)
                        // Over-relaxed by 1.6; the last sweeps settle.
                        let factor: Float = sweep + 8 < 2 * sweeps ? 1.6 : 1
                        depth[index] += factor * (sum - depth[index])
                    }
                }
            }
        }
        return depth
    }
}
