import Cortex
import NDArray
import Testing

/// A shell of gray matter around white matter with what is true of it, boundaries placed by fractions of voxels.
private struct Shell {
    enum Kind { case sphere, cylinder }
    let kind: Kind
    let inner: Double
    let outer: Double
    let side: Int
    let labels: Volume<UInt8>
    let fractions: TissueFractions
    private let centre: SIMD3<Double>

    init(_ kind: Kind, inner: Double, outer: Double) {
        self.kind = kind
        self.inner = inner
        self.outer = outer
        side = Int(2 * outer) + 8
        let middle = Double(side - 1) / 2
        centre = SIMD3(middle + 0.13, middle - 0.21, middle + 0.37)
        var gray = Volume<UInt8>(planes: side, rows: side, columns: side, filledWith: 0)
        var white = gray
        var labels = gray
        let fine = 5
        for plane in 0..<side {
            for row in 0..<side {
                for column in 0..<side {
                    let at = SIMD3(Double(plane), Double(row), Double(column))
                    let radius = Shell.radius(at - centre, kind)
                    var counts = [0, 0, 0]
                    if abs(radius - inner) < 1 || abs(radius - outer) < 1 {
                        for part in 0..<fine * fine * fine {
                            let offset = SIMD3(
                                Double(part / fine / fine), Double(part / fine % fine), Double(part % fine))
                            let r = Shell.radius(at + (offset + 0.5) / Double(fine) - 0.5 - centre, kind)
                            counts[r <= inner ? 2 : r <= outer ? 1 : 0] += 1
                        }
                    } else {
                        counts[radius <= inner ? 2 : radius <= outer ? 1 : 0] = fine * fine * fine
                    }
                    let whole = fine * fine * fine
                    gray[plane, row, column] = UInt8((counts[1] * 255 + whole / 2) / whole)
                    white[plane, row, column] = UInt8((counts[2] * 255 + whole / 2) / whole)
                    labels[plane, row, column] = UInt8(counts.firstIndex(of: counts.max() ?? 0) ?? 0)
                }
            }
        }
        self.labels = labels
        fractions = TissueFractions(gray: gray, white: white)
    }

    private static func radius(_ offset: SIMD3<Double>, _ kind: Kind) -> Double {
        let across = offset.y * offset.y + offset.z * offset.z
        return (kind == .sphere ? across + offset.x * offset.x : across).squareRoot()
    }

    /// |depth − closed form| of every gray voxel, ascending; `form` is the depth at a radius, Laplace's if left out.
    func errors(_ depth: Volume<Float>, form: ((Double) -> Double)? = nil) -> [Double] {
        var errors: [Double] = []
        for plane in 0..<side {
            for row in 0..<side {
                for column in 0..<side where labels[plane, row, column] == 1 {
                    let r = Shell.radius(SIMD3(Double(plane), Double(row), Double(column)) - centre, kind)
                    let truth =
                        form.map { $0(r) }
                        ?? (kind == .sphere
                            ? (1 / r - 1 / outer) / (1 / inner - 1 / outer)
                            : Math.log(r / outer) / Math.log(inner / outer))
                    errors.append(abs(Double(depth[plane, row, column]) - min(max(truth, 0), 1)))
                }
            }
        }
        return errors.sorted()
    }
}

extension Volume where Element == UInt8 {
    init(_ side: (Int, Int, Int), label: (Int, Int, Int) -> UInt8) {
        self.init(planes: side.0, rows: side.1, columns: side.2, filledWith: 0)
        for plane in 0..<side.0 {
            for row in 0..<side.1 {
                for column in 0..<side.2 { self[plane, row, column] = label(plane, row, column) }
            }
        }
    }
}

/// The bits of a field, so that NaN equals NaN.
private func bits(_ volume: Volume<Float>) -> [UInt32] { volume.elements.map(\.bitPattern) }

@Suite struct LaplaceTests {
    // A boundary found to a tenth of a voxel moves the depth by a tenth of 1/9 (nine voxels thick): 1 %.
    @Test(arguments: [Shell.Kind.sphere, .cylinder])
    private func aShellsDepthIsTheClosedForm(kind: Shell.Kind) {
        let shell = Shell(kind, inner: 20, outer: 29)
        let result = corticalDepth(labels: shell.labels, fractions: shell.fractions, threads: 2)
        let errors = shell.errors(result.depth)
        #expect(result.residual <= 1e-6)
        #expect(errors.reduce(0, +) / Double(errors.count) < 0.002)
        #expect(errors[errors.count * 999 / 1000] < 0.01)
        #expect(errors[errors.count - 1] < 0.02)
        // Labels alone place a boundary to a third of a voxel or so.
        let rough = shell.errors(corticalDepth(labels: shell.labels, threads: 2).depth)
        #expect(rough.reduce(0, +) / Double(rough.count) < 0.01)
        #expect(rough[rough.count - 1] < 0.06)
    }

    @Test func aSlabsDepthIsLinear() {
        // Background, ten planes of gray, white: both boundaries lie half a voxel beyond the first and last gray plane.
        let labels = Volume<UInt8>((16, 6, 7)) { plane, _, _ in plane < 3 ? 0 : plane < 13 ? 1 : 2 }
        let depth = corticalDepth(labels: labels).depth
        for plane in 3..<13 {
            let truth = (Float(plane) - 2.5) / 10
            #expect(abs(depth[plane, 2, 3] - truth) < 1e-5)
        }
        #expect(depth[2, 2, 3].isNaN && depth[13, 2, 3].isNaN)
    }

    @Test func threadsDoNotChangeABit() {
        let shell = Shell(.sphere, inner: 12, outer: 19)
        let one = corticalDepth(labels: shell.labels, fractions: shell.fractions, threads: 1)
        let three = corticalDepth(labels: shell.labels, fractions: shell.fractions, threads: 3)
        #expect(bits(one.depth) == bits(three.depth))
        #expect(one.residual == three.residual && one.iterations == three.iterations)
    }

    @Test func theSolverAgreesWithPlainOverRelaxation() {
        // Random blobs of all classes: thin bridges, lone voxels, holes.
        var generator = SeededGenerator(seed: 5)
        let side = 14
        let labels = Volume<UInt8>((side, side, side)) { _, _, _ in
            let draw = generator.uniform()
            return draw < 0.7 ? 1 : draw < 0.85 ? 0 : 2
        }
        let excluded = Volume<UInt8>((side, side, side)) { plane, row, column in
            labels[plane, row, column] == 0 && (plane + row + column) % 5 == 0 ? 1 : 0
        }
        var settings = CorticalDepthSettings()
        settings.separatesBanks = false
        settings.tolerance = 1e-6
        let half = TissueFractions(gray: labels.flat(1), white: labels.flat(2))
        let found = corticalDepth(
            labels: labels, fractions: half, excluded: excluded, settings: settings, threads: 2
        ).depth
        // Fractions of whole voxels put every boundary half way: pulls of 2.
        var plain = labels.elements.map { $0 == 1 ? 0.5 : 0.0 }
        for _ in 0..<3000 {
            for voxel in plain.indices where labels.elements[voxel] == 1 {
                let place = [voxel / side / side, voxel / side % side, voxel % side]
                var (sum, weight) = (0.0, 0.0)
                for (axis, step) in [side * side, side, 1].enumerated() {
                    for sign in [-1, 1] where (0..<side).contains(place[axis] + sign) {
                        let other = voxel + sign * step
                        switch labels.elements[other] {
                        case 1:
                            sum += plain[other]
                            weight += 1
                        case 2:
                            sum += 2
                            weight += 2
                        default: weight += excluded.elements[other] == 1 ? 0 : 2
                        }
                    }
                }
                if weight > 0 { plain[voxel] += 1.3 * (sum / weight - plain[voxel]) }
            }
        }
        var worst = 0.0
        for voxel in plain.indices where labels.elements[voxel] == 1 {
            worst = max(worst, abs(plain[voxel] - Double(found.elements[voxel])))
        }
        #expect(worst < 1e-4)
    }

    @Test func depthStaysBetweenItsBoundaryValues() {
        let shell = Shell(.cylinder, inner: 6, outer: 12)
        let depth = corticalDepth(labels: shell.labels, fractions: shell.fractions).depth
        for voxel in depth.elements.indices where shell.labels.elements[voxel] == 1 {
            #expect((0...1).contains(depth.elements[voxel]))
        }
    }

    @Test func touchingBanksKeepApart() {
        // White walls on both sides, 16 planes of gray between: two banks of eight that touch.
        let labels = Volume<UInt8>((24, 30, 12)) { plane, row, _ in
            row == 0 ? 0 : plane < 4 || plane >= 20 ? 2 : 1
        }
        let result = corticalDepth(labels: labels, settings: CorticalDepthSettings(smallestBankDistance: 3))
        #expect(result.separatedVoxels == 2 * 29 * 12)
        for plane in 4..<20 {
            // The pia stands between planes 11 and 12: depth falls to it from both walls.
            let fromWall = Float(min(plane - 4, 19 - plane)) + 0.5
            #expect(abs(result.depth[plane, 26, 6] - (1 - fromWall / 8)) < 0.001)
        }
        // Left together they are one sheet, 1 from wall to wall away from the background.
        var settings = CorticalDepthSettings()
        settings.separatesBanks = false
        let one = corticalDepth(labels: labels, settings: settings)
        #expect(one.separatedVoxels == 0 && one.depth[12, 26, 6] > 0.8)
    }

    @Test func anOpenCortexIsNotSplit() {
        let shell = Shell(.sphere, inner: 14, outer: 24)
        #expect(corticalDepth(labels: shell.labels, fractions: shell.fractions).separatedVoxels == 0)
    }

    @Test func grayEnclosedInWhiteIsNotSplit() {
        // A ball of gray in white matter is a nucleus, not two banks: no pia, depth 1 throughout.
        let labels = Volume<UInt8>((40, 40, 40)) { plane, row, column in
            let r2 = [plane, row, column].reduce(0) { $0 + ($1 - 20) * ($1 - 20) }
            return r2 < 100 ? 1 : 2
        }
        let result = corticalDepth(labels: labels)
        #expect(result.separatedVoxels == 0 && abs(result.depth[20, 20, 20] - 1) < 1e-4)
    }

    @Test func missingSectionsAndExcludedPartsLetNothingThrough() {
        // A column of cortex along the rows; planes 4 and 5 are missing, column 0 is excluded.
        func label(_ plane: Int, _ row: Int, _ column: Int) -> UInt8 {
            plane == 4 || plane == 5 || column == 0 ? 0 : row < 2 ? 0 : row < 10 ? 1 : 2
        }
        let labels = Volume<UInt8>((10, 13, 6), label: label)
        let excluded = Volume<UInt8>((10, 13, 6)) { plane, row, column in
            column == 0 && plane != 4 && plane != 5 && row >= 2 ? 1 : 0
        }
        let whole = TissueFractions(gray: labels.flat(1), white: labels.flat(2))
        let depth = corticalDepth(labels: labels, fractions: whole, excluded: excluded).depth
        for plane in [0, 3, 6, 9] {
            for row in 2..<10 {
                // The flux runs along the rows only, so the depth does not change along the other axes.
                #expect(abs(depth[plane, row, 1] - depth[plane, row, 4]) < 1e-5)
                #expect(abs(depth[plane, row, 3] - depth[0, row, 3]) < 1e-5)
            }
        }
        #expect(depth[4, 5, 3].isNaN && depth[5, 5, 0].isNaN)
    }

    @Test func volumesWithoutCortexHaveNoDepth() {
        let empty = Volume<UInt8>(planes: 0, rows: 0, columns: 0, filledWith: 0)
        #expect(corticalDepth(labels: empty).grayVoxels == 0)
        let slide = Volume<UInt8>(planes: 3, rows: 3, columns: 3, filledWith: 0)
        #expect(corticalDepth(labels: slide).depth.elements.allSatisfy { $0.isNaN })
        let allGray = corticalDepth(labels: Volume(planes: 3, rows: 3, columns: 3, filledWith: 1))
        #expect(allGray.residual == 0 && allGray.depth.elements.allSatisfy { $0 == 0 })
        var one = slide
        one[1, 1, 1] = 1
        #expect(corticalDepth(labels: one).depth[1, 1, 1] == 0)
    }
}

extension Volume<UInt8> {
    /// 255 where a label stands, else 0.
    fileprivate func flat(_ label: UInt8) -> Volume<UInt8> {
        Volume(planes: planes, rows: rows, columns: columns, elements: elements.map { $0 == label ? 255 : 0 })
    }
}

@Suite struct EquidistantDepthTests {
    @Test func halfWayIsHalfHoweverTheCortexIsBent() {
        // Laplace's 0.5 of this sphere lies at radius 17.5; half-way is 21.
        let shell = Shell(.sphere, inner: 14, outer: 28)
        var settings = CorticalDepthSettings()
        settings.measure = .equidistant
        let depth = corticalDepth(labels: shell.labels, fractions: shell.fractions, settings: settings, threads: 2)
            .depth
        // Upwind differences of first order: a few hundredths of the way on a grid fourteen voxels thick.
        let errors = shell.errors(depth) { (shell.outer - $0) / (shell.outer - shell.inner) }
        #expect(errors.reduce(0, +) / Double(errors.count) < 0.02)
        #expect(errors[errors.count * 99 / 100] < 0.06)
    }

    @Test func aFlatSlabHasTheSameDepthByBothMeasures() {
        let labels = Volume<UInt8>((16, 6, 7)) { plane, _, _ in plane < 3 ? 0 : plane < 13 ? 1 : 2 }
        var settings = CorticalDepthSettings()
        settings.measure = .equidistant
        let depth = corticalDepth(labels: labels, settings: settings).depth
        for plane in 3..<13 { #expect(abs(depth[plane, 2, 3] - (Float(plane) - 2.5) / 10) < 1e-3) }
    }
}
