public import FoundationEssentials

/// Images as OME-TIFF: what Fiji (Bio-Formats), QuPath, napari and tifffile open, with pixel size and channel names.
///
/// Pages in one strip each, not compressed; BigTIFF where 4 GiB do not hold it. Equal pixels give equal bytes.
///
/// **Reference**: TIFF 6.0 (Adobe 1992); OME Model 2016-06, Goldberg et al. 2005, DOI 10.1186/gb-2005-6-5-r47.
public struct OMETIFFFile: Sendable {
    /// Type of the pixels; the raw value is OME's name.
    public enum PixelType: String, Sendable {
        case uint8, int8, uint16, int16, uint32, int32, float, double

        public var byteCount: Int {
            switch self {
            case .uint8, .int8: 1
            case .uint16, .int16: 2
            case .uint32, .int32, .float: 4
            case .double: 8
            }
        }

        /// TIFF's SampleFormat: 1 unsigned, 2 signed, 3 real.
        var sampleFormat: Int {
            switch self {
            case .uint8, .uint16, .uint32: 1
            case .int8, .int16, .int32: 2
            case .float, .double: 3
            }
        }
    }

    public let rows: Int
    public let columns: Int
    /// Planes along z; 1 for an image.
    public let planes: Int
    public let type: PixelType
    /// Names of the channels; a channel is an image (or stack) of its own.
    public let channels: [String]
    /// Size of a pixel along x and y, µm.
    public let spacingUm: Double
    /// Distance of planes, µm; nil for an image.
    public let planeSpacingUm: Double?
    /// Where the centre of pixel (0, 0) lies, (x, y) µm; written with each plane.
    public let positionUm: SIMD2<Double>?
    /// What the picture is, for people.
    public let name: String

    public init(
        rows: Int, columns: Int, planes: Int = 1, type: PixelType, channels: [String], spacingUm: Double,
        planeSpacingUm: Double? = nil, positionUm: SIMD2<Double>? = nil, name: String
    ) {
        precondition(rows > 0 && columns > 0 && planes > 0 && !channels.isEmpty, "A picture cannot be empty.")
        (self.rows, self.columns, self.planes, self.type) = (rows, columns, planes, type)
        (self.channels, self.spacingUm, self.planeSpacingUm) = (channels, spacingUm, planeSpacingUm)
        (self.positionUm, self.name) = (positionUm, name)
    }

    /// Number of pages: the planes of the first channel, then those of the next.
    public var pageCount: Int { planes * channels.count }
    /// Bytes of one page's pixels, little-endian, row by row.
    public var pageByteCount: Int { rows * columns * type.byteCount }

    /// Everything in front of the first page's pixels; the pages follow one after the other, each padded to a multiple of 16 bytes.
    public var header: Data {
        let xml = Array(description.utf8) + [0]
        let isBig = pageCount * (paddedPageByteCount + 400) + xml.count > 0xF000_0000
        let word = isBig ? 8 : 4
        let entrySize = isBig ? 20 : 12
        let entryCount = 14
        let directoryByteCount = (isBig ? 8 : 2) + entryCount * entrySize + word
        let start = isBig ? 16 : 8
        let xmlPlace = start + pageCount * directoryByteCount
        let resolutionPlace = (xmlPlace + xml.count + 15) / 16 * 16
        let first = resolutionPlace + 16
        var bytes: [UInt8] = []
        func put(_ value: Int, _ width: Int) {
            for shift in 0..<width { bytes.append(UInt8(value >> (8 * shift) & 255)) }
        }
        // Pixels per centimetre, exact for a pixel size of whole nanometres.
        let nanometres = max(1, Int((spacingUm * 1000).rounded()))
        func entry(_ tag: Int, _ kind: Int, _ count: Int, _ value: Int) {
            put(tag, 2)
            put(kind, 2)
            put(count, word)
            put(value, word)
        }
        func resolution(_ tag: Int) {
            // In a BigTIFF the rational fits into the entry itself.
            entry(tag, 5, 1, isBig ? 10_000_000 | nanometres << 32 : resolutionPlace)
        }
        bytes += isBig ? [0x49, 0x49, 43, 0, 8, 0, 0, 0] : [0x49, 0x49, 42, 0]
        put(start, word)
        for page in 0..<pageCount {
            put(entryCount, isBig ? 8 : 2)
            // Entries stand in the order of their tags; only the first page carries the description.
            if page > 0 { entry(254, 4, 1, 0) }
            entry(256, 4, 1, columns)
            entry(257, 4, 1, rows)
            entry(258, 3, 1, 8 * type.byteCount)
            entry(259, 3, 1, 1)  // not compressed
            entry(262, 3, 1, 1)  // black is zero
            if page == 0 { entry(270, 2, xml.count, xmlPlace) }
            entry(273, isBig ? 16 : 4, 1, first + page * paddedPageByteCount)
            entry(277, 3, 1, 1)  // samples per pixel
            entry(278, 4, 1, rows)  // one strip
            entry(279, isBig ? 16 : 4, 1, pageByteCount)
            resolution(282)
            resolution(283)
            entry(296, 3, 1, 3)  // centimetre
            entry(339, 3, 1, type.sampleFormat)
            put(page == pageCount - 1 ? 0 : start + (page + 1) * directoryByteCount, word)
        }
        bytes += xml
        while bytes.count < resolutionPlace { bytes.append(0) }
        put(10_000_000, 4)
        put(nanometres, 4)
        while bytes.count < first { bytes.append(0) }
        return Data(bytes)
    }

    /// Bytes of a page with its padding.
    public var paddedPageByteCount: Int { (pageByteCount + 15) / 16 * 16 }

    private var description: String {
        let position = positionUm.map {
            " PositionX=\"\($0.x)\" PositionXUnit=\"µm\" PositionY=\"\($0.y)\" PositionYUnit=\"µm\""
        }
        let depth = planeSpacingUm.map { " PhysicalSizeZ=\"\($0)\" PhysicalSizeZUnit=\"µm\"" } ?? ""
        var xml = """
            <?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" \
            xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
            xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06 http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd">\
            <Image ID="Image:0" Name="\(escaped(name))"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="\(type.rawValue)" \
            SizeX="\(columns)" SizeY="\(rows)" SizeZ="\(planes)" SizeC="\(channels.count)" SizeT="1" \
            PhysicalSizeX="\(spacingUm)" PhysicalSizeXUnit="µm" PhysicalSizeY="\(spacingUm)" PhysicalSizeYUnit="µm"\(depth)>
            """
        for (index, channel) in channels.enumerated() {
            xml += "<Channel ID=\"Channel:0:\(index)\" Name=\"\(escaped(channel))\" SamplesPerPixel=\"1\"/>"
        }
        for channel in channels.indices {
            for plane in 0..<planes {
                xml +=
                    "<TiffData FirstZ=\"\(plane)\" FirstC=\"\(channel)\" FirstT=\"0\" IFD=\"\(channel * planes + plane)\" PlaneCount=\"1\"/>"
            }
        }
        if let position {
            for channel in channels.indices {
                for plane in 0..<planes {
                    xml += "<Plane TheZ=\"\(plane)\" TheC=\"\(channel)\" TheT=\"0\"\(position)/>"
                }
            }
        }
        return xml + "</Pixels></Image></OME>"
    }

    private func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    }
}
