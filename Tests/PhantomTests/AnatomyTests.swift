import NDArray
import Phantom
import Testing

/// A brain on a coarse grid, enough for what holds at any spacing; made once.
private let coarseBrain = BrainAnatomy(species: 7, individual: 1).fields(spacingUm: 600, threads: 2)

@Suite struct AnatomyTests {
    @Test func threadsDoNotChangeTheBrain() {
        let anatomy = BrainAnatomy(species: 3, individual: 5)
        let (one, three) = (anatomy.fields(spacingUm: 1500, threads: 1), anatomy.fields(spacingUm: 1500, threads: 3))
        #expect(one.tissueUm == three.tissueUm)
        #expect(one.whiteUm == three.whiteUm)
        #expect(one.areas == three.areas)
        #expect(one.parts == three.parts)
    }

    @Test func brainsOfOneSpeciesDifferButOverlap() {
        let first = BrainAnatomy(species: 3, individual: 5).fields(spacingUm: 1500, threads: 2)
        let second = BrainAnatomy(species: 3, individual: 6).fields(spacingUm: 1500, threads: 2)
        #expect(first.tissueUm != second.tissueUm)
        // Their grids differ with their size: compare about the middle, which is the origin.
        var overlap = LabelOverlap(classes: 2)
        for plane in stride(from: -30_000.0, through: 30_000, by: 3000) {
            guard let one = BrainPlane(first, positionUm: plane), let two = BrainPlane(second, positionUm: plane) else {
                Issue.record("both brains reach \(plane) µm")
                continue
            }
            func mask(_ plane: BrainPlane) -> Image<UInt8> {
                Image(
                    rows: 50, columns: 50,
                    elements: (0..<2500).map { index in
                        let (row, column) = (Double(index / 50 - 25) * 1000, Double(index % 50 - 25) * 1000)
                        return plane.sample(rowUm: row, columnUm: column)[0] > 0 ? 1 : 0
                    })
            }
            overlap.add(truth: mask(one), found: mask(two))
        }
        // Same species: most of the tissue in common; own folding: never all of it.
        #expect(overlap.dice(1) > 0.75)
        #expect(overlap.dice(1) < 0.99)
    }

    @Test func thePiaThatCortexIsMeasuredFromIsThere() {
        let brain = coarseBrain
        let spacing = Float(brain.spacingUm)
        // The distance to what is no tissue, to a voxel, from the classes of voxels alone.
        let tissue = brain.tissueUm
        var swept = Volume<Float>(
            planes: tissue.planes, rows: tissue.rows, columns: tissue.columns,
            elements: tissue.elements.map { $0 > 0 ? 1e5 : 0 })
        sweepDistance(&swept, spacingMm: spacing, trusted: spacing / 2)
        var (cortex, ghosts) = (0, 0)
        for index in swept.elements.indices {
            let distance = Float(brain.tissueUm.elements[index])
            guard distance > 0, distance < 3000, brain.whiteUm.elements[index] < 0, brain.parts.elements[index] == 0
            else { continue }
            cortex += 1
            // The border lies up to a voxel from the first voxel outside, the sweep may err by as much.
            if swept.elements[index] > distance + 2 * spacing { ghosts += 1 }
        }
        #expect(cortex > 100_000)
        #expect(
            Double(ghosts) < 0.0005 * Double(cortex),
            "\(ghosts) of \(cortex) voxels of cortex have no pia where they say")
    }

    @Test func whiteMatterHangsTogetherAndTouchesTheSlideOnlyAtVentricles() {
        let brain = coarseBrain
        let (planes, rows, columns) = (brain.whiteUm.planes, brain.whiteUm.rows, brain.whiteUm.columns)
        func isWhite(_ index: Int) -> Bool {
            brain.whiteUm.elements[index] > 0 && brain.tissueUm.elements[index] > 0
        }
        let total = (0..<planes * rows * columns).count { isWhite($0) }
        // Flood from the first white voxel of the middle plane's middle row.
        var seen = [Bool](repeating: false, count: planes * rows * columns)
        var largest = 0
        for start in seen.indices where isWhite(start) && !seen[start] {
            var stack = [start]
            seen[start] = true
            var count = 0
            while let index = stack.popLast() {
                count += 1
                let (row, column) = (index / columns % rows, index % columns)
                var next: [Int] = []
                if column > 0 { next.append(index - 1) }
                if column + 1 < columns { next.append(index + 1) }
                if row > 0 { next.append(index - columns) }
                if row + 1 < rows { next.append(index + columns) }
                if index >= rows * columns { next.append(index - rows * columns) }
                if index + rows * columns < seen.count { next.append(index + rows * columns) }
                for neighbour in next where !seen[neighbour] && isWhite(neighbour) {
                    seen[neighbour] = true
                    stack.append(neighbour)
                }
            }
            largest = max(largest, count)
        }
        #expect(Double(largest) > 0.9 * Double(total), "white matter in the largest piece: \(largest) of \(total)")
    }

    @Test func brainHasSulci() {
        // The share of the hull's inside that is slide: none without folds, all if it fell apart.
        guard let plane = BrainPlane(coarseBrain, positionUm: 3000) else {
            Issue.record("the brain reaches 3 mm")
            return
        }
        var (gray, white) = (0, 0)
        for row in stride(from: -22_000.0, through: 22_000, by: 250) {
            for column in stride(from: -26_000.0, through: 26_000, by: 250) {
                let fields = plane.sample(rowUm: row, columnUm: column)
                if fields[0] > 0 { if fields[1] > 0 { white += 1 } else { gray += 1 } }
            }
        }
        // Folded human cortex: gray and white take up areas of the same order.
        #expect(gray > white / 2 && gray < 4 * white, "gray \(gray), white \(white)")
    }

    @Test func everyBrainEndsInsideItsGrid() {
        for individual: UInt64 in 1...4 {
            let tissue = BrainAnatomy(species: 3, individual: individual).fields(spacingUm: 1500, threads: 2).tissueUm
            for plane in 0..<tissue.planes {
                for row in 0..<tissue.rows {
                    for column in 0..<tissue.columns {
                        let isEdge =
                            plane == 0 || plane == tissue.planes - 1 || row == 0 || row == tissue.rows - 1
                            || column == 0 || column == tissue.columns - 1
                        if isEdge, tissue[plane, row, column] >= 0 {
                            Issue.record("brain \(individual) touches its grid at \(plane), \(row), \(column)")
                            return
                        }
                    }
                }
            }
        }
    }

    @Test func aPlaneOutsideTheBrainIsNone() {
        #expect(BrainPlane(coarseBrain, positionUm: 90_000) == nil)
        #expect(BrainPlane(coarseBrain, positionUm: -90_000) == nil)
    }

    @Test func waveNoiseHasMeanZeroAndDeviationOne() {
        var generator = SeededGenerator(seed: 11)
        let noise = WaveNoise(wavelengthMm: 5, waves: 32, generator: &generator)
        var (sum, squares) = (0.0, 0.0)
        let count = 20_000
        for _ in 0..<count {
            let point = PointMm(
                plane: Float(generator.uniform() * 200), row: Float(generator.uniform() * 200),
                column: Float(generator.uniform() * 200))
            let value = Double(noise.value(point))
            sum += value
            squares += value * value
        }
        // Independent points 5σ of the mean of 20,000; the variance of a sum of 32 random phases is 1 on average over space.
        #expect(abs(sum / Double(count)) < 5 / Double(count).squareRoot())
        #expect(abs(squares / Double(count) - 1) < 0.05)
    }

    @Test func sweptDistanceOfAPlaneIsExactAndOfABallNearlySo() {
        var wall = Volume<Float>(planes: 20, rows: 6, columns: 7, filledWith: 9)
        for index in 0..<42 { wall.elements[index] = 0.25 }
        sweepDistance(&wall, spacingMm: 0.5, trusted: 0.3)
        // Along an axis the upwind scheme adds the spacing each step.
        for plane in 0..<20 { #expect(abs(wall[plane, 3, 3] - (0.25 + 0.5 * Float(plane))) < 1e-4) }

        let side = 41
        var ball = Volume<Float>(planes: side, rows: side, columns: side, filledWith: 0)
        func radius(_ p: Int, _ r: Int, _ c: Int) -> Float {
            let (a, b, d) = (Float(p - 20), Float(r - 20), Float(c - 20))
            return (a * a + b * b + d * d).squareRoot()
        }
        for p in 0..<side { for r in 0..<side { for c in 0..<side { ball[p, r, c] = radius(p, r, c) - 5 } } }
        sweepDistance(&ball, spacingMm: 1, trusted: 1.5)
        var worst: Float = 0
        for p in 0..<side {
            for r in 0..<side {
                for c in 0..<side where radius(p, r, c) < 20 && radius(p, r, c) > 5 {
                    worst = max(worst, abs(ball[p, r, c] - (radius(p, r, c) - 5)))
                }
            }
        }
        // First-order scheme: the error grows like h log(1/h); 15 voxels from the source it stays under 0.7 voxel.
        #expect(worst < 0.7, "worst error \(worst) voxels")
    }
}
