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
        endParts(of: originals.0, in: originals.1, sign: sign, at: &other)
        endParts(of: originals.1, in: originals.0, sign: sign, at: &one)
    }
}

/// Ends the parts of one section that another lacks: there the other's distance mirrors theirs about their greatest depth.
private func endParts(of section: Image<Float>, in other: Image<Float>, sign: Float, at target: inout Image<Float>) {
    let parts = connectedComponents(of: BitImage(section) { $0 * sign > 0 })
    let labels = parts.labels().elements
    var isShared = [Bool](repeating: false, count: parts.sizes.count)
    var deepest = [Float](repeating: 0, count: parts.sizes.count)
    labels.withUnsafeBufferPointer { labels in
        section.elements.withUnsafeBufferPointer { section in
            other.elements.withUnsafeBufferPointer { other in
                for point in labels.indices where labels[point] != 0 {
                    let part = Int(labels[point])
                    if other[point] * sign > 0 { isShared[part] = true }
                    deepest[part] = max(deepest[part], section[point] * sign)
                }
            }
        }
    }
    guard isShared.dropFirst().contains(false) else { return }
    target.elements.withUnsafeMutableBufferPointer { target in
        labels.withUnsafeBufferPointer { labels in
            section.elements.withUnsafeBufferPointer { section in
                for point in labels.indices where labels[point] != 0 && !isShared[Int(labels[point])] {
                    let end = section[point] * sign - 2 * deepest[Int(labels[point])]
                    target[point] = sign * max(target[point] * sign, end)
                }
            }
        }
    }
}
