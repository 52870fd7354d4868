public import NDArray

/// What is true of a section, pixel by pixel, as it lies on the slide.
public struct SectionTruthMaps: Sendable, Equatable {
    /// 0 slide, 1 gray, 2 white matter.
    public var labels: Image<UInt8>
    /// `BrainPart`: 0 for what the cortex pipeline keeps.
    public var excluded: Image<UInt8>
    /// Area of the cortex, 0 elsewhere.
    public var areas: Image<UInt8>
    /// Layer of the cortex, I … VI as 1 … 6, 0 elsewhere.
    public var layers: Image<UInt8>
    /// Depth in the cortex, 0 … 250 from pia to white surface, 255 elsewhere.
    public var depths: Image<UInt8>
}

extension PhantomScan {
    /// The truth on a grid over the scan.
    ///
    /// - Parameter spacingUm: edge of a pixel of the truth. The first pixel begins where the scan's first pixel begins, as it
    ///   does when the scan is reduced by averaging.
    public func truth(spacingUm coarse: Double, threads: Int) -> SectionTruthMaps {
        let height = max(Int((Double(rows) * spacingUm / coarse - 1e-6).rounded(.up)), 1)
        let width = max(Int((Double(columns) * spacingUm / coarse - 1e-6).rounded(.up)), 1)
        let blank = Image<UInt8>(rows: height, columns: width, filledWith: 0)
        var maps = SectionTruthMaps(
            labels: blank, excluded: blank, areas: blank, layers: blank,
            depths: Image(rows: height, columns: width, filledWith: TissueTruth().depth))
        let top = firstUm.row + (coarse - spacingUm) / 2
        let left = firstUm.column + (coarse - spacingUm) / 2
        let scale = 1 / plane.spacingUm
        let rowStep = Float(field.toPlane.elements[1] * coarse * scale)
        let columnStep = Float(field.toPlane.elements[4] * coarse * scale)
        func write(
            _ labels: DisjointSlices<UInt8>, _ excluded: DisjointSlices<UInt8>, _ areas: DisjointSlices<UInt8>,
            _ layers: DisjointSlices<UInt8>, _ depths: DisjointSlices<UInt8>
        ) {
            parallelBands(height, band: 32, threads: threads) { band in
                withTissueLookup { tissue in
                    for row in band {
                        let line = SectionPoint(row: top + Double(row) * coarse, column: left)
                        let half = Double(width) * coarse / 2
                        let disturbed = lay.isDisturbed(
                            at: SectionPoint(row: line.row, column: left + half), radiusUm: half)
                        let start = field.toPlane.apply(row: line.row, column: left)
                        let (row0, column0) = (
                            Float((start.row - plane.originUm.row) * scale),
                            Float((start.column - plane.originUm.column) * scale)
                        )
                        func look(_ column: Int) -> TissueTruth {
                            let place = SectionPoint(row: line.row, column: left + Double(column) * coarse)
                            guard disturbed, lay.isDisturbed(at: place, radiusUm: 0) else {
                                return tissue.truth(
                                    row: row0 + Float(column) * rowStep, column: column0 + Float(column) * columnStep)
                            }
                            return truth(of: lay.planePlaces(at: place), in: tissue)
                        }
                        func place(_ column: Int) -> TissueLookup.Place {
                            tissue.place(
                                row: row0 + Float(column) * rowStep, column: column0 + Float(column) * columnStep)
                        }
                        for start in stride(from: 0, to: width, by: TissueLookup.runLength) {
                            let end = min(start + TissueLookup.runLength, width)
                            // The maps are empty where nothing is written.
                            if !disturbed, tissue.isSlide(from: place(start), to: place(end - 1)) { continue }
                            for column in start..<end {
                                let truth = look(column)
                                let index = row * width + column
                                (labels[index], excluded[index]) = (truth.label, truth.part)
                                (areas[index], layers[index], depths[index]) = (truth.area, truth.layer, truth.depth)
                            }
                        }
                    }
                }
            }
        }
        maps.labels.elements.withUnsafeMutableBufferPointer { labels in
            maps.excluded.elements.withUnsafeMutableBufferPointer { excluded in
                maps.areas.elements.withUnsafeMutableBufferPointer { areas in
                    maps.layers.elements.withUnsafeMutableBufferPointer { layers in
                        maps.depths.elements.withUnsafeMutableBufferPointer { depths in
                            write(
                                DisjointSlices(labels), DisjointSlices(excluded), DisjointSlices(areas),
                                DisjointSlices(layers), DisjointSlices(depths))
                        }
                    }
                }
            }
        }
        return maps
    }

    /// The truth of the uppermost sheet that has tissue.
    private func truth(of sheets: Sheets, in tissue: TissueLookup) -> TissueTruth {
        let scale = 1 / plane.spacingUm
        func look(_ point: SectionPoint) -> TissueTruth {
            tissue.truth(
                row: Float((point.row - plane.originUm.row) * scale),
                column: Float((point.column - plane.originUm.column) * scale))
        }
        var truth = TissueTruth()
        if sheets.count > 0 { truth = look(sheets.upper) }
        if sheets.count > 1, truth.label == 0 { truth = look(sheets.lower) }
        return truth
    }
}
