internal import FoundationEssentials
internal import HDF5
internal import NDArray
internal import Phantom
public import StageKit

/// Holds measured properties of the cortex against what is true of a phantom.
public struct StructureCheck: Stage {
    public static let name = "structure-check"
    public static let summary =
        "Scores thickness, curvature, cutting angle, profiles and layer densities of a phantom against the truth."

    public static func run(_ context: StageContext) throws {
        var agreements: [Agreement] = []
        var datasets: [(path: String, values: [Float], shape: [Int])] = []
        if try context.optionalInput("properties") != nil || context.optionalInput("profiles") != nil {
            context.progress(0, "truth")
            let (found, kept) = try points(context)
            agreements += found
            datasets += kept
        }
        if try context.optionalInput("densities") != nil {
            context.progress(0.7, "densities")
            let (found, kept) = try densities(context)
            agreements += found
            datasets.append(kept)
        }
        guard !agreements.isEmpty else {
            throw StageError(.badJob, "there is nothing to check: give it properties, profiles or densities")
        }
        for agreement in agreements {
            for (name, value) in agreement.figures { context.figure(name, value) }
        }
        try context.write("scores") { file in
            for (path, values, shape) in datasets {
                try file.write(values, shape: shape, to: path)
                if path.hasSuffix("_um") { try file.setAttribute("unit", to: "um", of: path) }
                if path.hasSuffix("_deg") { try file.setAttribute("unit", to: "deg", of: path) }
            }
            for agreement in agreements {
                for (name, value) in agreement.figures where value.isFinite { try file.setAttribute(name, to: value) }
            }
        }
        try writeSummary(agreements, to: try context.output("summary"))
    }

    /// Properties and profiles of points.
    private static func points(
        _ context: StageContext
    ) throws -> ([Agreement], [(path: String, values: [Float], shape: [Int])]) {
        var truths: [String: SectionLineTruth] = [:]
        for input in try context.inputs("truth") {
            truths[try input.coordinate("section")] = try SectionLineTruth(input)
        }
        let rows = try PointRows(context, stack: try StackArtifact(path: try context.input("stack").path))
        let cortex = try TrueCortex(brain: try context.input("brain"), truths: truths)
        var places = [TrueCortex.Place?](repeating: nil, count: rows.count)
        places.withUnsafeMutableBufferPointer { places in
            guard !places.isEmpty else { return }
            let places = DisjointSlices(places)
            parallelBands(rows.count, band: 256, threads: context.cores) { band in
                for index in band {
                    places[index] = cortex.at(section: rows.section[index], positionUm: rows.positionUm[index])
                }
            }
        }
        var agreements: [Agreement] = []
        var datasets: [(path: String, values: [Float], shape: [Int])] = []
        if let input = try context.optionalInput("properties") {
            let file = try HDF5File(reading: input.path)
            let checked: [(String, String, (TrueCortex.Place) -> Double)] = [
                ("thickness", "thickness_um", { $0.thicknessUm }),
                ("curvature", "curvature_per_mm", { $0.curvaturePerMm }),
                ("cutting_angle", "cutting_angle_deg", { $0.cuttingAngleDeg }),
            ]
            for (name, dataset, value) in checked {
                let measured = try file.read("/\(dataset)", as: Float.self)
                try requireRows(measured.count, rows, input)
                // A point that in truth lies off the cortex has no true value.
                let right = places.map { place in
                    place.map { $0.depth > 0 && $0.depth < 1 ? value($0) : .nan } ?? .nan
                }
                agreements.append(Agreement(name, measured: measured.map(Double.init), truth: right))
                datasets.append(("/true_\(dataset)", right.map { Float($0) }, [rows.count]))
            }
            if file.contains("/layer_thickness_um") {
                let layers = try file.read("/layer_thickness_um", as: Float.self)
                try requireRows(layers.count / 6, rows, input)
                let whole = (0..<rows.count).map { row in
                    (0..<6).reduce(0.0) { $0 + Double(layers[6 * row + $1]) }
                }
                agreements.append(
                    Agreement("layers_together", measured: whole, truth: places.map { $0?.thicknessUm ?? .nan }))
            }
        }
        if let input = try context.optionalInput("profiles") {
            let ends = try HDF5File(reading: input.path).read("/ends_um", as: Double.self)
            try requireRows(ends.count / 4, rows, input)
            for (end, name) in ["profile_pia", "profile_white"].enumerated() {
                var measured = [Double](repeating: .nan, count: rows.count)
                for row in 0..<rows.count {
                    let place = SIMD2(ends[4 * row + 2 * end], ends[4 * row + 2 * end + 1])
                    guard !place.x.isNaN, let found = cortex.at(section: rows.section[row], positionUm: place)
                    else { continue }
                    measured[row] = end == 0 ? found.piaDistanceUm : found.whiteDistanceUm
                }
                agreements.append(Agreement(name, measured: measured, truth: measured.map { $0.isNaN ? .nan : 0 }))
            }
        }
        return (agreements, datasets)
    }

    /// Densities of layers against the number of cells in each layer over its area.
    private static func densities(
        _ context: StageContext
    ) throws -> ([Agreement], (path: String, values: [Float], shape: [Int])) {
        let patches = try LayerPatches(context, port: "patches")
        let input = try context.input("densities")
        let measured = try HDF5File(reading: input.path).read("/density_per_mm2", as: Float.self)
        guard measured.count == 6 * patches.count else {
            throw StageError(
                .badInput, "has \(measured.count / 6) rows, the patches have \(patches.count)", port: "densities",
                file: input.path)
        }
        var counted = [Double](repeating: .nan, count: 6 * patches.count)
        for patch in 0..<patches.count {
            let (layers, known) = try patches.maps(patch..<patch + 1, side: patches.side, stride: 1)
            var (cells, pixels) = ([Double](repeating: 0, count: 7), [Double](repeating: 0, count: 7))
            for index in layers.indices where known[index] != 0 && layers[index] <= 6 {
                pixels[Int(layers[index])] += 1
            }
            let middle = Double(patches.side - 1) / 2
            for cell in patches.cellsUm(of: patch) {
                let row = Int((cell.x / patches.spacingUm + middle).rounded())
                let column = Int((cell.y / patches.spacingUm + middle).rounded())
                guard row >= 0, column >= 0, row < patches.side, column < patches.side else { continue }
                let index = row * patches.side + column
                if known[index] != 0, layers[index] <= 6 { cells[Int(layers[index])] += 1 }
            }
            let pixelMm2 = patches.spacingUm * patches.spacingUm * 1e-6
            for layer in 1...6 where pixels[layer] > 0 {
                counted[6 * patch + layer - 1] = cells[layer] / (pixels[layer] * pixelMm2)
            }
        }
        let agreements = (0..<6).map { layer in
            let rows = (0..<patches.count).map { 6 * $0 + layer }
            return Agreement(
                "density_layer_\(layer + 1)", measured: rows.map { Double(measured[$0]) },
                truth: rows.map { counted[$0] })
        }
        return (agreements, ("/true_density_per_mm2", counted.map { Float($0) }, [patches.count, 6]))
    }

    private static func requireRows(_ count: Int, _ rows: PointRows, _ input: StageInput) throws {
        guard count == rows.count else {
            throw StageError(
                .badInput, "has \(count) rows, the points have \(rows.count)", port: input.port, file: input.path)
        }
    }

    private static func writeSummary(_ agreements: [Agreement], to path: String) throws {
        func rounded(_ value: Double) -> Double? { value.isFinite ? (value * 1e5).rounded() / 1e5 : nil }
        var figures: [String: Double] = [:]
        for (name, value) in agreements.flatMap(\.figures) { figures[name] = rounded(value) }
        let table = Table(
            name: "structure-agreement",
            caption:
                "Measured properties of the cortex beside the phantom's truth: thickness, layers and ends of profiles in µm, curvature in 1/mm, "
                + "the cutting angle in degrees, densities in cells per mm²",
            columns: ["property", "rows", "r", "mean_error", "median_absolute_error", "95_absolute_error"],
            rows: agreements.map { agreement in
                [.text(agreement.name), .number(Double(agreement.rows))]
                    + [agreement.pearson, agreement.meanError, agreement.medianError, agreement.largeError].map {
                        .number(rounded($0))
                    }
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard
            FileManager.default.createFile(
                atPath: path, contents: try encoder.encode(Summary(figures: figures, tables: [table])))
        else { throw StageError(.inputOutput, "the summary cannot be written", port: "summary") }
    }

    private struct Summary: Encodable {
        var figures: [String: Double]
        var tables: [Table]
    }

    private struct Table: Encodable {
        var name: String
        var caption: String
        var columns: [String]
        var rows: [[Cell]]
    }

    private enum Cell: Encodable {
        case text(String)
        case number(Double?)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number?): try container.encode(number)
            case .number(nil): try container.encodeNil()
            }
        }
    }
}

/// How a measured property agrees with the truth, over the rows that have both.
struct Agreement {
    let name: String
    let rows: Int
    /// Pearson's r; NaN where one of them is constant.
    let pearson: Double
    /// Of measured − true.
    let meanError: Double
    let medianError: Double
    /// 95th percentile of the absolute error.
    let largeError: Double
    private let isAbsolute: Bool

    init(_ name: String, measured: [Double], truth: [Double]) {
        self.name = name
        let pairs = zip(measured, truth).filter { $0.0.isFinite && $0.1.isFinite }
        rows = pairs.count
        let count = Double(max(pairs.count, 1))
        let (meanX, meanY) = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for (x, y) in pairs {
            xx += (x - meanX) * (x - meanX)
            yy += (y - meanY) * (y - meanY)
            xy += (x - meanX) * (y - meanY)
        }
        pearson = xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : .nan
        isAbsolute = yy == 0
        meanError = pairs.isEmpty ? .nan : meanX - meanY
        let errors = pairs.map { abs($0.0 - $0.1) }
        medianError = quantile(0.5, of: errors) ?? .nan
        largeError = quantile(0.95, of: errors) ?? .nan
    }

    var figures: [(String, Double)] {
        (isAbsolute ? [] : [("\(name)_r", pearson)]) + [
            ("\(name)_mean_error", meanError), ("\(name)_median_error", medianError), ("\(name)_95_error", largeError),
            ("\(name)_rows", Double(rows)),
        ]
    }
}
