public import Torch

/// The mean of −log softmax(logits)[label] over the samples that have a label.
///
/// - Parameters:
///   - logits: (samples, classes).
///   - labels: one for each sample, 0 ..< classes; −1 for a sample that does not count, such as a mirrored place.
/// - Returns: one number, float32; 0 where no sample counts.
/// - Throws: `NetworkError` for a label that is no class.
public func crossEntropy(_ logits: Tensor, labels: [Int]) throws -> Tensor {
    let sizes = logits.shape
    guard sizes.count == 2, sizes[0] == labels.count else {
        throw NetworkError(.invalidData, "\(labels.count) labels do not fit logits of shape \(sizes).")
    }
    if let bad = labels.first(where: { $0 < -1 || $0 >= sizes[1] }) {
        throw NetworkError(.invalidData, "The label \(bad) is none of the \(sizes[1]) classes, and not −1 for none.")
    }
    let counted = max(1, labels.count { $0 >= 0 })
    let index = try Tensor(labels.map { Int64(max(0, $0)) }, shape: [labels.count, 1]).moved(to: logits.device)
    let weight = try Tensor(labels.map { $0 >= 0 ? Float(1) : 0 }, shape: [labels.count, 1]).moved(to: logits.device)
    let logarithms = try logits.widened().logSoftmax(axis: 1).gathering(index, axis: 1)  // (samples, 1)
    return try (logarithms * weight).sum() * (-1 / Double(counted))
}
