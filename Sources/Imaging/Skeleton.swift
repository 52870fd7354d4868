/// Thins what is set to lines of one pixel that keep its connections: the morphological skeleton.
///
/// Border pixels are taken off in two alternating sweeps, one from south-east, one from north-west, until none can go. Only pixels
/// beside what changed are looked at again, which changes nothing: a pixel among eight set ones never goes.
///
/// - Returns: the skeleton; outside the image nothing is set. A square of 2 × 2 pixels vanishes, as the method has it.
/// - Complexity: O(set pixels · neighbours).
///
/// **Reference**: T. Y. Zhang, C. Y. Suen, Commun. ACM 27, 236 (1984), doi:10.1145/357994.358023; equal to OpenCV's
/// `ximgproc.thinning(…, THINNING_ZHANGSUEN)`.
public func skeleton(of image: BitImage) -> BitImage {
    // A frame of unset pixels spares the checks at the border.
    let width = image.columns + 2
    var pixels = [UInt8](repeating: 0, count: (image.rows + 2) * width)
    image.forEachSet { pixels[($0 / image.columns + 1) * width + $0 % image.columns + 1] = 1 }
    // P2 … P9 of the paper: north, then clockwise.
    let around = [-width, -width + 1, 1, width + 1, width, width - 1, -1, -width - 1]
    var waiting = pixels.indices.filter { index in pixels[index] == 1 && around.contains { pixels[index + $0] == 0 } }
    var isWaiting = [Bool](repeating: false, count: pixels.count)
    for index in waiting { isWaiting[index] = true }
    var sweepsAtRest = 0
    var sweep = 0
    while sweepsAtRest < 2, !waiting.isEmpty {
        var gone: [Int] = []
        for index in waiting {
            let p = (
                pixels[index + around[0]], pixels[index + around[1]], pixels[index + around[2]],
                pixels[index + around[3]], pixels[index + around[4]], pixels[index + around[5]],
                pixels[index + around[6]], pixels[index + around[7]]
            )
            let count = p.0 + p.1 + p.2 + p.3 + p.4 + p.5 + p.6 + p.7
            guard count >= 2, count <= 6 else { continue }
            let rises =
                (~p.0 & p.1) + (~p.1 & p.2) + (~p.2 & p.3) + (~p.3 & p.4) + (~p.4 & p.5) + (~p.5 & p.6)
                + (~p.6 & p.7) + (~p.7 & p.0)
            guard rises == 1 else { continue }
            let goes =
                sweep % 2 == 0
                ? p.0 & p.2 & p.4 == 0 && p.2 & p.4 & p.6 == 0 : p.0 & p.2 & p.6 == 0 && p.0 & p.4 & p.6 == 0
            if goes { gone.append(index) }
        }
        for index in gone { pixels[index] = 0 }
        for index in gone {
            for offset in around where pixels[index + offset] == 1 && !isWaiting[index + offset] {
                isWaiting[index + offset] = true
                waiting.append(index + offset)
            }
        }
        waiting.removeAll { pixels[$0] == 0 }
        sweepsAtRest = gone.isEmpty ? sweepsAtRest + 1 : 0
        sweep += 1
    }
    var result = BitImage(rows: image.rows, columns: image.columns)
    for row in 0..<image.rows {
        for column in 0..<image.columns where pixels[(row + 1) * width + column + 1] == 1 { result[row, column] = true }
    }
    return result
}
