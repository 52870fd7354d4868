public import NDArray

/// The colour of each label; labels beyond the list repeat it from its second entry on.
public struct ColourMap: Sendable {
    public var colours: [RGB]

    /// A map of at least two colours; the first belongs to label 0.
    public init(_ colours: [RGB]) {
        precondition(colours.count >= 2, "A colour map needs at least two colours.")
        self.colours = colours
    }

    /// Background white, gray matter orange, white matter blue: colour-blind eyes tell them apart (Okabe, Ito).
    public static let tissue = ColourMap([RGB(255, 255, 255), RGB(213, 94, 0), RGB(0, 114, 178)])

    /// Eight colours that colour-blind eyes tell apart (Okabe, Ito), after white for label 0.
    public static let labels = ColourMap([
        RGB(255, 255, 255), RGB(230, 159, 0), RGB(86, 180, 233), RGB(0, 158, 115), RGB(240, 228, 66),
        RGB(0, 114, 178), RGB(213, 94, 0), RGB(204, 121, 167), RGB(60, 60, 60),
    ])

    public subscript(label: Int) -> RGB {
        label < colours.count ? colours[max(label, 0)] : colours[1 + (label - 1) % (colours.count - 1)]
    }
}

/// The image in gray with its labels laid over it in colour, for people to look at.
///
/// - Parameter opacity: share of the colour where a label other than 0 stands, 0 … 1.
public func labelOverlay(
    _ labels: Image<UInt8>, on image: Image<UInt8>, map: ColourMap = .tissue, opacity: Float = 0.45
) -> Image<RGB> {
    precondition(labels.rows == image.rows && labels.columns == image.columns, "Labels and image differ in size.")
    let table = (0...255).map { map[$0] }
    let share = UInt32(min(max(opacity, 0), 1) * 256)
    func mixed(_ gray: UInt8, _ colour: UInt8) -> UInt8 {
        UInt8((UInt32(gray) * (256 - share) + UInt32(colour) * share) >> 8)
    }
    let pixels = zip(image.elements, labels.elements).map { gray, label -> RGB in
        guard label > 0 else { return RGB(gray: gray) }
        let colour = table[Int(label)]
        return RGB(mixed(gray, colour.red), mixed(gray, colour.green), mixed(gray, colour.blue))
    }
    return Image(rows: image.rows, columns: image.columns, elements: pixels)
}
