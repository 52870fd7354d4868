import NDArray
import Registration

/// Smooth blobs at seeded places: a picture with detail of many sizes whose value is known between pixels too.
struct BlobPicture {
    var blobs: [(row: Double, column: Double, sigmaPx: Double, height: Double)]
    let rows: Int
    let columns: Int

    init(rows: Int, columns: Int, count: Int = 160, seed: UInt64 = 7) {
        self.rows = rows
        self.columns = columns
        var random = SeededGenerator(seed: seed, stream: "blobs")
        blobs = (0..<count).map { _ in
            (
                random.uniform() * Double(rows), random.uniform() * Double(columns), 1.5 + 5 * random.uniform(),
                (random.uniform() - 0.7) * 120
            )
        }
    }

    /// The gray level at a place: dark tissue inside an ellipse, bright slide outside.
    func level(row: Double, column: Double) -> Double {
        let (y, x) = (row / Double(rows) - 0.5, column / Double(columns) - 0.5)
        guard y * y / 0.16 + x * x / 0.19 < 1 else { return 240 }
        var level = 140.0
        for blob in blobs {
            let (dy, dx) = (row - blob.row, column - blob.column)
            let distance = (dy * dy + dx * dx) / (2 * blob.sigmaPx * blob.sigmaPx)
            if distance < 12 { level += blob.height * Math.exp(-distance) }
        }
        return min(max(level, 20), 190)
    }

    /// The picture after a motion: the pixel at `transform(p)` shows what stood at p. Gray levels go through `gain` and `offset`.
    func moved(
        by transform: RigidTransform, gain: Double = 1, offset: Double = 0, noise: Double = 0, seed: UInt64 = 1
    ) -> Image<UInt8> {
        let back = transform.inverse
        var random = SeededGenerator(seed: seed, stream: "noise")
        var image = Image<UInt8>(rows: rows, columns: columns, filledWith: 0)
        for row in 0..<rows {
            for column in 0..<columns {
                let source = back(PlanarPoint(row: Double(row), column: Double(column)))
                let value = level(row: source.row, column: source.column) * gain + offset + noise * random.normal()
                image[row, column] = UInt8(min(max(value + 0.5, 0), 255))
            }
        }
        return image
    }

    var middle: PlanarPoint { PlanarPoint(row: Double(rows - 1) / 2, column: Double(columns - 1) / 2) }

    /// A motion about the picture's middle.
    func motion(rotationRad: Double, row: Double, column: Double, isMirrored: Bool = false) -> RigidTransform {
        .about(
            middle, onto: PlanarPoint(row: middle.row + row, column: middle.column + column), rotationRad: rotationRad,
            isMirrored: isMirrored)
    }
}
