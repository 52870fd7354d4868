internal import StageKit

/// Coarser regions made of a map's labels, each written as `name: 1 2 7-9`.
struct RegionGrouping {
    /// Names of the regions 1, 2, … in their order; empty where labels stay as they are.
    let names: [String]
    private let region: [Int32: Int32]

    init(_ texts: [String]) throws {
        var region: [Int32: Int32] = [:]
        var names: [String] = []
        for text in texts {
            let parts = text.split(separator: ":", maxSplits: 1)
            func wrong(_ problem: String) -> StageError {
                StageError(.badJob, "config.grouping holds '\(text)', \(problem)")
            }
            guard parts.count == 2 else { throw wrong("but a region is written as `name: 1 2 7-9`") }
            names.append(parts[0].split(separator: " ").joined(separator: " "))
            for item in parts[1].split(whereSeparator: { $0 == " " || $0 == "," }) {
                let ends = item.split(separator: "-").map { Int32($0) }
                guard (1...2).contains(ends.count), let low = ends[0], let high = ends.last ?? nil, low <= high else {
                    throw wrong("where '\(item)' is no label and no range of labels")
                }
                for label in low...high {
                    guard region.updateValue(Int32(names.count), forKey: label) == nil else {
                        throw wrong("but the label \(label) is in another region already")
                    }
                }
            }
        }
        (self.names, self.region) = (names, region)
    }

    /// The region of a label; 0 for none.
    func callAsFunction(_ label: Int32) -> Int32 { names.isEmpty ? label : region[label] ?? 0 }
}
