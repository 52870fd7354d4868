import Foundation
import NDArray
import Networks
import Testing
import Torch

/// Values that a name decides, as `Vectors/networks.py` makes them: uniform in [−1, 1), a 24-bit number each.
func numbers(_ name: String, _ count: Int) -> [Float] {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    var generator = SeededGenerator(seed: hash)
    return (0..<count).map { _ in Float(Double(generator.next() >> 40) / 8_388_608 - 1) }
}

/// Sets a network's weights by their names, as `fill` in `networks.py` does.
func fill(_ store: ParameterStore) throws {
    for entry in store.tensors {
        let shape = entry.tensor.shape
        var values = numbers(entry.name, entry.tensor.count)
        if entry.name.hasSuffix("running_var") {
            values = values.map { 1 + $0 / 2 }
        } else if shape.count == 1 {
            let isScale = [
                "bn1.weight", "bn2.weight", "bn3.weight", "norm.weight", "norm1.weight", "norm2.weight",
                "downsample.1.weight",
            ].contains { entry.name.hasSuffix($0) }
            values = values.map { $0 / 10 + (isScale ? 1 : 0) }
        } else {
            let scale = Float((3 / Double(max(1, shape.dropFirst().reduce(1, *)))).squareRoot())
            values = values.map { $0 * scale }
        }
        try store.set(entry.name, to: values)
    }
}

/// Sets the weights of a head by the names that they have in a network of its own.
func fillHead(_ store: ParameterStore) throws {
    for entry in store.tensors {
        let name = entry.name.replacing("projection.", with: "")
        let shape = entry.tensor.shape
        var values = numbers(name, entry.tensor.count)
        if name.hasSuffix("running_var") {
            values = values.map { 1 + $0 / 2 }
        } else if shape.count == 1 {
            values = values.map { $0 / 10 + (name == "bn1.weight" ? 1 : 0) }
        } else {
            values = values.map { $0 * Float((3 / Double(shape[1])).squareRoot()) }
        }
        try store.set(entry.name, to: values)
    }
}

/// Values at even steps through a tensor, and its mean magnitude.
struct Probe: Decodable {
    let shape: [Int]
    let values: [Double]
    let magnitude: Double

    /// The greatest difference from a tensor, in units of the recorded mean magnitude; nil where the shapes differ.
    func difference(from tensor: Tensor) throws -> Double? {
        guard tensor.shape == shape else { return nil }
        let flat = try tensor.detached().converted(to: .float64).contiguous().array(of: Double.self)
        let magnitude = flat.reduce(0) { $0 + abs($1) } / Double(flat.count)
        var worst = abs(magnitude - self.magnitude)
        for (index, value) in values.enumerated() {
            worst = max(worst, abs(value - flat[index * (flat.count - 1) / (values.count - 1)]))
        }
        return worst / self.magnitude
    }
}

struct Vectors: Decodable {
    struct Count: Decodable {
        let parameters: Int
        let tensors: Int
        let checksum: String
    }
    struct Network: Decodable {
        let samples: Int
        let side: Int
        let features: Probe
        let map: Probe
        let attention: Probe?
        let training: Probe?
        let gradients: [String: Probe]?
        let statistics: [String: Probe]?
    }
    let counts: [String: Count]
    let small: Network
    let deeper: Network
    let smallHybrid: Network
    let r50: Network
    let r50Large: Network
    let hybridLarge: Network

    static func load() throws -> Vectors { try loadVectors("networks") }
}

/// A record of `Vectors`.
func loadVectors<Record: Decodable>(_ name: String) throws -> Record {
    let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"))
    return try JSONDecoder().decode(Record.self, from: Data(contentsOf: url))
}

/// What `Vectors/losses.py` recorded.
struct LossVectors: Decodable {
    struct Loss: Decodable {
        let loss: Double
        let gradient: [Double]
    }
    struct Steps: Decodable {
        let losses: [Double]
        let parameters: [String: [Double]]
    }
    let spatial: [String: Loss]
    let ntXent: Loss
    let supCon: Loss
    let crossEntropy: Loss
    let lars: Steps
    let adamw: Steps

    static func load() throws -> LossVectors { try loadVectors("losses") }
}
