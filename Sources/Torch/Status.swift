internal import CTorch

/// Throws what the shim's last call on this thread left, unless it was done.
@inline(__always)
func check(_ status: Int32, _ operation: StaticString) throws(TorchError) {
    if status != 0 { throw failure(status, operation) }
}

@inline(never)
private func failure(_ status: Int32, _ operation: StaticString) -> TorchError {
    let code: TorchError.Code =
        switch Int(status) {
        case Int(ct_invalid): .invalid
        case Int(ct_out_of_memory): .outOfMemory
        default: .failed
        }
    return TorchError(code, operation: "\(operation)", message: String(cString: ct_last_error()))
}

/// The tensor that a call of the shim hands out.
@inline(__always)
func produce(
    _ operation: StaticString = #function, _ body: (inout OpaquePointer?) -> Int32
) throws(TorchError) -> Tensor {
    var handle: OpaquePointer?
    try check(body(&handle), operation)
    guard let handle else { throw TorchError(.failed, operation: "\(operation)", message: "no tensor came back") }
    return Tensor(owning: handle)
}

extension [Int] {
    /// The sizes, axes or indices as the shim takes them.
    @inline(__always)
    func withInt64<Result>(_ body: (UnsafePointer<Int64>?, Int64) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: Swift.max(count, 1)) { buffer in
            for (index, element) in enumerated() { buffer[index] = Int64(element) }
            return body(UnsafePointer(buffer.baseAddress), Int64(count))
        }
    }
}
