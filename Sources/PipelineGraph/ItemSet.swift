internal import PipelineModel
internal import StageProtocol

/// The items of one stage or source: for each axis a column of flat indices, items in the nested order of the axes.
struct ItemSet {
    /// Indices into the pipeline's axes, parents first.
    let axes: [Int]
    /// One column for each of `axes`.
    private(set) var columns: [[Int32]]
    private(set) var count: Int

    /// The items that all conditions let through; nil where there would be more than `limit`.
    init?(axes: [Int], filters: [Pipeline.Condition], of all: [Axis], limit: Int) {
        self.axes = axes
        columns = []
        count = 1
        // A condition on one axis is worked out once a value; the others once an item.
        var admitted: [Int: [Bool]] = [:]
        var crossing: [Pipeline.Condition] = []
        for condition in filters {
            let used = condition.axes
            if used.isEmpty {
                if !condition.holds({ _ in .null }) { count = 0 }
            } else if used.count == 1, let axis = used.first {
                var bits = admitted[axis] ?? [Bool](repeating: true, count: all[axis].count)
                for index in bits.indices where bits[index] {
                    bits[index] = condition.holds { all[axis].value(of: $0.attribute, at: index) }
                }
                admitted[axis] = bits
            } else {
                crossing.append(condition)
            }
        }
        for axis in axes {
            let parent = all[axis].parent.flatMap { axes.firstIndex(of: $0) }
            var repeats: [Int32] = []
            var column: [Int32] = []
            for item in 0..<count {
                let range = parent.map { all[axis].children(of: Int(columns[$0][item])) } ?? 0..<all[axis].count
                for index in range where admitted[axis]?[index] ?? true {
                    repeats.append(Int32(item))
                    column.append(Int32(index))
                }
                if column.count > limit { return nil }
            }
            if column.count != count || repeats.indices.contains(where: { Int(repeats[$0]) != $0 }) {
                for known in columns.indices {
                    let old = columns[known]
                    columns[known] = repeats.map { old[Int($0)] }
                }
            }
            columns.append(column)
            count = column.count
        }
        for condition in crossing {
            let kept = (0..<count).filter { item in condition.holds { value($0, at: item, of: all) } }
            for known in columns.indices {
                let old = columns[known]
                columns[known] = kept.map { old[$0] }
            }
            count = kept.count
        }
    }

    /// Position of an axis among the columns.
    func position(of axis: Int) -> Int? { axes.firstIndex(of: axis) }

    /// What a reference gives at an item.
    func value(_ reference: AxisReference, at item: Int, of all: [Axis]) -> ConfigValue {
        guard let position = position(of: reference.axis) else { return .null }
        return all[reference.axis].value(of: reference.attribute, at: Int(columns[position][item]))
    }

    func coordinates(of item: Int, of all: [Axis]) -> [Coordinate] {
        axes.indices.map { position in
            Coordinate(axis: all[axes[position]].name, value: all[axes[position]].values[Int(columns[position][item])])
        }
    }
}

/// Numbers the places on some axes: mixed radix over those that no other of them is within.
struct PlaceNumbering {
    /// Axes and the step that each contributes.
    private(set) var steps: [(axis: Int, step: UInt64)] = []
    /// How many places there are; nil where they cannot be numbered in 64 bits.
    let count: UInt64?

    init(axes: [Int], of all: [Axis]) {
        let leaves = axes.filter { axis in !axes.contains { PlaceNumbering.isWithin($0, axis, of: all) } }
        var product: UInt64 = 1
        var overflows = false
        for axis in leaves.reversed() {
            steps.append((axis, product))
            let (next, overflow) = product.multipliedReportingOverflow(by: UInt64(max(1, all[axis].count)))
            overflows = overflows || overflow
            product = overflow ? product : next
        }
        count = overflows ? nil : product
    }

    private static func isWithin(_ inner: Int, _ outer: Int, of all: [Axis]) -> Bool {
        var current = all[inner].parent
        while let next = current {
            if next == outer { return true }
            current = all[next].parent
        }
        return false
    }
}

/// Where the items of a producer stand, by their places on some of its axes.
struct PlaceIndex {
    /// Group of each place; −1 for none.
    private var dense: [Int32] = []
    private var sparse: [UInt64: Int32] = [:]
    /// Items of each group, in the producer's order.
    private var starts: [Int32] = []
    private var members: [Int32] = []

    init(_ items: ItemSet, numbering: PlaceNumbering, included: [Bool]?) {
        let columns = numbering.steps.map { step in (items.columns[items.position(of: step.axis) ?? 0], step.step) }
        let places = numbering.count ?? .max
        let isDense = places <= UInt64(4 * items.count + 1024)
        if isDense { dense = [Int32](repeating: -1, count: Int(places)) } else { sparse.reserveCapacity(items.count) }
        var groups = [Int32](repeating: -1, count: items.count)
        var sizes: [Int32] = []
        for item in 0..<items.count where included?[item] ?? true {
            var place: UInt64 = 0
            for (column, step) in columns { place &+= UInt64(column[item]) &* step }
            let known = isDense ? dense[Int(place)] : sparse[place] ?? -1
            let group = known >= 0 ? known : Int32(sizes.count)
            if known < 0 {
                sizes.append(0)
                if isDense { dense[Int(place)] = group } else { sparse[place] = group }
            }
            groups[item] = group
            sizes[Int(group)] += 1
        }
        starts = [0]
        for size in sizes { starts.append((starts.last ?? 0) + size) }
        var next = starts
        members = [Int32](repeating: 0, count: Int(starts.last ?? 0))
        for item in groups.indices where groups[item] >= 0 {
            members[Int(next[Int(groups[item])])] = Int32(item)
            next[Int(groups[item])] += 1
        }
    }

    /// The items at a place, in the producer's order.
    func items(at place: UInt64) -> ArraySlice<Int32> {
        let group = dense.isEmpty ? sparse[place] ?? -1 : dense[Int(place)]
        guard group >= 0 else { return [] }
        return members[Int(starts[Int(group)])..<Int(starts[Int(group) + 1])]
    }
}
