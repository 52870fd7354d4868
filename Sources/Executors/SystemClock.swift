internal import Glibc
public import Scheduling

/// The machine's clocks.
public final class SystemClock: EngineClock {
    public init() {}

    public var monotonicSeconds: Double { seconds(CLOCK_MONOTONIC) }
    public var wallSeconds: Double { seconds(CLOCK_REALTIME) }

    private func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
}
