import Foundation
import Imaging
import NDArray
import Testing

/// Sections on slides whose light changes in waves, under a cover slip that leaves a darker frame of the slide bare.
struct SlideLightTests {
    /// White matter of 12 mm radius in gray matter of 15 mm, a pale piece apart from it, and a narrow island of white matter in a lobe.
    private func section() -> (image: Image<UInt8>, truth: Image<UInt8>) {
        var image = Image<UInt8>(rows: 520, columns: 640, filledWith: 0)
        var truth = image
        var random = SeededGenerator(seed: 3)
        for row in 0..<520 {
            for column in 0..<640 {
                func distanceMm(_ y: Double, _ x: Double) -> Double {
                    ((Double(row) - y) * (Double(row) - y) + (Double(column) - x) * (Double(column) - x)).squareRoot()
                        * 0.064
                }
                let radius = distanceMm(260, 280)
                let (isPale, lobe) = (distanceMm(60, 480) < 1.6, distanceMm(380, 560))
                let label: UInt8 = radius < 12 || lobe < 0.55 ? 2 : radius < 15 || lobe < 3 || isPale ? 1 : 0
                let level = isPale ? 200 : [222.0, 150, 210][Int(label)]
                let noise = (0..<4).reduce(0.0) { sum, _ in sum + random.uniform() - 0.5 } * 2.5
                let wave = sin(2.6 * Double(column) / 320 - 1.4) * cos(2.3 * Double(row) / 260 - 2.9)
                let edge = min(row, 519 - row, column, 639 - column)
                let glass = edge < 16 ? 0.955 : edge < 18 ? 0.93 : 1
                image[row, column] = UInt8(min(max((level + noise) * (1 + 0.035 * wave) * glass, 0), 255))
                truth[row, column] = label
            }
        }
        return (image, truth)
    }

    @Test func neitherTheFrameNorTheLightIsTakenForTissue() {
        let (image, truth) = section()
        let labels = segmentTissue(image, spacingUm: 64).labels
        for row in 0..<520 {
            for column in 0..<640 where min(row, 519 - row, column, 639 - column) < 18 {
                #expect(labels[row, column] == TissueLabel.background)
            }
        }
        let wrong = zip(labels.elements, truth.elements).count { $0 != $1 }
        // The tissue's outline is 1,900 pixels long, white matter's 1,300, and the pale piece has 2,000 pixels, which may pass for white matter.
        #expect(wrong < 2600)
    }

    @Test func aPieceAsPaleAsWhiteMatterIsTissue() {
        #expect(segmentTissue(section().image, spacingUm: 64).labels[60, 480] != TissueLabel.background)
    }

    @Test func aNarrowIslandOfWhiteMatterIsFound() {
        #expect(segmentTissue(section().image, spacingUm: 64).labels[380, 560] == TissueLabel.white)
    }

    /// A large section that leaves little of the slide, under light of more waves than a polynomial follows.
    @Test(arguments: [0.75, 1, 1.4]) func lightOfManyWavesOnALittleSlideIsNotTakenForTissue(length: Double) {
        let (rows, columns) = (1800, 1700)
        var image = Image<UInt8>(rows: rows, columns: columns, filledWith: 0)
        var truth = image
        var random = SeededGenerator(seed: 5)
        for row in 0..<rows {
            for column in 0..<columns {
                let (y, x) = ((Double(row) - 900) / 850, (Double(column) - 850) / 800)
                let radius = (y * y + x * x).squareRoot()
                let angle = atan2(y, x)
                // Gyri of three millimetres' gray matter around pale white matter.
                let outline = 1 + 0.05 * cos(9 * angle)
                let label: UInt8 = radius < outline - 0.12 ? 2 : radius < outline - 0.06 ? 1 : 0
                let noise = (0..<4).reduce(0.0) { sum, _ in sum + random.uniform() - 0.5 } * 2.5
                let wave = sin(Double(column) / (180 * length) + 0.4) * cos(Double(row) / (170 * length) - 1.3)
                image[row, column] = UInt8(
                    min(max(([226.0, 150, 203][Int(label)] + noise) * (1 + 0.04 * wave), 0), 255))
                truth[row, column] = label
            }
        }
        let labels = segmentTissue(image, spacingUm: 64).labels
        let slide = zip(labels.elements, truth.elements).count { $0 != 0 && $1 == 0 }
        let tissue = zip(labels.elements, truth.elements).count { $0 == 0 && $1 != 0 }
        // The outline is 5,700 pixels long.
        #expect(slide < 6000, "\(slide) pixels of slide taken for tissue")
        #expect(tissue < 6000, "\(tissue) pixels of tissue taken for slide")
    }
}
