internal import Cortex
internal import HDF5
internal import NDArray
internal import StageKit

/// A label volume as its stage wrote it, with what else stands beside the labels.
struct LabelVolumeArtifact {
    let path: String
    /// 0 background, 1 gray, 2 white.
    let labels: Volume<UInt8>
    /// Shares of gray and white matter, where the file has them.
    let fractions: TissueFractions?
    /// 1 where the exclusion mask took tissue out; nil where the file knows of none.
    let excluded: Volume<UInt8>?
    let spacingUm: Double
    /// Centre of voxel (0, 0, 0): (plane, row, column), reconstruction µm.
    let originUm: [Double]

    /// - Parameter withFractions: whether the shares are read, where the file has them.
    init(_ context: StageContext, port: String, withFractions: Bool = true) throws {
        let file = try context.open(port)
        let path = file.path
        self.path = path
        func problem(_ sentence: String) -> StageError {
            StageError(.badInput, sentence, port: port, file: path)
        }
        let labels = try file.readVolume("/labels", as: UInt8.self)
        guard !labels.elements.isEmpty else { throw problem("/labels is empty") }
        if let wrong = labels.elements.first(where: { $0 > 2 }) {
            throw problem("/labels holds a \(wrong); known are 0 background, 1 gray, 2 white")
        }
        func beside(_ name: String) throws -> Volume<UInt8>? {
            guard file.contains(name) else { return nil }
            let volume = try file.readVolume(name, as: UInt8.self)
            guard volume.planes == labels.planes, volume.rows == labels.rows, volume.columns == labels.columns else {
                throw problem("\(name) and /labels differ in size")
            }
            return volume
        }
        self.labels = labels
        excluded = try beside("/excluded")
        if withFractions, let gray = try beside("/gray_fraction"), let white = try beside("/white_fraction") {
            fractions = TissueFractions(gray: gray, white: white)
        } else {
            fractions = nil
        }
        spacingUm = try file.attribute("spacing_um", as: Double.self)
        originUm = try file.attributeList("origin_um", as: Double.self)
        guard spacingUm > 0, spacingUm.isFinite else { throw problem("spacing_um is \(spacingUm), not positive") }
        guard originUm.count == 3, originUm.allSatisfy(\.isFinite) else {
            throw problem("origin_um has \(originUm.count) values, not the three of (plane, row, column)")
        }
    }

    /// Where the voxels lie, for a file on the same grid.
    func writeGrid(to file: HDF5File) throws {
        try file.setAttribute("spacing_um", to: spacingUm)
        try file.setAttribute("origin_um", to: originUm)
        try file.setAttribute("axes", to: ["position", "row", "column"])
    }
}
