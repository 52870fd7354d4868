public import NDArray

/// How well found labels agree with the truth: a table of pixel counts that can be added up over sections.
public struct LabelOverlap: Sendable, Equatable {
    public let classes: Int
    /// `counts[truth * classes + found]`.
    public private(set) var counts: [Int]

    /// An empty table for labels `0 ..< classes`.
    public init(classes: Int = 3) {
        precondition(classes > 0, "A table of labels needs at least one class.")
        self.classes = classes
        counts = Array(repeating: 0, count: classes * classes)
    }

    /// Counts the pixels that both images have, laid on each other at their first pixel.
    ///
    /// Images of slightly different size come from rounding when a scan is reduced. A label beyond the last class counts as 0.
    public mutating func add(truth: Image<UInt8>, found: Image<UInt8>) {
        let columns = min(truth.columns, found.columns)
        for row in 0..<min(truth.rows, found.rows) {
            for column in 0..<columns {
                let (right, ours) = (Int(truth[row, column]), Int(found[row, column]))
                counts[(right < classes ? right : 0) * classes + (ours < classes ? ours : 0)] += 1
            }
        }
    }

    public mutating func add(_ other: LabelOverlap) {
        precondition(classes == other.classes, "Tables of \(classes) and \(other.classes) classes cannot be added.")
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    /// 2 |A ∩ B| / (|A| + |B|) of one class; 1 where neither has it.
    ///
    /// **Reference**: Dice 1945, DOI 10.2307/1932409.
    public func dice(_ label: Int) -> Double {
        var sum = 0
        for other in 0..<classes { sum += counts[label * classes + other] + counts[other * classes + label] }
        return sum == 0 ? 1 : 2 * Double(counts[label * classes + label]) / Double(sum)
    }

    /// Share of the pixels of one true class that were found as another.
    public func share(of truth: Int, foundAs found: Int) -> Double {
        let sum = counts[truth * classes..<(truth + 1) * classes].reduce(0, +)
        return sum == 0 ? 0 : Double(counts[truth * classes + found]) / Double(sum)
    }
}
