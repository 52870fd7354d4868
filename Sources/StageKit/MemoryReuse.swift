internal import Glibc

/// Memory that a stage gives back is kept for its next use, and comes in large pages where the system has them.
///
/// The C library hands every array of more than some hundred kilobytes back to the system at once, and the next one is cleared page by
/// page again: a third of a small stage's time. Blocks below 256 MiB are now cut from one area that is kept; larger ones still come and
/// go alone, so that a stage on a whole volume holds no more than it uses.
///
/// The area is all threads': otherwise each would get one of its own, of 64 MiB and of small pages, the thread of a task that was split
/// off from a loaded program among them.
enum MemoryReuse {
    /// To be called before the task's first thread is made.
    static func begin() {
        let kept: Int32 = 256 << 20
        // Declared in malloc.h, which Swift's Glibc leaves out; another C library may do without.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        let setOption = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
        let (trimThreshold, topPad, mmapThreshold, arenaMax): (Int32, Int32, Int32, Int32) = (-1, -2, -3, -8)
        _ = setOption(arenaMax, 1)
        _ = setOption(mmapThreshold, kept)
        _ = setOption(trimThreshold, 2 * (kept - 1))
        _ = setOption(topPad, kept)
        // The first block makes the area; only pages that are touched ever cost memory.
        guard let block = malloc(1 << 20) else { return }
        let largePage = UInt(2 << 20)
        let lower = (UInt(bitPattern: block) + largePage - 1) / largePage * largePage
        // The small pages before it stay taken, so that no array comes to lie there.
        _ = realloc(block, Int(lower - UInt(bitPattern: block)))
        let upper = UInt(bitPattern: sbrk(0)) / largePage * largePage
        guard upper > lower, upper - lower <= UInt(kept) * 2, let start = UnsafeMutableRawPointer(bitPattern: lower)
        else { return }
        // Advice alone: a system without large pages goes on as it is.
        _ = madvise(start, Int(upper - lower), MADV_HUGEPAGE)
    }
}
