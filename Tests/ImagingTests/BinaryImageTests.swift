import Imaging
import NDArray
import Testing

struct BinaryImageTests {
    @Test func morphologyEqualsSciPys() throws {
        let specks = try RecordedVectors.bits("specks")
        let mask = try RecordedVectors.bits("mask")
        #expect(specks.dilated(iterations: 2) == (try RecordedVectors.bits("dilated4")))
        #expect(specks.dilated(by: .square) == (try RecordedVectors.bits("dilated8")))
        #expect(specks.eroded(borderIsSet: false) == (try RecordedVectors.bits("eroded4")))
        #expect(specks.eroded(by: .square) == (try RecordedVectors.bits("eroded8")))
        #expect(specks.dilated(iterations: 3, inside: mask) == (try RecordedVectors.bits("dilatedInMask")))
    }

    @Test func componentsEqualSciPys() throws {
        let specks = try RecordedVectors.bits("specks")
        #expect(connectedComponents(of: specks).labels() == (try RecordedVectors.image("label4", as: Int32.self)))
        let corners = connectedComponents(of: specks, connectivity: .corners)
        #expect(corners.labels() == (try RecordedVectors.image("label8", as: Int32.self)))
        #expect(corners.sizes.reduce(0, +) == specks.rows * specks.columns)
        let voxels = try RecordedVectors.volume("voxels", as: UInt8.self)
        #expect(connectedComponents(of: voxels).labels == (try RecordedVectors.volume("label6", as: Int32.self)))
        let corner = connectedComponents(of: voxels, connectivity: .corners)
        #expect(corner.labels == (try RecordedVectors.volume("label26", as: Int32.self)))
    }

    @Test func smallObjectsAndHolesEqualScikitImages() throws {
        let specks = try RecordedVectors.bits("specks")
        #expect(removingSmallObjects(specks, maximumSizePx: 12) == (try RecordedVectors.bits("objects")))
        #expect(fillingSmallHoles(specks, maximumSizePx: 4) == (try RecordedVectors.bits("holes")))
    }

    // Square roots of the same sums, rounded to single precision once here and once there.
    @Test func distancesEqualSciPys() throws {
        let specks = try RecordedVectors.bits("specks").dilated()
        let ours = distanceTransform(of: specks, spacing: (2, 0.5), threads: 2)
        #expect(largestDifference(ours, try RecordedVectors.image("distance")) < 1e-5)
        let voxels = try RecordedVectors.volume("voxels", as: UInt8.self)
        let empty = Volume<UInt8>(
            planes: voxels.planes, rows: voxels.rows, columns: voxels.columns, elements: voxels.elements.map { 1 - $0 })
        let distances = distanceTransform(of: empty, spacing: (3, 1, 0.7), threads: 2)
        let theirs = try RecordedVectors.volume("distance3", as: Float.self)
        for (a, b) in zip(distances.elements, theirs.elements) { #expect(abs(a - b) < 1e-5) }
    }

    @Test func distanceWithoutAnyUnsetPixelIsInfinite() {
        let distances = distanceTransform(of: BitImage(rows: 3, columns: 4, filledWith: true))
        #expect(distances.elements.allSatisfy { $0 == .infinity })
        #expect(distanceTransform(of: BitImage(rows: 3, columns: 4)).elements.allSatisfy { $0 == 0 })
    }

    @Test func wholeDistancesAreThoseOfADistantSpacingToo() throws {
        // A spacing of 1 takes another way than that of 2, whose distances are twice as far.
        let specks = try RecordedVectors.bits("specks").dilated()
        let near = distanceTransform(of: specks)
        let far = distanceTransform(of: specks, spacing: (2, 2), threads: 2)
        #expect(near.elements.map { 2 * $0 } == far.elements)
    }

    @Test(arguments: [0, 1, 63, 64, 65, 130])
    func runsAndSignsAreThoseOfThePixels(_ columns: Int) {
        var generator = SeededGenerator(seed: 5)
        let values = (0..<3 * columns).map { _ in Float(generator.normal()) + (generator.uniform() < 0.5 ? 1 : 0) }
        let image = Image(rows: 3, columns: columns, elements: values)
        for sign: Float in [1, -1] {
            let bits = BitImage(image, sign: sign)
            #expect(bits == BitImage(image) { $0 * sign > 0 })
            var met = BitImage(rows: 3, columns: columns)
            for row in 0..<3 {
                bits.forEachRun(inRow: row) { run in
                    for column in run { met[row, column] = true }
                    #expect(bits.isAnySet(inRow: row, run))
                    #expect(run.upperBound == columns || !bits[row, run.upperBound])
                    #expect(run.lowerBound == 0 || !bits.isAnySet(inRow: row, run.lowerBound - 1..<run.lowerBound))
                }
            }
            #expect(met == bits)
        }
    }

    @Test func complementTwiceIsTheImage() throws {
        let specks = try RecordedVectors.bits("specks")
        #expect(~(~specks) == specks)
        #expect(specks.setCount + (~specks).setCount == specks.rows * specks.columns)
        #expect((specks & ~specks).isEmpty)
    }

    @Test func diskDilationOfAPointIsADisk() {
        var point = BitImage(rows: 21, columns: 21)
        point[10, 10] = true
        // Lattice points within 5 of the origin: 81 (Gauss's circle).
        #expect(point.dilated(radiusPx: 5).setCount == 81)
        #expect(point.dilated(radiusPx: 5).eroded(radiusPx: 5) == point)
        #expect(point.opened(radiusPx: 1).isEmpty)
    }

    @Test(arguments: [0.5, 1, 2.3, 5, 7.9, 33]) func disksAgreeWithDistances(radiusPx: Double) throws {
        let specks = removingSmallObjects(try RecordedVectors.bits("specks").eroded(), maximumSizePx: 2)
        let near = BitImage(distanceTransform(of: ~specks)) { Double($0) <= radiusPx }
        #expect(specks.dilated(radiusPx: radiusPx) == near)
        #expect(specks.eroded(radiusPx: radiusPx) == BitImage(distanceTransform(of: specks)) { Double($0) > radiusPx })
    }

    @Test func reconstructionFillsWhatIsTouched() throws {
        let specks = try RecordedVectors.bits("specks")
        var seed = BitImage(rows: specks.rows, columns: specks.columns)
        try #require(specks[0, 0] || specks[0, 1] || specks[0, 2])
        for column in 0..<3 { seed[0, column] = true }
        #expect(seed.reconstructed(inside: specks) == (seed & specks).dilated(iterations: 10_000, inside: specks))
    }

    @Test func holesAtTheBorderStayOpen() {
        var ring = BitImage(rows: 9, columns: 9)
        for index in 2...6 {
            for (row, column) in [(2, index), (6, index), (index, 2), (index, 6)] { ring[row, column] = true }
        }
        #expect(fillingHoles(ring).setCount == 25)
        #expect(fillingSmallHoles(ring, maximumSizePx: 8).setCount == 16)
        #expect(fillingSmallHoles(ring, maximumSizePx: 9).setCount == 25)
    }

    @Test func overlayKeepsTheImageWhereNoLabelIs() {
        let image = Image<UInt8>(rows: 1, columns: 2, elements: [100, 100])
        let picture = labelOverlay(Image(rows: 1, columns: 2, elements: [0, 1]), on: image, opacity: 1)
        #expect(picture.elements == [RGB(100, 100, 100), RGB(213, 94, 0)])
    }
}
