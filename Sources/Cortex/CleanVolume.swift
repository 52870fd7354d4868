internal import Imaging
public import NDArray

/// What counts as a defect of a label volume.
public struct VolumeCleanupSettings: Sendable, Equatable {
    /// Differences to the median of three planes are defects where at least so many voxels hang together.
    public var defectVoxels: Int
    /// Detached tissue goes if it has less than this share of the largest component's voxels.
    public var detachedFraction: Double
    /// Islands of white matter of at least so many voxels are joined with the rest; nil joins none.
    public var joinedVoxels: Int?
    /// No farther than this, in voxels.
    public var joinReachVoxels: Int

    public init(
        defectVoxels: Int = 100, detachedFraction: Double = 0.01, joinedVoxels: Int? = nil, joinReachVoxels: Int = 20
    ) {
        precondition(defectVoxels >= 1, "A defect has at least one voxel, not \(defectVoxels).")
        precondition((0...1).contains(detachedFraction), "A share lies in 0 … 1; \(detachedFraction) does not.")
        self.defectVoxels = defectVoxels
        self.detachedFraction = detachedFraction
        self.joinedVoxels = joinedVoxels
        self.joinReachVoxels = joinReachVoxels
    }
}

/// A label volume without defects, detached parts and excluded parts.
public struct CleanedVolume: Sendable {
    /// 0 background, 1 gray, 2 white; 0 in excluded parts.
    public var labels: Volume<UInt8>
    /// 1 where there was tissue that the mask takes out: no boundary of the cortex, but the end of what is looked at.
    public var excluded: Volume<UInt8>
    /// The fractions, cleaned along with the labels; nil where none were given.
    public var fractions: TissueFractions?
    /// Connected defects that were replaced by the median, and their voxels.
    public var defects = 0
    public var replacedVoxels = 0
    /// Detached components that were dropped, and their voxels.
    public var detached = 0
    public var droppedVoxels = 0
    /// Voxels of tissue that the mask took out.
    public var excludedVoxels = 0
    /// Islands of white matter that were joined with the rest, and the voxels of the ways.
    public var joined = 0
    public var joiningVoxels = 0
}

/// Mends a reconstructed label volume: defects of single sections, excluded parts, detached crumbs.
///
/// A section that is torn, wrongly segmented or laid down askew differs from both its neighbours. Where the labels differ from their median
/// of three along the planes, and the difference is large, the median takes their place; small differences are anatomy.
/// Then the excluded parts go, and last what hangs on nothing: components far smaller than the largest.
/// Planes without any tissue (missing sections) neither take part in a median nor are filled by one.
///
/// - Parameters:
///   - labels: 0 background, 1 gray, 2 white; nothing else.
///   - fractions: the same grid; replaced and dropped with the labels.
///   - mask: not zero where tissue is to be taken out; the same grid.
/// - Complexity: O(voxels); besides the result, six bytes a voxel.
///
/// Reference: the paper's Methods 3.2. Differs: the mask is applied before crumbs are dropped, so that what a mask leaves at
/// its border goes too; islands of white matter are joined with the rest (`WhiteBridges`).
public func cleanedVolume(
    _ labels: Volume<UInt8>, fractions: TissueFractions? = nil, excluding mask: Volume<UInt8>? = nil,
    settings: VolumeCleanupSettings = VolumeCleanupSettings(), threads: Int = 1
) -> CleanedVolume {
    if let fractions {
        precondition(labels.hasShape(of: fractions.gray), "Labels and fractions differ in size.")
    }
    if let mask { precondition(labels.hasShape(of: mask), "Labels and mask differ in size.") }
    var result = CleanedVolume(
        labels: labels,
        excluded: Volume(planes: labels.planes, rows: labels.rows, columns: labels.columns, filledWith: 0),
        fractions: fractions)
    guard !labels.elements.isEmpty else { return result }
    replaceDefects(in: &result, settings: settings, threads: threads)
    if let mask { exclude(mask, from: &result) }
    dropDetached(from: &result, settings: settings)
    if let leastVoxels = settings.joinedVoxels {
        (result.joined, result.joiningVoxels) = WhiteBridges(
            leastVoxels: leastVoxels, reachVoxels: settings.joinReachVoxels
        ).join(&result.labels, threads: threads)
    }
    return result
}

/// The median of three along the planes, wherever all three hold tissue somewhere; else the middle one.
func medianAlongPlanes(_ volume: Volume<UInt8>, holdsTissue: [Bool], threads: Int) -> Volume<UInt8> {
    let size = volume.rows * volume.columns
    var result = volume
    guard volume.planes > 2, size > 0 else { return result }
    volume.elements.withUnsafeBufferPointer { source in
        nonisolated(unsafe) let source = source
        result.elements.withUnsafeMutableBufferPointer { target in
            let target = DisjointSlices(target)
            parallelFor(volume.planes - 2, threads: threads) { index in
                let plane = index + 1
                guard holdsTissue[plane - 1], holdsTissue[plane], holdsTissue[plane + 1] else { return }
                for voxel in plane * size..<(plane + 1) * size {
                    let (before, here, after) = (source[voxel - size], source[voxel], source[voxel + size])
                    target[voxel] = max(min(before, here), min(max(before, here), after))
                }
            }
        }
    }
    return result
}

private func replaceDefects(in volume: inout CleanedVolume, settings: VolumeCleanupSettings, threads: Int) {
    let labels = volume.labels
    let size = labels.rows * labels.columns
    let holdsTissue = (0..<labels.planes).map { plane in
        labels.elements[plane * size..<(plane + 1) * size].contains { $0 != 0 }
    }
    let median = medianAlongPlanes(labels, holdsTissue: holdsTissue, threads: threads)
    let difference = Volume(
        planes: labels.planes, rows: labels.rows, columns: labels.columns,
        elements: zip(labels.elements, median.elements).map { $0 == $1 ? UInt8(0) : 1 })
    let components = connectedComponents(of: difference)
    let isDefect = components.sizes.indices.map { $0 > 0 && components.sizes[$0] >= settings.defectVoxels }
    volume.defects = isDefect.count { $0 }
    guard volume.defects > 0 else { return }
    func mend(_ target: inout Volume<UInt8>, by median: Volume<UInt8>) {
        for voxel in target.elements.indices where isDefect[Int(components.labels.elements[voxel])] {
            target.elements[voxel] = median.elements[voxel]
        }
    }
    mend(&volume.labels, by: median)
    if var fractions = volume.fractions {
        volume.fractions = nil
        mend(&fractions.gray, by: medianAlongPlanes(fractions.gray, holdsTissue: holdsTissue, threads: threads))
        mend(&fractions.white, by: medianAlongPlanes(fractions.white, holdsTissue: holdsTissue, threads: threads))
        volume.fractions = fractions
    }
    volume.replacedVoxels = zip(components.sizes, isDefect).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
}

private func exclude(_ mask: Volume<UInt8>, from volume: inout CleanedVolume) {
    for voxel in mask.elements.indices where mask.elements[voxel] != 0 {
        guard volume.labels.elements[voxel] != 0 else { continue }
        volume.labels.elements[voxel] = 0
        volume.excluded.elements[voxel] = 1
        volume.excludedVoxels += 1
    }
}

private func dropDetached(from volume: inout CleanedVolume, settings: VolumeCleanupSettings) {
    let components = connectedComponents(of: volume.labels)
    let largest = components.sizes.dropFirst().max() ?? 0
    let smallest = settings.detachedFraction * Double(largest)
    let goes = components.sizes.indices.map { $0 > 0 && Double(components.sizes[$0]) < smallest }
    volume.detached = goes.count { $0 }
    guard volume.detached > 0 else { return }
    for voxel in volume.labels.elements.indices where goes[Int(components.labels.elements[voxel])] {
        volume.labels.elements[voxel] = 0
        volume.fractions?.gray.elements[voxel] = 0
        volume.fractions?.white.elements[voxel] = 0
        volume.droppedVoxels += 1
    }
}
