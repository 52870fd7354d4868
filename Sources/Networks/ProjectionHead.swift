public import Torch

/// The layers between a backbone's features and a contrastive loss: linear, batch normalisation, ReLU, linear.
///
/// **Reference** Methods 3.4; Chen et al. 2020, arXiv 2002.05709.
public final class ProjectionHead {
    private let first: Linear
    private let norm: BatchNormalisation
    private let second: Linear

    /// - Parameters:
    ///   - features: length of the backbone's vectors, and of the hidden layer.
    ///   - outputs: length of the projected vectors; the paper's is 256.
    ///   - parameters: gets the tensors, under `projection`.
    public init(features: Int, outputs: Int = 256, parameters: ParameterStore) throws {
        let scope = parameters.root["projection"]
        first = try Linear(scope["fc1"], inputs: features, outputs: features)
        norm = try BatchNormalisation(scope["bn1"], channels: features)
        second = try Linear(scope["fc2"], inputs: features, outputs: outputs)
    }

    /// (n, features) -> (n, outputs), not normalised.
    public func callAsFunction(_ features: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try second(norm(first(features), pass).relu())
    }
}
