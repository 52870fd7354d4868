public import Torch

/// One tensor of a network, under the name that it has in files.
public struct NamedTensor {
    /// What a tensor is for, which decides how it is trained.
    public enum Role: String, Sendable {
        /// Weights of products and convolutions, tokens and positions: trained, with weight decay.
        case weight
        /// Biases, and the scales and shifts of normalisations: trained, without weight decay.
        case bias
        /// Running statistics of batch normalisation: not trained, but part of the model.
        case statistic
    }

    /// For example `layer3.5.conv2.weight`.
    public let name: String
    public let tensor: Tensor
    public let role: Role
}

/// How many bits a network computes with.
public enum Precision: String, Sendable, CaseIterable {
    /// float32, which training and inference use.
    case single
    /// float64: several times slower; what differs in it too is not rounding. Models and checkpoints hold float32 all the same.
    case double

    /// Of a network's tensors.
    var elementType: ElementType { self == .double ? .float64 : .float32 }
}

/// The tensors of a network in the order in which it was built.
///
/// First values come from the seed and the tensor's name alone, so that they are the same whatever else the network holds,
/// whichever libtorch computes, and however many threads draw them. Names follow torchvision's ResNet and timm's vision
/// transformer, so that exported weights are read elsewhere.
public final class ParameterStore {
    /// Where the tensors lie.
    public let device: Device
    /// What their elements are.
    public let precision: Precision
    /// All tensors, in building order.
    public private(set) var tensors: [NamedTensor] = []
    private let seed: UInt64?
    private let threads: Int

    /// - Parameters:
    ///   - seed: of the first values; nil leaves the weights undefined, for a network whose weights are loaded next.
    ///   - threads: for drawing them.
    public init(seed: UInt64?, device: Device = .cpu, precision: Precision = .single, threads: Int = 1) {
        self.seed = seed
        self.device = device
        self.precision = precision
        self.threads = threads
    }

    /// The tensors that are trained.
    public var trained: [NamedTensor] { tensors.filter { $0.role != .statistic } }

    /// The number of trained values.
    public var parameterCount: Int { trained.reduce(0) { $0 + $1.tensor.count } }

    /// The tensor of a name.
    public func tensor(named name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }

    /// Forgets all gradients.
    public func clearGradients() throws {
        for entry in tensors { try entry.tensor.clearGradient() }
    }

    /// Sets one tensor's values.
    ///
    /// - Throws: `NetworkError` where there is no such tensor, or it has another number of elements.
    public func set(_ name: String, to values: [Float]) throws {
        guard let tensor = tensor(named: name) else {
            throw NetworkError(.mismatch, "This network has no tensor '\(name)'.")
        }
        guard tensor.count == values.count else {
            throw NetworkError(
                .mismatch, "'\(name)' has the shape \(tensor.shape) in this network, not \(values.count) values.")
        }
        try tensor.copy(Tensor(values, shape: tensor.shape).moved(to: device))
    }

    func add(_ name: String, shape: [Int], role: NamedTensor.Role, first: FirstValues) throws -> Tensor {
        precondition(!tensors.contains { $0.name == name }, "Two tensors of a network are called '\(name)'.")
        let tensor: Tensor
        switch first {
        case .constant(let value): tensor = try .full(Double(value), shape: shape)
        case .uniform, .normal:
            if let seed {
                let values = first.values(count: shape.reduce(1, *), seed: seed, name: name, threads: threads)
                tensor = try Tensor(values, shape: shape)
            } else {
                tensor = try .uninitialised(shape: shape)
            }
        }
        // Convolutions of images with their channels side by side want their weights so too, else they are turned at every step.
        let moved = try tensor.converted(to: precision.elementType).moved(to: device)
        let placed = try shape.count == 4 ? moved.channelsLast() : moved
        if role != .statistic { try placed.requiringGradient() }
        tensors.append(NamedTensor(name: name, tensor: placed, role: role))
        return placed
    }

    /// The place where a layer puts its tensors.
    var root: Scope { Scope(store: self, prefix: "") }

    /// A prefix of names in a store.
    struct Scope {
        let store: ParameterStore
        let prefix: String

        subscript(name: String) -> Scope { Scope(store: store, prefix: "\(prefix)\(name).") }
        subscript(index: Int) -> Scope { self["\(index)"] }

        func add(_ name: String, _ shape: [Int], _ role: NamedTensor.Role, _ first: FirstValues) throws -> Tensor {
            try store.add(prefix + name, shape: shape, role: role, first: first)
        }
    }
}
