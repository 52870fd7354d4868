import Foundation

/// Pictures of one slice of tissue as it could lie on different slides: an oval of gray matter around white matter, with spots that make
/// every place of it known.
struct SectionPicture {
    let rows = 240
    let columns = 280
    private let spots: [(row: Double, column: Double, sigma: Double, depth: Double)]

    init() {
        let random = Self.numbers(seed: 5)
        spots = (0..<220).map { _ in
            let angle = 2 * Double.pi * random()
            let radius = random().squareRoot() * 0.95
            return (80 * radius * cos(angle), 100 * radius * sin(angle), 1.5 + 3.5 * random(), 60 * random() - 30)
        }
    }

    /// The slice laid down turned and shifted, `mirrored` face down, with noise of its own.
    func levels(rotationDeg: Double, row: Double, column: Double, mirrored: Bool = false, seed: UInt64) -> [UInt8] {
        var levels = [Double](repeating: 240, count: rows * columns)
        let (cosine, sine) = (cos(rotationDeg * .pi / 180), sin(rotationDeg * .pi / 180))
        let (middleRow, middleColumn) = (Double(rows) / 2 + row, Double(columns) / 2 + column)
        for y in 0..<rows {
            for x in 0..<columns {
                let (dy, dx) = (Double(y) - middleRow, Double(x) - middleColumn)
                let (u, v) = (cosine * dy + sine * dx, -sine * dy + cosine * dx)
                let radius = (u * u / 6400 + v * v / 10000).squareRoot()
                if radius < 1 { levels[y * columns + x] = radius < 0.65 ? 195 : 130 }
            }
        }
        for spot in spots {
            let across = mirrored ? -spot.column : spot.column
            let (centreRow, centreColumn) = (
                middleRow + cosine * spot.row - sine * across, middleColumn + sine * spot.row + cosine * across
            )
            let reach = Int(3 * spot.sigma) + 1
            for y in max(0, Int(centreRow) - reach)...min(rows - 1, Int(centreRow) + reach) {
                for x in max(0, Int(centreColumn) - reach)...min(columns - 1, Int(centreColumn) + reach) {
                    let squared = pow(Double(y) - centreRow, 2) + pow(Double(x) - centreColumn, 2)
                    levels[y * columns + x] += spot.depth * exp(-squared / (2 * spot.sigma * spot.sigma))
                }
            }
        }
        let random = Self.numbers(seed: seed)
        return levels.map { UInt8(min(max($0 + 6 * random() - 3, 0), 255)) }
    }

    /// An uncompressed gray TIFF in one strip, 100 pixels a centimetre.
    func tiff(_ levels: [UInt8]) -> Data {
        var file = Data("II*\0".utf8)
        func append(_ value: Int, bytes: Int) {
            for byte in 0..<bytes { file.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
        // (tag, type 3 short or 4 long or 5 rational, value); the rational stands between directory and pixels.
        let count = 11
        let rational = 8 + 2 + 12 * count + 4
        let entries = [
            (256, 4, columns), (257, 4, rows), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, rational + 8),
            (278, 4, rows), (279, 4, levels.count), (282, 5, rational), (283, 5, rational), (296, 3, 3),
        ]
        append(8, bytes: 4)
        append(count, bytes: 2)
        for (tag, type, value) in entries {
            append(tag, bytes: 2)
            append(type, bytes: 2)
            append(1, bytes: 4)
            append(value, bytes: 4)
        }
        append(0, bytes: 4)
        append(100, bytes: 4)
        append(1, bytes: 4)
        return file + Data(levels)
    }

    /// Uniform numbers in 0 ..< 1 that the seed decides.
    private static func numbers(seed: UInt64) -> () -> Double {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        return {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Double(state >> 11) * 0x1p-53
        }
    }
}
