internal import HDF5

extension PointTable {
    /// Writes what is known of some rows as the datasets of an artifact, and the rows' own numbers as `/row`.
    ///
    /// - Parameter withLabels: writes `/label`, `/test` and `/areas` too.
    func write(rows: [Int], to file: HDF5File, withLabels: Bool = true) throws {
        try file.write(rows.map { brain[$0] }, to: "/brain")
        try file.write(texts: brains.map(\.name), to: "/brains/name")
        try file.write(texts: brains.map(\.role), to: "/brains/role")
        try file.write(texts: rows.map { sections[Int(section[$0])].name }, to: "/section_name")
        try file.write(
            rows.flatMap { [positionUm[$0].x, positionUm[$0].y] }, shape: [rows.count, 2], to: "/position_um")
        try file.setAttribute("unit", to: "um", of: "/position_um")
        try file.write(rows.map { Int64($0) }, to: "/row")
        try write(mniMm, rows, to: file, "/mni_mm", unit: "mm")
        if rows.contains(where: { !reconstructionUm[$0].x.isNaN }) {
            try write(reconstructionUm, rows, to: file, "/reconstruction_um", unit: "um")
        }
        try file.write(rows.map { hemisphere[$0] }, to: "/hemisphere")
        if withLabels {
            try file.write(rows.map { label[$0] }, to: "/label")
            try file.write(rows.map { UInt8(isTest[$0] ? 1 : 0) }, to: "/test")
            let labels = areaNames.keys.sorted()
            try file.write(labels, to: "/areas/label")
            try file.write(texts: labels.map { areaName($0) }, to: "/areas/name")
        }
    }

    private func write(
        _ points: [SIMD3<Double>], _ rows: [Int], to file: HDF5File, _ path: String, unit: String
    ) throws {
        let values = rows.flatMap { [points[$0].x, points[$0].y, points[$0].z] }
        try file.write(values, shape: [rows.count, 3], to: path)
        try file.setAttribute("unit", to: unit, of: path)
    }
}
