internal import FoundationEssentials
internal import Imaging
internal import NDArray
internal import PNG
internal import StageKit

/// Puts pictures into the page as data URIs, no wider than the page shows them, within a limit for all together.
final class PictureEmbedder {
    private let scratch: String
    private let widthPx: Int
    private let limitBytes: Int
    private(set) var embeddedBytes = 0
    private(set) var leftOut = 0
    private var drafts = 0

    init(scratch: String, widthPx: Int, limitBytes: Int) {
        self.scratch = scratch
        self.widthPx = widthPx
        self.limitBytes = limitBytes
    }

    /// A PNG file as an `<img>`; nil where the page's limit is reached.
    ///
    /// - Parameters:
    ///   - alternative: what there is to see, for those who do not.
    ///   - largest: pixels of its width at most; the page's own limit where nil.
    func image(_ source: ReportSource, alternative: String, largest: Int? = nil) throws -> Markup? {
        let file = try PNGFile(path: source.path)
        let limit = min(largest ?? widthPx, widthPx)
        if file.columns <= limit, let data = FileManager.default.contents(atPath: source.path), data.count < 200_000 {
            return embed(data, rows: file.rows, columns: file.columns, alternative: alternative, isPixelated: false)
        }
        guard file.bitsPerSample == 8, file.columns > 0, file.rows > 0 else {
            throw StageError(.badInput, "is not a picture of 8 bits", port: source.port, file: source.path)
        }
        return try image(
            reduced(PictureEmbedder.colour(file), to: limit), alternative: alternative, isPixelated: false)
    }

    /// A picture made here.
    func image(_ picture: Image<RGB>, alternative: String, isPixelated: Bool) throws -> Markup? {
        drafts += 1
        let path = "\(scratch)/report-picture-\(drafts).png"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let isGray = picture.elements.allSatisfy { $0.red == $0.green && $0.green == $0.blue }
        if isGray { try writePNG(picture.map(\.red), to: path) } else { try writePNG(picture, to: path) }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw StageError(.inputOutput, "the picture cannot be read back", file: path)
        }
        return embed(
            data, rows: picture.rows, columns: picture.columns, alternative: alternative, isPixelated: isPixelated)
    }

    private func embed(_ data: Data, rows: Int, columns: Int, alternative: String, isPixelated: Bool) -> Markup? {
        guard embeddedBytes + data.count <= limitBytes else {
            leftOut += 1
            return nil
        }
        embeddedBytes += data.count
        let uri = Markup(trusted: "data:image/png;base64," + data.base64EncodedString())
        let kind: Markup = isPixelated ? " class=\"pixels\"" : ""
        // Width and height keep the place of the picture before it is decoded.
        return
            "<img\(kind) src=\"\(uri)\" width=\"\(columns)\" height=\"\(rows)\" alt=\"\(alternative)\" decoding=\"async\">"
    }

    private static func colour(_ file: PNGFile) throws -> Image<RGB> {
        let samples = try file.samples(limitBytes: 1 << 29)
        let channels = file.channels
        var pixels: [RGB] = []
        pixels.reserveCapacity(file.rows * file.columns)
        for start in stride(from: 0, to: samples.count, by: channels) {
            let gray = channels < 3
            var (red, green, blue) = (
                samples[start], samples[start + (gray ? 0 : 1)], samples[start + (gray ? 0 : 2)]
            )
            if channels == 2 || channels == 4 {
                // On white, where the picture is clear.
                let alpha = UInt32(samples[start + channels - 1])
                func laid(_ value: UInt8) -> UInt8 { UInt8((UInt32(value) * alpha + 255 * (255 - alpha)) / 255) }
                (red, green, blue) = (laid(red), laid(green), laid(blue))
            }
            pixels.append(RGB(red, green, blue))
        }
        return Image(rows: file.rows, columns: file.columns, elements: pixels)
    }

    /// The picture at most so wide, each pixel the mean of what it covers.
    private func reduced(_ picture: Image<RGB>, to width: Int) -> Image<RGB> {
        guard picture.columns > width else { return picture }
        let ratio = Double(picture.columns) / Double(width)
        func channel(_ path: KeyPath<RGB, UInt8>) -> Image<Float> {
            areaResampled(picture.map { Float($0[keyPath: path]) }, spacingUm: 1, to: ratio)
        }
        let (red, green, blue) = (channel(\.red), channel(\.green), channel(\.blue))
        func byte(_ value: Float) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }
        return Image(
            rows: red.rows, columns: red.columns,
            elements: red.elements.indices.map {
                RGB(byte(red.elements[$0]), byte(green.elements[$0]), byte(blue.elements[$0]))
            })
    }
}

/// Tiles of one size in rows, with a gap between them; a nil leaves its place empty.
func tiled(_ rows: [[Image<RGB>?]], gap: Int, background: RGB = RGB(255, 255, 255)) -> Image<RGB>? {
    guard let first = rows.joined().lazy.compactMap({ $0 }).first else { return nil }
    let columns = rows.map(\.count).max() ?? 0
    var result = Image(
        rows: rows.count * (first.rows + gap) - gap, columns: columns * (first.columns + gap) - gap,
        filledWith: background)
    for (y, row) in rows.enumerated() {
        for (x, tile) in row.enumerated() {
            guard let tile, tile.rows == first.rows, tile.columns == first.columns else { continue }
            for line in 0..<tile.rows {
                let target = (y * (first.rows + gap) + line) * result.columns + x * (first.columns + gap)
                for column in 0..<tile.columns { result.elements[target + column] = tile[line, column] }
            }
        }
    }
    return result
}
