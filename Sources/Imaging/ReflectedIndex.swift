/// The index inside `0 ..< count` that `index` stands for when the line is continued by reflection about its outer
/// edges (d c b a | a b c d | d c b a; SciPy's mode `reflect`, NumPy's `symmetric`).
@inline(__always) func reflectedIndex(_ index: Int, count: Int) -> Int {
    if index >= 0 && index < count { return index }
    let period = 2 * count
    let folded = ((index % period) + period) % period
    return folded < count ? folded : period - 1 - folded
}

/// The same by reflection about the outer pixels' centres (d c b | a b c d | c b a; NumPy's mode `reflect`).
@inline(__always) func mirroredIndex(_ index: Int, count: Int) -> Int {
    if index >= 0 && index < count { return index }
    guard count > 1 else { return 0 }
    let period = 2 * (count - 1)
    let folded = ((index % period) + period) % period
    return folded < count ? folded : period - folded
}
