internal import HDF5
internal import Phantom
internal import StageKit

extension BrainArchitecture {
    /// Writes the profiles as `/profiles/…`, hemisphere (0 left, 1 right) × area × layer.
    func write(to file: HDF5File) throws {
        let sides = [left, right]
        func table(_ values: (AreaProfile) -> [Float], _ name: String, unit: String? = nil) throws {
            try file.write(
                sides.flatMap { $0.flatMap(values) }, shape: [2, names.count, 6], to: "/profiles/" + name)
            if let unit { try file.setAttribute("unit", to: unit, of: "/profiles/" + name) }
        }
        try file.makeGroup("/profiles")
        try file.write(texts: names, to: "/profiles/name")
        try table(\.fractions, "fractions")
        try table(\.cellsPerMm2, "cells_per_mm2", unit: "1/mm2")
        try table(\.cellAreaUm2, "cell_area_um2", unit: "um2")
        // Columns: thickness factor, koniocortex, agranular, giant cells per mm², depth, width, strength of the pale stripe.
        let rest = sides.flatMap { side in
            side.flatMap { profile -> [Float] in
                [
                    profile.thicknessFactor, profile.isKoniocortex ? 1 : 0, profile.isAgranular ? 1 : 0,
                    profile.giantCellsPerMm2, profile.paleStripe?.depth ?? 0, profile.paleStripe?.width ?? 0,
                    profile.paleStripe?.strength ?? 0,
                ]
            }
        }
        try file.write(rest, shape: [2, names.count, 7], to: "/profiles/special")
        try file.setAttribute(
            "columns",
            to: [
                "thickness_factor", "koniocortex", "agranular", "giant_cells_per_mm2", "stripe_depth", "stripe_width",
                "stripe_strength",
            ], of: "/profiles/special")
        try file.setAttribute("species_seed", to: speciesSeed, of: "/profiles")
        try file.setAttribute("half_length_mm", to: halfLengthMm, of: "/profiles")
    }

    /// Reads the profiles of a phantom brain's file.
    init(from file: HDF5File) throws {
        let names = try file.readTexts("/profiles/name")
        let count = names.count
        func table(_ name: String, columns: Int) throws -> [Float] {
            let values = try file.read("/profiles/" + name, as: Float.self)
            guard values.count == 2 * count * columns else {
                throw StageError(
                    .badInput,
                    "/profiles/\(name) does not hold \(columns) values for each of 2 × \(count) areas; "
                        + "make the file again with phantom-brain", file: file.path)
            }
            return values
        }
        let fractions = try table("fractions", columns: 6)
        let cells = try table("cells_per_mm2", columns: 6)
        let sizes = try table("cell_area_um2", columns: 6)
        let special = try table("special", columns: 7)
        func profile(_ index: Int) -> AreaProfile {
            func row(_ values: [Float]) -> [Float] { Array(values[index * 6..<index * 6 + 6]) }
            let rest = Array(special[index * 7..<index * 7 + 7])
            return AreaProfile(
                fractions: row(fractions), cellsPerMm2: row(cells), cellAreaUm2: row(sizes), thicknessFactor: rest[0],
                isKoniocortex: rest[1] > 0, isAgranular: rest[2] > 0, giantCellsPerMm2: rest[3],
                paleStripe: rest[6] > 0
                    ? AreaProfile.PaleStripe(depth: rest[4], width: rest[5], strength: rest[6]) : nil)
        }
        self.init(
            names: names, left: (0..<count).map(profile), right: (count..<2 * count).map(profile),
            speciesSeed: try file.attribute("species_seed", of: "/profiles"),
            halfLengthMm: try file.attribute("half_length_mm", of: "/profiles"))
    }
}
