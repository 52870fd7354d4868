internal import Torch

/// Moves the trained tensors of a store along their gradients.
public protocol Optimizer: AnyObject {
    /// One step with a learning rate. Tensors without a gradient stay as they are.
    func step(learningRate: Double) throws
    /// What the optimizer remembers between steps, by name: part of a checkpoint. Empty before the first step.
    var state: [NamedState] { get throws }
    /// Takes up remembered state.
    ///
    /// - Throws: `NetworkError` where it belongs to other tensors.
    func restore(_ state: [NamedState]) throws
}

/// One remembered tensor of an optimizer.
public struct NamedState: Sendable, Equatable {
    /// For example `momentum/layer1.0.conv1.weight`.
    public let name: String
    /// The values.
    public let values: [Float]

    public init(name: String, values: [Float]) {
        self.name = name
        self.values = values
    }
}

/// One tensor for each trained tensor, zero at first.
struct StateTensors {
    let label: String
    private var tensors: [Tensor?]

    init(_ label: String, count: Int) {
        self.label = label
        tensors = Array(repeating: nil, count: count)
    }

    /// The state of a tensor; made with its layout and on its device when first asked for.
    mutating func tensor(_ index: Int, like parameter: Tensor) throws -> Tensor {
        if let tensor = tensors[index] { return tensor }
        let made = try parameter.detached() * 0
        tensors[index] = made
        return made
    }

    func named(_ parameters: [NamedTensor]) throws -> [NamedState] {
        try zip(parameters, tensors).compactMap { parameter, tensor in
            try tensor.map {
                NamedState(
                    name: "\(label)/\(parameter.name)",
                    values: try $0.converted(to: .float32).array(of: Float.self))
            }
        }
    }

    /// Takes the values of these names; says which names it took.
    mutating func restore(_ state: [String: [Float]], _ parameters: [NamedTensor]) throws -> Int {
        var taken = 0
        for (index, parameter) in parameters.enumerated() {
            guard let values = state["\(label)/\(parameter.name)"] else { continue }
            guard values.count == parameter.tensor.count else {
                throw NetworkError(
                    .mismatch,
                    "The state '\(label)/\(parameter.name)' has \(values.count) values, not those of a tensor "
                        + "of shape \(parameter.tensor.shape): the checkpoint is of another network.")
            }
            let tensor = try tensor(index, like: parameter.tensor)
            try tensor.copy(Tensor(values, shape: parameter.tensor.shape).moved(to: parameter.tensor.device))
            taken += 1
        }
        return taken
    }
}

/// Names and values, or an error where a name comes twice.
func byName(_ state: [NamedState]) throws -> [String: [Float]] {
    var result: [String: [Float]] = [:]
    for entry in state where result.updateValue(entry.values, forKey: entry.name) != nil {
        throw NetworkError(.mismatch, "The state '\(entry.name)' stands twice in the checkpoint.")
    }
    return result
}
