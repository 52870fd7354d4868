internal import NDArray

/// A map of physical points from one space to another, RAS mm to RAS mm.
///
/// ```swift
/// let toTemplate: SpatialTransform = .chain([.affine(affine), .displacement(warp)])   // affine first, then warp
/// let mni = toTemplate(point)                                                        // nil where the warp has no value
/// let (mapped, undefined) = toTemplate.map(points, threads: 2)                       // millions at once
/// ```
public indirect enum SpatialTransform: Sendable, Equatable {
    case affine(AffineTransform)
    case displacement(DisplacementField)
    case bSpline(CubicBSplineTransform)
    /// The inverse of a displacement field, found point by point.
    case inverseDisplacement(DisplacementField)
    /// The inverse of a B-spline transform, found point by point.
    case inverseBSpline(CubicBSplineTransform)
    /// The first is applied first.
    case chain([SpatialTransform])

    public static let identity: SpatialTransform = .affine(.identity)

    /// A chain in the order in which ITK adds transforms to a composite: **the last added is applied first**.
    public static func composite(inOrderAdded transforms: [SpatialTransform]) -> SpatialTransform {
        .chain(transforms.reversed())
    }

    /// Where a point goes, mm; nil where the transform says nothing about it (outside a field's grid, or no inverse found).
    public func callAsFunction(_ point: SIMD3<Double>) -> SIMD3<Double>? {
        switch self {
        case .affine(let affine): return affine(point)
        case .displacement(let field): return field(point)
        case .bSpline(let spline): return spline(point)
        case .inverseDisplacement(let field):
            guard let found = fixedPointInverse(of: point, displacement: field.clampedDisplacement(at:)) else {
                return nil
            }
            if field.grid.contains(found) { return found }
            switch field.outside {
            case .undefined: return nil
            case .identity: return point
            case .nearest: return found
            }
        case .inverseBSpline(let spline):
            guard let found = fixedPointInverse(of: point, displacement: spline.clampedDisplacement(at:)),
                spline.isInside(spline.grid.mmToIndex(found))
            else { return nil }
            return found
        case .chain(let transforms):
            var place = point
            for transform in transforms {
                guard let next = transform(place) else { return nil }
                place = next
            }
            return place
        }
    }

    /// The map the other way; that of a field or spline is found point by point, to 1e-6 mm.
    ///
    /// - Throws: `SpatialTransformError` with `singular` for an affine map without inverse.
    public func inverted() throws(SpatialTransformError) -> SpatialTransform {
        switch self {
        case .affine(let affine): return .affine(try affine.inverted())
        case .displacement(let field): return .inverseDisplacement(field)
        case .bSpline(let spline): return .inverseBSpline(spline)
        case .inverseDisplacement(let field): return .displacement(field)
        case .inverseBSpline(let spline): return .bSpline(spline)
        case .chain(let transforms):
            var inverses: [SpatialTransform] = []
            for transform in transforms.reversed() { inverses.append(try transform.inverted()) }
            return .chain(inverses)
        }
    }

    /// This transform after another.
    public func after(_ first: SpatialTransform) -> SpatialTransform {
        .chain(first.links + links)
    }

    /// The same as one flat list, neighbouring affine maps multiplied together.
    public var simplified: SpatialTransform {
        var list: [SpatialTransform] = []
        for link in links {
            if case .affine(let next) = link, case .affine(let before)? = list.last {
                list[list.count - 1] = .affine(next.after(before))
            } else {
                list.append(link)
            }
        }
        return list.count == 1 ? list[0] : list.isEmpty ? .identity : .chain(list)
    }

    private var links: [SpatialTransform] {
        guard case .chain(let list) = self else { return [self] }
        return list.flatMap(\.links)
    }

    /// The same outside rule for every displacement field in it.
    public func with(outside rule: DisplacementField.Outside) -> SpatialTransform {
        switch self {
        case .affine, .bSpline, .inverseBSpline: return self
        case .displacement(var field):
            field.outside = rule
            return .displacement(field)
        case .inverseDisplacement(var field):
            field.outside = rule
            return .inverseDisplacement(field)
        case .chain(let list): return .chain(list.map { $0.with(outside: rule) })
        }
    }

    /// Maps many points; those about which the transform says nothing become NaN.
    ///
    /// - Returns: the points in the same order, and how many are undefined. The result does not depend on `threads`.
    /// - Complexity: O(points), about 0.1 µs each for a displacement field.
    public func map(
        _ points: [SIMD3<Double>], threads: Int
    ) -> (points: [SIMD3<Double>], undefined: Int) {
        guard !points.isEmpty else { return ([], 0) }
        var mapped = [SIMD3<Double>](repeating: SIMD3(repeating: .nan), count: points.count)
        mapped.withUnsafeMutableBufferPointer { target in
            let target = DisjointSlices(target)
            parallelBands(points.count, band: 4096, threads: threads) { band in
                for index in band {
                    if let point = self(points[index]) { target[index] = point }
                }
            }
        }
        return (mapped, mapped.count { $0.x.isNaN || $0.y.isNaN || $0.z.isNaN })
    }
}
