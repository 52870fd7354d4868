internal import CTorch

/// Where the processes of a group find each other: a small server in one of them, and clients in the others.
public final class Rendezvous {
    let handle: OpaquePointer

    /// - Parameters:
    ///   - address: of the machine with the server.
    ///   - port: of the server; 0 lets the server choose one (`port` tells).
    ///   - serves: whether this process is the server.
    ///   - prefix: of all keys, where others use the same server.
    ///   - timeoutSeconds: for finding the server and for each answer.
    /// - Throws: `TorchError` where there is no server, or the port is taken.
    public init(address: String, port: Int, serves: Bool, prefix: String = "", timeoutSeconds: Double) throws {
        var made: OpaquePointer?
        try check(
            ct_store_open(address, Int64(port), serves ? 1 : 0, prefix, timeoutSeconds, &made), "Rendezvous(address:)")
        guard let made else {
            throw TorchError(.failed, operation: "Rendezvous(address:)", message: "no store came back")
        }
        handle = made
    }

    deinit { ct_store_free(handle) }

    /// The server's port.
    public func port() throws -> Int {
        var port: Int64 = 0
        try check(ct_store_port(handle, &port), "port()")
        return Int(port)
    }
}

/// Processes that compute together (c10d): every one calls the same operations in the same order.
///
/// A process that is lost makes the operations of the others throw: at once where its connection breaks, after the timeout where it
/// only falls silent.
public final class ProcessGroup: @unchecked Sendable {
    // Sendable because the handle never changes and c10d's operations may be called from any thread; that they come in
    // the same order in every process is the caller's part.
    let handle: OpaquePointer
    /// This process's number, 0 ..< size.
    public let rank: Int
    /// The number of processes.
    public let size: Int

    /// How the processes talk.
    public enum Backend: String, Sendable {
        /// Over TCP, from and to the memory of the host.
        case gloo
        /// Between GPUs.
        case nccl
    }

    /// Whether this program was built with NCCL.
    public static var hasNCCL: Bool { ct_has_nccl() != 0 }

    /// Joins, and waits until all others have joined too.
    ///
    /// - Throws: `TorchError` where one does not come within the timeout, or the backend is not there.
    public init(
        _ rendezvous: Rendezvous, backend: Backend = .gloo, rank: Int, size: Int, timeoutSeconds: Double
    ) throws {
        var made: OpaquePointer?
        let status = ct_group_join(
            rendezvous.handle, backend.rawValue, Int64(rank), Int64(size), timeoutSeconds, &made)
        try check(status, "ProcessGroup(_:)")
        guard let made else {
            throw TorchError(.failed, operation: "ProcessGroup(_:)", message: "no group came back")
        }
        handle = made
        self.rank = rank
        self.size = size
    }

    deinit { ct_group_free(handle) }

    /// Replaces each tensor, in every process, by the sum of all processes' tensors. The order of the terms is the same in all.
    public func sum(_ tensors: [Tensor]) throws {
        let handles = tensors.map { Optional($0.handle) }
        let status = handles.withUnsafeBufferPointer { ct_group_sum(handle, $0.baseAddress, Int64($0.count)) }
        withExtendedLifetime(tensors) {}
        try check(status, "sum(_:)")
    }

    /// All processes' parts, which have one shape, along axis 0 in the order of ranks.
    ///
    /// Gradients: every process is taken to compute the same loss of the whole; its own rows of the gradient go back to its part.
    public func gathered(_ part: Tensor) throws -> Tensor {
        try produce("gathered(_:)") { ct_group_gather(handle, part.handle, &$0) }
    }
}

extension Tensor {
    /// Batch normalisation while training, by the statistics of the samples of all processes; see `batchNormalised(weight:…)`.
    ///
    /// The gradients of weight and bias are those of this process's samples: to be summed with the others'.
    public func batchNormalised(
        over group: ProcessGroup, weight: Tensor, bias: Tensor, runningMean: Tensor?, runningVariance: Tensor?,
        momentum: Double = 0.1, epsilon: Double = 1e-5
    ) throws -> Tensor {
        try produce {
            ct_group_batch_norm(
                group.handle, handle, weight.handle, bias.handle, runningMean?.handle, runningVariance?.handle,
                momentum, epsilon, &$0)
        }
    }
}
