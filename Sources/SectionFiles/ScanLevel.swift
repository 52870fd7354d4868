internal import TIFF

/// One image of a pyramid: level 0 is the scan itself, each further one is smaller.
public struct ScanLevel: Sendable, Equatable {
    /// As seen, orientation applied.
    public let rows: Int
    public let columns: Int
    /// Pixels of level 0 for one of this level along its columns.
    public let downsample: Double
    /// How it is stored, for example "tiles of 256 × 256, JPEG".
    public let storage: String

    /// The pyramid of a TIFF: its first full image, then all smaller versions of it, largest first.
    ///
    /// Smaller versions are the directories below the image (SubIFDs), and pages that are marked as reduced or that are stored
    /// alike with the same aspect (Aperio). Labels and macro pictures of a slide differ in aspect or storage.
    static func directories(of file: TIFFFile) -> [TIFFDirectory] {
        let base =
            file.pages.first { !$0.isReduced }
            ?? file.pages.max { $0.rows * $0.columns < $1.rows * $1.columns } ?? file.pages[0]
        let isOME = base.description.contains("<OME")
        let candidates =
            (base == file.pages[0] ? file.subDirectories : [])
            + file.pages.filter { $0.isReduced || (!isOME && $0.isTiled && base.isTiled) }
        var levels = [base]
        for candidate in candidates.sorted(by: { $0.columns > $1.columns }) {
            guard let last = levels.last, candidate.columns < last.columns, candidate.rows <= last.rows,
                candidate.samplesPerPixel == base.samplesPerPixel, candidate.bitsPerSample == base.bitsPerSample,
                candidate.orientation == base.orientation
            else { continue }
            let across = Double(base.columns) / Double(candidate.columns)
            let down = Double(base.rows) / Double(candidate.rows)
            // Rounding to whole pixels changes the smaller side by one at most.
            let tolerance = 1.01 + across / Double(base.rows) + 1 / Double(min(candidate.rows, candidate.columns))
            if across / down < tolerance, down / across < tolerance { levels.append(candidate) }
        }
        return levels
    }

    /// Old pixels for one of a smaller level: a whole number where the sizes allow one, since levels are cut to whole pixels.
    static func downsample(from old: Int, to new: Int) -> Double {
        let ratio = Double(old) / Double(new)
        let whole = Int(ratio.rounded())
        if whole >= 1, old / whole == new || (old + whole - 1) / whole == new { return Double(whole) }
        return ratio
    }
}
