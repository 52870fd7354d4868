internal import NDArray

/// A way through the cortex along the gradient of its depth, from pia to white surface through a point.
public struct CorticalTraverse: Sendable, Equatable {
    /// Places from the pia to the white surface, reconstruction µm (plane, row, column); the first and the last are extrapolated
    /// to the boundaries.
    public var pathUm: [SIMD3<Double>]
    /// Which of them is the point that it was laid through.
    public var start: Int
    /// Length of the way.
    public var lengthUm: Double
    /// Straight distance of its ends: the thickness between corresponding places of pia and white surface, as the paper has it.
    public var spanUm: Double {
        guard let first = pathUm.first, let last = pathUm.last else { return 0 }
        return ((last - first) * (last - first)).sum().squareRoot()
    }
    /// Depth at the point.
    public var depth: Double
    /// Unit vector at the point, towards the pia, in space (also where the way keeps to a section).
    public var outward: SIMD3<Double>
}

/// How a way through the cortex is followed.
public struct TraverseSettings: Sendable, Equatable {
    /// Length of a step.
    public var stepUm: Double
    /// A way longer than this on one side of the point is none.
    public var maximumLengthUm: Double
    /// A point off the cortex starts from the nearest voxel of it so far away.
    public var reachUm: Double
    /// The field is followed to this depth from either end; the rest is extrapolated, as the outermost voxels have cortex on one side only.
    public var rim: Double
    /// Keeps the way in the plane of the point's section.
    public var staysInSection: Bool

    public init(
        stepUm: Double, maximumLengthUm: Double = 8000, reachUm: Double = 600, rim: Double = 0.12,
        staysInSection: Bool = false
    ) {
        precondition(stepUm > 0, "A step cannot be \(stepUm) µm long.")
        precondition(rim >= 0 && rim < 0.5, "The rim is a depth below one half.")
        self.stepUm = stepUm
        self.maximumLengthUm = maximumLengthUm
        self.reachUm = reachUm
        self.rim = rim
        self.staysInSection = staysInSection
    }
}

extension DepthField {
    /// Follows the gradient of the depth from a point to pia and white surface.
    ///
    /// Second-order steps (midpoint rule) along the unit gradient to the depth `rim` on either side, or to where the depth stops
    /// changing (the bottom between two touching banks); from there straight on, by the mean slope of the last stretch. With the equidistant
    /// depth, linear along its lines, this is exact; with the Laplace potential the rim's bend is neglected.
    ///
    /// - Parameter placeUm: reconstruction µm, (plane, row, column).
    /// - Returns: nil where there is no cortex within reach, or where the way does not get past depth ⅓ and ⅔.
    /// - Complexity: O(length / step), 54 voxels a step.
    ///
    /// **Reference**: S. E. Jones, B. R. Buchbinder, I. Aharon, Hum. Brain Mapp. 11, 12 (2000): thickness as the length of a line of the
    /// Laplace field.
    public func traverse(from placeUm: SIMD3<Double>, settings: TraverseSettings) -> CorticalTraverse? {
        volume.elements.withUnsafeBufferPointer { values in
            var start = placeUm
            var here = sample(at: start, in: values)
            if here == nil {
                guard let near = nearestCortex(to: placeUm, withinUm: settings.reachUm) else { return nil }
                start = near
                // The section's own plane is kept, so that what follows lies in it.
                if settings.staysInSection { start.x = placeUm.x }
                here = sample(at: start, in: values)
            }
            guard let here else { return nil }
            let size = (here.gradient * here.gradient).sum().squareRoot()
            guard size > 0 else { return nil }
            guard let out = half(from: start, here, towards: -1, settings, values),
                let inside = half(from: start, here, towards: 1, settings, values)
            else { return nil }
            return CorticalTraverse(
                pathUm: out.path.reversed() + [start] + inside.path, start: out.path.count,
                lengthUm: out.lengthUm + inside.lengthUm, depth: here.depth, outward: here.gradient / -size)
        }
    }

    /// The way on one side of the point, the boundary's place last.
    private func half(
        from start: SIMD3<Double>, _ first: Sample, towards sign: Double, _ settings: TraverseSettings,
        _ values: UnsafeBufferPointer<Float>
    ) -> (path: [SIMD3<Double>], lengthUm: Double)? {
        // How far the depth is from the boundary walked to.
        func left(_ depth: Double) -> Double { sign > 0 ? 1 - depth : depth }
        func direction(_ gradient: SIMD3<Double>) -> SIMD3<Double>? {
            var way = gradient * sign
            if settings.staysInSection { way.x = 0 }
            let size = (way * way).sum().squareRoot()
            // Less than a voxel in 100,000 of depth is no slope.
            return size * spacingUm > 1e-5 ? way / size : nil
        }
        let most = Int((settings.maximumLengthUm / settings.stepUm).rounded(.up))
        var path: [SIMD3<Double>] = []
        var lefts = [left(first.depth)]
        var place = start
        var here = first
        guard var heading = direction(first.gradient) else { return nil }
        while left(here.depth) > settings.rim, path.count < most {
            guard let now = direction(here.gradient), (now * heading).sum() > 0,
                let middle = sample(at: place + now * (settings.stepUm / 2), in: values),
                let way = direction(middle.gradient), (way * now).sum() > 0
            else { break }
            let next = place + way * settings.stepUm
            guard let there = sample(at: next, in: values), left(there.depth) < left(here.depth) else { break }
            path.append(next)
            lefts.append(left(there.depth))
            (place, here, heading) = (next, there, way)
        }
        guard path.count < most, left(here.depth) < 1.0 / 3 else { return nil }
        // The rest of the way by the mean slope of the last two voxels of it.
        let back = min(path.count, max(1, Int((2 * spacingUm / settings.stepUm).rounded())))
        let last = lefts.count - 1
        let slope: Double
        if back > 0 {
            slope = (lefts[last - back] - lefts[last]) / (Double(back) * settings.stepUm)
        } else {
            var way = here.gradient
            if settings.staysInSection { way.x = 0 }
            slope = (way * way).sum().squareRoot()
        }
        guard slope > 0 else { return nil }
        let rest = max(lefts[last], 0) / slope
        let length = Double(path.count) * settings.stepUm + rest
        guard length <= settings.maximumLengthUm else { return nil }
        path.append(place + heading * rest)
        return (path, length)
    }
}
