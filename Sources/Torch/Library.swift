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

    /// Why there is no CUDA device: the loader's sentence, or that no device was found. Empty where there is one.
    public static var cudaAbsence: String { String(cString: ct_cuda_absence()) }

    /// Waits until a device has done all that it was given: before a clock is read.
    public static func synchronise(_ device: Device) throws {
        if case .cuda(let index) = device { try check(ct_cuda_synchronise(Int64(index)), "synchronise(_:)") }
    }

    /// The most memory that tensors took at once on a device since the last reset, bytes, and the most that libtorch had
    /// taken from the device for them; nil on the CPU and with a libtorch before 2.9.
    public static func peakMemory(_ device: Device, reset: Bool = false) throws -> (allocated: Int, reserved: Int)? {
        guard case .cuda(let index) = device else { return nil }
        var allocated: Int64 = 0
        var reserved: Int64 = 0
        try check(ct_cuda_peak_memory(Int64(index), reset ? 1 : 0, &allocated, &reserved), "peakMemory(_:)")
        return allocated < 0 ? nil : (Int(allocated), Int(reserved))
    }

    /// Lets cuDNN try its algorithms for each new size and keep the fastest. Which one that is may differ from run to run.
    public static func tuneConvolutions(_ on: Bool = true) throws {
        try check(ct_set_cudnn_benchmark(on ? 1 : 0), "tuneConvolutions(_:)")
    }

    /// Tensors that this thread has made less those that it has let go: a loop that lets this grow keeps too much.
    public static var liveTensorCount: Int { Int(ct_live_count()) }
}
