import NDArray

/// Gray and white matter told apart by what lies how deep below the tissue's edge.
///
/// A shell below the edge is gray matter with some white; what lies deep is white matter with some gray. Each is a mixture of the same two
/// distributions of brightness, in other shares, and so each can be cleared of the other: of the deep histogram as much of the shell's is taken
/// away as its dark end allows, and the other way round at the bright end. What is left are gray and white matter, however unequal their areas
/// and however many layers of their own brightness the gray matter has; where nothing bright is left, there is no white matter.
///
/// Reference: G. Blanchard, C. Scott, AISTATS 2014 (mutual contamination: the largest share of one mixture within the other).
struct DepthUnmixing {
    enum Finding {
        /// The last level of gray matter.
        case threshold(Int)
        /// All of it is gray.
        case noWhite
        /// Too little of the tissue lies deep to tell.
        case unknown
    }
    let finding: Finding

    /// - Parameters:
    ///   - levels: brightness of the tissue.
    ///   - whiteDepthPx: white matter lies at least so deep.
    ///   - depth: distance of each pixel of tissue to its edge, in pixels, 0 elsewhere; vessels and other small holes make no edge.
    init(_ levels: Image<UInt8>, depth: Image<Float>, whiteDepthPx: Double) {
        let top = Float(whiteDepthPx)
        var (shell, deep) = ([Double](repeating: 0, count: 256), [Double](repeating: 0, count: 256))
        var tissuePx = 0.0
        var deepest: Float = 0
        depth.elements.withUnsafeBufferPointer { depth in
            levels.elements.withUnsafeBufferPointer { levels in
                for pixel in depth.indices where depth[pixel] > 0 {
                    tissuePx += 1
                    deepest = max(deepest, depth[pixel])
                    if depth[pixel] > 4 * top / 3 {
                        deep[Int(levels[pixel])] += 1
                    } else if depth[pixel] > 0.23 * top, depth[pixel] < 0.87 * top {
                        shell[Int(levels[pixel])] += 1
                    }
                }
            }
        }
        let (deepPx, shellPx) = (deep.reduce(0, +), shell.reduce(0, +))
        guard deepPx >= 200, shellPx >= 200 else {
            finding = .unknown
            return
        }
        let (inShell, inDeep) = (Self.density(shell), Self.density(deep))
        let (shellSums, deepSums) = (Self.sums(inShell), Self.sums(inDeep))
        // Ratios of single levels are noise; those of the ends are not.
        var (grayInDeep, whiteInShell) = (1.0, 1.0)
        for level in 0..<256 {
            let (dark, bright) = (shellSums[level], 1 - deepSums[level])
            if dark > 0.1, dark < 0.7 { grayInDeep = min(grayInDeep, deepSums[level] / dark) }
            if bright > 0.1, bright < 0.7 { whiteInShell = min(whiteInShell, (1 - shellSums[level]) / bright) }
        }
        let upper = shellSums.firstIndex { $0 >= 0.75 } ?? 255
        let white = (0..<256).map { $0 < upper ? 0 : max(inDeep[$0] - grayInDeep * inShell[$0], 0) }
        let gray = (0..<256).map { max(inShell[$0] - whiteInShell * inDeep[$0], 0) }
        let (whiteShare, grayShare) = (white.reduce(0, +), gray.reduce(0, +))
        // No cortex is so thick that all of it could be gray; then the model does not hold (a pale rim, sulci that are closed).
        let without: Finding = deepest < 4 * top ? .noWhite : .unknown
        guard whiteShare >= 0.03, grayShare > 0 else {
            finding = without
            return
        }
        let (whiteSums, graySums) = (Self.sums(white.map { $0 / whiteShare }), Self.sums(gray.map { $0 / grayShare }))
        func level(_ share: Double, _ sums: [Double]) -> Int { sums.firstIndex { $0 >= share } ?? 255 }
        let (middleGray, middleWhite) = (level(0.5, graySums), level(0.5, whiteSums))
        guard middleWhite > level(0.85, graySums) + 2 else {
            finding = without
            return
        }
        let whitePx = whiteShare * deepPx
        let grayPx = max(tissuePx - whitePx, 1)
        func wrong(_ level: Int) -> Double { grayPx * (1 - graySums[level]) + whitePx * whiteSums[level] }
        finding = .threshold((middleGray...middleWhite).min { wrong($0) < wrong($1) } ?? middleWhite)
    }

    /// Smoothed by a Gaussian of two levels, of sum 1.
    private static func density(_ counts: [Double]) -> [Double] {
        let smooth = gaussianFilter(
            Image(rows: 1, columns: 256, elements: counts.map(Float.init)), sigmaPx: 2, threads: 1
        ).elements.map(Double.init)
        let total = smooth.reduce(0, +)
        return smooth.map { $0 / total }
    }

    private static func sums(_ density: [Double]) -> [Double] {
        var sum = 0.0
        return density.map {
            sum += $0
            return sum
        }
    }
}
