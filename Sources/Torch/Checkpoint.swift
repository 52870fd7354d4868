internal import CTorch

/// Runs a body without keeping what lies between its input and its output, and runs it again when gradients are asked for:
/// memory for time (Chen et al. 2016, arXiv 1604.06174).
///
/// The second run sees the random state and the precision of the first, and `replay` is true: what has an effect of its own
/// (the running statistics of batch normalisation) must then be left out. Parameters that the body uses get their gradients. The
/// input must require a gradient, else nothing flows.
///
/// - Parameter body: gives the output of an input; runs on this thread, the second time within `backward`.
/// - Throws: what the body threw the first time; `TorchError` with its sentence from `backward` for the second.
public func checkpointed(_ input: Tensor, _ body: @escaping (Tensor, _ replay: Bool) throws -> Tensor) throws -> Tensor
{
    let box = CheckpointBody(body)
    let context = Unmanaged.passRetained(box).toOpaque()
    do {
        return try produce { result in
            ct_checkpoint(
                input.handle,
                { context, handle, replay, result in
                    guard let context, let handle, let result else { return Int32(ct_failed) }
                    return Unmanaged<CheckpointBody>.fromOpaque(context).takeUnretainedValue()
                        .run(handle, replay: replay != 0, into: result)
                },
                context,
                { context in
                    if let context { Unmanaged<CheckpointBody>.fromOpaque(context).release() }
                }, &result)
        }
    } catch {
        throw box.failure ?? error
    }
}

/// The body of a checkpoint, kept by the graph.
private final class CheckpointBody {
    private let body: (Tensor, Bool) throws -> Tensor
    private(set) var failure: (any Error)?

    init(_ body: @escaping (Tensor, Bool) throws -> Tensor) {
        self.body = body
    }

    func run(_ handle: OpaquePointer, replay: Bool, into result: UnsafeMutablePointer<OpaquePointer?>) -> Int32 {
        do {
            // Both handles belong to the shim: share the input's values, and give the output away under a handle of its own.
            let input = try produce("checkpointed(_:_:)") { ct_alias(handle, &$0) }
            let output = try body(input, replay)
            return ct_alias(output.handle, result)
        } catch {
            failure = error
            ct_set_last_error("\(error)")
            return Int32(ct_failed)
        }
    }
}
