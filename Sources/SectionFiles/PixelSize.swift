internal import TIFF

/// How large a pixel is on the tissue, and who says so.
public struct PixelSize: Sendable, Equatable {
    /// Distance of neighbouring rows.
    public let rowUm: Double
    /// Distance of neighbouring columns.
    public let columnUm: Double
    /// Where it is from, for example "cohort", "OME-XML", "Aperio MPP", "resolution tags".
    public let source: String

    public init(rowUm: Double, columnUm: Double, source: String) {
        self.rowUm = rowUm
        self.columnUm = columnUm
        self.source = source
    }

    /// The size that a TIFF tells: OME-XML, then Aperio's MPP, then ImageJ's unit, then the resolution tags.
    ///
    /// 72 and 96 dots per inch are what programs write that know nothing of the pixels: they do not count.
    init?(_ directory: TIFFDirectory) {
        let description = directory.description
        if let pixels = PixelSize.tag("Pixels", in: description),
            let x = PixelSize.attribute("PhysicalSizeX", in: pixels).flatMap(Double.init),
            let toUm = PixelSize.micrometres(in: PixelSize.attribute("PhysicalSizeXUnit", in: pixels) ?? "µm"), x > 0
        {
            let y = PixelSize.attribute("PhysicalSizeY", in: pixels).flatMap(Double.init) ?? x
            let yToUm = PixelSize.micrometres(in: PixelSize.attribute("PhysicalSizeYUnit", in: pixels) ?? "µm") ?? toUm
            self.init(rowUm: (y > 0 ? y * yToUm : x * toUm), columnUm: x * toUm, source: "OME-XML")
            return
        }
        if description.hasPrefix("Aperio") {
            for field in description.split(separator: "|") {
                let parts = field.split(separator: "=", maxSplits: 1).map(PixelSize.trimmed)
                if parts.count == 2, parts[0] == "MPP", let mpp = Double(parts[1]), mpp > 0 {
                    self.init(rowUm: mpp, columnUm: mpp, source: "Aperio MPP")
                    return
                }
            }
        }
        guard let resolution = directory.resolution else { return nil }
        var unitUm: Double?
        var source = "resolution tags"
        if description.hasPrefix("ImageJ=") {
            for line in description.split(whereSeparator: \.isNewline) where line.hasPrefix("unit=") {
                unitUm = PixelSize.micrometres(in: String(line.dropFirst(5)))
                source = "ImageJ unit"
            }
        }
        if unitUm == nil {
            let dotsPerInch = resolution.perColumn * (resolution.unit == 3 ? 2.54 : 1)
            if [72, 96].contains(where: { abs(dotsPerInch / $0 - 1) < 1e-3 }) { return nil }
            unitUm = resolution.unit == 2 ? 25_400 : resolution.unit == 3 ? 10_000 : nil
        }
        guard let unitUm else { return nil }
        self.init(rowUm: unitUm / resolution.perRow, columnUm: unitUm / resolution.perColumn, source: source)
    }

    /// The bits that OME-XML calls significant.
    static func significantBits(_ directory: TIFFDirectory) -> Int? {
        tag("Pixels", in: directory.description).flatMap { attribute("SignificantBits", in: $0) }.flatMap { Int($0) }
    }

    private static func micrometres(in unit: String) -> Double? {
        switch unit {
        case "µm", "μm", "um", "micron", "microns", "&#181;m", "&#xB5;m", "&#xb5;m", "\\u00B5m": 1
        case "nm": 1e-3
        case "mm": 1e3
        case "cm": 1e4
        case "m": 1e6
        case "inch": 25_400
        default: nil
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "\0" }.reversed())
    }

    /// The inside of the first tag of a name.
    private static func tag(_ name: String, in text: String) -> Substring? {
        guard let start = text.firstRange(of: "<\(name) ") else { return nil }
        let rest = text[start.upperBound...]
        return rest.firstIndex(of: ">").map { rest[..<$0] }
    }

    private static func attribute(_ name: String, in tag: Substring) -> String? {
        for quote in ["\"", "'"] {
            guard let start = tag.firstRange(of: " \(name)=\(quote)") ?? startOfTag(name, quote, tag) else { continue }
            let rest = tag[start.upperBound...]
            if let end = rest.firstRange(of: quote) { return String(rest[..<end.lowerBound]) }
        }
        return nil
    }

    private static func startOfTag(_ name: String, _ quote: String, _ tag: Substring) -> Range<Substring.Index>? {
        tag.hasPrefix("\(name)=\(quote)") ? tag.firstRange(of: "\(name)=\(quote)") : nil
    }
}
