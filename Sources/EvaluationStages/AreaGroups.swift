/// Areas by hemisphere, in the order of the paper's matrices: hemisphere, then label.
struct AreaGroups {
    struct Key: Hashable, Comparable {
        var hemisphere: UInt8
        var label: Int32

        static func < (a: Key, b: Key) -> Bool { (a.hemisphere, a.label) < (b.hemisphere, b.label) }
    }

    let keys: [Key]
    /// The group of each point, −1 for none.
    let group: [Int32]

    /// - Parameter leastPoints: groups of fewer points in all brains together are left out.
    init(_ points: PointTable, leastPoints: Int) {
        var counts: [Key: Int] = [:]
        for row in 0..<points.count where points.hasArea(row) {
            counts[Key(hemisphere: points.hemisphere[row], label: points.label[row]), default: 0] += 1
        }
        let keys = counts.filter { $0.value >= leastPoints }.keys.sorted()
        let places = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($0.element, Int32($0.offset)) })
        group = (0..<points.count).map { row in
            points.hasArea(row)
                ? places[Key(hemisphere: points.hemisphere[row], label: points.label[row])] ?? -1 : -1
        }
        self.keys = keys
    }
}
