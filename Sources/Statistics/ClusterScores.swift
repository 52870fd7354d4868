/// The part of the points that carry their cluster's most frequent label: Σ over clusters of max over labels, over all points.
///
/// 1 where no cluster mixes labels; at least the frequency of the most frequent label. NaN of no points.
///
/// **Reference**: Manning, Raghavan, Schütze, Introduction to Information Retrieval (2008), section 16.3.
public func purity(clusters: [Int], labels: [Int]) -> Double {
    precondition(clusters.count == labels.count, "\(clusters.count) clusters and \(labels.count) labels.")
    guard !labels.isEmpty else { return .nan }
    var counts: [Int: [Int: Int]] = [:]
    for (cluster, label) in zip(clusters, labels) { counts[cluster, default: [:]][label, default: 0] += 1 }
    let majority = counts.values.reduce(0) { $0 + ($1.values.max() ?? 0) }
    return Double(majority) / Double(labels.count)
}

/// The accuracy of clusters as predictions of labels, after each cluster is given the label that makes the most of it.
///
/// Each label goes to one cluster at most (an assignment of most hits, by the Hungarian method), so that splitting a label over
/// clusters does not pay. NaN of no points.
public func matchedAccuracy(clusters: [Int], labels: [Int]) -> Double {
    precondition(clusters.count == labels.count, "\(clusters.count) clusters and \(labels.count) labels.")
    guard !labels.isEmpty else { return .nan }
    let matching = clusterMatching(clusters: clusters, labels: labels)
    let hits = zip(clusters, labels).count { matching[$0.0] == $0.1 }
    return Double(hits) / Double(labels.count)
}

/// The label of each cluster in the one-to-one assignment with the most hits; clusters in excess of the labels have none.
public func clusterMatching(clusters: [Int], labels: [Int]) -> [Int: Int] {
    precondition(clusters.count == labels.count, "\(clusters.count) clusters and \(labels.count) labels.")
    let clusterNames = Set(clusters).sorted()
    let labelNames = Set(labels).sorted()
    let size = max(clusterNames.count, labelNames.count)
    let row = Dictionary(uniqueKeysWithValues: clusterNames.enumerated().map { ($1, $0) })
    let column = Dictionary(uniqueKeysWithValues: labelNames.enumerated().map { ($1, $0) })
    var costs = [Double](repeating: 0, count: size * size)
    for (cluster, label) in zip(clusters, labels) {
        if let i = row[cluster], let j = column[label] { costs[i * size + j] -= 1 }
    }
    var matching: [Int: Int] = [:]
    for (i, j) in leastCostAssignment(costs, size: size).enumerated() where i < clusterNames.count {
        if j < labelNames.count { matching[clusterNames[i]] = labelNames[j] }
    }
    return matching
}

/// The ratio of the dispersion between groups to that within (Caliński and Harabasz 1974), high for tight, well separated groups:
/// (B / (k − 1)) / (W / (n − k)).
///
/// 1 where all points of each group coincide (scikit-learn's convention).
///
/// - Parameters:
///   - points: `points × features`, finite.
///   - labels: each point's group.
/// - Throws: `badLabels` for fewer than two groups or as many as points, as scikit-learn does.
/// - Complexity: O(points · features), in double precision.
///
/// **Reference**: DOI 10.1080/03610927408827101; `calinski_harabasz_score` of scikit-learn 1.9.
public func calinskiHarabaszScore(_ points: Matrix, labels: [Int]) throws(StatisticsError) -> Double {
    precondition(points.rows == labels.count, "\(labels.count) labels for \(points.rows) points.")
    let names = Set(labels).sorted()
    guard names.count >= 2, names.count < points.rows else {
        throw StatisticsError(
            .badLabels,
            "Calinski–Harabasz compares 2 to \(max(points.rows - 1, 2)) groups of \(points.rows) points, not \(names.count)."
        )
    }
    try points.requireFinite("points")
    let place = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    let columns = points.columns
    var sums = [Double](repeating: 0, count: names.count * columns)
    var counts = [Double](repeating: 0, count: names.count)
    let groups = labels.map { place[$0] ?? 0 }
    points.withUnsafeElements { elements in
        for (row, group) in groups.enumerated() {
            counts[group] += 1
            for column in 0..<columns { sums[group * columns + column] += Double(elements[row * columns + column]) }
        }
    }
    let total = Double(points.rows)
    let mean = (0..<columns).map { column in
        names.indices.reduce(0) { $0 + sums[$1 * columns + column] } / total
    }
    var between = 0.0
    for group in names.indices {
        for column in 0..<columns {
            sums[group * columns + column] /= counts[group]
            let offset = sums[group * columns + column] - mean[column]
            between += counts[group] * offset * offset
        }
    }
    var within = 0.0
    points.withUnsafeElements { elements in
        for (row, group) in groups.enumerated() {
            for column in 0..<columns {
                let offset = Double(elements[row * columns + column]) - sums[group * columns + column]
                within += offset * offset
            }
        }
    }
    let k = Double(names.count)
    return within == 0 ? 1 : between * (total - k) / (within * (k - 1))
}
