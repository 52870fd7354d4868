/// Whole µm, halves away from 0; distances beyond the reach are not told apart.
@inline(__always)
func micrometres(_ millimetres: Float) -> Int16 {
    let micrometres = min(max(millimetres, -BrainDraft.reachMm), BrainDraft.reachMm) * 1000
    // The largest number below one half, so that what lies just below a half is not lifted over it.
    let half: Float = 0.499_999_97
    return Int16(micrometres < 0 ? micrometres - half : micrometres + half)
}
