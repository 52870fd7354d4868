internal import NDArray

/// Damage of the knife and the brush: along a curved line the tissue has torn apart, or been pushed over itself.
///
/// Positions are in µm of the field of view, as the section would lie without the damage ("flat") and as it lies. A tear
/// moves both sides away from the line by half its width, a fold moves them towards it and over each other by half its
/// width each, so that a band of the section holds two sheets. Either way the movement fades with distance and towards the
/// line's ends, and tissue keeps its order on each side of the line.
public struct CuttingArtefact: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable { case tear, fold }

    public var kind: Kind
    /// Middle of the line.
    public var row: Double
    public var column: Double
    /// Direction of the line: 0 runs along the columns, a quarter turn along the rows.
    public let angleRad: Double
    private let sine: Double
    private let cosine: Double
    public var halfLengthUm: Double
    /// Widest gap of a tear, widest doubled band of a fold.
    public var widthUm: Double
    /// How far the line's middle bulges to one side.
    public var bendUm: Double
    /// Beyond this distance from the line nothing has moved.
    public var reachUm: Double

    public init(
        kind: Kind, row: Double, column: Double, angleRad: Double, halfLengthUm: Double, widthUm: Double,
        bendUm: Double = 0, reachUm: Double = 6000
    ) {
        precondition(
            halfLengthUm > 0 && widthUm >= 0 && reachUm > 4 * widthUm,
            "An artefact of \(widthUm) µm needs a line and a reach of more than four times its width.")
        (self.kind, self.row, self.column, self.angleRad) = (kind, row, column, angleRad)
        (sine, cosine) = (Math.sin(angleRad), Math.cos(angleRad))
        (self.halfLengthUm, self.widthUm, self.bendUm, self.reachUm) = (halfLengthUm, widthUm, bendUm, reachUm)
    }

    /// Where flat tissue comes to lie.
    public func place(ofFlat flat: SectionPoint) -> SectionPoint {
        let (along, across) = local(flat)
        let half = halfWidth(along)
        guard half > 0 else { return flat }
        let distance = abs(across)
        let moved = kind == .tear ? distance + half * fading(distance) : distance - half * holding(distance)
        return global(along, (across < 0 ? -1 : 1) * moved)
    }

    /// The flat tissue that lies at a place: none in a tear, two sheets in a fold.
    public func flat(at place: SectionPoint) -> Sheets {
        let (along, across) = local(place)
        let half = halfWidth(along)
        guard half > 0, abs(across) < reachUm + half else { return Sheets(place) }
        switch kind {
        case .tear:
            let distance = abs(across)
            guard distance >= half else { return Sheets() }
            // The slope of the fading is below 1/2: each step more than halves the error.
            var flat = distance - half
            for _ in 0..<12 {
                let before = flat
                flat = max(distance - half * fading(flat), 0)
                if flat == before { break }
            }
            return Sheets(global(along, across < 0 ? -flat : flat))
        case .fold:
            var sheets = Sheets()
            for side in [1.0, -1.0] where side * across >= -half {
                var flat = max(side * across + half, 0)
                for _ in 0..<12 {
                    let before = flat
                    flat = max(side * across + half * holding(flat), 0)
                    if flat == before { break }
                }
                sheets.append(global(along, side * flat))
            }
            return sheets
        }
    }

    /// Whether anything within `radiusUm` of a place may have moved.
    public func touches(_ place: SectionPoint, radiusUm: Double) -> Bool {
        let (along, across) = local(place)
        return abs(along) < halfLengthUm + radiusUm && abs(across) < reachUm + widthUm + abs(bendUm) + radiusUm
    }

    // MARK: The line's own frame

    private func local(_ point: SectionPoint) -> (along: Double, across: Double) {
        let (down, right) = (point.row - row, point.column - column)
        let along = down * sine + right * cosine
        return (along, down * cosine - right * sine - bulge(along))
    }

    private func global(_ along: Double, _ across: Double) -> SectionPoint {
        let aside = across + bulge(along)
        return SectionPoint(
            row: row + along * sine + aside * cosine, column: column + along * cosine - aside * sine)
    }

    private func bulge(_ along: Double) -> Double {
        let t = along / halfLengthUm
        return bendUm * (1 - t * t)
    }

    private func halfWidth(_ along: Double) -> Double {
        let t = along / halfLengthUm
        let taper = max(1 - t * t, 0)
        return widthUm / 2 * taper * taper
    }

    /// 1 at the line, 0 from the reach on, slope at most 2 / reach.
    private func fading(_ distance: Double) -> Double {
        let rest = max(1 - distance / reachUm, 0)
        return rest * rest
    }

    /// The same, but 1 as far as the sheet is doubled.
    private func holding(_ distance: Double) -> Double {
        fading(max(distance - widthUm, 0) * reachUm / (reachUm - widthUm))
    }
}

/// A point of a section in µm.
public struct SectionPoint: Sendable, Equatable {
    public var row: Double
    public var column: Double

    @inlinable public init(row: Double, column: Double) {
        self.row = row
        self.column = column
    }
}

/// The sheets of tissue that lie at one place of a slide: none, one, or two on each other.
public struct Sheets: Sendable, Equatable {
    public private(set) var count = 0
    public private(set) var upper = SectionPoint(row: 0, column: 0)
    public private(set) var lower = SectionPoint(row: 0, column: 0)

    public init() {}

    public init(_ point: SectionPoint) {
        (count, upper) = (1, point)
    }

    /// Lays a sheet under those that are there; a third is out of sight.
    public mutating func append(_ point: SectionPoint) {
        if count == 0 { upper = point } else if count == 1 { lower = point }
        count = min(count + 1, 2)
    }
}
