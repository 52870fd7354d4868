import NDArray
import Registration
import Testing

@Suite struct SurfKeypointsTests {
    /// A Gaussian spot on even ground.
    func spot(row: Double, column: Double, sigmaPx: Double, height: Float) -> Image<Float> {
        var image = Image<Float>(rows: 96, columns: 120, filledWith: 128)
        for r in 0..<96 {
            for c in 0..<120 {
                let (dy, dx) = (Double(r) - row, Double(c) - column)
                image[r, c] += height * Float(Math.exp(-(dy * dy + dx * dx) / (2 * sigmaPx * sigmaPx)))
            }
        }
        return image
    }

    @Test(arguments: [2.5, 4, 6]) func aSpotIsFoundWhereItIsAndAsLargeAsItIs(sigmaPx: Double) throws {
        let found = surfKeypoints(spot(row: 44.3, column: 61.6, sigmaPx: sigmaPx, height: -100))
        let strongest = try #require(found.keypoints.first)
        // Sampled every second pixel in the second octave, the parabola is good to a quarter of a step.
        #expect(strongest.position.distance(to: PlanarPoint(row: 44.3, column: 61.6)) < 0.5)
        #expect(strongest.laplacian == 1)
        // The determinant of a Gaussian spot of σ is largest at σ itself, box filters are a coarse stand-in.
        #expect(abs(Double(strongest.scalePx) / sigmaPx - 1) < 0.3)
    }

    @Test func aBrightSpotHasTheOtherSign() throws {
        let found = surfKeypoints(spot(row: 40, column: 60, sigmaPx: 3, height: 100))
        #expect(try #require(found.keypoints.first).laplacian == -1)
    }

    @Test func evenImagesHaveNone() {
        #expect(surfKeypoints(Image<Float>(rows: 60, columns: 60, filledWith: 128)).count == 0)
        #expect(surfKeypoints(Image<Float>(rows: 2, columns: 1, filledWith: 3)).count == 0)
    }

    @Test func descriptorsHaveLengthOneAndDoNotFeelContrast() {
        let picture = BlobPicture(rows: 140, columns: 180)
        let one = surfKeypoints(picture.moved(by: .identity).map(Float.init))
        let faint = surfKeypoints(
            picture.moved(by: .identity).map { Float($0) * 0.5 + 60 }, settings: .init(threshold: 0.0001))
        #expect(one.count > 50)
        for index in 0..<one.count {
            let length = one.descriptors[index * 64..<index * 64 + 64].reduce(0) { $0 + $1 * $1 }
            #expect(abs(length - 1) < 1e-4)
        }
        let matches = matchKeypoints(one, faint, ratio: 1)
        let near = matches.filter {
            one.keypoints[$0.moving].position.distance(to: faint.keypoints[$0.fixed].position) < 0.1
        }
        // Half the contrast is a quarter of the determinant, as the threshold says; rounding moves the few at the brink.
        #expect(Double(near.count) > 0.95 * Double(one.count))
        // Quantised to sixteenths of a level, descriptors differ in the third digit.
        #expect(near.allSatisfy { $0.distance < 0.05 })
    }

    @Test func keypointsTurnWithTheImage() {
        let picture = BlobPicture(rows: 161, columns: 161)
        let image = picture.moved(by: .identity).map(Float.init)
        // A quarter turn is exact: the new (row, column) is (column, 160 − row).
        var turned = image
        for row in 0..<161 { for column in 0..<161 { turned[column, 160 - row] = image[row, column] } }
        let before = surfKeypoints(image)
        let after = surfKeypoints(turned)
        let matches = matchKeypoints(before, after, ratio: 0.9)
        let right = matches.filter { match in
            let from = before.keypoints[match.moving]
            let to = after.keypoints[match.fixed]
            let place = PlanarPoint(row: from.position.column, column: 160 - from.position.row)
            var turn = to.angleRad - from.angleRad
            // (row, column) -> (column, −row) turns the column axis into the row axis: −90°.
            turn = (turn + .pi / 2).remainder(dividingBy: 2 * .pi)
            return place.distance(to: to.position) < 0.6 && abs(turn) < 0.2
        }
        #expect(matches.count > 40)
        #expect(Double(right.count) > 0.9 * Double(matches.count))
    }

    @Test func theMirroredDescriptorIsThatOfTheMirroredImage() {
        let picture = BlobPicture(rows: 140, columns: 161)
        let image = picture.moved(by: .identity).map(Float.init)
        var flipped = image
        for row in 0..<140 { for column in 0..<161 { flipped[row, 160 - column] = image[row, column] } }
        let matches = matchKeypoints(surfKeypoints(image), surfKeypoints(flipped), mirrored: true, ratio: 0.9)
        let before = surfKeypoints(image).keypoints
        let after = surfKeypoints(flipped).keypoints
        let right = matches.filter {
            let from = before[$0.moving].position
            return PlanarPoint(row: from.row, column: 160 - from.column).distance(to: after[$0.fixed].position) < 0.6
        }
        #expect(matches.count > 40)
        #expect(Double(right.count) > 0.9 * Double(matches.count))
    }

    @Test func theMaskAndTheCountAreKept() {
        let image = BlobPicture(rows: 140, columns: 180).moved(by: .identity).map(Float.init)
        var mask = Image<UInt8>(rows: 140, columns: 180, filledWith: 0)
        for row in 0..<140 { for column in 0..<90 { mask[row, column] = 1 } }
        let all = surfKeypoints(image)
        let left = surfKeypoints(image, inside: mask)
        #expect(left.count > 10 && left.count < all.count)
        #expect(left.keypoints.allSatisfy { $0.position.column < 92 })
        let few = surfKeypoints(image, settings: .init(maximumCount: 7))
        #expect(few.keypoints == Array(all.keypoints.prefix(7)))
    }

    @Test(arguments: [1, 3]) func threadsDoNotChangeABit(upsampling: Int) {
        let image = BlobPicture(rows: 140, columns: 180).moved(by: .identity).map(Float.init)
        let settings = SurfSettings(upsampling: upsampling)
        #expect(
            surfKeypoints(image, settings: settings, threads: 1) == surfKeypoints(image, settings: settings, threads: 3)
        )
    }
}
