import NDArray
import Phantom

/// A brain that is one flat slab of cortex: the pia at row 0, the white surface at row 2400 µm, one area on either side of
/// column 0. What a section of it shows has closed forms.
enum SlabOfCortex {
    static let thicknessUm = 2400.0

    static let profile = AreaProfile(
        fractions: [1, 1, 1, 1, 1, 1], cellsPerMm2: [300, 1600, 900, 2400, 1000, 800],
        cellAreaUm2: [60, 80, 140, 60, 180, 110])

    static func architecture(_ profile: AreaProfile = profile) -> BrainArchitecture {
        BrainArchitecture(names: ["A"], left: [profile], right: [profile], speciesSeed: 3, halfLengthMm: 1e4)
    }

    /// - Parameter distance: signed distance to the pia in µm at (plane, row, column) µm, positive inside; the flat slab's if left out.
    static func fields(_ distance: (Double, Double, Double) -> Double = { _, row, _ in row }) -> BrainFields {
        let (planes, rows, columns, spacing) = (41, 81, 101, 300.0)
        let origin = (plane: -6000.0, row: -12000.0, column: -15000.0)
        var (tissue, white) = ([Int16](), [Int16]())
        for plane in 0..<planes {
            for row in 0..<rows {
                for column in 0..<columns {
                    let inside = distance(
                        origin.plane + Double(plane) * spacing, origin.row + Double(row) * spacing,
                        origin.column + Double(column) * spacing)
                    tissue.append(Int16(inside.rounded()))
                    white.append(Int16((inside - thicknessUm).rounded()))
                }
            }
        }
        func volume<Element>(_ elements: [Element]) -> Volume<Element> {
            Volume(planes: planes, rows: rows, columns: columns, elements: elements)
        }
        return BrainFields(
            tissueUm: volume(tissue), whiteUm: volume(white),
            areas: volume([UInt8](repeating: 1, count: tissue.count)),
            parts: volume([UInt8](repeating: 0, count: tissue.count)), spacingUm: spacing, originUm: origin)
    }

    /// A stain without anything but tissue and cells.
    static var cleanStain: SectionStain {
        var stain = SectionStain()
        (stain.blurPx, stain.grain, stain.unevenness, stain.lightUnevenness) = (0, 0, 0, 0)
        (stain.noiseLevels, stain.vesselsPerMm2, stain.specksPerMm2, stain.fadeUm) = (0, 0, 0, 1)
        return stain
    }
}
