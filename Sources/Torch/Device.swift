internal import CTorch

/// Where a tensor's elements lie.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    case cpu
    /// A GPU by its number, from 0.
    case cuda(Int)

    /// The device that a text names: `cpu`, `cuda`, `cuda:1`, or `auto` for a GPU where there is one.
    ///
    /// - Parameter preferred: the GPU that `cuda` and `auto` mean: the process's rank on its machine.
    /// - Throws: `TorchError` where the text names no device, or there is no such device; it says why.
    public init(named name: String, preferred: Int = 0) throws {
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let number = parts.count == 2 ? Int(parts[1]) : preferred
        switch parts.first {
        case "cpu" where parts.count == 1: self = .cpu
        case "auto" where parts.count == 1:
            let count = try Torch.cudaDeviceCount()
            self = count > 0 ? .cuda(preferred % count) : .cpu
        case "cuda":
            guard let number, number >= 0 else { fallthrough }
            let count = try Torch.cudaDeviceCount()
            guard number < count else {
                let why = count == 0 ? Torch.cudaAbsence : "there are \(count), numbered from 0"
                throw TorchError(
                    .invalid, operation: "Device(named:)", message: "there is no CUDA device \(number): \(why)")
            }
            self = .cuda(number)
        default:
            throw TorchError(
                .invalid, operation: "Device(named:)",
                message: "'\(name)' is no device; use cpu, cuda, cuda:1 … or auto")
        }
    }

    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    var kind: Int32 {
        switch self {
        case .cpu: Int32(ct_cpu)
        case .cuda: Int32(ct_cuda)
        }
    }
    var index: Int64 {
        switch self {
        case .cpu: 0
        case .cuda(let index): Int64(index)
        }
    }
}
