internal import NDArray
internal import SpatialTransforms

/// How well a brain lies on a template.
public struct TemplateMatchQuality: Sendable, Equatable {
    /// Dice overlap of what is mostly gray, after the start, the affine map, and all.
    public var grayDice = Stages()
    public var whiteDice = Stages()
    /// Weighted squared difference over the sum of squares: 0 equal, 1 nothing in common.
    public var misfit = Stages()
    /// λ of the flow: the settings', or more where that folded.
    public var bendingMm2 = 0.0
    /// Determinant of the flow's derivative.
    public var leastJacobian = 1.0
    public var mostJacobian = 1.0
    public var foldedShare = 0.0
    /// How far points of the tissue are from where they came from, there and back.
    public var inverseErrorUm = Spread()
    /// How far the flow moves points of the tissue.
    public var flowMm = Spread()
    /// What the affine map from the brain to the template does: volume factor, stretches along three axes, turn in the
    /// plane of the sections.
    public var affineVolume = 1.0
    public var affineStretch = Range()
    public var affineRollDeg = 0.0
    /// Which half of the template the brain covers.
    public var half = BrainHalf.both
    public var gaussNewtonSteps = 0
    /// Whether the stack ends in the middle of tissue.
    public var startsCut = false
    public var endsCut = false
    public var emptyPlanes = 0

    public init() {}

    /// A figure at three times.
    public struct Stages: Sendable, Equatable {
        public var start = 0.0
        public var affine = 0.0
        public var final = 0.0

        public init() {}
    }

    /// From the least to the most.
    public struct Range: Sendable, Equatable {
        public var least = 1.0
        public var most = 1.0

        public init() {}
    }

    /// A distribution in short.
    public struct Spread: Sendable, Equatable {
        public var median = 0.0
        public var most = 0.0

        public init() {}
    }
}

extension TemplateMatchQuality {
    mutating func describe(_ coverage: PlaneCoverage, _ match: AffineMatch) {
        (startsCut, endsCut) = (coverage.startsCut, coverage.endsCut)
        emptyPlanes = coverage.gaps
    }
}

extension TemplateMatch {
    /// Fills in the figures.
    ///
    /// - Parameters:
    ///   - start, brain: the brain on the template's grid through the start and through the affine map.
    mutating func measure(
        template: ChannelGrid, start: ChannelGrid, brain: ChannelGrid, channelWeights: SIMD4<Float>, threads: Int
    ) {
        var carried = brain
        let size = SIMD3<Int32>(truncatingIfNeeded: brain.size)
        let scale = Float(1 / backward.spacingMm)
        carried.fill(threads: threads) { [backward] column, row, plane in
            let step = backward.values[(plane * brain.size.y + row) * brain.size.x + column] * scale
            let point = SIMD3(Float(column) + step.x, Float(row) + step.y, Float(plane) + step.z)
            return brain.values.withUnsafeBufferPointer { sample($0, at: point, size: size) }
        }
        for (image, place) in [
            (start, \TemplateMatchQuality.Stages.start), (brain, \.affine), (carried, \.final),
        ] {
            let overlap = TissueOverlap(template, image, channelWeights: channelWeights)
            quality.grayDice[keyPath: place] = overlap.grayDice
            quality.whiteDice[keyPath: place] = overlap.whiteDice
            quality.misfit[keyPath: place] = overlap.misfit
        }
        let (there, back) = (onward.jacobian(threads: threads), backward.jacobian(threads: threads))
        quality.leastJacobian = min(there.least, back.least)
        quality.mostJacobian = max(there.most, back.most)
        quality.foldedShare = max(there.foldedShare, back.foldedShare)
        var moved: [Double] = []
        var off: [Double] = []
        // Every second voxel along each axis that is mostly tissue.
        for plane in stride(from: 0, to: brain.size.z, by: 2) {
            for row in stride(from: 0, to: brain.size.y, by: 2) {
                for column in stride(from: 0, to: brain.size.x, by: 2) {
                    let index = (plane * brain.size.y + row) * brain.size.x + column
                    guard brain.values[index].z * brain.values[index].w > 0.5 else { continue }
                    let point =
                        brain.originMm + brain.spacingMm * SIMD3(Double(column), Double(row), Double(plane))
                    let step = onward.displacement(at: point)
                    let round = step + backward.displacement(at: point + step)
                    moved.append((step * step).sum().squareRoot())
                    off.append(1000 * affineBack.linear(round).length)
                }
            }
        }
        quality.flowMm = TemplateMatchQuality.Spread(of: moved)
        quality.inverseErrorUm = TemplateMatchQuality.Spread(of: off)
        quality.affineVolume = affine.determinant
        let lengths = [affine.x.length, affine.y.length, affine.z.length]
        quality.affineStretch.least = lengths.min() ?? 1
        quality.affineStretch.most = lengths.max() ?? 1
        quality.affineRollDeg = Math.atan2(affine.x.z, affine.x.x) * 180 / .pi
    }
}

extension TemplateMatchQuality.Spread {
    init(of values: [Double]) {
        self.init()
        let sorted = values.sorted()
        guard let last = sorted.last else { return }
        (median, most) = (sorted[sorted.count / 2], last)
    }
}

/// What is mostly gray or mostly white in both, counted where both are known.
struct TissueOverlap {
    private(set) var grayDice = 0.0
    private(set) var whiteDice = 0.0
    private(set) var misfit = 1.0

    init(_ template: ChannelGrid, _ brain: ChannelGrid, channelWeights: SIMD4<Float>) {
        var (gray, white) = (SIMD2<Int>(), SIMD2<Int>())
        var (difference, power) = (0.0, 0.0)
        for (one, other) in zip(template.values, brain.values) {
            let weight = one.w * other.w
            guard weight > 0 else { continue }
            let r = one - other
            difference += Double(weight * (channelWeights * r * r).sum())
            power += Double(weight * (channelWeights * (one * one + other * other)).sum())
            guard weight > 0.5 else { continue }
            let (a, b) = (TissueOverlap.kind(one), TissueOverlap.kind(other))
            gray &+= SIMD2(a == 1 && b == 1 ? 1 : 0, (a == 1 ? 1 : 0) + (b == 1 ? 1 : 0))
            white &+= SIMD2(a == 2 && b == 2 ? 1 : 0, (a == 2 ? 1 : 0) + (b == 2 ? 1 : 0))
        }
        if gray.y > 0 { grayDice = 2 * Double(gray.x) / Double(gray.y) }
        if white.y > 0 { whiteDice = 2 * Double(white.x) / Double(white.y) }
        if power > 0 { misfit = difference / power }
    }

    /// 0 background, 1 gray, 2 white: the largest share.
    @inline(__always)
    private static func kind(_ value: SIMD4<Float>) -> Int {
        let empty = 1 - value.z
        return value.x > value.y ? (value.x > empty ? 1 : 0) : value.y > empty ? 2 : 0
    }
}

extension SIMD3<Double> {
    var length: Double { (self * self).sum().squareRoot() }
}
