internal import HDF5
internal import NDArray
internal import Registration
internal import StageKit

/// Where the tissue lies on a segmented section and how bright the slide is: what laying out a volume takes, so that it need not read
/// all sections first.
struct SectionLayout {
    /// Median gray level outside the tissue.
    let background: UInt8
    /// First row, first column, last row, last column of the tissue's box, in pixels; nil where there is no tissue.
    let boxPx: [Int]?
    let spacingUm: Double
    let firstUm: Double

    /// Measures a section.
    init(labels: Image<UInt8>, gray: Image<UInt8>, spacingUm: Double, firstUm: Double) {
        self.init(
            background: SectionLayout.background(of: gray, labels: labels), boxPx: SectionLayout.box(of: labels),
            spacingUm: spacingUm, firstUm: firstUm)
    }

    private init(background: UInt8, boxPx: [Int]?, spacingUm: Double, firstUm: Double) {
        self.background = background
        self.boxPx = boxPx
        self.spacingUm = spacingUm
        self.firstUm = firstUm
    }

    /// Reads it from the labels' attributes, or where another program wrote them without from the labels themselves.
    init(path: String) throws {
        let file = try HDF5File(reading: path)
        guard file.hasAttribute("background_level"), file.hasAttribute("tissue_box_px") else {
            let labels = try LabelsArtifact(path: path)
            self.init(labels: labels.labels, gray: labels.gray, spacingUm: labels.spacingUm, firstUm: labels.firstUm)
            return
        }
        let box = try file.attributeList("tissue_box_px", as: Int64.self).map { Int($0) }
        guard box.count == 4 else {
            throw StageError(.badInput, "its attribute tissue_box_px has \(box.count) numbers, not 4", file: path)
        }
        // The box of no tissue ends before it starts.
        self.init(
            background: try file.attribute("background_level", as: UInt8.self), boxPx: box[2] >= box[0] ? box : nil,
            spacingUm: try file.attribute("spacing_um", as: Double.self),
            firstUm: try file.attribute("first_um", as: Double.self))
    }

    /// Sets the attributes beside those of the labels.
    func write(to file: HDF5File) throws {
        try file.setAttribute("background_level", to: background)
        try file.setAttribute("tissue_box_px", to: (boxPx ?? [0, 0, -1, -1]).map { Int64($0) })
    }

    /// The corners of the box around the tissue, in section µm; none where there is no tissue.
    var tissueCorners: [PlanarPoint] {
        guard let boxPx else { return [] }
        return [boxPx[0], boxPx[2]].flatMap { row in
            [boxPx[1], boxPx[3]].map { column in
                PlanarPoint(row: Double(row) * spacingUm + firstUm, column: Double(column) * spacingUm + firstUm)
            }
        }
    }

    /// The median gray level outside the tissue.
    static func background(of gray: Image<UInt8>, labels: Image<UInt8>) -> UInt8 {
        var histogram = [Int](repeating: 0, count: 256)
        labels.elements.withUnsafeBufferPointer { labels in
            gray.elements.withUnsafeBufferPointer { gray in
                for index in labels.indices where labels[index] == 0 { histogram[Int(gray[index])] += 1 }
            }
        }
        var left = histogram.reduce(0, +) / 2
        for (level, count) in histogram.enumerated() where count > 0 {
            if left < count { return UInt8(level) }
            left -= count
        }
        return 255
    }

    private static func box(of labels: Image<UInt8>) -> [Int]? {
        var box: [Int]?
        labels.elements.withUnsafeBufferPointer { pixels in
            for row in 0..<labels.rows {
                let line = UnsafeBufferPointer(rebasing: pixels[row * labels.columns..<(row + 1) * labels.columns])
                guard let first = line.firstIndex(where: { $0 != 0 }), let last = line.lastIndex(where: { $0 != 0 })
                else { continue }
                let known = box ?? [row, first, row, last]
                box = [known[0], min(known[1], first), row, max(known[3], last)]
            }
        }
        return box
    }
}
