public import NDArray

/// A line in which a section's plane cuts the midsurface, laid back onto the section.
public struct MidsurfaceCut: Sendable {
    /// (row, column) section µm, in order.
    public var points: [SIMD2<Double>]
    /// Unit normals of the surface towards the pia: (along the stack, row, column) of the section.
    public var normals: [SIMD3<Double>]
    /// Whether there is cortex at a point; false on what closes a midsurface where the cortex ends.
    public var isCortex: [Bool]
    /// Whether the last point is joined to the first.
    public var isClosed: Bool
    /// 0 left, 1 right.
    public var hemisphere: UInt8

    public init(
        points: [SIMD2<Double>], normals: [SIMD3<Double>], isCortex: [Bool], isClosed: Bool, hemisphere: UInt8
    ) {
        precondition(
            normals.count == points.count && isCortex.count == points.count,
            "A cut needs a normal and a mark of cortex for each of its \(points.count) points.")
        self.points = points
        self.normals = normals
        self.isCortex = isCortex
        self.isClosed = isClosed
        self.hemisphere = hemisphere
    }
}

/// How points are laid along a section's midline.
public struct MidlineSettings: Sendable, Equatable {
    /// Distance of points along the line.
    public var spacingUm: Double
    /// The longest push to the middle of the cortex.
    public var maximumPushUm: Double
    /// Side of the patch around a point of which the tissue is measured.
    public var patchUm: Double
    /// Points whose patch holds less tissue go.
    public var minimumTissue: Double
    /// Where the section's cortex is thicker than so many times its median it is cut along the sheet; points stay as they are.
    public var plausibleThickness: Double
    public var cortex: SectionCortexSettings

    public init(
        spacingUm: Double = 300, maximumPushUm: Double = 2000, patchUm: Double = 4096, minimumTissue: Double = 0.5,
        plausibleThickness: Double = 1.5,
        cortex: SectionCortexSettings = SectionCortexSettings()
    ) {
        precondition(spacingUm > 0 && maximumPushUm >= 0 && patchUm > 0, "Lengths of a midline must be positive.")
        self.spacingUm = spacingUm
        self.maximumPushUm = maximumPushUm
        self.patchUm = patchUm
        self.minimumTissue = minimumTissue
        self.plausibleThickness = plausibleThickness
        self.cortex = cortex
    }
}

/// One point in the middle of the cortex of a section.
public struct MidlinePoint: Sendable, Equatable {
    /// (row, column) section µm.
    public var positionUm: SIMD2<Double>
    /// 0 left, 1 right.
    public var hemisphere: UInt8
    /// Share of the patch around it that is tissue.
    public var tissueFraction: Float
    /// Angle between the surface's normal and the cutting plane: 0 cut across, π/2 along the sheet.
    public var angleRad: Float
    /// How far it was pushed.
    public var shiftUm: Float
}

/// The points of a section, and what became of the others.
public struct SectionMidline: Sendable, Equatable {
    public var points: [MidlinePoint] = []
    /// Points that were not laid because the surface only closes there.
    public var withoutCortex = 0
    /// Points with no gray matter within reach.
    public var offCortex = 0
    /// Points in excluded parts.
    public var excluded = 0
    /// Points beside one that is there already.
    public var crowded = 0
    /// Points with too little tissue around them.
    public var littleTissue = 0
    /// Points that stay where the surface is, since no skeleton was within reach.
    public var unpushed = 0

    /// A section without points.
    public init() {}
}

/// Lays points along the middle of the cortex of one section.
///
/// The cut of the midsurface lies near the middle only: reconstruction and smoothing move it. So each point is pushed to the middle that the
/// section itself shows (`SectionCortex`). The line is sampled three times as finely as asked for, pushed, and only then
/// divided evenly, so that points neither bunch nor thin out where the push draws them together or apart.
///
/// - Parameters:
///   - labels: 0 background, 1 gray, 2 white.
///   - spacingUm: side of a pixel.
///   - firstUm: section coordinate of the first pixel's centre.
///   - isExcluded: whether a place of the section, in section µm, belongs to no cortex.
/// - Returns: points in the order of the cuts; none where the section shows no cortex.
///
/// Reference: the paper's Methods 3.2. Differs: the skeleton has no spurs and passes between touching banks, points are centred
/// between pixels, and spaced evenly after the push, not before.
public func sectionMidline(
    labels: Image<UInt8>, spacingUm: Double, firstUm: Double, cuts: [MidsurfaceCut],
    settings: MidlineSettings = MidlineSettings(), isExcluded: (SIMD2<Double>) -> Bool = { _ in false }
) -> SectionMidline {
    var result = SectionMidline()
    let lines = cuts.filter { $0.points.count > 1 }
    guard !lines.isEmpty else { return result }
    guard let cortex = SectionCortex(labels: labels, settings: settings.cortex) else {
        let length = lines.reduce(0) { $0 + $1.lengthUm }
        result.offCortex = Int(length / settings.spacingUm)
        return result
    }
    let tissue = TissueSums(labels)
    let plausiblePx = settings.plausibleThickness * cortex.medianThicknessPx
    var occupied = PointGrid(cellUm: settings.spacingUm / 2)
    for cut in lines {
        let samples = cut.samples(everyUm: settings.spacingUm / 3)
        var runs = PushedRuns(settings: settings)
        for sample in samples {
            guard sample.isCortex else {
                runs.breakOff()
                runs.withoutCortex += 1
                continue
            }
            let pushed = cortex.pushed(
                (sample.position - firstUm) / spacingUm, outward: sample.outward,
                limitPx: settings.maximumPushUm / spacingUm, plausibleThicknessPx: plausiblePx
            ) { row, column in
                row >= 0 && row < labels.rows && column >= 0 && column < labels.columns
                    && labels[row, column] == TissueClass.white
            }
            guard let pushed else {
                runs.offCortex += 1
                continue
            }
            if !pushed.isCentred { runs.unpushed += 1 }
            runs.append(sample, at: pushed.position * spacingUm + firstUm)
        }
        runs.finish(isClosed: cut.isClosed)
        result.withoutCortex += (runs.withoutCortex + 1) / 3
        result.offCortex += (runs.offCortex + 1) / 3
        result.unpushed += (runs.unpushed + 1) / 3
        for place in runs.evenlySpaced() {
            let pixel = (place.position - firstUm) / spacingUm
            guard cortex.isGray(pixel - SIMD2(Double(cortex.first.row), Double(cortex.first.column))) else {
                result.offCortex += 1
                continue
            }
            guard !isExcluded(place.position), !isExcluded(place.original) else {
                result.excluded += 1
                continue
            }
            let fraction = tissue.fraction(around: pixel, sidePx: settings.patchUm / spacingUm)
            guard fraction >= settings.minimumTissue else {
                result.littleTissue += 1
                continue
            }
            guard occupied.insert(place.position) else {
                result.crowded += 1
                continue
            }
            result.points.append(
                MidlinePoint(
                    positionUm: place.position, hemisphere: cut.hemisphere, tissueFraction: Float(fraction),
                    angleRad: Float(place.angleRad), shiftUm: Float(length(place.position - place.original))))
        }
    }
    return result
}

extension MidsurfaceCut {
    var lengthUm: Double {
        var sum = zip(points, points.dropFirst()).reduce(0) { $0 + length($1.1 - $1.0) }
        if isClosed, let first = points.first, let last = points.last { sum += length(first - last) }
        return sum
    }

    /// Points at equal distances along the line, at most `stepUm`.
    func samples(everyUm stepUm: Double) -> [CutSample] {
        let count = max(1, Int((lengthUm / stepUm).rounded(.up)))
        let step = lengthUm / Double(count)
        let last = isClosed ? count - 1 : count
        guard step > 0 else { return [] }
        var samples: [CutSample] = []
        var piece = 0
        var behind = 0.0
        let pieces = isClosed ? points.count : points.count - 1
        for index in 0...last {
            let target = Double(index) * step
            while true {
                let (a, b) = (points[piece], points[(piece + 1) % points.count])
                let size = length(b - a)
                if behind + size >= target || piece + 1 >= pieces {
                    let share = size > 0 ? min((target - behind) / size, 1) : 0
                    let near = share < 0.5 ? piece : (piece + 1) % points.count
                    let normal = normals[piece] * (1 - share) + normals[(piece + 1) % points.count] * share
                    let normalSize = max((normal * normal).sum().squareRoot(), 1e-12)
                    samples.append(
                        CutSample(
                            position: a + (b - a) * share, outward: SIMD2(normal.y, normal.z) / normalSize,
                            angleRad: angle(ofSine: abs(normal.x) / normalSize), isCortex: isCortex[near]))
                    break
                }
                behind += size
                piece += 1
            }
        }
        return samples
    }

    private func angle(ofSine sine: Double) -> Double {
        Math.atan2(sine, max(0, 1 - sine * sine).squareRoot())
    }
}

/// A place on a cut before it is pushed.
struct CutSample {
    var position: SIMD2<Double>
    /// The normal's part within the section: shorter the more the cut runs along the sheet.
    var outward: SIMD2<Double>
    var angleRad: Double
    var isCortex: Bool
}
