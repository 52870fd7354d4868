internal import FoundationEssentials
internal import HDF5
internal import SpatialTransforms

/// The displacement grid of an `.xfm`: a MINC 2 volume with a vector dimension, RAS mm.
///
/// **Differs.** Between grid points displacements are trilinear, as in ITK; libminc takes a cubic through four. Outside the grid
/// libminc displaces nothing; here `DisplacementField.Outside` decides.
enum MincGrid {
    static func read(_ path: String, namedBy xfm: String) throws -> DisplacementField {
        guard let start = FileManager.default.contents(atPath: path, count: 4) else {
            throw TransformFileError(
                .cannotOpen, file: xfm,
                problem: "names the displacement grid \(path), which is not there or cannot be read")
        }
        guard !start.starts(with: Array("CDF".utf8)) else {
            throw TransformFileError(
                .unsupported, file: path, problem: "is a MINC 1 volume; convert it with mincconvert -2")
        }
        let file = try HDF5File(reading: path)
        let image = "/minc-2.0/image/0/image"
        guard file.contains(image) else {
            throw TransformFileError(.unknownFormat, file: path, problem: "is no MINC 2 volume (no \(image))")
        }
        let dataset = try file.dataset(image)
        let order = try file.textAttribute("dimorder", of: image).split(separator: ",").map(String.init)
        let wrong = TransformFileError(
            .damaged, file: path,
            problem:
                "its dimensions \(order) are not those of a displacement grid (xspace, yspace, zspace, vector_dimension)"
        )
        guard order.count == 4, dataset.shape.count == 4, Set(order).count == 4,
            let vectorAxis = order.firstIndex(of: "vector_dimension"), dataset.shape[vectorAxis] == 3
        else { throw wrong }

        var indexToMm = AffineTransform()
        var lengths = [Int](repeating: 0, count: 3)
        var strides = [Int](repeating: 0, count: 3)
        var origin = SIMD3<Double>.zero
        for (axis, name) in ["xspace", "yspace", "zspace"].enumerated() {
            guard let position = order.firstIndex(of: name) else { throw wrong }
            let dimension = "/minc-2.0/dimensions/" + name
            let begin: Double =
                try file.hasAttribute("start", of: dimension) ? file.attribute("start", of: dimension) : 0
            let step: Double = try file.hasAttribute("step", of: dimension) ? file.attribute("step", of: dimension) : 1
            var cosines = SIMD3<Double>.zero
            cosines[axis] = 1
            if file.hasAttribute("direction_cosines", of: dimension) {
                let list = try file.attributeList("direction_cosines", of: dimension, as: Double.self)
                guard list.count == 3 else { throw wrong }
                cosines = [list[0], list[1], list[2]]
            }
            origin += cosines * begin
            switch axis {
            case 0: indexToMm.x = cosines * step
            case 1: indexToMm.y = cosines * step
            default: indexToMm.z = cosines * step
            }
            lengths[axis] = dataset.shape[position]
            strides[axis] = dataset.shape[(position + 1)...].reduce(1, *)
        }
        indexToMm.translation = origin
        let vectorStride = dataset.shape[(vectorAxis + 1)...].reduce(1, *)
        let values = try realValues(of: dataset, in: file)
        let grid = try OrientedGrid(
            planes: lengths[2], rows: lengths[1], columns: lengths[0], indexToMm: indexToMm)
        var vectors = [Float](repeating: 0, count: 3 * grid.count)
        var target = 0
        for plane in 0..<grid.planes {
            for row in 0..<grid.rows {
                for column in 0..<grid.columns {
                    let source = plane * strides[2] + row * strides[1] + column * strides[0]
                    for component in 0..<3 {
                        vectors[target] = Float(values[source + component * vectorStride])
                        target += 1
                    }
                }
            }
        }
        return try DisplacementField(grid: grid, vectors: vectors)
    }

    /// Whole numbers are scaled from their valid range to the image's minimum and maximum, which may differ from slice to slice.
    private static func realValues(of dataset: HDF5Dataset, in file: HDF5File) throws -> [Double] {
        var values = try dataset.read(as: Double.self)
        guard let element = dataset.element, element != .float32, element != .float64 else { return values }
        let base = "/minc-2.0/image/0/"
        let lows = try file.read(base + "image-min", as: Double.self)
        let highs = try file.read(base + "image-max", as: Double.self)
        let range = try file.attributeList("valid_range", of: dataset.path, as: Double.self)
        guard lows.count == highs.count, !lows.isEmpty, values.count.isMultiple(of: lows.count), range.count == 2,
            range[1] > range[0]
        else {
            throw TransformFileError(
                .damaged, file: file.path, problem: "its image-min, image-max and valid_range do not fit its data")
        }
        let slice = values.count / lows.count
        for index in values.indices {
            let (low, high) = (lows[index / slice], highs[index / slice])
            values[index] = low + (values[index] - range[0]) / (range[1] - range[0]) * (high - low)
        }
        return values
    }
}
