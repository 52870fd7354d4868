internal import SpatialTransforms

/// ITK's text format, `.txt` and `.tfm`.
enum ITKText {
    static func read(_ text: String, file: String) throws -> [SpatialTransform] {
        var records: [ITKRecord] = []
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":"), !line.hasPrefix("#") else { continue }
            let key = line[..<colon].trimming
            let value = line[line.index(after: colon)...].trimming
            if key == "Transform" {
                records.append(ITKRecord(type: String(value), parameters: [], fixedParameters: [], file: file))
                continue
            }
            guard !records.isEmpty else { continue }
            switch key {
            case "Parameters": records[records.count - 1].parameters = try numbers(value, file: file)
            case "FixedParameters": records[records.count - 1].fixedParameters = try numbers(value, file: file)
            default: continue
            }
        }
        guard !records.isEmpty else {
            throw TransformFileError(.damaged, file: file, problem: "announces an ITK transform, but holds none")
        }
        return try ITKRecord.transforms(records)
    }

    /// An affine map, its centre of rotation at the origin.
    static func write(_ affine: AffineTransform) -> String {
        let lps = affine.turnedRoundXY
        let parameters = [
            lps.x.x, lps.y.x, lps.z.x, lps.x.y, lps.y.y, lps.z.y, lps.x.z, lps.y.z, lps.z.z, lps.translation.x,
            lps.translation.y, lps.translation.z,
        ]
        // No negative zeros: they tell nothing and look odd.
        let texts = parameters.map { "\($0 == 0 ? 0 : $0)" }.joined(separator: " ")
        return """
            #Insight Transform File V1.0
            #Transform 0
            Transform: AffineTransform_double_3_3
            Parameters: \(texts)
            FixedParameters: 0 0 0

            """
    }

    private static func numbers(_ text: Substring, file: String) throws -> [Double] {
        try text.split(whereSeparator: \.isWhitespace).map { word in
            guard let number = Double(word) else {
                throw TransformFileError(.damaged, file: file, problem: "'\(word.prefix(20))' is no number")
            }
            return number
        }
    }
}

extension Substring {
    /// Without blanks at either end.
    var trimming: Substring {
        var text = self
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
