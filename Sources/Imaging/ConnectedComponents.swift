public import NDArray

/// Which neighbours of a pixel count as connected to it.
public enum Connectivity: Sendable {
    /// 4 neighbours in an image, 6 in a volume.
    case faces
    /// 8 neighbours in an image, 26 in a volume.
    case corners
}

/// The connected components of an image, numbered from 1 in the order of their first pixels.
///
/// They are kept as runs along the rows: what is asked of whole components costs a step for each run, not for each pixel.
public struct ImageComponents: Sendable {
    let rows: Int
    let columns: Int
    /// In the order of their first pixels.
    let runs: [RunForest.Run]
    /// The number of each run's component.
    let numbers: [Int32]
    /// Pixels of each component; index 0 holds those of none.
    public let sizes: [Int]
    /// How many components there are.
    public var count: Int { sizes.count - 1 }

    /// The number of each pixel's component, 0 where none is; drawn anew at each call.
    public func labels() -> Image<Int32> {
        var elements = [Int32](repeating: 0, count: rows * columns)
        elements.withUnsafeMutableBufferPointer { labels in
            for (run, number) in zip(runs, numbers) {
                labels[run.line * columns + Int(run.start)..<run.line * columns + Int(run.end)].update(
                    repeating: number)
            }
        }
        return Image(rows: rows, columns: columns, elements: elements)
    }
}

/// The connected components of a volume, numbered from 1 in the order of their first voxels.
public struct VolumeComponents: Sendable {
    /// The number of each voxel's component, 0 where none is.
    public let labels: Volume<Int32>
    /// Voxels of each component; index 0 holds those of none.
    public let sizes: [Int]
    /// How many components there are.
    public var count: Int { sizes.count - 1 }
}

/// The connected components of the set pixels.
///
/// Rows are taken as runs of set pixels; runs that touch are joined in a union-find forest. So the cost is that of the
/// runs, not of the pixels.
///
/// Reference: `scipy.ndimage.label`, the same numbers.
public func connectedComponents(of image: BitImage, connectivity: Connectivity = .faces) -> ImageComponents {
    var forest = RunForest(reach: connectivity == .corners ? 1 : 0)
    var previous = 0..<0
    for row in 0..<image.rows {
        let start = forest.runs.count
        image.words.withUnsafeBufferPointer { words in
            forest.appendRuns(
                ofWords: UnsafeBufferPointer(rebasing: words[row * image.wordsPerRow..<(row + 1) * image.wordsPerRow]),
                line: row)
        }
        let current = start..<forest.runs.count
        forest.join(current, with: previous)
        previous = current
    }
    let (numbers, sizes) = forest.numbered(of: image.rows * image.columns)
    return ImageComponents(
        rows: image.rows, columns: image.columns, runs: forest.runs, numbers: numbers, sizes: sizes)
}

/// The connected components of the voxels that are not zero; see `connectedComponents(of:connectivity:)` for images.
public func connectedComponents(of volume: Volume<UInt8>, connectivity: Connectivity = .faces) -> VolumeComponents {
    var forest = RunForest(reach: connectivity == .corners ? 1 : 0)
    var lines: [Range<Int>] = []
    lines.reserveCapacity(volume.planes * volume.rows)
    volume.elements.withUnsafeBufferPointer { voxels in
        for plane in 0..<volume.planes {
            for row in 0..<volume.rows {
                let line = plane * volume.rows + row
                let start = forest.runs.count
                forest.appendRuns(
                    ofBytes: UnsafeBufferPointer(
                        rebasing: voxels[line * volume.columns..<(line + 1) * volume.columns]), line: line)
                let current = start..<forest.runs.count
                if row > 0 { forest.join(current, with: lines[line - 1]) }
                if plane > 0 {
                    let below = line - volume.rows
                    forest.join(current, with: lines[below])
                    if connectivity == .corners {
                        if row > 0 { forest.join(current, with: lines[below - 1]) }
                        if row + 1 < volume.rows { forest.join(current, with: lines[below + 1]) }
                    }
                }
                lines.append(current)
            }
        }
    }
    var elements = [Int32](repeating: 0, count: volume.elements.count)
    let sizes = forest.number(columns: volume.columns, into: &elements)
    return VolumeComponents(
        labels: Volume(planes: volume.planes, rows: volume.rows, columns: volume.columns, elements: elements),
        sizes: sizes)
}

/// Runs of set elements along lines, joined to components.
struct RunForest {
    struct Run {
        var line: Int
        var start: Int32
        /// One past the last element.
        var end: Int32
    }

    /// How far apart diagonally two runs may lie and still touch.
    let reach: Int32
    private(set) var runs: [Run] = []
    /// The tree above each run; a root is its own parent, and the first run of its component.
    private var parents: [Int32] = []

    init(reach: Int32) { self.reach = reach }

    mutating func appendRuns(ofWords words: UnsafeBufferPointer<UInt64>, line: Int) {
        var position = 0
        let end = words.count * 64
        while let start = RunForest.next(in: words, from: position, set: true) {
            let stop = RunForest.next(in: words, from: start, set: false) ?? end
            append(Run(line: line, start: Int32(start), end: Int32(stop)))
            position = stop
        }
    }

    mutating func appendRuns(ofBytes bytes: UnsafeBufferPointer<UInt8>, line: Int) {
        var position = 0
        while position < bytes.count {
            while position < bytes.count && bytes[position] == 0 { position += 1 }
            guard position < bytes.count else { return }
            let start = position
            while position < bytes.count && bytes[position] != 0 { position += 1 }
            append(Run(line: line, start: Int32(start), end: Int32(position)))
        }
    }

    private mutating func append(_ run: Run) {
        parents.append(Int32(runs.count))
        runs.append(run)
    }

    /// The first position from `from` on whose bit is `set`.
    private static func next(in words: UnsafeBufferPointer<UInt64>, from: Int, set: Bool) -> Int? {
        var word = from / 64
        guard word < words.count else { return nil }
        var bits = (set ? words[word] : ~words[word]) & (UInt64.max << UInt64(from % 64))
        while bits == 0 {
            word += 1
            guard word < words.count else { return nil }
            bits = set ? words[word] : ~words[word]
        }
        return word * 64 + bits.trailingZeroBitCount
    }

    /// Joins the runs of two neighbouring lines that touch.
    mutating func join(_ current: Range<Int>, with previous: Range<Int>) {
        var other = previous.lowerBound
        for index in current {
            let run = runs[index]
            while other < previous.upperBound && runs[other].end + reach <= run.start { other += 1 }
            var candidate = other
            while candidate < previous.upperBound && runs[candidate].start < run.end + reach {
                union(index, candidate)
                candidate += 1
            }
        }
    }

    private mutating func root(of index: Int) -> Int {
        var index = index
        while Int(parents[index]) != index {
            parents[index] = parents[Int(parents[index])]
            index = Int(parents[index])
        }
        return index
    }

    private mutating func union(_ first: Int, _ second: Int) {
        let a = root(of: first)
        let b = root(of: second)
        // The earlier run stays root, so that numbers follow the order of first elements.
        if a < b { parents[b] = Int32(a) } else { parents[a] = Int32(b) }
    }

    /// Writes the components' numbers and returns their sizes.
    mutating func number(columns: Int, into labels: inout [Int32]) -> [Int] {
        let (numbers, sizes) = numbered(of: labels.count)
        for (run, number) in zip(runs, numbers) {
            let start = run.line * columns
            for column in Int(run.start)..<Int(run.end) { labels[start + column] = number }
        }
        return sizes
    }

    /// The number of each run's component, and how many of `count` elements each component and none of them holds.
    mutating func numbered(of count: Int) -> (numbers: [Int32], sizes: [Int]) {
        var numbers = [Int32](repeating: 0, count: runs.count)
        var sizes = [0]
        var covered = 0
        for index in runs.indices {
            let root = root(of: index)
            if root == index {
                numbers[index] = Int32(sizes.count)
                sizes.append(0)
            }
            let number = numbers[root]
            numbers[index] = number
            let length = Int(runs[index].end - runs[index].start)
            sizes[Int(number)] += length
            covered += length
        }
        sizes[0] = count - covered
        return (numbers, sizes)
    }
}
