/// All that is needed to build a backbone again: kept with its tensors.
public struct NetworkDescription: Sendable, Codable, Equatable {
    public var residual: ResidualNetworkShape
    /// On the residual network's map; nil for none.
    public var transformer: VisionTransformerShape?
    /// Side of the images, px.
    public var imageSide: Int
    /// Channels of the images.
    public var channels: Int

    public init(
        residual: ResidualNetworkShape, transformer: VisionTransformerShape? = nil, imageSide: Int, channels: Int = 1
    ) {
        self.residual = residual
        self.transformer = transformer
        self.imageSide = imageSide
        self.channels = channels
    }

    /// The backbone, its tensors in the store.
    public func build(_ parameters: ParameterStore) throws -> any Backbone {
        if let transformer {
            return try HybridNetwork(
                residual, transformer, imageSide: imageSide, channels: channels, parameters: parameters)
        }
        return try ResidualNetwork(residual, channels: channels, parameters: parameters)
    }
}
