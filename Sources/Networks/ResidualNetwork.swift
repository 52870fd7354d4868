public import Torch

/// The sizes of a residual network for large gray images.
public struct ResidualNetworkShape: Sendable, Equatable, Codable {
    /// Filters of the two first convolutions.
    public var stemWidth: Int
    /// Stride of the first convolution, 5×5.
    public var stemStride: Int
    /// Width of the blocks of each stage; a stage gives four times as many channels.
    public var widths: [Int]
    /// Blocks of each stage.
    public var blocks: [Int]
    /// Stride of each stage's first block.
    public var strides: [Int]

    public init(stemWidth: Int, stemStride: Int, widths: [Int], blocks: [Int], strides: [Int]) {
        self.stemWidth = stemWidth
        self.stemStride = stemStride
        self.widths = widths
        self.blocks = blocks
        self.strides = strides
    }

    /// R50 of Methods 3.3: 2048² pixels become 32 × 32 × 2048 features.
    public static let r50 = ResidualNetworkShape(
        stemWidth: 64, stemStride: 4, widths: [64, 128, 256, 512], blocks: [3, 4, 6, 3], strides: [1, 2, 2, 2])

    /// The small network of the phantom: 64² pixels become 8 × 8 × 256 features.
    public static let small = ResidualNetworkShape(
        stemWidth: 16, stemStride: 2, widths: [16, 32, 64], blocks: [1, 1, 1], strides: [1, 2, 1])

    /// Channels of the last map.
    public var featureCount: Int { (widths.last ?? 0) * BottleneckBlock.expansion }

    /// The side of the last map for images of a side, px.
    public func mapSide(imageSide: Int) -> Int {
        let stem = (imageSide + stemStride - 1) / stemStride / 2
        return strides.reduce(stem) { ($0 + $1 - 1) / $1 }
    }

    func validate() throws {
        let numbers = [stemWidth, stemStride] + widths + blocks + strides
        guard !widths.isEmpty, widths.count == blocks.count, widths.count == strides.count,
            numbers.allSatisfy({ $0 >= 1 })
        else {
            throw NetworkError(
                .invalidShape,
                "A residual network needs a width, a number of blocks and a stride, each at least 1, for every stage; "
                    + "got widths \(widths), blocks \(blocks), strides \(strides), stem \(stemWidth) by \(stemStride).")
        }
    }
}

/// What a backbone makes of images.
public struct BackboneOutput {
    /// One vector an image, (n, d): global average pooling, or the class token.
    public let features: Tensor
    /// A vector for each place of the image, (n, d, h, w).
    public let map: Tensor

    public init(features: Tensor, map: Tensor) {
        self.features = features
        self.map = map
    }
}

/// A network that turns images into features.
public protocol Backbone: AnyObject {
    /// The network's tensors.
    var parameters: ParameterStore { get }
    /// d, the length of a feature vector.
    var featureCount: Int { get }
    /// - Parameter images: (n, 1, side, side), float32.
    func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> BackboneOutput
}

/// R50 and its family: a ResNet whose first layers reduce large images quickly.
///
/// A convolution 5×5 with stride 4, one 3×3, both with batch normalisation and ReLU, a maximum over 2×2, then the stages of
/// bottleneck blocks.
///
/// **Reference** Methods 3.3; He et al. 2016, DOI 10.1109/CVPR.2016.90.
public final class ResidualNetwork: Backbone {
    public let parameters: ParameterStore
    public let shape: ResidualNetworkShape
    private let stem: [(Convolution, BatchNormalisation)]
    private let blocks: [BottleneckBlock]

    /// - Parameters:
    ///   - parameters: gets this network's tensors.
    ///   - channels: of the images; 1 is gray.
    /// - Throws: `NetworkError` for sizes that no network has.
    public init(_ shape: ResidualNetworkShape, channels: Int = 1, parameters: ParameterStore) throws {
        try shape.validate()
        self.shape = shape
        self.parameters = parameters
        let scope = parameters.root
        stem = [
            (
                try Convolution(
                    scope["conv1"], inputs: channels, outputs: shape.stemWidth, kernel: 5, stride: shape.stemStride),
                try BatchNormalisation(scope["bn1"], channels: shape.stemWidth)
            ),
            (
                try Convolution(scope["conv2"], inputs: shape.stemWidth, outputs: shape.stemWidth, kernel: 3),
                try BatchNormalisation(scope["bn2"], channels: shape.stemWidth)
            ),
        ]
        var blocks: [BottleneckBlock] = []
        var inputs = shape.stemWidth
        for (stage, width) in shape.widths.enumerated() {
            for block in 0..<shape.blocks[stage] {
                blocks.append(
                    try BottleneckBlock(
                        scope["layer\(stage + 1)"][block], inputs: inputs, width: width,
                        stride: block == 0 ? shape.strides[stage] : 1))
                inputs = width * BottleneckBlock.expansion
            }
        }
        self.blocks = blocks
    }

    public var featureCount: Int { shape.featureCount }

    /// (n, channels, side, side) -> (n, d, side / 64, side / 64) for R50.
    ///
    /// With checkpoints, every block but the first is run again for its gradients (Methods 3.9).
    public func map(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        var x = try images.channelsLast()
        for (convolution, norm) in stem { x = try norm(convolution(x), pass).relu() }
        x = try x.maxPooled(window: 2, stride: 2)
        for (index, block) in blocks.enumerated() {
            if pass.checkpoints && index > 0 {
                x = try checkpointed(x) { input, replay in try block(input, replay ? pass.replayed : pass) }
            } else {
                x = try block(x, pass)
            }
        }
        return x
    }

    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> BackboneOutput {
        let map = try map(images, pass)
        return BackboneOutput(features: try map.mean([2, 3]), map: map)  // (n, d), (n, d, h, w)
    }
}
