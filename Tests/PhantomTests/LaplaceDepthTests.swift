import NDArray
import Phantom
import Testing

@Suite struct LaplaceDepthTests {
    /// A cylindrical shell of cortex around a sulcus's bottom along the planes: pia inside at 1 mm, white matter outside at 4 mm.
    private func shell(spacingUm: Double) -> BrainFields {
        let side = Int(11_000 / spacingUm) | 1
        var tissue = Volume<Int16>(planes: 3, rows: side, columns: side, filledWith: 0)
        var white = tissue
        for plane in 0..<3 {
            for row in 0..<side {
                for column in 0..<side {
                    let (r, c) = (Double(row - side / 2) * spacingUm, Double(column - side / 2) * spacingUm)
                    let radius = (r * r + c * c).squareRoot()
                    tissue[plane, row, column] = Int16((radius - 1000).rounded())
                    white[plane, row, column] = Int16((radius - 4000).rounded())
                }
            }
        }
        let none = Volume<UInt8>(planes: 3, rows: side, columns: side, filledWith: 0)
        return BrainFields(
            tissueUm: tissue, whiteUm: white, areas: none, parts: none, spacingUm: spacingUm, originUm: (0, 0, 0))
    }

    @Test func inACylindricalShellItIsTheLogarithm() {
        let spacingUm = 200.0
        let fields = shell(spacingUm: spacingUm)
        let depth = fields.laplaceDepth(sweeps: 300, threads: 2)
        let side = depth.rows
        var (worst, checked) = (0.0, 0)
        for row in 0..<side {
            for column in 0..<side where !depth[1, row, column].isNaN {
                let (r, c) = (Double(row - side / 2) * spacingUm, Double(column - side / 2) * spacingUm)
                let right = Math.log((r * r + c * c).squareRoot() / 1000) / Math.log(4)
                worst = max(worst, abs(Double(depth[1, row, column]) - right))
                checked += 1
            }
        }
        #expect(checked > 1000)
        // Second order but for the cut cells: h² f⁗ / 12 is 10⁻³ at the inner rim, and there one cell's share is left out.
        #expect(worst < 0.02, "errs by \(worst)")
    }

    @Test func threadsDoNotChangeIt() {
        let fields = shell(spacingUm: 400)
        let (one, three) = (fields.laplaceDepth(threads: 1), fields.laplaceDepth(threads: 3))
        #expect(one.elements.map(\.bitPattern) == three.elements.map(\.bitPattern))
        // Only cortex has a depth, and none lies beyond the borders'.
        for (index, value) in one.elements.enumerated() {
            let isCortex = fields.tissueUm.elements[index] > 0 && fields.whiteUm.elements[index] <= 0
            #expect(value.isNaN != isCortex && !(value < 0) && !(value > 1))
        }
    }
}
