internal import NDArray

/// Pushed samples of a line, in pieces that hang together, and their even division.
struct PushedRuns {
    struct Place {
        var position: SIMD2<Double>
        var original: SIMD2<Double>
        var angleRad: Double
    }

    let settings: MidlineSettings
    private var runs: [[Place]] = [[]]
    private var isWhole = false
    var withoutCortex = 0
    var offCortex = 0
    var unpushed = 0

    init(settings: MidlineSettings) { self.settings = settings }

    /// Ends the piece: what comes next does not hang together with what came before.
    mutating func breakOff() {
        if !runs[runs.count - 1].isEmpty { runs.append([]) }
    }

    /// Adds a pushed sample; one that runs back or stands still is left out, one that jumps begins a new piece.
    mutating func append(_ sample: CutSample, at position: SIMD2<Double>) {
        let place = Place(position: position, original: sample.position, angleRad: sample.angleRad)
        guard let last = runs[runs.count - 1].last else {
            runs[runs.count - 1].append(place)
            return
        }
        let step = settings.spacingUm / 3
        let (moved, travelled) = (position - last.position, sample.position - last.original)
        let distance = length(moved)
        if distance > 2 * length(travelled) + 1.5 * settings.spacingUm {
            runs.append([place])
        } else if distance > 0.3 * step, (moved * travelled).sum() > 0 {
            runs[runs.count - 1].append(place)
        }
    }

    /// Closes the line where it is one whole ring, and joins its end to its beginning where it was begun in the middle of a piece.
    mutating func finish(isClosed: Bool) {
        runs.removeAll { $0.isEmpty }
        guard isClosed, let first = runs.first?.first, let last = runs.last?.last else { return }
        guard length(first.position - last.position) <= 2 * settings.spacingUm else { return }
        if runs.count == 1 {
            isWhole = runs[0].count > 3
            if isWhole { runs[0].append(first) }
        } else {
            let end = runs.removeLast()
            runs[0] = end + runs[0]
        }
    }

    /// Places at the asked distance along each piece; a ring is divided without a seam, an open piece has equal ends.
    func evenlySpaced() -> [Place] {
        var places: [Place] = []
        for run in runs {
            guard run.count > 1 else { continue }
            let total = zip(run, run.dropFirst()).reduce(0) { $0 + length($1.1.position - $1.0.position) }
            let count: Int
            let step: Double
            let start: Double
            if isWhole {
                count = max(1, Int((total / settings.spacingUm).rounded()))
                step = total / Double(count)
                start = 0
            } else {
                count = Int(total / settings.spacingUm) + 1
                step = settings.spacingUm
                start = (total - Double(count - 1) * step) / 2
            }
            var piece = 0
            var behind = 0.0
            for index in 0..<count {
                let target = start + Double(index) * step
                while piece + 2 < run.count {
                    let size = length(run[piece + 1].position - run[piece].position)
                    guard behind + size < target else { break }
                    behind += size
                    piece += 1
                }
                let (a, b) = (run[piece], run[piece + 1])
                let size = length(b.position - a.position)
                let share = size > 0 ? min(max((target - behind) / size, 0), 1) : 0
                places.append(
                    Place(
                        position: a.position + (b.position - a.position) * share,
                        original: a.original + (b.original - a.original) * share,
                        angleRad: a.angleRad + (b.angleRad - a.angleRad) * share))
            }
        }
        return places
    }
}

/// Which places are taken: no two closer than a cell's side.
struct PointGrid {
    let cellUm: Double
    private var points: [SIMD2<Int>: [SIMD2<Double>]] = [:]

    init(cellUm: Double) { self.cellUm = cellUm }

    /// Takes a place, unless one nearer than a cell's side is taken.
    mutating func insert(_ point: SIMD2<Double>) -> Bool {
        let cell = SIMD2(Int((point.x / cellUm).rounded(.down)), Int((point.y / cellUm).rounded(.down)))
        for row in -1...1 {
            for column in -1...1 {
                let near = points[cell &+ SIMD2(row, column)] ?? []
                if near.contains(where: { length($0 - point) < cellUm }) { return false }
            }
        }
        points[cell, default: []].append(point)
        return true
    }
}

/// Sums of tissue pixels over rectangles.
struct TissueSums {
    private let rows: Int
    private let columns: Int
    private let sums: [Int32]

    init(_ labels: Image<UInt8>) {
        rows = labels.rows
        columns = labels.columns
        var sums = [Int32](repeating: 0, count: (rows + 1) * (columns + 1))
        let (rows, columns) = (rows, columns)
        sums.withUnsafeMutableBufferPointer { sums in
            labels.elements.withUnsafeBufferPointer { labels in
                for row in 0..<rows {
                    var line: Int32 = 0
                    let (above, here) = (row * (columns + 1) + 1, (row + 1) * (columns + 1) + 1)
                    for column in 0..<columns {
                        if labels[row * columns + column] != 0 { line += 1 }
                        sums[here + column] = sums[above + column] + line
                    }
                }
            }
        }
        self.sums = sums
    }

    /// The share of tissue in a square around a place; what lies beyond the image is none.
    func fraction(around place: SIMD2<Double>, sidePx: Double) -> Double {
        let side = max(1, Int(sidePx.rounded()))
        let top = Int((place.x - Double(side - 1) / 2).rounded())
        let left = Int((place.y - Double(side - 1) / 2).rounded())
        let (r0, r1) = (min(max(top, 0), rows), min(max(top + side, 0), rows))
        let (c0, c1) = (min(max(left, 0), columns), min(max(left + side, 0), columns))
        let width = columns + 1
        let sum = sums[r1 * width + c1] - sums[r0 * width + c1] - sums[r1 * width + c0] + sums[r0 * width + c0]
        return Double(sum) / Double(side * side)
    }
}
