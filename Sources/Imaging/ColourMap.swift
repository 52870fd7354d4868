public import NDArray

/// A picture in red, green and blue, one byte each, interleaved.
public struct ColourPicture: Sendable, Equatable {
    public let rows: Int
    public let columns: Int
    /// `rows × columns × 3` bytes, red first.
    public var bytes: [UInt8]

    public init(rows: Int, columns: Int, bytes: [UInt8]) {
        precondition(
            bytes.count == rows * columns * 3, "A picture of \(rows) × \(columns) needs \(rows * columns * 3) bytes.")
        self.rows = rows
        self.columns = columns
        self.bytes = bytes
    }

    /// A gray picture.
    public init(_ image: Image<UInt8>) {
        self.init(rows: image.rows, columns: image.columns, bytes: image.elements.flatMap { [$0, $0, $0] })
    }
}

/// The colour of each label; labels beyond the list repeat it from its second entry on.
public struct ColourMap: Sendable {
    public struct Colour: Sendable, Equatable {
        public var red: UInt8
        public var green: UInt8
        public var blue: UInt8

        public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
            (self.red, self.green, self.blue) = (red, green, blue)
        }
    }

    public var colours: [Colour]

    /// A map of at least two colours; the first belongs to label 0.
    public init(_ colours: [Colour]) {
        precondition(colours.count >= 2, "A colour map needs at least two colours.")
        self.colours = colours
    }

    /// Background clear, gray matter red, white matter blue, as seen apart by colour-blind eyes (Okabe, Ito).
    public static let tissue = ColourMap([Colour(255, 255, 255), Colour(213, 94, 0), Colour(0, 114, 178)])

    /// Eight colours that colour-blind eyes tell apart (Okabe, Ito), after white for label 0.
    public static let labels = ColourMap([
        Colour(255, 255, 255), Colour(230, 159, 0), Colour(86, 180, 233), Colour(0, 158, 115), Colour(240, 228, 66),
        Colour(0, 114, 178), Colour(213, 94, 0), Colour(204, 121, 167), Colour(60, 60, 60),
    ])

    public subscript(label: Int) -> Colour {
        label < colours.count ? colours[max(label, 0)] : colours[1 + (label - 1) % (colours.count - 1)]
    }
}

/// The image in gray with its labels laid over it in colour.
///
/// - Parameters:
///   - opacity: share of the colour where a label other than 0 stands, 0 … 1.
public func labelOverlay(
    _ labels: Image<UInt8>, on image: Image<UInt8>, map: ColourMap = .tissue, opacity: Float = 0.45
) -> ColourPicture {
    precondition(labels.rows == image.rows && labels.columns == image.columns, "Labels and image differ in size.")
    let table = (0...255).map { map[$0] }
    let share = UInt32(min(max(opacity, 0), 1) * 256)
    let bytes = [UInt8](unsafeUninitializedCapacity: image.count * 3) { buffer, initialised in
        for index in 0..<image.count {
            let gray = image.elements[index]
            let label = labels.elements[index]
            if label == 0 {
                for channel in 0..<3 { buffer[index * 3 + channel] = gray }
            } else {
                let colour = table[Int(label)]
                let base = UInt32(gray) * (256 - share)
                buffer[index * 3] = UInt8((base + UInt32(colour.red) * share) >> 8)
                buffer[index * 3 + 1] = UInt8((base + UInt32(colour.green) * share) >> 8)
                buffer[index * 3 + 2] = UInt8((base + UInt32(colour.blue) * share) >> 8)
            }
        }
        initialised = image.count * 3
    }
    return ColourPicture(rows: image.rows, columns: image.columns, bytes: bytes)
}
