internal import Cortex
internal import HDF5
internal import NDArray
public import StageKit

/// Estimates how densely cells lie in each layer of patches (Methods 3.7).
public struct LayerDensity: Stage {
    public static let name = "layer-density"
    public static let summary =
        "Cell density of each layer in each patch by a Gaussian kernel of 100 µm (Methods 3.7)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let bandwidthUm = try config.double("bandwidth_um", in: 1...10_000)
        let mapUm = try config.double("map_spacing_um", in: 0.1...10_000)
        let correctsEdges = try config.bool("edge_correction")
        let patches = try LayerPatches(context, port: "patches")
        // Every n-th pixel, in the middle of its block, so that the map is no finer than it need be.
        let stride = max(1, Int((mapUm / patches.spacingUm + 1e-6).rounded(.down)))
        let side = patches.side / stride
        guard side >= 1 else {
            throw StageError(
                .badInput,
                "a patch of \(patches.side) pixels of \(patches.spacingUm) µm has not one point of a map of \(mapUm) µm; lower config.map_spacing_um",
                port: "patches")
        }
        let stepUm = patches.spacingUm * Double(stride)
        // From the patch's centre, as the cells are.
        let firstUm = (Double(stride / 2) - Double(patches.side - 1) / 2) * patches.spacingUm
        var densities = [Float](repeating: .nan, count: 6 * patches.count)
        let group = 8 * context.cores
        for start in Swift.stride(from: 0, to: patches.count, by: group) {
            context.progress(Double(start) / Double(patches.count), "patches")
            let range = start..<min(start + group, patches.count)
            let (layers, known) = try patches.maps(range, side: side, stride: stride)
            let cells = range.map { Array(patches.cellsUm(of: $0)) }
            densities.withUnsafeMutableBufferPointer { densities in
                let densities = DisjointSlices(densities)
                parallelFor(range.count, threads: context.cores) { place in
                    let part = place * side * side..<(place + 1) * side * side
                    let isKnown = known[part].map { $0 != 0 }
                    let seen = cells[place].filter { cell in
                        let row = Int(((cell.x - firstUm) / stepUm).rounded())
                        let column = Int(((cell.y - firstUm) / stepUm).rounded())
                        return row >= 0 && column >= 0 && row < side && column < side && isKnown[row * side + column]
                    }
                    let map = cellDensityMap(
                        cellsUm: seen, side: side, spacingUm: stepUm, firstUm: firstUm, bandwidthUm: bandwidthUm,
                        isKnown: correctsEdges ? isKnown : nil)
                    let means = layerMeans(map, layers: Array(layers[part]), isKnown: isKnown)
                    for layer in 0..<6 { densities[6 * (range.lowerBound + place) + layer] = Float(means[layer]) }
                }
            }
        }
        try context.write("densities") { file in
            try file.write(densities, shape: [patches.count, 6], to: "/density_per_mm2")
            try file.setAttribute("bandwidth_um", to: bandwidthUm)
            try file.setAttribute("edge_correction", to: UInt8(correctsEdges ? 1 : 0))
        }
        for layer in 0..<6 {
            let known = (0..<patches.count).map { densities[6 * $0 + layer] }.filter { !$0.isNaN }.sorted()
            context.figure("density_median_\(layer + 1)", known.isEmpty ? .nan : Double(known[known.count / 2]))
        }
    }
}

/// Patches with their layers and cells, read a few at a time.
struct LayerPatches {
    let count: Int
    let side: Int
    let spacingUm: Double
    private let layer: HDF5Dataset
    private let valid: HDF5Dataset
    /// (row, column) from the patch's centre, patch after patch.
    private let cells: [SIMD2<Double>]
    /// Where the cells of each patch start in `cells`, and the end.
    private let starts: [Int]

    init(_ context: StageContext, port: String) throws {
        let file = try context.open(port)
        let path = file.path
        func problem(_ sentence: String) -> StageError { StageError(.badInput, sentence, port: port, file: path) }
        for name in ["/layer", "/valid", "/cells_patch", "/cells_um"] where !file.contains(name) {
            throw problem("has no \(name); give it patches whose layers and cells are known")
        }
        layer = try file.dataset("/layer")
        valid = try file.dataset("/valid")
        guard layer.shape.count == 3, layer.shape[1] == layer.shape[2], layer.shape == valid.shape else {
            throw problem("/layer has the shape \(layer.shape), /valid \(valid.shape), not both (patches, side, side)")
        }
        let patches = layer.shape[0]
        (count, side) = (patches, layer.shape[1])
        spacingUm = try file.attribute("spacing_um", as: Double.self)
        guard spacingUm > 0, spacingUm.isFinite else { throw problem("spacing_um is \(spacingUm)") }
        let owners = try file.read("/cells_patch", as: Int32.self)
        let places = try file.read("/cells_um", as: Double.self)
        guard places.count == 2 * owners.count else {
            throw problem("/cells_um has \(places.count / 2) rows, /cells_patch \(owners.count)")
        }
        if let wrong = owners.first(where: { $0 < 0 || Int($0) >= patches }) {
            throw problem("/cells_patch names the patch \(wrong), but there are \(patches)")
        }
        var starts = [Int](repeating: 0, count: layer.shape[0] + 1)
        for owner in owners { starts[Int(owner) + 1] += 1 }
        for index in 1..<starts.count { starts[index] += starts[index - 1] }
        var next = starts
        var sorted = [SIMD2<Double>](repeating: .zero, count: owners.count)
        for (index, owner) in owners.enumerated() {
            sorted[next[Int(owner)]] = SIMD2(places[2 * index], places[2 * index + 1])
            next[Int(owner)] += 1
        }
        cells = sorted
        self.starts = starts
    }

    func cellsUm(of patch: Int) -> ArraySlice<SIMD2<Double>> { cells[starts[patch]..<starts[patch + 1]] }

    /// Layers and known parts of some patches, every `stride`-th pixel.
    func maps(_ range: Range<Int>, side small: Int, stride: Int) throws -> (layers: [UInt8], known: [UInt8]) {
        func read(_ dataset: HDF5Dataset) throws -> [UInt8] {
            let pixels = try dataset.read(
                at: [range.lowerBound, 0, 0], shape: [range.count, side, side], as: UInt8.self)
            guard stride > 1 else { return pixels }
            var result = [UInt8](repeating: 0, count: range.count * small * small)
            for patch in 0..<range.count {
                for row in 0..<small {
                    for column in 0..<small {
                        let from = (patch * side + row * stride + stride / 2) * side + column * stride + stride / 2
                        result[(patch * small + row) * small + column] = pixels[from]
                    }
                }
            }
            return result
        }
        return (try read(layer), try read(valid))
    }
}
