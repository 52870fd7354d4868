public import Torch

/// The sizes of a vision transformer.
public struct VisionTransformerShape: Sendable, Equatable, Codable {
    /// Length of a token.
    public var width: Int
    public var layers: Int
    public var heads: Int
    /// Width of the hidden layer between two attentions.
    public var hidden: Int

    public init(width: Int, layers: Int, heads: Int, hidden: Int) {
        self.width = width
        self.layers = layers
        self.heads = heads
        self.hidden = hidden
    }

    /// ViT-B: 12 layers, 768 wide, 12 heads, hidden layers of 3072.
    public static let base = VisionTransformerShape(width: 768, layers: 12, heads: 12, hidden: 3072)

    /// The phantom's small one, on the small residual network's 8 × 8 map.
    public static let small = VisionTransformerShape(width: 96, layers: 2, heads: 4, hidden: 192)

    func validate() throws {
        guard width >= 1, layers >= 1, heads >= 1, hidden >= 1, width % heads == 0 else {
            throw NetworkError(
                .invalidShape,
                "A vision transformer needs a width that its heads divide, and at least one layer; got width \(width), "
                    + "heads \(heads), layers \(layers), hidden \(hidden).")
        }
    }
}

/// One layer of a transformer: attention, then two linear layers, each on normalised tokens and added to them.
struct TransformerLayer {
    private let heads: Int
    private let norms: (LayerNormalisation, LayerNormalisation)
    private let mixing: Linear
    private let projection: Linear
    private let hidden: (Linear, Linear)

    init(_ scope: ParameterStore.Scope, _ shape: VisionTransformerShape) throws {
        let sd = 0.02
        heads = shape.heads
        let first = try LayerNormalisation(scope["norm1"], width: shape.width)
        mixing = try Linear(scope["attn"]["qkv"], inputs: shape.width, outputs: 3 * shape.width, sd: sd)
        projection = try Linear(scope["attn"]["proj"], inputs: shape.width, outputs: shape.width, sd: sd)
        let second = try LayerNormalisation(scope["norm2"], width: shape.width)
        norms = (first, second)
        hidden = (
            try Linear(scope["mlp"]["fc1"], inputs: shape.width, outputs: shape.hidden, sd: sd),
            try Linear(scope["mlp"]["fc2"], inputs: shape.hidden, outputs: shape.width, sd: sd)
        )
    }

    /// Queries, keys and values of the tokens, each (n, heads, tokens, width / heads).
    private func attended(_ tokens: Tensor) throws -> [Tensor] {
        let shape = tokens.shape  // (n, tokens, width)
        let mixed = try mixing(norms.0(tokens))  // (n, tokens, 3 · width)
            .reshaped([shape[0], shape[1], 3, heads, shape[2] / heads]).permuted([2, 0, 3, 1, 4])
        return try (0..<3).map { part in
            try mixed.slice(part..<part + 1, axis: 0).reshaped([shape[0], heads, shape[1], shape[2] / heads])
        }
    }

    /// (n, tokens, width) -> the same.
    func callAsFunction(_ tokens: Tensor) throws -> Tensor {
        let parts = try attended(tokens)
        let attention = try parts[0].attending(to: parts[1], values: parts[2])  // (n, heads, tokens, width / heads)
            .permuted([0, 2, 1, 3]).reshaped(tokens.shape)
        let middle = try tokens + projection(attention)
        return try middle + hidden.1(hidden.0(norms.1(middle)).gelu())
    }

    /// How much the first token attends to each of the others, (n, heads, tokens − 1).
    func firstTokenAttention(_ tokens: Tensor) throws -> Tensor {
        let parts = try attended(tokens)
        let depth = Double(parts[0].shape[3])
        let count = tokens.shape[1]
        let scores = try parts[0].slice(0..<1, axis: 2).matmul(parts[1].transposed()) / depth.squareRoot()
        return try scores.softmax(axis: -1).slice(1..<count, axis: 3)  // (n, heads, 1, tokens − 1)
            .reshaped([tokens.shape[0], heads, count - 1])
    }
}

/// R50-ViT and its family: a vision transformer on the map of a residual network.
///
/// Each place of the map becomes a token by a linear layer; a class token stands before them; learned positions are added.
/// The class token after the last layer is the image's feature vector.
///
/// **Reference** Methods 3.3; Dosovitskiy et al. 2021, arXiv 2010.11929 (its hybrid architecture).
public final class HybridNetwork: Backbone {
    public let parameters: ParameterStore
    public let shape: VisionTransformerShape
    private let convolutional: ResidualNetwork
    private let embedding: Linear
    private let classToken: Tensor
    private let positions: Tensor
    private let layers: [TransformerLayer]
    private let norm: LayerNormalisation
    private let mapSide: Int

    /// - Parameters:
    ///   - imageSide: px; the learned positions belong to maps of such images (32 × 32 for 2048 px with R50).
    ///   - parameters: gets the tensors of both networks.
    /// - Throws: `NetworkError` for sizes that no network has.
    public init(
        _ residual: ResidualNetworkShape, _ shape: VisionTransformerShape, imageSide: Int, channels: Int = 1,
        parameters: ParameterStore
    ) throws {
        try shape.validate()
        self.shape = shape
        self.parameters = parameters
        convolutional = try ResidualNetwork(residual, channels: channels, parameters: parameters)
        mapSide = residual.mapSide(imageSide: imageSide)
        guard mapSide >= 1 else {
            throw NetworkError(.invalidShape, "Images of \(imageSide) px leave this residual network no map.")
        }
        let scope = parameters.root
        embedding = try Linear(
            scope["patch_embed"]["proj"], inputs: residual.featureCount, outputs: shape.width, sd: 0.02)
        classToken = try scope.add("cls_token", [1, 1, shape.width], .weight, .normal(sd: 1e-6, truncated: true))
        positions = try scope.add(
            "pos_embed", [1, mapSide * mapSide + 1, shape.width], .weight, .normal(sd: 0.02, truncated: true))
        layers = try (0..<shape.layers).map { try TransformerLayer(scope["blocks"][$0], shape) }
        norm = try LayerNormalisation(scope["norm"], width: shape.width)
    }

    public var featureCount: Int { shape.width }

    /// The tokens before the first layer, (n, h · w + 1, width).
    private func tokens(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let map = try convolutional.map(images, pass)  // (n, d, h, w)
        let sizes = map.shape
        guard sizes[2] == mapSide, sizes[3] == mapSide else {
            throw NetworkError(
                .invalidShape,
                "Images of \(images.shape[2]) × \(images.shape[3]) px give a map of \(sizes[2]) × \(sizes[3]); this "
                    + "network's positions were learned for \(mapSide) × \(mapSide).")
        }
        let places = try embedding(map.permuted([0, 2, 3, 1]).reshaped([sizes[0], mapSide * mapSide, sizes[1]]))
        let first = try classToken.expanded([sizes[0], 1, shape.width]).converted(to: places.type)
        return try Tensor.concatenated([first, places], axis: 1) + positions
    }

    /// With checkpoints, every residual block but the first and every transformer layer is run again for its gradients
    /// (Methods 3.9).
    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> BackboneOutput {
        var x = try tokens(images, pass)
        for layer in layers {
            x = pass.checkpoints ? try checkpointed(x) { input, _ in try layer(input) } : try layer(x)
        }
        x = try norm(x)
        let samples = x.shape[0]
        let map = try x.slice(1..<mapSide * mapSide + 1, axis: 1).permuted([0, 2, 1])
            .reshaped([samples, shape.width, mapSide, mapSide])
        return BackboneOutput(features: try x.slice(0..<1, axis: 1).reshaped([samples, shape.width]), map: map)
    }

    /// How much the class token attends to each place of the image in the first layer, (n, heads, h, w).
    ///
    /// With what it attends to itself, each head's map sums to 1 (Fig. 3).
    public func firstLayerAttention(_ images: Tensor) throws -> Tensor {
        let tokens = try tokens(images, .inference)
        return try layers[0].firstTokenAttention(tokens).reshaped([images.shape[0], shape.heads, mapSide, mapSide])
    }
}
