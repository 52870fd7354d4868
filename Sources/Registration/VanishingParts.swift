internal import Imaging
internal import NDArray

extension SectionShape {
    /// Two neighbouring sections' shapes, ready to be interpolated: a part that only one of them shows ends half-way to the other.
    ///
    /// The mean of signed distances lets an island, or a pocket of a sulcus, vanish the sooner the farther the other section's
    /// nearest part of the kind is, which says nothing of it: a thin blade of white matter that a section shows as an island would hardly
    /// be there. Such a part gets a cone instead, as high as it is deep, with its tip in the middle between the sections.
    ///
    /// Reference: S. P. Raya, J. K. Udupa, IEEE Trans. Med. Imaging 9, 32 (1990), DOI 10.1109/42.52980, leaves such parts to the distance.
    public static func joined(_ one: SectionShape, _ other: SectionShape) -> (SectionShape, SectionShape) {
        var (first, second) = (one, other)
        letVanishHalfway(&first.tissueUm, &second.tissueUm)
        letVanishHalfway(&first.whiteUm, &second.whiteUm)
        return (first, second)
    }
}

/// Changes each of two fields of signed distances where the other has a part, of either sign, that it has not at all.
func letVanishHalfway(_ one: inout Image<Float>, _ other: inout Image<Float>) {
    let originals = (one, other)
    for sign: Float in [1, -1] {
        let points = (BitImage(originals.0, sign: sign), BitImage(originals.1, sign: sign))
        endParts(of: originals.0, points.0, lackingIn: points.1, sign: sign, at: &other)
        endParts(of: originals.1, points.1, lackingIn: points.0, sign: sign, at: &one)
    }
}

/// Ends the parts of one section that another lacks: there the other's distance mirrors theirs about their greatest depth.
///
/// - Parameters:
///   - points: where the section has the sign.
///   - others: where the other section has it.
private func endParts(
    of section: Image<Float>, _ points: BitImage, lackingIn others: BitImage, sign: Float,
    at target: inout Image<Float>
) {
    let parts = connectedComponents(of: points)
    let labels = parts.labels().elements
    // Parts are looked at in runs along rows: most are shared, and of those one look at each run is enough.
    func forEachRun(_ body: (Int, Int, Range<Int>) -> Void) {
        for row in 0..<points.rows {
            points.forEachRun(inRow: row) {
                body(Int(labels[row * points.columns + $0.lowerBound]), row, $0)
            }
        }
    }
    var isShared = [Bool](repeating: false, count: parts.sizes.count)
    forEachRun { part, row, run in
        if !isShared[part], others.isAnySet(inRow: row, run) { isShared[part] = true }
    }
    guard isShared.dropFirst().contains(false) else { return }
    var deepest = [Float](repeating: 0, count: parts.sizes.count)
    section.elements.withUnsafeBufferPointer { section in
        forEachRun { part, row, run in
            guard !isShared[part] else { return }
            for point in row * points.columns + run.lowerBound..<row * points.columns + run.upperBound {
                deepest[part] = max(deepest[part], section[point] * sign)
            }
        }
        target.elements.withUnsafeMutableBufferPointer { target in
            forEachRun { part, row, run in
                guard !isShared[part] else { return }
                for point in row * points.columns + run.lowerBound..<row * points.columns + run.upperBound {
                    let end = section[point] * sign - 2 * deepest[part]
                    target[point] = sign * max(target[point] * sign, end)
                }
            }
        }
    }
}
