import Foundation
import Statistics

/// What the reference tools answered; see `Vectors/README.md`.
struct Vectors: Decodable {
    struct Classification: Decodable {
        var truth: [Int]
        var predicted: [Int]
        var scores: [Float]
        var f1: [Double]
        var macro_f1: Double
        var precision: [Double]
        var recall: [Double]
        var accuracy: Double
        var top: [Double]
    }
    struct Regression: Decodable {
        var truth: [Double]
        var predicted: [Double]
        var r2: [Double]
        var pearson: Double
    }
    struct Clusters: Decodable {
        var points: [Float]
        var labels: [Int]
        var calinski_harabasz: Double
        var other: [Int]
        var purity: Double
    }
    struct Standardised: Decodable {
        var points: [Float]
        var means: [Double]
        var scales: [Double]
    }
    struct Linear: Decodable {
        var data: String
        var model: String
        var rows: Int
        var points: [Float]
        var targets: [Float]
        var coefficients: [Double]
        var intercepts: [Double]
    }
    struct Components: Decodable {
        var points: [Float]
        var components: [Double]
        var variance: [Double]
        var ratio: [Double]
        var whitened: [Double]
    }
    struct Clustering: Decodable {
        var name: String
        var points: [Float]
        var start: [Float]
        var labels: [Int]
        var inertia: Double
        var centers: [Double]
    }
    struct Logistic: Decodable {
        var name: String
        var C: Double
        var intercept: Bool
        var balanced: Bool
        var labels: [Int]
        var objective: Double
        var probabilities: [Double]
    }
    struct Curve: Decodable {
        var spread: Double
        var minimum_distance: Double
        var ab: [Double]
    }
    struct Graph: Decodable {
        var points: [Float]
        var neighbors: Int
        var starts: [Int]
        var others: [Int32]
        var weights: [Float]
    }
    struct Digits: Decodable {
        var rows: Int
        /// Trustworthiness and neighbour preservation of umap-learn's embeddings by three seeds.
        var umap: [[Double]]
        var pca_embedding: [Float]
        var pca_trustworthiness: Double
        var pca_preservation: Double
    }
    var classification: Classification
    var regression: Regression
    var clusters: Clusters
    var folds: [[Int]]
    var standardisation: Standardised
    var linear: [Linear]
    var pca: Components
    var kmeans: [Clustering]
    var logistic_points: [Float]
    var logistic: [Logistic]
    var curves: [Curve]
    var graph: Graph
    var digits: Digits

    static func load() throws -> Vectors {
        try JSONDecoder().decode(Vectors.self, from: try data("vectors.json"))
    }

    /// 599 pictures of 8 × 8 gray levels, 0 … 16.
    static func digits() throws -> Matrix {
        let bytes = try data("digits.u8")
        return Matrix(rows: bytes.count / 64, columns: 64, elements: bytes.map { Float($0) })
    }

    private static func data(_ name: String) throws -> Data {
        let folder = Bundle.module.resourceURL ?? URL(filePath: ".")
        return try Data(contentsOf: folder.appending(path: "Vectors/\(name)"))
    }
}

func matrix(_ elements: [Float], columns: Int) -> Matrix {
    Matrix(rows: elements.count / columns, columns: columns, elements: elements)
}

/// The largest difference of two lists.
func largestError(_ left: some Collection<Double>, _ right: some Collection<Double>) -> Double {
    left.count == right.count ? zip(left, right).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
}
