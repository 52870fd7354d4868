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
                let patch = UnsafeMutableBufferPointer(start: output.base + sample * pixels, count: pixels)
                cut(
                    UnsafeBufferPointer(
                        rebasing: input.pixels[
                            sample * windowSide * windowSide..<(sample + 1) * windowSide * windowSide]),
                    windowSide: windowSide, patchSide: patchSide, spacingUm: spacingUm, draw: draws[sample], into: patch
                )
                apply(draws[sample].filter, to: patch, side: patchSide)
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

/// One patch: bilinear sampling, then the intensities.
private func cut(
    _ window: UnsafeBufferPointer<UInt8>, windowSide: Int, patchSide: Int, spacingUm: Double, draw: AugmentationDraw,
    into patch: UnsafeMutableBufferPointer<Float>
) {
    // Places in the window in 32.32 fixed point: steps add up without drift, over 4096 px to 10⁻⁶ px.
    let one = 4_294_967_296.0
    let fixed = { (value: Double) in Int64((value * one).rounded()) }
    let centre = Double(windowSide - 1) / 2
    let half = Double(patchSide - 1) / 2
    let flip = draw.mirrored ? -1.0 : 1.0
    let cosine = cos(draw.angleRad)
    let sine = sin(draw.angleRad)
    // (row, column) of the window = centre + shift + R (flip · row, column) of the patch.
    let rowStep = (row: fixed(cosine * flip), column: fixed(sine * flip))
    let columnStep = (row: fixed(-sine), column: fixed(cosine))
    let startRow = centre + draw.shiftRowMm * 1000 / spacingUm - half * (cosine * flip - sine)
    let startColumn = centre + draw.shiftColumnMm * 1000 / spacingUm - half * (sine * flip + cosine)
    let start = (row: fixed(startRow), column: fixed(startColumn))
    let last = Int64(windowSide - 1) << 32
    let perUnit = Float(1 / one)
    let changes = draw.gain != 1 || draw.offset != 0 || draw.gamma != 1
    let lanes = BilinearLanes(rowStep: columnStep.row, columnStep: columnStep.column, windowSide: windowSide)
    // Strips of some columns: what a turned row takes from the window lies in as many of its rows, and stays in the nearest cache for
    // the next row.
    let strip = 256
    for stripStart in stride(from: 0, to: patchSide, by: strip) {
        let count = min(strip, patchSide - stripStart)
        for patchRow in 0..<patchSide {
            var row = start.row + Int64(patchRow) * rowStep.row + Int64(stripStart) * columnStep.row
            var column = start.column + Int64(patchRow) * rowStep.column + Int64(stripStart) * columnStep.column
            let first = patchRow * patchSide + stripStart
            let line = UnsafeMutableBufferPointer(rebasing: patch[first..<first + count])
            var index = 0
            while index < count {
                if index + BilinearLanes.count <= count, lanes.fit(row: row, column: column, last: last) {
                    lanes.sample(window, row: row, column: column, into: line, at: index)
                    row += Int64(BilinearLanes.count) * columnStep.row
                    column += Int64(BilinearLanes.count) * columnStep.column
                    index += BilinearLanes.count
                    continue
                }
                let r = min(max(row, 0), last)
                let c = min(max(column, 0), last)
                // The last row and column are interpolated from the cell before them.
                let top = min(Int(r >> 32), windowSide - 2)
                let left = min(Int(c >> 32), windowSide - 2)
                let place = top * windowSide + left
                let down = Float(r - Int64(top) << 32) * perUnit
                let right = Float(c - Int64(left) << 32) * perUnit
                let first = Float(window[place])
                let second = Float(window[place + 1])
                let third = Float(window[place + windowSide])
                let fourth = Float(window[place + windowSide + 1])
                let upper = first + (second - first) * right
                let lower = third + (fourth - third) * right
                line[index] = (upper + (lower - upper) * down) * Float(1.0 / 255)
                row += columnStep.row
                column += columnStep.column
                index += 1
            }
            if changes {
                raise(line, toPower: Float(draw.gamma), gain: Float(draw.gain), offset: Float(draw.offset))
            }
        }
    }
}

/// Bilinear sampling of eight neighbours of a patch's row at a time.
private struct BilinearLanes {
    static let count = 8
    /// From the first of the eight to each, in 8.24 fixed point.
    private let rows: SIMD8<Int32>
    private let columns: SIMD8<Int32>
    /// From the first to the last, in 32.32 fixed point.
    private let rowReach: Int64
    private let columnReach: Int64
    private let windowSide: Int

    /// - Parameters:
    ///   - rowStep: from one pixel of the patch to the next, in 32.32 fixed point, at most 1.
    init(rowStep: Int64, columnStep: Int64, windowSide: Int) {
        var (rows, columns) = (SIMD8<Int32>.zero, SIMD8<Int32>.zero)
        for lane in 0..<8 {
            rows[lane] = Int32(truncatingIfNeeded: Int64(lane) * rowStep >> 8)
            columns[lane] = Int32(truncatingIfNeeded: Int64(lane) * columnStep >> 8)
        }
        (self.rows, self.columns, self.windowSide) = (rows, columns, windowSide)
        (rowReach, columnReach) = (7 * rowStep, 7 * columnStep)
    }

    /// Whether all eight have four pixels around them, with a pixel to spare for rounding.
    @inline(__always) func fit(row: Int64, column: Int64, last: Int64) -> Bool {
        let one: Int64 = 1 << 32
        return min(row, row + rowReach) >= one && max(row, row + rowReach) < last - one
            && min(column, column + columnReach) >= one && max(column, column + columnReach) < last - one
            && windowSide < 32_768
    }

    @inline(__always) func sample(
        _ window: UnsafeBufferPointer<UInt8>, row: Int64, column: Int64,
        into line: UnsafeMutableBufferPointer<Float>, at index: Int
    ) {
        let r = rows &+ Int32(truncatingIfNeeded: (row & 0xffff_ffff) >> 8)
        let c = columns &+ Int32(truncatingIfNeeded: (column & 0xffff_ffff) >> 8)
        let places = (r &>> 24) &* Int32(truncatingIfNeeded: windowSide) &+ (c &>> 24)
        let first =
            UnsafeRawPointer(window.baseAddress.unsafelyUnwrapped) + Int(row >> 32) * windowSide
            + Int(column >> 32)
        let second = first + windowSide
        // Two neighbours at a time, the left one in the low byte.
        var (upper, lower) = (SIMD8<Int32>.zero, SIMD8<Int32>.zero)
        for lane in 0..<8 {
            let place = Int(places[lane])
            upper[lane] = Int32(UInt16(littleEndian: first.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
            lower[lane] = Int32(UInt16(littleEndian: second.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
        }
        let unit = Float(0x1p-24)
        let down = SIMD8<Float>(r & 0xff_ffff) * unit
        let right = SIMD8<Float>(c & 0xff_ffff) * unit
        let one = SIMD8<Float>(upper & 0xff)
        let three = SIMD8<Float>(lower & 0xff)
        let above = one + (SIMD8<Float>(upper &>> 8) - one) * right
        let below = three + (SIMD8<Float>(lower &>> 8) - three) * right
        UnsafeMutableRawPointer(line.baseAddress.unsafelyUnwrapped + index).storeBytes(
            of: (above + (below - above) * down) * Float(1.0 / 255), as: SIMD8<Float>.self)
    }
}

private func apply(_ filter: AugmentationDraw.Filter, to patch: UnsafeMutableBufferPointer<Float>, side: Int) {
    let sigma: Double
    let amount: Float?
    switch filter {
    case .none: return
    case .blur(let sigmaPx): (sigma, amount) = (sigmaPx, nil)
    case .sharpen(let sigmaPx, let strength): (sigma, amount) = (sigmaPx, Float(strength))
    }
    let blurred = gaussianFilter(Image(rows: side, columns: side, elements: Array(patch)), sigmaPx: sigma)
    blurred.elements.withUnsafeBufferPointer { blurred in
        if let amount {
            for index in 0..<patch.count { patch[index] += amount * (patch[index] - blurred[index]) }
        } else {
            _ = patch.update(from: blurred)
        }
    }
}
