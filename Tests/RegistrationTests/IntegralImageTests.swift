import NDArray
import Registration
import Testing

@Suite struct IntegralImageTests {
    @Test func everyBoxIsTheSumOfItsPixels() {
        var random = SeededGenerator(seed: 5)
        let image = Image<Float>(rows: 7, columns: 9, elements: (0..<63).map { _ in Float(random.index(below: 256)) })
        let integral = IntegralImage(image, margin: 3)
        for top in -3..<9 {
            for left in -3..<11 {
                for (height, width) in [(1, 1), (2, 3), (4, 2)] where top + height <= 10 && left + width <= 12 {
                    var sum: Float = 0
                    for row in top..<top + height {
                        for column in left..<left + width {
                            sum += image[min(max(row, 0), 6), min(max(column, 0), 8)]
                        }
                    }
                    #expect(integral.sum(row: top, column: left, height: height, width: width) == Int(sum) * 16)
                }
            }
        }
    }

    @Test func levelsOutsideTheRangeAreClamped() {
        let integral = IntegralImage(Image<Float>(rows: 1, columns: 2, elements: [-5, 999]), margin: 0)
        #expect(integral.sum(row: 0, column: 0, height: 1, width: 1) == 0)
        #expect(integral.sum(row: 0, column: 1, height: 1, width: 1) == 255 * 16)
    }
}
