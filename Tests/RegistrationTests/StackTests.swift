import NDArray
import Registration
import Testing

@Suite struct StackTests {
    /// Section µm to brain µm of `count` sections on their slides.
    func slides(_ count: Int, mirrored: Set<Int> = []) -> [RigidTransform] {
        var random = SeededGenerator(seed: 8)
        return (0..<count).map {
            RigidTransform(
                rotationRad: 0.1 * random.normal(), isMirrored: mirrored.contains($0),
                translation: PlanarPoint(row: 500 * random.normal(), column: 500 * random.normal()))
        }
    }

    func link(_ slides: [RigidTransform], _ moving: Int, _ fixed: Int) -> StackLink {
        StackLink(
            moving: moving, fixed: fixed, transform: slides[fixed].inverse.after(slides[moving]), correlation: 0.8)
    }

    func stacked(_ slides: [RigidTransform], _ links: [StackLink], base: Int? = nil) -> StackedSections {
        stackSections(
            count: slides.count, positionsUm: slides.indices.map { Double($0) * 20 },
            centres: slides.map { _ in PlanarPoint(row: 100, column: 200) }, links: links, base: base)
    }

    /// Largest distance between the stack and the truth seen from the base section.
    func error(_ stack: StackedSections, _ slides: [RigidTransform], of sections: [Int]) -> Double {
        sections.map { index in
            let truth = slides[stack.base].inverse.after(slides[index])
            let point = PlanarPoint(row: 3000, column: -2000)
            return stack.transforms[index](point).distance(to: truth(point))
        }.max() ?? 0
    }

    @Test func exactLinksGiveTheExactStack() {
        let slides = slides(41, mirrored: [3, 30, 31])
        let stack = stacked(slides, (0..<40).map { link(slides, $0, $0 + 1) })
        #expect(stack.base == 20)
        #expect(stack.steps == (0..<41).map { abs($0 - 20) })
        // Forty products of rounded numbers of some thousand µm.
        #expect(error(stack, slides, of: Array(0..<41)) < 1e-8)
        #expect(stack.transforms.indices.filter { stack.transforms[$0].isMirrored } == [3, 30, 31])
    }

    @Test func aLinkOverASectionBridgesIt() {
        let slides = slides(9)
        let links = (0..<8).filter { $0 != 5 && $0 != 6 }.map { link(slides, $0, $0 + 1) } + [link(slides, 5, 7)]
        let stack = stacked(slides, links)
        #expect(stack.isLinked == [true, true, true, true, true, true, false, true, true])
        #expect(error(stack, slides, of: [0, 1, 2, 3, 4, 5, 7, 8]) < 1e-9)
        // The section without links lies with its centre where its neighbour's is.
        let centre = PlanarPoint(row: 100, column: 200)
        #expect(stack.transforms[6](centre).distance(to: stack.transforms[5](centre)) < 1e-9)
    }

    @Test(arguments: [3, 5]) func whatHangsTogetherIsLaidDownTogether(mirrored: Int) {
        let slides = slides(14, mirrored: [mirrored])
        let stack = stacked(slides, (0..<13).filter { $0 != 5 && $0 != 1 }.map { link(slides, $0, $0 + 1) }, base: 9)
        #expect(stack.isLinked == (0..<14).map { $0 > 5 })
        #expect(stack.transforms.indices.filter { stack.transforms[$0].isMirrored } == [mirrored])
        // Within a piece sections lie as their links say; pieces lie with their nearest centres on each other.
        func away(_ one: Int, _ other: Int) -> Double {
            let found = stack.transforms[other].inverse.after(stack.transforms[one])
            let truth = slides[other].inverse.after(slides[one])
            let point = PlanarPoint(row: 3000, column: -2000)
            return found(point).distance(to: truth(point))
        }
        #expect([(0, 1), (2, 5), (3, 4)].allSatisfy { away($0.0, $0.1) < 1e-8 })
        let centre = PlanarPoint(row: 100, column: 200)
        #expect(stack.transforms[5](centre).distance(to: stack.transforms[6](centre)) < 1e-8)
        #expect(stack.transforms[1](centre).distance(to: stack.transforms[2](centre)) < 1e-8)
    }

    @Test func aWeakLinkAloneDoesNotTurnOverTheEnd() {
        let slides = slides(20, mirrored: [4, 15])
        var links = (0..<19).map { link(slides, $0, $0 + 1) }
        // Wrong, and all that joins the last three sections with the rest.
        let turned = RigidTransform.about(
            PlanarPoint(row: 100, column: 200), onto: PlanarPoint(row: 100, column: 200), isMirrored: true)
        links[16].transform = turned
        links[16].correlation = 0.3
        let stack = stacked(slides, links)
        #expect(stack.transforms.indices.filter { stack.transforms[$0].isMirrored } == [4, 15])
        #expect(stack.isLinked == (0..<20).map { $0 < 17 })
        #expect(error(stack, slides, of: Array(0..<17)) < 1e-8)
        // A strong link is believed, and a weak one that turns a single section at the end.
        links[16].correlation = 0.9
        #expect(
            stacked(slides, links).transforms.indices.filter { stacked(slides, links).transforms[$0].isMirrored } == [
                4, 15, 17, 18, 19,
            ])
        links[16] = link(slides, 16, 17)
        links[18].transform = turned
        links[18].correlation = 0.3
        #expect(
            stacked(slides, links).transforms.indices.filter { stacked(slides, links).transforms[$0].isMirrored } == [
                4, 15, 19,
            ])
    }

    @Test func whereMostAreMirroredAgainstTheBaseTheBaseIsTheMirroredOne() {
        let slides = slides(7, mirrored: [3])
        let stack = stacked(slides, (0..<6).map { link(slides, $0, $0 + 1) }, base: 3)
        #expect(stack.transforms.map(\.isMirrored) == [false, false, false, true, false, false, false])
    }

    @Test func noSectionsMakeAnEmptyStackAndOneLiesWhereItIs() {
        #expect(stackSections(count: 0, positionsUm: [], centres: [], links: []).transforms.isEmpty)
        let one = stacked([.identity], [])
        #expect(one.transforms == [.identity] && one.isLinked == [true])
    }

    @Test func theMiddleIsTheMiddleInSpace() {
        #expect(middleSection([0, 10, 20, 30, 100]) == 3)
        #expect(middleSection([0, 10, 20]) == 1)
    }

    @Test func aSteadyTurnIsReportedAsDrift() {
        let transforms = (0..<101).map {
            RigidTransform(rotationRad: Double($0) * 0.001, translation: PlanarPoint(row: 0, column: 0))
        }
        let stack = StackedSections(
            transforms: transforms, isLinked: transforms.map { _ in true }, base: 50, steps: transforms.map { _ in 1 })
        let drift = stackDrift(stack, centres: transforms.map { _ in PlanarPoint(row: 0, column: 0) })
        // 0.1 rad from end to end, less the half windows of 15 sections at both ends.
        #expect(abs(drift.rotationRangeDeg - 0.07 * 180 / .pi) < 0.01)
        #expect(drift.meanCentreRoughnessUm == 0)
    }
}

@Suite struct TissueVolumeTests {
    let positions = [0.0, 20, 40, 120, 140]

    @Test func planesTakeTheSectionsInTheirSlab() {
        func chosen(_ at: Double, _ thickness: Double, fill: Double) -> [Int] {
            sections(forPlaneAt: at, thicknessUm: thickness, positionsUm: positions, fillGapUm: fill)
        }
        #expect(chosen(20, 60, fill: 0) == [0, 1, 2])
        #expect(chosen(41, 10, fill: 0) == [2])
        // Between sections the nearest one, if the gap may be filled.
        #expect(chosen(31, 4, fill: 30) == [2])
        #expect(chosen(80, 20, fill: 30) == [])
        #expect(chosen(70, 20, fill: 80) == [2])
        #expect(chosen(90, 20, fill: 80) == [3])
        #expect(chosen(-50, 20, fill: 1000) == [])
    }

    func section(_ labels: Image<UInt8>, _ transform: RigidTransform = .identity) -> PlacedSection {
        PlacedSection(
            labels: labels, gray: labels.map { 200 - 50 * $0 }, background: 200, spacingUm: 10, firstUm: 0,
            transform: transform)
    }

    @Test func theSameGridGivesTheSameLabels() {
        let labels = Image<UInt8>(rows: 3, columns: 4, elements: [0, 1, 2, 0, 1, 1, 2, 2, 0, 0, 1, 2])
        let grid = ReconstructionGrid(planes: 1, rows: 3, columns: 4, spacingUm: 10, originUm: [0, 0, 0])
        let plane = volumePlane(from: [section(labels)], grid: grid, emptyGray: 9)
        #expect(plane.labels == labels)
        #expect(plane.gray == labels.map { 200 - 50 * $0 })
    }

    @Test func aCoarseVoxelTakesTheMajorityAndTheMeanGray() {
        let labels = Image<UInt8>(rows: 2, columns: 4, elements: [1, 1, 2, 2, 2, 1, 0, 2])
        let grid = ReconstructionGrid(planes: 1, rows: 1, columns: 2, spacingUm: 20, originUm: [0, 5, 5])
        let plane = volumePlane(from: [section(labels)], grid: grid, emptyGray: 9)
        #expect(plane.labels.elements == [1, 2])
        #expect(plane.gray.elements == [138, 125])
        // A mirrored section comes out unmirrored.
        let mirror = RigidTransform(rotationRad: 0, isMirrored: true, translation: PlanarPoint(row: 0, column: 30))
        let turned = volumePlane(from: [section(labels, mirror)], grid: grid, emptyGray: 9, threads: 2)
        #expect(turned.labels.elements == [2, 1])
    }

    @Test func anEmptyPlaneIsSlide() {
        let grid = ReconstructionGrid(planes: 1, rows: 2, columns: 2, spacingUm: 10, originUm: [0, 0, 0])
        let plane = volumePlane(from: [], grid: grid, emptyGray: 231)
        #expect(plane.labels.elements == [0, 0, 0, 0] && plane.gray.elements == [231, 231, 231, 231])
    }

    @Test func theGridHoldsAllSections() {
        let grid = ReconstructionGrid(
            around: [PlanarPoint(row: -95, column: 0), PlanarPoint(row: 300, column: 410)], positionsUm: positions,
            spacingUm: 60)
        #expect(grid.planes == 4 && grid.rows == 8 && grid.columns == 8)
        for (axis, count, low, high) in [(0, 4, 0.0, 140.0), (1, 8, -95, 300), (2, 8, 0, 410)] {
            #expect(grid.originUm[axis] <= low)
            #expect(grid.originUm[axis] + Double(count - 1) * 60 >= high)
        }
    }
}
