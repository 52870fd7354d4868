import Foundation
import Imaging
import NDArray
import Testing

@Suite struct SkeletonTests {
    /// What OpenCV and scikit-image made of small shapes; `Vectors/record_skeleton.py` wrote it.
    private static let recorded = Result {
        let url = Bundle.module.url(forResource: "skeleton", withExtension: "json", subdirectory: "Vectors")
        guard let url else { throw RecordedVectors.Missing(name: "Vectors/skeleton.json") }
        return try JSONDecoder().decode(RecordedVectors.self, from: Data(contentsOf: url))
    }

    private func bits(_ name: String) throws -> BitImage {
        guard let array = try Self.recorded.get().arrays[name] else { throw RecordedVectors.Missing(name: name) }
        return BitImage(Image(rows: array.shape[0], columns: array.shape[1], elements: Array(array.data)))
    }

    @Test(arguments: ["blobs", "ring", "bar", "noise", "edges"])
    func theSkeletonIsThatOfOpenCV(_ name: String) throws {
        #expect(skeleton(of: try bits(name)) == (try bits(name + "/opencv")))
    }

    /// scikit-image decides some border pixels otherwise and keeps other spurs: most of either lies within two pixels of the other.
    @Test(arguments: ["blobs", "ring", "bar"])
    func theSkeletonLiesBesideThatOfScikitImage(_ name: String) throws {
        let (ours, theirs) = (skeleton(of: try bits(name)), try bits(name + "/skimage"))
        for (one, other) in [(ours, theirs), (theirs, ours)] {
            let distance = distanceTransform(of: ~other)
            var near = 0
            one.forEachSet { if distance.elements[$0] <= 2 { near += 1 } }
            #expect(Double(near) >= 0.85 * Double(one.setCount))
        }
    }

    @Test func aSkeletonIsItsOwnSkeletonAndKeepsTheParts() throws {
        for name in ["blobs", "ring", "bar"] {
            let image = try bits(name)
            let thin = skeleton(of: image)
            #expect(skeleton(of: thin) == thin)
            #expect((thin & image) == thin)
        }
    }

    @Test func degenerateImagesHaveTheSkeletonsThatThereAre() {
        #expect(skeleton(of: BitImage(rows: 0, columns: 0)).isEmpty)
        #expect(skeleton(of: BitImage(rows: 5, columns: 5)).isEmpty)
        var pixel = BitImage(rows: 3, columns: 3)
        pixel[1, 1] = true
        #expect(skeleton(of: pixel) == pixel)
        #expect(skeletonLines(of: pixel) == [[SIMD2(1, 1)]])
        #expect(skeletonLines(of: BitImage(rows: 4, columns: 4)).isEmpty)
    }

    @Test func aRibbonHasOneLineInItsMiddleWithoutTheForksAtItsEnds() {
        // A bar of 21 × 201 pixels: rows 10 … 30, so that row 20 is its middle.
        var bar = BitImage(rows: 41, columns: 221)
        for row in 10...30 { for column in 10...210 { bar[row, column] = true } }
        let lines = skeletonLines(of: bar)
        #expect(lines.count == 1)
        let line = lines.first ?? []
        for point in line { #expect(abs(point.x - 20) <= 1) }
        // The forks begin half a width from the ends.
        #expect((line.map(\.y).min() ?? 0) <= 24 && (line.map(\.y).max() ?? 0) >= 196)
    }

    @Test func aRingHasAClosedLine() throws {
        let lines = skeletonLines(of: try bits("ring"))
        #expect(lines.count == 1)
        #expect(lines.first?.first == lines.first?.last)
        // An ellipse of half axes 20 and 26 has a circumference of 145; steps of the raster make it up to 8 % longer, and the
        // skeleton wavers a little.
        let length = zip(lines[0], lines[0].dropFirst()).reduce(0.0) { sum, pair in
            let move = pair.1 - pair.0
            return sum + (move.x * move.x + move.y * move.y).squareRoot()
        }
        #expect(length > 140 && length < 166)
    }

    @Test func pointsAlongALineAreEvenlySpaced() {
        let line = [SIMD2(0.0, 0), SIMD2(0, 3), SIMD2(0, 10.5)]
        let points = pointsAlong(line, step: 2)
        #expect(points.count == 5)
        for (index, point) in points.enumerated() {
            #expect(abs(point.y - (1.25 + 2 * Double(index))) < 1e-12 && point.x == 0)
        }
        #expect(pointsAlong(line, step: 100) == [SIMD2(0, 5.25)])
        #expect(pointsAlong([SIMD2(1, 2)], step: 1) == [SIMD2(1, 2)])
        #expect(pointsAlong([], step: 1).isEmpty)
    }

    @Test(arguments: 0..<4)
    func filledPolygonsAreThoseOfScikitImage(_ number: Int) throws {
        guard let array = try Self.recorded.get().arrays["polygon\(number)"] else { return }
        let values = array.data.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
        let corners = (0..<values.count / 2).map { SIMD2(values[2 * $0], values[2 * $0 + 1]) }
        #expect(BitImage(rows: 61, columns: 83, polygons: [corners]) == (try bits("polygon\(number)/mask")))
    }

    @Test func polygonsThatShareAnEdgeShareNoPixelAndLeaveNoneOut() {
        let left = [SIMD2(0.0, 0), SIMD2(0, 7), SIMD2(9, 3), SIMD2(9, 0)]
        let right = [SIMD2(0.0, 7), SIMD2(0, 12), SIMD2(9, 12), SIMD2(9, 3)]
        let (one, two) = (
            BitImage(rows: 12, columns: 14, polygons: [left]), BitImage(rows: 12, columns: 14, polygons: [right])
        )
        #expect((one & two).isEmpty)
        #expect((one | two).setCount == 9 * 12)
        #expect(BitImage(rows: 12, columns: 14, polygons: [left, right]) == (one | two))
    }

    @Test func aPolygonInAnotherIsAHoleAndPartsOutsideAreLeftOut() {
        let outer = [SIMD2(-5.0, -5), SIMD2(-5, 30), SIMD2(30, 30), SIMD2(30, -5)]
        let inner = [SIMD2(2.5, 2.5), SIMD2(2.5, 5.5), SIMD2(4.5, 5.5), SIMD2(4.5, 2.5)]
        let image = BitImage(rows: 10, columns: 10, polygons: [outer, inner])
        #expect(image.setCount == 100 - 2 * 3)
        #expect(!image[3, 4] && image[2, 4])
        #expect(BitImage(rows: 4, columns: 4, polygons: [[SIMD2(1, 1), SIMD2(2, 2)]]).isEmpty)
    }
}
