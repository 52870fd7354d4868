internal import Foundation
internal import NDArray
internal import Networks
internal import SectionFiles
internal import StageKit
internal import Synchronization

/// Times reading and augmenting patches of 2,048 px at 2 µm from a scan; `benchmarks/patch_reader.py` does the same in Python.
let patchReaderTool = StageTool(
    name: "patch-throughput",
    summary: "SCAN PATCHES THREADS [CACHE_MIB]: times reading and augmenting patches anywhere on a scan, as JSON"
) { arguments in
    guard arguments.count == 3 || arguments.count == 4, let count = Int(arguments[1]), count >= 1,
        let threads = Int(arguments[2]), threads >= 1, let cacheMiB = arguments.count == 4 ? Int(arguments[3]) : 16,
        cacheMiB >= 0
    else { throw StageError(.badJob, "expected SCAN PATCHES THREADS [CACHE_MIB]") }
    let (side, spacingUm) = (2048, 2.0)
    let window = patchWindowSide(patchSide: side, spacingUm: spacingUm)
    let pool = WindowPool(spacingUm: spacingUm, side: window, cacheBytes: cacheMiB << 20)
    let file = ScanFile(path: arguments[0])
    let scan = try pool.reader(of: file).scan
    guard let pixel = scan.pixelSize else { throw StageError(.badInput, "its pixels have no size", file: file.path) }
    let (height, width) = (Double(scan.rows) * pixel.rowUm, Double(scan.columns) * pixel.columnUm)
    let reach = Double(window) / 2 * spacingUm
    guard height > 2 * reach, width > 2 * reach else {
        throw StageError(.badInput, "is smaller than a window of \(2 * reach) µm", file: file.path)
    }
    let failure = Mutex<(any Error)?>(nil)
    let checksum = Mutex(0.0)
    func patches(_ numbers: Range<Int>) {
        parallelFor(numbers.count, threads: threads) { index in
            let number = numbers.lowerBound + index
            var random = SeededGenerator(seed: 3, stream: "places", number)
            let place = SIMD2(
                reach + random.uniform() * (height - 2 * reach), reach + random.uniform() * (width - 2 * reach))
            let draw = AugmentationDraw(AugmentationRecipe(), seed: 3, epoch: 0, sample: number)
            do {
                let patch = try augmentedPatch(
                    pool, file, centreUm: place, patchSide: side, spacingUm: spacingUm, draw: draw)
                checksum.withLock { $0 += Double(patch[patch.count / 2]) }
            } catch {
                failure.withLock { $0 = error }
            }
        }
    }
    patches(0..<2 * threads)  // threads start, the file is opened
    let clock = ContinuousClock()
    let begun = processSeconds()
    let seconds = clock.measure { patches(2 * threads..<2 * threads + count) } / .seconds(1)
    let cpuSeconds = processSeconds() - begun
    if let error = failure.withLock({ $0 }) { throw error }
    return String(
        format: """
            {"program": "cyto-learn", "patches": %d, "threads": %d, "side": %d, "seconds": %.3f, "patches_per_s": %.3f, \
            "patches_per_cpu_s": %.3f, "decoded_tiles": %d, "checksum": %.4f}
            """, count, threads, side, seconds, Double(count) / seconds, Double(count) / cpuSeconds,
        pool.cache.use.decodedTiles,
        checksum.withLock { $0 })
}

/// CPU time that all threads of this process have taken.
func processSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// A patch as a training sees it: its window is read but for the tiles that the turned patch does not touch.
func augmentedPatch(
    _ pool: WindowPool, _ file: ScanFile, centreUm: SIMD2<Double>, patchSide: Int, spacingUm: Double,
    draw: AugmentationDraw
) throws -> [Float] {
    let side = pool.side
    let window = try [UInt8](unsafeUninitializedCapacity: side * side) { pixels, count in
        try pool.read(file, centreUm: centreUm, into: UnsafeMutableBufferPointer(rebasing: pixels[..<(side * side)])) {
            draw.touches(rows: $0, columns: $1, windowSide: side, patchSide: patchSide, spacingUm: spacingUm)
        }
        count = side * side
    }
    return try augment(
        windows: window, windowSide: side, patchSide: patchSide, spacingUm: spacingUm, draws: [draw])
}
