extension LabelField {
    /// Sets of nodes of one label that hang together by edges.
    ///
    /// - Returns: the island of each node, numbered by its first node, and how many nodes each has.
    public func islands(_ labels: [Int]) -> (island: [Int], sizes: [Int]) {
        var parent = Array(labels.indices)
        func root(_ node: Int) -> Int {
            var node = node
            while parent[node] != node {
                parent[node] = parent[parent[node]]
                node = parent[node]
            }
            return node
        }
        for edge in edges where labels[edge.first] == labels[edge.second] {
            let (a, b) = (root(edge.first), root(edge.second))
            parent[max(a, b)] = min(a, b)
        }
        var number: [Int: Int] = [:]
        var sizes: [Int] = []
        let island = labels.indices.map { node -> Int in
            let own = root(node)
            let index = number[own] ?? sizes.count
            if index == sizes.count {
                number[own] = index
                sizes.append(0)
            }
            sizes[index] += 1
            return index
        }
        return (island, sizes)
    }

    /// The labels with each island of fewer than `nodes` nodes given to the neighbour's label that costs least, smallest first.
    ///
    /// An island without neighbours stays. What joins two islands makes one of them, which is then measured anew.
    ///
    /// - Complexity: O(islands · edges) at worst.
    public func removingIslands(_ labels: [Int], smallerThan nodes: Int) -> [Int] {
        var labels = labels
        while true {
            let (island, sizes) = islands(labels)
            var borders = [[Edge]](repeating: [], count: sizes.count)
            for edge in edges where island[edge.first] != island[edge.second] {
                borders[island[edge.first]].append(edge)
                borders[island[edge.second]].append(Edge(edge.second, edge.first, edge.weight))
            }
            var members = [[Int]](repeating: [], count: sizes.count)
            for (node, index) in island.enumerated() where sizes[index] < nodes { members[index].append(node) }
            // In one round no island goes whose neighbour has just gone: it may have grown.
            var touched = [Bool](repeating: false, count: sizes.count)
            var changed = false
            let small = sizes.indices.filter { sizes[$0] < nodes && !borders[$0].isEmpty }
            for index in small.sorted(by: { (sizes[$0], $0) < (sizes[$1], $1) }) where !touched[index] {
                let own = borders[index].map {
                    island[$0.first] == index ? $0 : Edge($0.second, $0.first, $0.weight)
                }
                let candidates = Set(own.map { labels[$0.second] }).sorted()
                func cost(_ label: Int) -> Double {
                    members[index].reduce(0) { $0 + Double(costs[$1, label]) }
                        + own.reduce(0) {
                            $0 + Double($1.weight * contact[label * costs.columns + labels[$1.second]])
                        }
                }
                guard let best = candidates.map({ (cost($0), $0) }).min(by: { $0 < $1 })?.1 else { continue }
                for node in members[index] { labels[node] = best }
                for edge in own { touched[island[edge.second]] = true }
                changed = true
            }
            if !changed { return labels }
        }
    }
}
