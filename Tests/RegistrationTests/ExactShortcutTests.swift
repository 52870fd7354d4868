import NDArray
import Registration
import Testing

/// What is computed otherwise than it is defined must come to the same, to the last bit.
@Suite struct ExactShortcutTests {
    @Test func arcTangentsAreTheLibrarys() {
        var generator = SeededGenerator(seed: 3, stream: "arc tangents")
        func number() -> Float {
            let value = Float(generator.index(below: 2_000_001)) - 1_000_000
            return generator.index(below: 4) == 0 ? value * 0x1p-20 : value
        }
        let zeros: [Float] = [0, -0.0, 1, -1]
        var pairs = zeros.flatMap { y in zeros.map { (y, $0) } }.filter { $0 != 0 || $1 != 0 }
        while pairs.count % 4 != 0 { pairs.append((1, 1)) }
        for _ in 0..<200_000 { pairs.append((number(), number())) }
        for first in stride(from: 0, to: pairs.count, by: 4) {
            let four = pairs[first..<first + 4]
            let angles = arcTangents(SIMD4(four.map(\.0)), SIMD4(four.map(\.1)))
            for (lane, pair) in four.enumerated() where pair.0 != 0 || pair.1 != 0 {
                let expected = Float(Math.atan2(Double(pair.0), Double(pair.1)))
                #expect(angles[lane].bitPattern == expected.bitPattern, "\(pair)")
            }
        }
    }

    @Test(arguments: [(9, 1), (27, 1), (15, 2), (51, 2), (75, 4), (99, 4)])
    func sharedDifferencesGiveTheBoxes(filterPx: Int, step: Int) throws {
        var generator = SeededGenerator(seed: 5, stream: "boxes")
        let image = Image(
            rows: 61, columns: 83, elements: (0..<61 * 83).map { _ in Float(generator.index(below: 256)) })
        let integral = IntegralImage(image, margin: 60)
        let (rows, columns) = ((61 + step - 1) / step, (83 + step - 1) / step)
        let response = HessianResponse(
            integral, filterPx: filterPx, step: step, wanted: [Range](repeating: 1..<columns, count: rows), threads: 1)
        let (lobe, half) = (filterPx / 3, filterPx / 2)
        let scale = 1 / (255 * 16 * Float(filterPx * filterPx))
        for row in 0..<rows {
            for column in 1..<columns {
                func box(_ top: Int, _ left: Int, _ height: Int, _ width: Int) -> Float {
                    Float(
                        integral.sum(row: row * step + top, column: column * step + left, height: height, width: width))
                }
                let long = 2 * lobe - 1
                let rr =
                    (box(-half, 1 - lobe, filterPx, long) - 3 * box(-(lobe / 2), 1 - lobe, lobe, long)) * scale
                let cc =
                    (box(1 - lobe, -half, long, filterPx) - 3 * box(1 - lobe, -(lobe / 2), long, lobe)) * scale
                let rc =
                    (box(-lobe, -lobe, lobe, lobe) + box(1, 1, lobe, lobe) - box(-lobe, 1, lobe, lobe)
                        - box(1, -lobe, lobe, lobe)) * scale
                #expect(response.determinants[row * columns + column] == rr * cc - 0.81 * rc * rc)
            }
        }
    }
}
