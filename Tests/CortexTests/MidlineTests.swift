import Cortex
import NDArray
import Testing

private let pixelUm = 64.0

private func distance(_ a: SIMD2<Double>, _ b: SIMD2<Double>) -> Double { ((a - b) * (a - b)).sum().squareRoot() }

/// A disk of white matter with a ring of gray around it, radii in pixels, middle at (150, 160).
private func ring(inner: Double = 60, outer: Double = 100) -> Image<UInt8> {
    var labels = Image<UInt8>(rows: 300, columns: 320, filledWith: 0)
    for row in 0..<300 {
        for column in 0..<320 {
            let radius = distance(SIMD2(Double(row), Double(column)), SIMD2(150, 160))
            labels[row, column] = radius <= inner ? 2 : radius <= outer ? 1 : 0
        }
    }
    return labels
}

/// A closed line around the ring at a wavering radius, in pixels.
private func circle(
    radius: Double, waver: Double = 0, hemisphere: UInt8 = 0, along: Double = 0, isCortex: Bool = true
) -> MidsurfaceCut {
    var cut = MidsurfaceCut(points: [], normals: [], isCortex: [], isClosed: true, hemisphere: hemisphere)
    for step in 0..<200 {
        let angle = Double(step) * 2 * Double.pi / 200
        let direction = SIMD2(Math.sin(angle), Math.cos(angle))
        let r = radius + waver * Math.sin(5 * angle)
        cut.points.append((SIMD2(150, 160) + direction * r) * pixelUm)
        let across = (1 - along * along).squareRoot()
        cut.normals.append(SIMD3(along, across * direction.x, across * direction.y))
        cut.isCortex.append(isCortex)
    }
    return cut
}

private func lay(_ labels: Image<UInt8>, _ cuts: [MidsurfaceCut], _ settings: MidlineSettings = MidlineSettings())
    -> SectionMidline
{
    sectionMidline(labels: labels, spacingUm: pixelUm, firstUm: 0, cuts: cuts, settings: settings)
}

@Suite struct MidlineTests {
    @Test func pointsComeToTheMiddleOfARing() {
        // From 8 px inside to 8 px outside the middle, 13 to 29 px of the ring's 40.
        let found = lay(ring(), [circle(radius: 80, waver: 8)])
        #expect(found.unpushed == 0 && found.offCortex == 0 && found.crowded == 0)
        for point in found.points {
            // Distances between pixel centres are known to about half a pixel.
            let radius = distance(point.positionUm / pixelUm, SIMD2(150, 160))
            #expect(abs(radius - 80) < 0.6)
            #expect(point.shiftUm < 8.7 * Float(pixelUm))
        }
        let length = 2 * Double.pi * 80 * pixelUm
        #expect(abs(Double(found.points.count) - length / 300) < 2)
    }

    @Test func spacingStaysEvenAfterThePush() {
        // A line that is far too short on one side and too long on the other.
        let found = lay(ring(), [circle(radius: 78, waver: 12)]).points
        for index in found.indices {
            let next = found[(index + 1) % found.count]
            #expect(abs(distance(found[index].positionUm, next.positionUm) - 300) < 30)
        }
    }

    @Test func aPointInThePiaOrInWhiteMatterGoesBackAlongItsNormal() {
        for radius in [45.0, 112.0] {
            let found = lay(ring(), [circle(radius: radius)])
            // 35 px and 32 px: 2240 and 2048 µm are too far to the middle; 3 mm are enough.
            #expect(found.points.allSatisfy { abs(distance($0.positionUm / pixelUm, SIMD2(150, 160)) - 80) > 5 })
            var far = MidlineSettings()
            far.maximumPushUm = 3000
            let reached = lay(ring(), [circle(radius: radius)], far)
            #expect(reached.points.count > 100)
            #expect(reached.points.allSatisfy { abs(distance($0.positionUm / pixelUm, SIMD2(150, 160)) - 80) < 0.6 })
        }
    }

    @Test func aLineFarFromCortexGetsNoPoints() {
        let found = lay(ring(), [circle(radius: 20), circle(radius: 140)])
        #expect(found.points.isEmpty && found.offCortex > 100)
    }

    @Test func touchingBanksHaveALineEach() {
        // White walls left and right, gray between them, no sulcus to be seen.
        var labels = Image<UInt8>(rows: 120, columns: 160, filledWith: 0)
        for row in 10..<110 { for column in 10..<150 { labels[row, column] = column < 40 || column >= 120 ? 2 : 1 } }
        let cortex = SectionCortex(labels: labels)
        let skeleton = cortex?.skeleton
        // Four lines of the box's margin of 2 lie before the tissue: column 60 stands at 60 − 8.
        for column in [59, 99] {
            let near = (column - 10...column - 6).contains { skeleton?[50, $0] == 1 }
            #expect(near)
        }
        #expect((0..<160 - 16).contains { abs($0 + 8 - 80) < 8 && skeleton?[50, $0] == 1 } == false)
    }

    @Test func aNotchInThePiaGrowsNoSpur() {
        var labels = Image<UInt8>(rows: 200, columns: 300, filledWith: 0)
        for row in 20..<180 { for column in 5..<295 { labels[row, column] = row < 60 ? 1 : 2 } }
        for row in 20..<26 { for column in 148..<152 { labels[row, column] = 0 } }
        guard let cortex = SectionCortex(labels: labels) else {
            Issue.record("the cortex was not found")
            return
        }
        // The middle lies at row 39.5; the notch draws it in by no more than half its depth.
        for row in 0..<cortex.skeleton.rows {
            for column in 40..<cortex.skeleton.columns - 40 where cortex.skeleton[row, column] == 1 {
                #expect(row + 18 >= 38 && row + 18 <= 44)
            }
        }
    }

    @Test func twoLinesInOneBankGiveOne() {
        let found = lay(ring(), [circle(radius: 78), circle(radius: 83)])
        let one = lay(ring(), [circle(radius: 78)])
        #expect(found.points.count < one.points.count + one.points.count / 5)
        #expect(found.crowded > one.points.count / 2)
    }

    @Test func whatIsNoCortexGetsNoPoints() {
        let found = lay(ring(), [circle(radius: 80, isCortex: false)])
        #expect(found.points.isEmpty && abs(found.withoutCortex - 107) < 3)
        let half = sectionMidline(
            labels: ring(), spacingUm: pixelUm, firstUm: 0, cuts: [circle(radius: 80)],
            isExcluded: { $0.y < 160 * pixelUm })
        #expect(half.points.allSatisfy { $0.positionUm.y >= 160 * pixelUm })
        #expect(half.excluded > 40 && half.points.count > 40)
    }

    @Test func pointsWithLittleTissueAroundThemGo() {
        // A ring of 6 px around 4 px of white: a patch of 64 px is nearly empty.
        let thin = ring(inner: 4, outer: 10)
        var settings = MidlineSettings()
        settings.cortex.largestIsletPx = 10
        let found = lay(thin, [circle(radius: 7)], settings)
        #expect(found.points.isEmpty && found.littleTissue > 5)
        settings.minimumTissue = 0.01
        let kept = lay(thin, [circle(radius: 7)], settings)
        #expect(kept.points.count == found.littleTissue)
        // π 10² of 64².
        #expect(kept.points.allSatisfy { abs($0.tissueFraction - 0.077) < 0.003 })
    }

    @Test func anglesAndHemispheresComeFromTheSurface() {
        let found = lay(ring(), [circle(radius: 80, hemisphere: 1, along: 0.6)])
        #expect(found.points.allSatisfy { $0.hemisphere == 1 && abs($0.angleRad - 0.6435) < 1e-3 })
        #expect(lay(ring(), [circle(radius: 80)]).points.allSatisfy { abs($0.angleRad) < 1e-6 })
    }

    @Test func anOpenLineKeepsItsEnds() {
        var cut = circle(radius: 80)
        cut.isClosed = false
        cut.points.removeLast(100)
        cut.normals.removeLast(100)
        cut.isCortex.removeLast(100)
        let found = lay(ring(), [cut]).points
        #expect(abs(found.count - 53) < 2)
        if let first = found.first, let last = found.last {
            #expect(distance(first.positionUm, cut.points[0]) < 200)
            #expect(distance(last.positionUm, cut.points[99]) < 200)
        }
    }

    @Test func sectionsWithoutCortexOrCutsAreEmpty() {
        let slide = Image<UInt8>(rows: 40, columns: 50, filledWith: 0)
        #expect(lay(slide, [circle(radius: 80)]).points.isEmpty)
        #expect(lay(slide, [circle(radius: 80)]).offCortex > 100)
        #expect(lay(ring(), []) == SectionMidline())
        let grayOnly = ring().map { $0 == 0 ? UInt8(0) : 1 }
        #expect(lay(grayOnly, [circle(radius: 80)]).points.isEmpty)
        let point = MidsurfaceCut(
            points: [SIMD2(5, 5)], normals: [SIMD3(0, 1, 0)], isCortex: [true], isClosed: false, hemisphere: 0)
        #expect(lay(ring(), [point]).points.isEmpty)
    }
}
