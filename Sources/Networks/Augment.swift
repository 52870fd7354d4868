internal import Foundation
internal import Imaging
internal import NDArray

/// The side of the window that a patch is cut from, so that no rotation and no shift leaves it, px.
///
/// Even for an even patch and odd for an odd one: then both have the same centre, and a patch that is not turned is not
/// interpolated. 98 px for 64 px at 64 µm; 3096 px for the paper's 2048 px at 2 µm.
public func augmentationWindowSide(patchSide: Int, spacingUm: Double, maximumShiftMm: Double = 0.2) -> Int {
    let reach = Double(patchSide - 1) / 2 * 2.0.squareRoot() + maximumShiftMm * 1000 / spacingUm
    let side = Int((2 * reach + 1).rounded(.up))
    return side + (side - patchSide) % 2
}

/// Cuts patches out of larger windows, each by its draw: turned, shifted, mirrored, with other intensities, blurred or sharpened.
///
/// Geometry is one bilinear sampling of the window; then α xᵞ + β; then the filter, reflected at the patch's edge.
///
/// - Parameters:
///   - windows: samples × `windowSide`² pixels, 0 … 255.
///   - spacingUm: of the pixels.
///   - draws: one for each sample.
/// - Returns: samples × `patchSide`² values, nominally in 0 … 1, not clipped (as (samples, 1, side, side) for a network).
/// - Throws: `NetworkError` where the windows are too small for a draw or their number does not fit.
///
/// **Reference** Methods 3.4. **Differs** sharpening is x + δ (x − G(x)): the paper's formula, as printed x + δ (G(x) − x), would blur.
public func augment(
    windows: [UInt8], windowSide: Int, patchSide: Int, spacingUm: Double, draws: [AugmentationDraw], threads: Int = 1
) throws -> [Float] {
    guard patchSide >= 1, windowSide >= 2, spacingUm > 0, windows.count == draws.count * windowSide * windowSide else {
        throw NetworkError(
            .invalidData,
            "\(draws.count) windows of \(windowSide)² px are not \(windows.count) pixels at \(spacingUm) µm.")
    }
    for (sample, draw) in draws.enumerated() {
        let half = Double(patchSide - 1) / 2
        let turned = abs(cos(draw.angleRad)) + abs(sin(draw.angleRad))
        let shiftPx = max(abs(draw.shiftRowMm), abs(draw.shiftColumnMm)) * 1000 / spacingUm
        // A thousandth of a pixel: rounding, not a mistake; such a place takes the edge's value.
        guard half * turned + shiftPx <= Double(windowSide - 1) / 2 + 1e-3 else {
            throw NetworkError(
                .invalidData,
                "Sample \(sample), turned by \(draw.angleRad) rad and shifted by \(shiftPx) px, leaves its window of "
                    + "\(windowSide) px; take windows of augmentationWindowSide.")
        }
    }
    let pixels = patchSide * patchSide
    return [Float](unsafeUninitializedCapacity: draws.count * pixels) { buffer, initialized in
        initialized = draws.count * pixels
        guard !draws.isEmpty else { return }
        let output = DisjointSlices(buffer)
        windows.withUnsafeBufferPointer { windows in
            let input = ReadOnly(windows)
            parallelFor(draws.count, threads: threads) { sample in
                guard let window = input.pixels.baseAddress else { return }
                augment(
                    window + sample * windowSide * windowSide, windowSide: windowSide, patchSide: patchSide,
                    spacingUm: spacingUm, draw: draws[sample],
                    into: UnsafeMutableBufferPointer(start: output.base + sample * pixels, count: pixels))
            }
        }
    }
}

/// Pixels that several threads read and none writes.
private struct ReadOnly: @unchecked Sendable {
    // Sendable because nobody writes to the pixels while the loop runs.
    let pixels: UnsafeBufferPointer<UInt8>
    init(_ pixels: UnsafeBufferPointer<UInt8>) { self.pixels = pixels }
}

/// One patch out of one window.
private func augment(
    _ window: UnsafePointer<UInt8>, windowSide: Int, patchSide: Int, spacingUm: Double, draw: AugmentationDraw,
    into patch: UnsafeMutableBufferPointer<Float>
) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: PatchRows.scratchCount) { scratch in
        guard let scratch = scratch.baseAddress, let target = patch.baseAddress else { return }
        let patchRows = PatchRows(
            of: window, windowSide: windowSide, patchSide: patchSide, spacingUm: spacingUm, draw: draw, target: target,
            scratch: scratch)
        switch draw.filter {
        case .none: patchRows.make(0..<patchSide)
        case .blur(let sigmaPx):
            gaussianFilterInPlace(
                patch, rows: patchSide, columns: patchSide, sigmaPx: sigmaPx, making: patchRows.make)
        case .sharpen(let sigmaPx, let amount):
            gaussianFilterInPlace(
                patch, rows: patchSide, columns: patchSide, sigmaPx: sigmaPx, sharpening: Float(amount),
                making: patchRows.make)
        }
    }
}

/// Makes a patch's rows before the filter: bilinear sampling, then the intensities.
private struct PatchRows {
    /// Floats that are written to meanwhile.
    static let scratchCount = BilinearLines.scratchCount + PowerCurve.scratchCount
    private let patchSide: Int
    private let target: UnsafeMutablePointer<Float>
    /// The first pixel's place in the window, and those of its neighbours below and to the right from there.
    private let start: BilinearLines.Place
    private let rowStep: BilinearLines.Place
    private let columnStep: BilinearLines.Place
    private let lines: BilinearLines
    /// nil where the intensities stay.
    private let curve: PowerCurve?

    init(
        of window: UnsafePointer<UInt8>, windowSide: Int, patchSide: Int, spacingUm: Double, draw: AugmentationDraw,
        target: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        let fixed = { (value: Double) in Int64((value * 4_294_967_296).rounded()) }
        let centre = Double(windowSide - 1) / 2
        let half = Double(patchSide - 1) / 2
        let flip = draw.mirrored ? -1.0 : 1.0
        let cosine = cos(draw.angleRad)
        let sine = sin(draw.angleRad)
        // (row, column) of the window = centre + shift + R (flip · row, column) of the patch.
        rowStep = BilinearLines.Place(row: fixed(cosine * flip), column: fixed(sine * flip))
        columnStep = BilinearLines.Place(row: fixed(-sine), column: fixed(cosine))
        let startRow = centre + draw.shiftRowMm * 1000 / spacingUm - half * (cosine * flip - sine)
        let startColumn = centre + draw.shiftColumnMm * 1000 / spacingUm - half * (sine * flip + cosine)
        start = BilinearLines.Place(row: fixed(startRow), column: fixed(startColumn))
        (self.patchSide, self.target) = (patchSide, target)
        lines = BilinearLines(window, side: windowSide, step: columnStep, scratch: scratch)
        curve =
            draw.gain == 1 && draw.offset == 0 && draw.gamma == 1
            ? nil
            : PowerCurve(
                gamma: Float(draw.gamma), gain: Float(draw.gain), offset: Float(draw.offset),
                scratch: scratch + BilinearLines.scratchCount)
    }

    /// Makes rows by rectangles of a few rows and columns: what a rectangle takes from the window, and the pages that it is written to,
    /// stay in the nearest cache for its next row.
    func make(_ rows: Range<Int>) {
        let few = 16
        for band in stride(from: rows.lowerBound, to: rows.upperBound, by: few) {
            for column in stride(from: 0, to: patchSide, by: BilinearLines.longest) {
                let count = min(BilinearLines.longest, patchSide - column)
                for row in band..<min(band + few, rows.upperBound) {
                    let line = target + (row * patchSide + column)
                    let place = start.moved(row, by: rowStep).moved(column, by: columnStep)
                    lines.sample(from: place, count: count, into: line)
                    curve?.apply(to: line, count: count)
                }
            }
        }
    }
}
