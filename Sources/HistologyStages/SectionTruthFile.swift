internal import HDF5
internal import NDArray
internal import Phantom

/// The datasets in which a phantom section's truth and annotation stand.
extension HDF5File {
    /// Writes the truth pixel by pixel; the map of depths is large and rarely asked for.
    func write(_ maps: SectionTruthMaps, depth: Bool) throws {
        var images = [
            ("/labels", maps.labels), ("/excluded", maps.excluded), ("/area", maps.areas), ("/layer", maps.layers),
        ]
        if depth { images.append(("/depth", maps.depths)) }
        for (path, image) in images {
            // Whole rows, packed fast: names come in long runs.
            try write(image, to: path, layout: .chunked(shape: [min(image.rows, 256), image.columns], level: 1))
        }
        if depth { try setAttribute("none", to: UInt8(255), of: "/depth") }
        if depth { try setAttribute("one", to: UInt8(250), of: "/depth") }
    }

    /// Writes the mid-depth line as points of the section.
    func write(_ line: MidDepthLine) throws {
        try write(line.points.flatMap { [$0.row, $0.column] }, shape: [line.points.count, 2], to: "/midline_um")
        try setAttribute("unit", to: "um", of: "/midline_um")
        try write(
            line.planePoints.flatMap { [$0.row, $0.column] }, shape: [line.points.count, 2], to: "/midline_plane_um")
        try setAttribute("unit", to: "um", of: "/midline_plane_um")
        try write(line.hemisphere, to: "/midline_hemisphere")
        try write(line.area, to: "/midline_area")
        try write(line.isExcluded, to: "/midline_excluded")
        try write(line.thicknessUm, to: "/midline_thickness_um")
        try setAttribute("unit", to: "um", of: "/midline_thickness_um")
    }

    /// Writes the cell bodies: row and column in section µm, area in µm².
    ///
    /// - Parameter firstUm: place of the scan's first pixel, in which cells are told.
    func write(_ cells: [SectionCell], firstUm: SectionPoint) throws {
        let rows = cells.flatMap {
            [$0.place.row - firstUm.row, $0.place.column - firstUm.column, Double($0.areaUm2)]
        }
        try write(rows, shape: [cells.count, 3], to: "/cells_um")
        try setAttribute("columns", to: ["row_um", "column_um", "area_um2"], of: "/cells_um")
        try write(cells.map(\.layer), to: "/cells_layer")
    }

    /// Writes outlines of areas, polygon after polygon.
    func write(_ contours: AreaContours) throws {
        let points = contours.points.flatMap { [$0.row, $0.column] }
        try write(points, shape: [contours.points.count, 2], to: "/contour_um")
        try setAttribute("unit", to: "um", of: "/contour_um")
        try write(contours.starts.map(Int64.init), to: "/contour_start")
        try write(contours.areas, to: "/contour_area")
        try write(contours.hemispheres, to: "/contour_hemisphere")
    }
}
