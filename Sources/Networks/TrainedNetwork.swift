public import Torch

/// Layers that turn features into what an objective takes.
public protocol OutputLayers: AnyObject {
    /// (n, features) -> (n, outputs).
    func callAsFunction(_ features: Tensor, _ pass: ForwardPass) throws -> Tensor
}

extension ProjectionHead: OutputLayers {}

/// A linear layer without bias, from features to classes (Methods 3.5).
public final class Classifier: OutputLayers {
    private let weight: Tensor

    /// - Parameter parameters: gets the tensor `classifier.weight`.
    public init(features: Int, classes: Int, parameters: ParameterStore) throws {
        guard features >= 1, classes >= 1 else {
            throw NetworkError(
                .invalidShape, "A classifier needs features and classes, not \(features) and \(classes).")
        }
        weight = try parameters.root["classifier"].add(
            "weight", [classes, features], .weight, .uniform(bound: 1 / Double(features).squareRoot()))
    }

    public func callAsFunction(_ features: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try features.linear(weight: weight, bias: nil)
    }
}
