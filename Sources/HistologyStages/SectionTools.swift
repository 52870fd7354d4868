internal import NDArray
internal import PNG
internal import SectionFiles
public import StageKit

extension StageTool {
    /// Shows what a scan's file says: `cyto-stage section-info FILE… [--json]`.
    public static let sectionInfo = StageTool(
        name: "section-info", summary: "FILE… [--json]   dimensions, pyramid levels, pixel size and kind of a scan"
    ) { arguments in
        let asJSON = arguments.contains("--json")
        let paths = arguments.filter { $0 != "--json" }
        guard !paths.isEmpty else { throw StageError(.badJob, "usage: section-info FILE… [--json]") }
        let scans = try paths.map { try SectionScan(path: $0) }
        return asJSON
            ? "[" + scans.map(\.json).joined(separator: ",\n ") + "]" : scans.map(\.text).joined(separator: "\n")
    }

    /// Writes a small picture of a scan: `cyto-stage section-preview FILE --side 800 out.png`.
    public static let sectionPreview = StageTool(
        name: "section-preview",
        summary: sectionPreviewArguments + "   a small picture of a scan"
    ) { arguments in
        var files: [String] = []
        var numbers: [String: Double] = ["--side": 800, "--threads": 1]
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            if ["--side", "--spacing-um", "--pixel-um", "--threads"].contains(argument) {
                guard index + 1 < arguments.count, let number = Double(arguments[index + 1]), number > 0 else {
                    throw StageError(.badJob, "\(argument) wants a positive number")
                }
                numbers[argument] = number
                index += 1
            } else {
                files.append(argument)
            }
            index += 1
        }
        guard files.count == 2 else {
            throw StageError(.badJob, "usage: section-preview \(sectionPreviewArguments)")
        }
        let scan = try SectionScan(path: files[0], pixelSizeUm: numbers["--pixel-um"])
        let threads = max(1, Int(numbers["--threads"] ?? 1))
        let preview =
            if let spacingUm = numbers["--spacing-um"] {
                try scan.reduction(toSpacingUm: spacingUm, threads: threads)
            } else {
                try scan.preview(side: max(1, Int(numbers["--side"] ?? 800)), threads: threads)
            }
        try writePNG(preview.rounded, to: files[1])
        return "\(files[1]): \(preview.gray.columns) × \(preview.gray.rows) pixels from level \(preview.level), "
            + "\(preview.range.low) … \(preview.range.high) shown as 0 … 255 (\(preview.range.source))"
    }
}

private let sectionPreviewArguments = "FILE [--side 800 | --spacing-um 64 [--pixel-um 1]] [--threads 1] OUT.png"

extension SectionScan {
    fileprivate var text: String {
        var lines = [
            "\(path): \(format), \(columns) × \(rows) pixels, \(channels) × \(bitsPerSample) bits (\(samples))"
        ]
        if let size = pixelSize {
            lines.append("  pixel \(size.columnUm) × \(size.rowUm) µm (\(size.source))")
        } else {
            lines.append("  pixel size unknown")
        }
        for (index, level) in levels.enumerated() {
            lines.append("  level \(index): \(level.columns) × \(level.rows), 1/\(level.downsample), \(level.storage)")
        }
        return lines.joined(separator: "\n")
    }

    fileprivate var json: String {
        func quoted(_ text: String) -> String {
            let escaped = text.unicodeScalars.map { scalar in
                switch scalar {
                case "\"": "\\\""
                case "\\": "\\\\"
                case _ where scalar.value < 0x20:
                    "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
                default: String(scalar)
                }
            }
            return "\"" + escaped.joined() + "\""
        }
        let size =
            pixelSize.map {
                "{\"row_um\": \($0.rowUm), \"column_um\": \($0.columnUm), \"source\": \(quoted($0.source))}"
            } ?? "null"
        let levels = levels.map {
            "{\"rows\": \($0.rows), \"columns\": \($0.columns), \"downsample\": \($0.downsample), "
                + "\"storage\": \(quoted($0.storage))}"
        }
        return "{\"file\": \(quoted(path)), \"format\": \(quoted(format)), \"rows\": \(rows), \"columns\": \(columns), "
            + "\"channels\": \(channels), \"bits\": \(bitsPerSample), \"samples\": \(quoted(samples)), "
            + "\"pixel_size\": \(size), \"levels\": [\(levels.joined(separator: ", "))]}"
    }
}
