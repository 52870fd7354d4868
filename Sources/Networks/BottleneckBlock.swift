internal import Torch

/// The residual block of ResNet50: 1×1, 3×3 (with the stride), 1×1 to four times the width, and the input added.
///
/// **Reference** He et al. 2016, DOI 10.1109/CVPR.2016.90. **Differs** the stride is in the 3×3 convolution, as in
/// torchvision ("ResNet v1.5").
struct BottleneckBlock {
    static let expansion = 4
    private let convolutions: (Convolution, Convolution, Convolution)
    private let norms: (BatchNormalisation, BatchNormalisation, BatchNormalisation)
    private let shortcut: (Convolution, BatchNormalisation)?

    init(_ scope: ParameterStore.Scope, inputs: Int, width: Int, stride: Int) throws {
        let outputs = width * Self.expansion
        let first = try Convolution(scope["conv1"], inputs: inputs, outputs: width, kernel: 1)
        let firstNorm = try BatchNormalisation(scope["bn1"], channels: width)
        let second = try Convolution(scope["conv2"], inputs: width, outputs: width, kernel: 3, stride: stride)
        let secondNorm = try BatchNormalisation(scope["bn2"], channels: width)
        let third = try Convolution(scope["conv3"], inputs: width, outputs: outputs, kernel: 1)
        let thirdNorm = try BatchNormalisation(scope["bn3"], channels: outputs)
        convolutions = (first, second, third)
        norms = (firstNorm, secondNorm, thirdNorm)
        shortcut =
            stride == 1 && inputs == outputs
            ? nil
            : (
                try Convolution(scope["downsample"][0], inputs: inputs, outputs: outputs, kernel: 1, stride: stride),
                try BatchNormalisation(scope["downsample"][1], channels: outputs)
            )
    }

    /// (n, inputs, h, w) -> (n, 4 · width, h / stride, w / stride).
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let narrow = try norms.0(convolutions.0(x), pass).relu()
        let inner = try norms.1(convolutions.1(narrow), pass).relu()
        let wide = try norms.2(convolutions.2(inner), pass)
        let straight = try shortcut.map { try $0.1($0.0(x), pass) } ?? x
        return try (wide + straight).relu()
    }
}
