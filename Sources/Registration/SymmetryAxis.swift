internal import Imaging
internal import NDArray

/// The line about which a section of a brain is most like its own mirror image, in the plane that all sections share.
public struct SymmetryAxis: Sendable, Equatable {
    /// How far the line is turned from upright (the direction of the rows), in radians; positive turns down towards right.
    public var angleRad: Double
    /// The axis' point beside the tissue's centre, µm of the common plane.
    public var point: PlanarPoint
    /// Correlation of the section with its mirror image, −1 … 1.
    public var correlation: Double
    /// How much lower the correlation is at the worst angle that was tried; near 0 for a disc, which has no axis.
    public var contrast: Double

    public init(angleRad: Double, point: PlanarPoint, correlation: Double, contrast: Double) {
        self.angleRad = angleRad
        self.point = point
        self.correlation = correlation
        self.contrast = contrast
    }

    /// Where the axis crosses a row of the common plane.
    public func column(atRow row: Double) -> Double {
        point.column + (row - point.row) * Math.sin(angleRad) / Math.cos(angleRad)
    }
}

/// Finds the axis of bilateral symmetry of one placed section.
///
/// The stain within the tissue is reduced to 80 pixels along its longer side and blurred (σ = 2), turned about its centre in steps of 2°, then of 0.5°
/// around the best, and correlated with its mirror image at all shifts up to a sixth of its size; parabolas through the best
/// angle and shift and their neighbours give the fractions. A best angle at the end of the range counts as none.
///
/// - Parameters:
///   - image: the section at its own spacing.
///   - spacingUm: distance of its pixels.
///   - firstUm: section coordinate of the first pixel's centre.
///   - transform: section µm to the common plane's µm; a mirrored section comes out unmirrored.
///   - rangeDeg: largest angle from upright that is tried.
/// - Returns: nil where there is no tissue or no best angle within the range.
public func symmetryAxis(
    of image: RegistrationImage, spacingUm: Double, firstUm: Double, transform: RigidTransform,
    rangeDeg: Double = 30
) -> SymmetryAxis? {
    guard let turning = TurningSection(image, spacingUm: spacingUm, firstUm: firstUm, transform: transform) else {
        return nil
    }
    let stepDeg = 2.0
    let steps = max(Int((rangeDeg / stepDeg).rounded()), 1)
    let coarse = (-steps...steps).map { turning.bestMirroring(angleDeg: Double($0) * stepDeg) }
    guard let best = coarse.indices.max(by: { coarse[$0].correlation < coarse[$1].correlation }), best > 0,
        best < coarse.count - 1
    else { return nil }
    let middleDeg = Double(best - steps) * stepDeg
    let fineDeg = 0.5
    let fine = (-4...4).map { turning.bestMirroring(angleDeg: middleDeg + Double($0) * fineDeg) }
    guard let chosen = fine.indices.max(by: { fine[$0].correlation < fine[$1].correlation }) else { return nil }
    let inner = min(max(chosen, 1), fine.count - 2)
    let fraction = parabolaPeak(
        fine[inner - 1].correlation, fine[inner].correlation, fine[inner + 1].correlation)
    let angleRad = (middleDeg + (Double(inner - 4) + fraction) * fineDeg) * .pi / 180
    let worst = coarse.map(\.correlation).filter { $0 > -1 }.min() ?? 0
    let offsetUm = fine[chosen].offsetPx * turning.pitchUm
    return SymmetryAxis(
        angleRad: angleRad,
        point: PlanarPoint(
            row: turning.centre.row - Math.sin(angleRad) * offsetUm,
            column: turning.centre.column + Math.cos(angleRad) * offsetUm),
        correlation: fine[chosen].correlation, contrast: fine[chosen].correlation - worst)
}

/// Where a parabola through three equidistant values is highest, in steps from the middle one, within ±1.
private func parabolaPeak(_ before: Double, _ at: Double, _ after: Double) -> Double {
    let bend = before - 2 * at + after
    guard bend < 0 else { return 0 }
    return min(max((before - after) / (2 * bend), -1), 1)
}

/// A small picture of a section's stain that can be turned in the common plane.
private struct TurningSection {
    /// Stain, zero outside the tissue, at `pitchUm`.
    let stain: Image<Float>
    let pitchUm: Double
    /// Centre of the tissue in the common plane.
    let centre: PlanarPoint
    /// Common plane µm to pixels of `stain`.
    let toPixels: [Double]
    /// Rows and columns of the turned picture.
    let side: Int

    init?(_ image: RegistrationImage, spacingUm: Double, firstUm: Double, transform: RigidTransform) {
        var rows: (low: Int, high: Int)?
        var columns = (low: image.columns, high: 0)
        for row in 0..<image.rows {
            for column in 0..<image.columns where image.tissue[row, column] != 0 {
                rows = (rows?.low ?? row, row)
                columns = (min(columns.low, column), max(columns.high, column))
            }
        }
        guard let rows else { return nil }
        let extents = (rows.high - rows.low + 1, columns.high - columns.low + 1)
        guard min(extents.0, extents.1) >= 8 else { return nil }
        let longest = max(extents.0, extents.1)
        let factor = max(1, (longest + 79) / 80)
        var density = Image<Float>(rows: image.rows, columns: image.columns, filledWith: 0)
        for row in 0..<image.rows {
            for column in 0..<image.columns where image.tissue[row, column] != 0 {
                density[row, column] = abs(image.background - image.gray[row, column])
            }
        }
        let small = areaResampled(density, spacingUm: 1, to: Double(factor), threads: 1)
        // Hemispheres are alike in the large; folds and cells are not.
        stain = gaussianFilter(small, sigmaPx: 2, threads: 1)
        pitchUm = spacingUm * Double(factor)
        let tissueCentre = image.tissueCentre
        centre = transform(
            PlanarPoint(
                row: tissueCentre.row * spacingUm + firstUm, column: tissueCentre.column * spacingUm + firstUm))
        let firstPitchUm = firstUm + (pitchUm - spacingUm) / 2
        var back = transform.inverse.matrix
        for index in [0, 1, 3, 4] { back[index] /= pitchUm }
        for index in [2, 5] { back[index] = (back[index] - firstPitchUm) / pitchUm }
        toPixels = back
        // Room for the tissue in every direction, and an off-centre centre.
        let (height, width) = (Double(extents.0) / Double(factor), Double(extents.1) / Double(factor))
        side = 2 * Int((0.6 * (height * height + width * width).squareRoot()).rounded(.up)) + 3
    }

    /// The shift at which the picture turned upright by `angleDeg` is most like its mirror image; correlation −1 where none is.
    func bestMirroring(angleDeg: Double) -> (correlation: Double, offsetPx: Double) {
        let reach = side / 6
        let stride = side + reach + 1
        // A whole number of vectors, and zeros on both sides for the shifts.
        let length = (side * stride + 7) / 8 * 8
        var upright = [Float](repeating: 0, count: length)
        var mirrored = [Float](repeating: 0, count: length + 2 * reach + 8)
        let (cosine, sine) = (Math.cos(angleDeg * .pi / 180), Math.sin(angleDeg * .pi / 180))
        let middle = Double(side - 1) / 2
        var sum = 0.0
        var squares = 0.0
        stain.elements.withUnsafeBufferPointer { pixels in
            for row in 0..<side {
                for column in 0..<side {
                    let down = (Double(row) - middle) * pitchUm
                    let across = (Double(column) - middle) * pitchUm
                    let planeRow = centre.row + cosine * down - sine * across
                    let planeColumn = centre.column + sine * down + cosine * across
                    let level = sample(
                        pixels, row: toPixels[0] * planeRow + toPixels[1] * planeColumn + toPixels[2],
                        column: toPixels[3] * planeRow + toPixels[4] * planeColumn + toPixels[5])
                    upright[row * stride + column] = level
                    mirrored[reach + row * stride + side - 1 - column] = level
                    sum += Double(level)
                    squares += Double(level) * Double(level)
                }
            }
        }
        let count = Double(side * side)
        let variance = squares - sum * sum / count
        guard variance > 0 else { return (-1, 0) }
        // Column j lies on column side − 1 + shift − j, so that the axis is shift / 2 right of the middle.
        let products = (-reach...reach).map { shift in
            (product(upright, mirrored, from: reach - shift) - sum * sum / count) / variance
        }
        guard let best = products.indices.max(by: { products[$0] < products[$1] }), best > 0, best < 2 * reach else {
            return (-1, 0)
        }
        let fraction = parabolaPeak(products[best - 1], products[best], products[best + 1])
        return (products[best], (Double(best - reach) + fraction) / 2)
    }

    /// The sum of products of `left` with `right` from an element on.
    private func product(_ left: [Float], _ right: [Float], from start: Int) -> Double {
        left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                var sum = SIMD8<Float>(repeating: 0)
                for index in Swift.stride(from: 0, to: left.count, by: MemoryLayout<SIMD8<Float>>.size) {
                    sum +=
                        left.loadUnaligned(fromByteOffset: index, as: SIMD8<Float>.self)
                        * right.loadUnaligned(
                            fromByteOffset: index + start * MemoryLayout<Float>.size, as: SIMD8<Float>.self)
                }
                return Double(sum.sum())
            }
        }
    }

    /// The stain at a place by bilinear interpolation; none beyond the picture.
    private func sample(_ pixels: UnsafeBufferPointer<Float>, row: Double, column: Double) -> Float {
        guard row > -1, column > -1, row < Double(stain.rows), column < Double(stain.columns) else { return 0 }
        let top = Int(row.rounded(.down))
        let left = Int(column.rounded(.down))
        let down = Float(row - Double(top))
        let across = Float(column - Double(left))
        func pixel(_ row: Int, _ column: Int) -> Float {
            row >= 0 && row < stain.rows && column >= 0 && column < stain.columns
                ? pixels[row * stain.columns + column] : 0
        }
        let upper = pixel(top, left) * (1 - across) + pixel(top, left + 1) * across
        let lower = pixel(top + 1, left) * (1 - across) + pixel(top + 1, left + 1) * across
        return upper * (1 - down) + lower * down
    }
}
