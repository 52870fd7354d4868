internal import Foundation
public import HDF5
public import Networks

/// A trained network as an artifact: named tensors under `/parameters`, and what is needed to build it again.
///
/// Names and layouts are torchvision's and timm's: `torch.from_numpy(file["parameters/layer1.0.conv1.weight"][:])` in Python.
public struct ModelFile: Sendable {
    /// The version that is written; others are refused.
    public static let version = 1

    public var network: NetworkDescription
    public var objective: Objective
    /// Of the images that it was trained on, µm.
    public var spacingUm: Double
    public var tensors: [TensorValues]

    public init(network: NetworkDescription, objective: Objective, spacingUm: Double, tensors: [TensorValues]) {
        self.network = network
        self.objective = objective
        self.spacingUm = spacingUm
        self.tensors = tensors
    }

    /// Writes the model into an open file.
    public func write(to file: HDF5File) throws {
        try file.setAttribute("version", to: Self.version)
        try file.setAttribute("network", to: encodedNetwork)
        try file.setAttribute("objective", to: encodedObjective)
        try file.setAttribute("spacing_um", to: spacingUm)
        try writeTensors(tensors, to: file)
    }

    /// The network and the objective as attributes hold them: JSON with keys in order.
    var encodedNetwork: String { get throws { try json(network) } }
    var encodedObjective: String { get throws { try json(objective) } }

    /// Reads a model.
    ///
    /// - Throws: `HDF5Error`; `NetworkError` for a file of another version.
    public init(reading path: String) throws {
        let file = try HDF5File(reading: path)
        let version = try file.attribute("version", as: Int.self)
        guard version == Self.version else {
            throw NetworkError(
                .mismatch, "\(path): the model has version \(version); this program reads version \(Self.version).")
        }
        network = try parsed(file.textAttribute("network"), "network", path)
        objective = try parsed(file.textAttribute("objective"), "objective", path)
        spacingUm = try file.attribute("spacing_um", as: Double.self)
        tensors = try readTensors(from: file)
    }

    /// The backbone with its weights; layers after it stay in the file.
    public func backbone(_ parameters: ParameterStore) throws -> any Backbone {
        let backbone = try network.build(parameters)
        let names = Set(parameters.tensors.map(\.name))
        try parameters.restore(tensors.filter { names.contains($0.name) })
        return backbone
    }
}

func writeTensors(_ tensors: [TensorValues], to file: HDF5File) throws {
    try file.makeGroup("/parameters")
    // Weights are noise to a compressor: as they are.
    for tensor in tensors {
        try file.write(tensor.values, shape: tensor.shape, to: "/parameters/\(tensor.name)", layout: .contiguous)
    }
}

func readTensors(from file: HDF5File) throws -> [TensorValues] {
    try file.children(of: "/parameters").map { name in
        let dataset = try file.dataset("/parameters/\(name)")
        return TensorValues(name: name, shape: dataset.shape, values: try dataset.read(as: Float.self))
    }
}

/// The same text for the same value: keys in order.
func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

private func parsed<Value: Decodable>(_ text: String, _ attribute: String, _ path: String) throws -> Value {
    do {
        return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
        throw NetworkError(
            .mismatch, "\(path): the attribute '\(attribute)' is not one that this program reads: \(text)")
    }
}
