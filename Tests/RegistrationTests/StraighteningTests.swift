import NDArray
import Registration
import Testing

@Suite struct StraighteningTests {
    /// A section with two equal ellipses beside an upright axis and a stalk below, mirror-symmetric about column `axis`.
    func symmetric(axis: Double = 70, lopsided: Bool = false) -> RegistrationImage {
        var gray = Image<UInt8>(rows: 130, columns: 150, filledWith: 220)
        var tissue = Image<UInt8>(rows: 130, columns: 150, filledWith: 0)
        for row in 0..<130 {
            for column in 0..<150 {
                let down = Double(row) - 55
                let across = Double(column) - axis
                let side = abs(across) - 22
                let isLobe = down * down / 1200 + side * side / 500 < 1
                let isStalk = abs(across) < 6 && down > 0 && down < 60
                guard isLobe || isStalk else { continue }
                // One lobe, cut aslant, is not symmetric about anything.
                if lopsided, across < 0 || down < across - 20 { continue }
                tissue[row, column] = 1
                gray[row, column] = isStalk ? 90 : 140
            }
        }
        return RegistrationImage(gray: gray, tissue: tissue)
    }

    func placed(_ degrees: Double, mirrored: Bool = false) -> RigidTransform {
        .about(
            PlanarPoint(row: 550, column: 700), onto: PlanarPoint(row: 4000, column: -1500),
            rotationRad: degrees * .pi / 180, isMirrored: mirrored)
    }

    @Test(arguments: [-17.3, -4, 0, 0.8, 12.25]) func theAxisOfASymmetricSectionIsFound(degrees: Double) throws {
        for mirrored in [false, true] {
            let axis = try #require(
                symmetryAxis(
                    of: symmetric(), spacingUm: 10, firstUm: 0, transform: placed(degrees, mirrored: mirrored)))
            // Steps of half a degree on pixels of 20 µm, bettered by parabolas.
            #expect(abs(axis.angleRad * 180 / .pi - degrees) < 0.15)
            #expect(axis.correlation > 0.98 && axis.contrast > 0.1)
            // The axis runs through (4000, −1500), where column 70 is laid.
            let across =
                -Math.sin(axis.angleRad) * (axis.point.row - 4000)
                + Math.cos(axis.angleRad) * (axis.point.column + 1500)
            #expect(abs(across) < 5)
        }
    }

    @Test func thereIsNoAxisOfNothingNorBeyondTheRange() {
        let nothing = RegistrationImage(
            gray: Image(rows: 40, columns: 40, filledWith: 200), tissue: Image(rows: 40, columns: 40, filledWith: 0))
        #expect(symmetryAxis(of: nothing, spacingUm: 10, firstUm: 0, transform: .identity) == nil)
        #expect(symmetryAxis(of: symmetric(), spacingUm: 10, firstUm: 0, transform: placed(45), rangeDeg: 20) == nil)
    }

    @Test func aDiscHasNoContrast() throws {
        var gray = Image<UInt8>(rows: 100, columns: 100, filledWith: 220)
        var tissue = Image<UInt8>(rows: 100, columns: 100, filledWith: 0)
        for row in 0..<100 {
            for column in 0..<100 where (row - 50) * (row - 50) + (column - 50) * (column - 50) < 1600 {
                gray[row, column] = 120
                tissue[row, column] = 1
            }
        }
        let axis = symmetryAxis(
            of: RegistrationImage(gray: gray, tissue: tissue), spacingUm: 10, firstUm: 0, transform: .identity)
        #expect((axis?.contrast ?? 0) < 0.02)
    }

    let count = 120
    var positions: [Double] { (0..<count).map { Double($0) * 20 } }
    var centres: [PlanarPoint] { (0..<count).map { _ in PlanarPoint(row: 600, column: 700) } }

    /// A slow twist in degrees.
    func twistDeg(_ index: Int) -> Double { -9 + 5 * Double(index) / Double(count) }

    func axis(_ degrees: Double, correlation: Double = 0.9, contrast: Double = 0.4) -> SymmetryAxis {
        SymmetryAxis(
            angleRad: degrees * .pi / 180, point: PlanarPoint(row: 0, column: 0), correlation: correlation,
            contrast: contrast)
    }

    @Test func aTwistedStackComesOutUprightAndItsJitterStays() throws {
        var random = SeededGenerator(seed: 4)
        let jitter = (0..<count).map { _ in 0.5 * random.normal() }
        // Every seventh section is mirrored on its slide, every tenth has an axis that is wrong by far.
        let transforms = (0..<count).map { index in
            RigidTransform.about(
                centres[index], onto: PlanarPoint(row: 600, column: 700),
                rotationRad: (twistDeg(index) + jitter[index]) * .pi / 180, isMirrored: index % 7 == 0)
        }
        let axes: [SymmetryAxis?] = (0..<count).map { axis(twistDeg($0) + jitter[$0] + ($0 % 10 == 3 ? 18 : 0)) }
        let upright = try #require(
            straightened(transforms, positionsUm: positions, centres: centres, axes: axes, looked: count, span: 0.5))
        for index in 0..<count {
            let left = upright.transforms[index].rotationRad * 180 / .pi - jitter[index]
            // Five standard errors of the mean of some thirty sections with half a degree of jitter; the ends have half as many.
            #expect(abs(left) < 0.6)
            #expect(upright.transforms[index].isMirrored == transforms[index].isMirrored)
            #expect(upright.transforms[index](centres[index]).distance(to: PlanarPoint(row: 600, column: 700)) < 1e-6)
        }
    }

    @Test func onDemandTheAxisIsBroughtToOneColumn() throws {
        // Axes that lean by the twist and walk by 3 µm a section.
        let transforms = [RigidTransform](repeating: .identity, count: count)
        let axes: [SymmetryAxis?] = (0..<count).map { index in
            SymmetryAxis(
                angleRad: twistDeg(index) * .pi / 180, point: PlanarPoint(row: 600, column: 700 + 3 * Double(index)),
                correlation: 0.9, contrast: 0.4)
        }
        let upright = try #require(
            straightened(
                transforms, positionsUm: positions, centres: centres, axes: axes, looked: count, columnsToo: true))
        for index in 0..<count {
            // Two points of each axis come to lie on the mean column; angle and column are linear, so the curves are exact.
            let (cosine, sine) = (Math.cos(twistDeg(index) * .pi / 180), Math.sin(twistDeg(index) * .pi / 180))
            for along in [-300.0, 500] {
                let point = PlanarPoint(row: 600 + along * cosine, column: 700 + 3 * Double(index) + along * sine)
                #expect(abs(upright.transforms[index](point).column - (700 + 1.5 * Double(count - 1))) < 1e-6)
            }
        }
    }

    @Test func sectionsWithoutSymmetryAreLeftAlone() {
        let transforms = [RigidTransform](repeating: .identity, count: count)
        func straight(_ axes: [SymmetryAxis?]) -> StraightenedStack? {
            straightened(transforms, positionsUm: positions, centres: centres, axes: axes, looked: count)
        }
        #expect(straight([SymmetryAxis?](repeating: nil, count: count)) == nil)
        #expect(straight((0..<count).map { axis(twistDeg($0), correlation: 0.3) }) == nil)
        #expect(straight((0..<count).map { axis(twistDeg($0), contrast: 0.03) }) == nil)
        #expect(straight((0..<count).map { $0 % 4 == 0 ? axis(twistDeg($0)) : nil }) == nil)
        let lopsided = symmetryAxis(of: symmetric(lopsided: true), spacingUm: 10, firstUm: 0, transform: .identity)
        #expect(straight([SymmetryAxis?](repeating: lopsided, count: count)) == nil)
    }

    @Test func theLocalRegressionOfALineIsTheLine() {
        let x = (0..<40).map { Double($0 * $0) }
        let y = x.map { 3 - 0.02 * $0 }
        let ones = x.map { _ in 1.0 }
        let places = [0, 10.5, 700, 1521]
        let curve = locallyRegressed(x: x, y: y, weights: ones, span: 0.3, at: places)
        for (place, value) in zip(places, curve) { #expect(abs(value - (3 - 0.02 * place)) < 1e-9) }
        // Beyond the points the curve keeps its last value.
        let beyond = locallyRegressed(x: x, y: y, weights: ones, span: 0.3, at: [-100, 2000])
        #expect(abs(beyond[0] - 3) < 1e-9 && abs(beyond[1] - (3 - 0.02 * 1521)) < 1e-9)
        // Of many points on a line, one that is far away doesn't count.
        var spoilt = y
        spoilt[20] += 50
        let robust = locallyRegressed(x: x, y: spoilt, weights: ones, span: 0.5, at: places)
        for (place, value) in zip(places, robust) { #expect(abs(value - (3 - 0.02 * place)) < 1e-6) }
        #expect(locallyRegressed(x: [], y: [], weights: [], span: 0.5, at: [1, 2]).isEmpty)
        #expect(locallyRegressed(x: [5], y: [7], weights: [1], span: 0.5, at: [1, 9]) == [7, 7])
    }
}
