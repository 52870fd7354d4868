internal import NDArray

/// A rigid transform between two sections of a stack.
public struct StackLink: Sendable, Equatable {
    /// Index of the section that moves.
    public var moving: Int
    /// Index of the section into whose frame it is carried.
    public var fixed: Int
    /// Moving µm to fixed µm.
    public var transform: RigidTransform
    /// How well the two lie on each other, −1 … 1; better links are preferred.
    public var correlation: Double

    public init(moving: Int, fixed: Int, transform: RigidTransform, correlation: Double) {
        self.moving = moving
        self.fixed = fixed
        self.transform = transform
        self.correlation = correlation
    }
}

/// Where each section of a brain lies in the plane that all share.
public struct StackedSections: Sendable, Equatable {
    /// Section µm to the common plane's µm, one a section.
    public var transforms: [RigidTransform]
    /// Whether links lead from the section to the base; the others take the place of their nearest neighbour.
    public var isLinked: [Bool]
    /// The index of the section whose frame the links lead to.
    public var base: Int
    /// How many links lie between a section and the base; −1 where it is not linked.
    public var steps: [Int]

    public init(transforms: [RigidTransform], isLinked: [Bool], base: Int, steps: [Int]) {
        self.transforms = transforms
        self.isLinked = isLinked
        self.base = base
        self.steps = steps
    }
}

/// Composes section-to-section transforms into one frame: that of the base section.
///
/// From each section a path of links leads to the base, and its transform is their product. Links between next neighbours make
/// the path wherever they hold (Methods 3.2: recursive application); a section that could not be aligned with its neighbour is
/// bridged by a link over it. What nothing joins with the base is reported and takes the place of the nearest section that lies; sections
/// that hang together are laid down together. A weak link alone does not turn over a piece of the stack at its end.
/// Mirrored sections come out unmirrored, as the links that lead to them say; where most sections are mirrored against the
/// base, the base is taken to be the mirrored one.
///
/// - Parameters:
///   - count: number of sections.
///   - positionsUm: place of each along the stacking axis, ascending.
///   - centres: middle of each section's tissue in its own µm; a section without links is laid down by it.
///   - links: accepted transforms, any order.
///   - base: index of the base section; the middle of the stack where nil.
///   - upright: whether the whole stack is turned so that its sections keep the mean orientation that they have on their slides.
/// - Complexity: O(count · links), far below a second for thousands of sections.
public func stackSections(
    count: Int, positionsUm: [Double], centres: [PlanarPoint], links: [StackLink], base: Int? = nil,
    upright: Bool = false
) -> StackedSections {
    precondition(count == positionsUm.count && count == centres.count, "Every section needs a position and a centre.")
    guard count > 0 else { return StackedSections(transforms: [], isLinked: [], base: 0, steps: []) }
    let base = base ?? middleSection(positionsUm)
    precondition(base >= 0 && base < count, "The base section \(base) is not one of \(count).")
    let links = withoutLoneTurns(links, count: count)
    let paths = shortestPaths(count: count, links: links, base: base)
    var transforms = paths.transforms
    let linked = transforms.indices.filter { paths.steps[$0] >= 0 }
    let mirrored = linked.count { transforms[$0].isMirrored }
    if 2 * mirrored > linked.count {
        // The columns turn around the base's own middle.
        let turning = RigidTransform.about(centres[base], onto: centres[base], isMirrored: true)
        for index in linked { transforms[index] = turning.after(transforms[index]) }
    }
    if upright {
        let angles = linked.filter { !transforms[$0].isMirrored }.map { transforms[$0].rotationRad }
        let mean = Math.atan2(
            angles.reduce(0) { $0 + Math.sin($1) }, angles.reduce(0) { $0 + Math.cos($1) })
        let turning = RigidTransform.about(centres[base], onto: centres[base], rotationRad: -mean)
        for index in linked { transforms[index] = turning.after(transforms[index]) }
    }
    layDownUnlinked(
        &transforms, isLinked: paths.steps.map { $0 >= 0 }, positionsUm: positionsUm, centres: centres, links: links)
    return StackedSections(
        transforms: transforms, isLinked: paths.steps.map { $0 >= 0 }, base: base, steps: paths.steps)
}

/// The section nearest to the middle of the stack; of two, the first.
public func middleSection(_ positionsUm: [Double]) -> Int {
    guard let first = positionsUm.first, let last = positionsUm.last else { return 0 }
    let middle = (first + last) / 2
    return positionsUm.indices.min { abs(positionsUm[$0] - middle) < abs(positionsUm[$1] - middle) } ?? 0
}

/// The links without those that alone, and weakly, say that a piece of the stack was scanned face down.
///
/// Sections are laid face down one at a time. Where nothing but one link that correlates below `trusted` joins two sections or more with the rest, and
/// most of them come out mirrored by it, the link is more likely wrong than they are: gray levels near a brain's ends look much alike either way.
private func withoutLoneTurns(_ links: [StackLink], count: Int, trusted: Double = 0.6) -> [StackLink] {
    var kept = links
    for suspect in links where suspect.transform.isMirrored && suspect.correlation < trusted {
        let others = kept.filter { $0 != suspect }
        let one = facings(from: suspect.moving, links: others, count: count)
        guard one[suspect.fixed] == nil else { continue }
        let other = facings(from: suspect.fixed, links: others, count: count)
        let (small, large) = one.count <= other.count ? (one, other) : (other, one)
        guard small.count >= 2, small.count < large.count else { continue }
        // Both sides count from their own end of the link, which turns over: those like most of the larger side are not mirrored.
        let usual = 2 * large.values.count { $0 } > large.count
        let mirrored = small.values.count { $0 == usual }
        if 2 * mirrored > small.count { kept = others }
    }
    return kept
}

/// Which sections links lead to from one, and whether each is mirrored against it.
private func facings(from start: Int, links: [StackLink], count: Int) -> [Int: Bool] {
    var neighbours = [[(section: Int, turns: Bool)]](repeating: [], count: count)
    for link in links {
        neighbours[link.moving].append((link.fixed, link.transform.isMirrored))
        neighbours[link.fixed].append((link.moving, link.transform.isMirrored))
    }
    var found = [start: false]
    var front = [start]
    while let section = front.popLast(), let facing = found[section] {
        for next in neighbours[section] where found[next.section] == nil {
            found[next.section] = facing != next.turns
            front.append(next.section)
        }
    }
    return found
}

/// Lays down what no link joins with the base, nearest pieces first: by the centre and the turn on the slide of their section nearest to one that lies.
///
/// Within a piece its links say how sections lie to each other; most of them are taken not to be mirrored.
private func layDownUnlinked(
    _ transforms: inout [RigidTransform], isLinked: [Bool], positionsUm: [Double], centres: [PlanarPoint],
    links: [StackLink]
) {
    var isLaid = isLinked
    while true {
        // A mirrored neighbour is the exception: what it lies like says nothing of others.
        let laid = transforms.indices.filter { isLaid[$0] && !transforms[$0].isMirrored }
        func nearest(to index: Int) -> Int? {
            laid.min {
                (abs(positionsUm[$0] - positionsUm[index]), $0) < (abs(positionsUm[$1] - positionsUm[index]), $1)
            }
        }
        let waiting = transforms.indices.filter { !isLaid[$0] }.compactMap { index in
            nearest(to: index).map { (index: index, neighbour: $0) }
        }
        guard
            let (root, neighbour) = waiting.min(by: {
                let (one, other) = (
                    abs(positionsUm[$0.index] - positionsUm[$0.neighbour]),
                    abs(positionsUm[$1.index] - positionsUm[$1.neighbour])
                )
                return (one, $0.index) < (other, $1.index)
            })
        else { return }
        let piece = shortestPaths(count: transforms.count, links: links, base: root)
        let members = transforms.indices.filter { piece.steps[$0] >= 0 }
        let mirrored = members.count { piece.transforms[$0].isMirrored }
        let place = RigidTransform.about(
            centres[root], onto: transforms[neighbour](centres[neighbour]),
            rotationRad: transforms[neighbour].rotationRad, isMirrored: 2 * mirrored > members.count)
        for index in members {
            transforms[index] = place.after(piece.transforms[index])
            isLaid[index] = true
        }
    }
}

/// Dijkstra from the base over the links in both directions.
private func shortestPaths(
    count: Int, links: [StackLink], base: Int
) -> (transforms: [RigidTransform], steps: [Int]) {
    struct Step {
        var neighbour: Int
        /// Neighbour's frame to this section's frame.
        var transform: RigidTransform
        var cost: Double
    }
    var steps = [[Step]](repeating: [], count: count)
    for link in links {
        precondition(link.moving != link.fixed, "A link joins two sections, not \(link.moving) with itself.")
        // The square of the span: two short links are preferred to one over a section's head.
        let span = Double(abs(link.moving - link.fixed))
        let cost = span * span * (2 - min(max(link.correlation, 0), 1))
        steps[link.fixed].append(Step(neighbour: link.moving, transform: link.transform, cost: cost))
        steps[link.moving].append(Step(neighbour: link.fixed, transform: link.transform.inverse, cost: cost))
    }
    var costs = [Double](repeating: .infinity, count: count)
    var transforms = [RigidTransform](repeating: .identity, count: count)
    var hops = [Int](repeating: -1, count: count)
    var isDone = [Bool](repeating: false, count: count)
    costs[base] = 0
    hops[base] = 0
    while let next = (0..<count).filter({ !isDone[$0] && costs[$0].isFinite }).min(by: { costs[$0] < costs[$1] }) {
        isDone[next] = true
        for step in steps[next] where costs[next] + step.cost < costs[step.neighbour] {
            costs[step.neighbour] = costs[next] + step.cost
            transforms[step.neighbour] = transforms[next].after(step.transform)
            hops[step.neighbour] = hops[next] + 1
        }
    }
    return (transforms, hops)
}

/// How a stack's sections lie against their slides and their neighbours: what an accumulated error would show in.
public struct StackDrift: Sendable, Equatable {
    /// Rotation of each section against its slide, averaged over `windowSections`, against the mean of the stack; in degrees. Sections are laid down
    /// upright but for a random error, so that a slow change is drift.
    public var slowRotationDeg: [Double]
    /// Distance of each section's tissue centre from the line between its neighbours' centres, in µm.
    public var centreRoughnessUm: [Double]

    /// Largest and smallest slow rotation apart, in degrees.
    public var rotationRangeDeg: Double { (slowRotationDeg.max() ?? 0) - (slowRotationDeg.min() ?? 0) }
    public var meanCentreRoughnessUm: Double {
        centreRoughnessUm.isEmpty ? 0 : centreRoughnessUm.reduce(0, +) / Double(centreRoughnessUm.count)
    }
}

/// The drift of a stack.
public func stackDrift(_ stack: StackedSections, centres: [PlanarPoint], windowSections: Int = 31) -> StackDrift {
    let count = stack.transforms.count
    let turns = stack.transforms.map { (sine: Math.sin($0.rotationRad), cosine: Math.cos($0.rotationRad)) }
    let mean = Math.atan2(turns.reduce(0) { $0 + $1.sine }, turns.reduce(0) { $0 + $1.cosine })
    let angles = stack.transforms.map { wrappedRad($0.rotationRad - mean) * 180 / .pi }
    let half = min(windowSections, count) / 2
    let slow = (0..<count).map { index -> Double in
        let first = min(max(index - half, 0), max(count - 2 * half - 1, 0))
        let window = angles[first..<min(first + 2 * half + 1, count)]
        return window.reduce(0, +) / Double(window.count)
    }
    let laid = (0..<count).map { stack.transforms[$0](centres[$0]) }
    let rough =
        count < 3
        ? []
        : (1..<count - 1).map { index in
            laid[index].distance(
                to: PlanarPoint(
                    row: (laid[index - 1].row + laid[index + 1].row) / 2,
                    column: (laid[index - 1].column + laid[index + 1].column) / 2))
        }
    return StackDrift(slowRotationDeg: slow, centreRoughnessUm: rough)
}
