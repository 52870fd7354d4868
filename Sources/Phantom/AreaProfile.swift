/// The cell architecture of a piece of cortex: six layers and what is special about them.
///
/// Layer arrays hold layers I to VI in this order. Depth is 0 at the pia and 1 at the white surface.
public struct AreaProfile: Sendable, Equatable {
    /// Share of the cortical thickness; the sum is 1.
    public var fractions: [Float]
    /// Cell bodies per mm² of a section.
    public var cellsPerMm2: [Float]
    /// Mean area of a cell body in a section, µm².
    public var cellAreaUm2: [Float]
    /// Factor on the brain's cortical thickness; the brain's geometry has it already.
    public var thicknessFactor: Float
    /// Dense, thick layer IV, as in primary sensory areas.
    public var isKoniocortex: Bool
    /// Next to no layer IV, as in motor areas.
    public var isAgranular: Bool
    /// Giant pyramidal cells in layer V per mm², 0 where there are none.
    public var giantCellsPerMm2: Float
    /// A band with fewer cells, nil where there is none.
    public var paleStripe: PaleStripe?

    /// A band along the cortex with fewer cells than its layer.
    public struct PaleStripe: Sendable, Equatable {
        /// Depth of its middle.
        public var depth: Float
        /// Its width as a share of the thickness.
        public var width: Float
        /// Share of cells that is missing, 0…1.
        public var strength: Float

        public init(depth: Float, width: Float, strength: Float) {
            self.depth = depth
            self.width = width
            self.strength = strength
        }
    }

    public init(
        fractions: [Float], cellsPerMm2: [Float], cellAreaUm2: [Float], thicknessFactor: Float = 1,
        isKoniocortex: Bool = false, isAgranular: Bool = false, giantCellsPerMm2: Float = 0,
        paleStripe: PaleStripe? = nil
    ) {
        precondition(
            fractions.count == 6 && cellsPerMm2.count == 6 && cellAreaUm2.count == 6, "A profile has six layers.")
        let total = fractions.reduce(0, +)
        precondition(total > 0, "The layers of a profile need a thickness.")
        self.fractions = fractions.map { $0 / total }
        self.cellsPerMm2 = cellsPerMm2
        self.cellAreaUm2 = cellAreaUm2
        self.thicknessFactor = thicknessFactor
        self.isKoniocortex = isKoniocortex
        self.isAgranular = isAgranular
        self.giantCellsPerMm2 = giantCellsPerMm2
        self.paleStripe = paleStripe
    }

    /// Cortex as it is on average (design: what a small phantom can show).
    public static let base = AreaProfile(
        fractions: [0.09, 0.08, 0.33, 0.09, 0.20, 0.21], cellsPerMm2: [250, 1700, 1000, 1900, 1100, 1000],
        cellAreaUm2: [55, 80, 130, 75, 150, 115])
}

/// Side of the brain: left are the columns below 0.
public enum Hemisphere: Int, Sendable, CaseIterable {
    case left = 0
    case right = 1

    public init(columnMm: Float) { self = columnMm < 0 ? .left : .right }
}

/// Factors that change slowly over the cortex, by layer.
public struct SlowFactors: Sendable, Equatable {
    /// Factor on the cells per mm² of layers I to VI, in lanes 0 to 5.
    public var cells: SIMD8<Float>

    public init(cells: SIMD8<Float>) { self.cells = cells }
}
