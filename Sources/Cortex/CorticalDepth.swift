public import NDArray

/// What depth means between the boundaries.
public enum DepthMeasure: String, Sendable, CaseIterable {
    /// The potential of Laplace's equation: nearer to the smaller boundary where the cortex is bent.
    case laplace
    /// The share of the way along the field's lines: half-way between pia and white matter is 0.5 however the cortex is bent.
    case equidistant
    /// The share of distances, through gray matter: half-way is where pia and white matter are equally far. No equation is solved.
    case distance
}

/// How the depth in the cortex is computed.
public struct CorticalDepthSettings: Sendable, Equatable {
    /// Gray nearer to white matter than this is never split into two banks, in voxels.
    public var smallestBankDistance: Double
    /// Farther from white matter than this no banks are looked for, in voxels.
    public var largestBankDistance: Double
    /// Nor is a pia put nearer to white matter than this share of the median thickness.
    public var bankThicknessShare: Double
    /// Nor farther from it than this share.
    public var largestBankThicknessShare = Double.infinity
    /// Ways to white matter on both sides of such a pia open at least so wide.
    public var bankAngleDeg = 90.0
    /// Whether touching banks are separated.
    public var separatesBanks: Bool
    public var measure: DepthMeasure
    /// Relative residual at which the solver stops.
    public var tolerance: Double
    public var maximumIterations: Int

    public init(
        smallestBankDistance: Double = 10 / 3, largestBankDistance: Double = 30, bankThicknessShare: Double = 0.7,
        separatesBanks: Bool = true, measure: DepthMeasure = .laplace, tolerance: Double = 1e-6,
        maximumIterations: Int = 200
    ) {
        precondition(smallestBankDistance >= 0 && largestBankDistance > 0, "Distances of banks must be positive.")
        precondition(tolerance > 0 && maximumIterations > 0, "Tolerance and iterations must be positive.")
        self.smallestBankDistance = smallestBankDistance
        self.largestBankDistance = largestBankDistance
        self.bankThicknessShare = bankThicknessShare
        self.separatesBanks = separatesBanks
        self.measure = measure
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
    }
}

/// The depth in the cortex, and how well it is solved.
public struct CorticalDepth: Sendable {
    /// 0 at the pia, 1 at the white surface, NaN outside gray matter.
    public var depth: Volume<Float>
    /// ‖b − A u‖ / ‖b‖ of the solution; 0 where none was asked for.
    public var residual: Double
    public var iterations: Int
    /// Voxels of gray matter.
    public var grayVoxels: Int
    /// Voxels beside a pia that was put between touching banks.
    public var separatedVoxels: Int
}

/// Solves Laplace's equation in the gray matter: 0 at the pia, 1 at the white surface, no flux at the ends of what is known.
///
/// Boundaries lie between voxels, where the fractions (or smoothed labels) say; touching banks of a sulcus get a pia
/// between them. Solved by conjugate gradients preconditioned with geometric multigrid on the gray voxels alone.
///
/// - Parameters:
///   - labels: 0 background, 1 gray, 2 white, on an isotropic grid.
///   - fractions: the shares of gray and white matter, for boundaries between voxels; nil smooths the labels.
///   - excluded: not zero where tissue was taken out: the cortex ends there without a boundary value.
///   - progress: told the relative residual of every iteration.
/// - Returns: depths in 0 … 1; the same bytes for any number of threads.
/// - Complexity: O(voxels); four bytes a voxel and about 80 a gray one.
///
/// Reference: S. E. Jones, B. R. Buchbinder, I. Aharon, Hum. Brain Mapp. 11, 12 (2000); Y. Leprince et al., ISBI 2015; the paper's
/// Methods 3.2. Differs: the linear system is solved to a stated residual, with boundaries at sub-voxel accuracy.
public func corticalDepth(
    labels: Volume<UInt8>, fractions: TissueFractions? = nil, excluded: Volume<UInt8>? = nil,
    settings: CorticalDepthSettings = CorticalDepthSettings(), threads: Int = 1,
    progress: (Double) -> Void = { _ in }
) -> CorticalDepth {
    if let fractions {
        precondition(labels.hasShape(of: fractions.gray), "Labels and fractions differ in size.")
    }
    if let excluded { precondition(labels.hasShape(of: excluded), "Labels and excluded parts differ in size.") }
    precondition(labels.elements.count < Int(Int32.max), "A volume of 2³¹ voxels or more is too large.")
    if settings.measure == .distance {
        return distanceDepth(
            labels: labels, fractions: fractions, excluded: excluded, settings: settings, threads: threads)
    }
    var separated = 0
    let system = GraySystem(
        labels: labels, fractions: fractions, excluded: excluded, settings: settings, threads: threads,
        separated: &separated)
    let solution = system.solver.solve(
        system.right, tolerance: settings.tolerance, maximumIterations: settings.maximumIterations,
        progress: progress)
    if settings.measure == .equidistant {
        replaceByShareOfWay(solution.values, level: system.finest, right: system.right)
    }
    var depth = Volume<Float>(
        planes: labels.planes, rows: labels.rows, columns: labels.columns, filledWith: .nan)
    depth.elements.withUnsafeMutableBufferPointer { depth in
        for cell in 0..<system.voxels.count {
            depth[Int(system.voxels[cell])] = min(max(solution.values[cell], 0), 1)
        }
    }
    return CorticalDepth(
        depth: depth, residual: solution.residual, iterations: solution.iterations, grayVoxels: system.voxels.count,
        separatedVoxels: separated)
}

/// The depth by distances; see `DistanceDepth`.
private func distanceDepth(
    labels: Volume<UInt8>, fractions: TissueFractions?, excluded: Volume<UInt8>?, settings: CorticalDepthSettings,
    threads: Int
) -> CorticalDepth {
    let grid = GrayGrid(
        labels: labels, fractions: fractions, excluded: excluded, keepsCrossings: true, threads: threads)
    var separated = 0
    if settings.separatesBanks { separated = BankSeparation(settings).cut(grid, threads: threads) }
    var depth = Volume<Float>(planes: labels.planes, rows: labels.rows, columns: labels.columns, filledWith: .nan)
    if let crossings = grid.crossings {
        let shares = DistanceDepth(grid: grid).shares(crossings: crossings, threads: threads)
        depth.elements.withUnsafeMutableBufferPointer { depth in
            for cell in 0..<grid.map.count { depth[Int(grid.voxels[cell])] = shares[cell] }
        }
    }
    return CorticalDepth(
        depth: depth, residual: 0, iterations: 0, grayVoxels: grid.map.count, separatedVoxels: separated)
}

extension BankSeparation {
    fileprivate init(_ settings: CorticalDepthSettings) {
        self.init(
            smallestDistance: Float(settings.smallestBankDistance),
            largestDistance: Float(settings.largestBankDistance),
            thicknessShare: Float(settings.bankThicknessShare),
            largestThicknessShare: Float(settings.largestBankThicknessShare),
            largestCosine: Float(Math.cos(settings.bankAngleDeg * Double.pi / 180)))
    }
}

/// The system of a volume, ready to be solved; what was needed to build it is gone.
private struct GraySystem {
    let solver: LaplaceSolver
    let finest: LaplaceLevel
    let right: GridBuffer<Float>
    let voxels: GridBuffer<Int32>

    init(
        labels: Volume<UInt8>, fractions: TissueFractions?, excluded: Volume<UInt8>?,
        settings: CorticalDepthSettings, threads: Int, separated: inout Int
    ) {
        let grid = GrayGrid(labels: labels, fractions: fractions, excluded: excluded, threads: threads)
        if settings.separatesBanks {
            separated = BankSeparation(settings).cut(grid, threads: threads)
        }
        finest = LaplaceLevel(
            count: grid.map.count, reds: grid.map.reds, neighbours: grid.neighbours, weights: nil,
            anchors: grid.anchors, threads: threads)
        solver = LaplaceSolver(finest, map: grid.map, threads: threads)
        right = grid.right
        voxels = grid.voxels
    }
}
