public import Torch

/// A backbone whose weights and running statistics stay as they are, so that only what comes after it is trained (linear probing).
///
/// **Reference** Methods 3.5.
public final class FrozenBackbone: Backbone {
    public let parameters: ParameterStore
    private let inner: any Backbone

    /// - Parameter trained: the store of the layers after it, which an optimizer gets; the backbone keeps its own.
    public init(_ inner: any Backbone, trained: ParameterStore) {
        self.inner = inner
        parameters = trained
    }

    public var featureCount: Int { inner.featureCount }

    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> BackboneOutput {
        try withoutGradients { try inner(images, .inference) }
    }
}

/// A backbone with its projection head: its features are the projected ones (the variant P of Methods 3.5).
public final class ProjectedBackbone: Backbone {
    private let inner: any Backbone
    private let head: ProjectionHead
    public let featureCount: Int

    /// - Parameters:
    ///   - head: of the same store as the backbone.
    ///   - outputs: of the head.
    public init(_ inner: any Backbone, head: ProjectionHead, outputs: Int) {
        self.inner = inner
        self.head = head
        featureCount = outputs
    }

    public var parameters: ParameterStore { inner.parameters }

    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> BackboneOutput {
        let output = try inner(images, pass)
        return BackboneOutput(features: try head(output.features, pass), map: output.map)
    }
}

/// A backbone whose features are those of every place of its map, one after another, so that a classifier after it is a 1×1
/// convolution (Methods 3.6).
public final class PlacewiseBackbone: Backbone {
    private let inner: any Backbone

    public init(_ inner: any Backbone) { self.inner = inner }

    public var parameters: ParameterStore { inner.parameters }
    public var featureCount: Int { inner.featureCount }

    /// Images (n, channels, side, side) -> features (n · h · w, d), row by row of each image.
    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> BackboneOutput {
        let map = try inner(images, pass).map  // (n, d, h, w)
        let sizes = map.shape
        let places = try map.permuted([0, 2, 3, 1]).reshaped([sizes[0] * sizes[2] * sizes[3], sizes[1]])
        return BackboneOutput(features: places, map: map)
    }
}

/// No backbone at all: what goes in are features that were computed before, (n, places, d), and out come (n · places, d).
public final class PrecomputedFeatures: Backbone {
    public let parameters: ParameterStore
    public let featureCount: Int

    public init(featureCount: Int, trained: ParameterStore) {
        self.featureCount = featureCount
        parameters = trained
    }

    public func callAsFunction(_ features: Tensor, _ pass: ForwardPass) throws -> BackboneOutput {
        BackboneOutput(features: try features.reshaped([-1, featureCount]), map: features)
    }
}
