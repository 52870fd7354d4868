internal import CTorch

/// libtorch as a whole.
public enum Torch {
    /// The version that the program was built against, such as "1.13.1" or "2.13.0".
    public static var version: String { String(cString: ct_version()) }

    /// Sets the number of threads of one operation.
    public static func setThreads(_ count: Int) throws { try check(ct_set_threads(Int64(count)), "setThreads(_:)") }

    /// The number of threads of one operation.
    public static func threads() throws -> Int {
        var count: Int64 = 0
        try check(ct_threads(&count), "threads()")
        return Int(count)
    }

    /// Sets the state of libtorch's own random generators. Nothing of ours draws from them but `Tensor.normal`.
    public static func seed(_ seed: UInt64) throws { try check(ct_manual_seed(seed), "seed(_:)") }

    /// Asks libtorch for algorithms that give the same bits each time, and for an error where it has none.
    public static func requireDeterminism(_ on: Bool = true) throws {
        try check(ct_set_deterministic(on ? 1 : 0), "requireDeterminism(_:)")
    }

    /// How many CUDA devices there are; 0 with a libtorch for CPUs.
    public static func cudaDeviceCount() throws -> Int {
        var count: Int64 = 0
        try check(ct_cuda_count(&count), "cudaDeviceCount()")
        return Int(count)
    }

    /// Tensors that this thread has made less those that it has let go: a loop that lets this grow keeps too much.
    public static var liveTensorCount: Int { Int(ct_live_count()) }
}
