public import NDArray

extension CuttingArtefact {
    /// Draws the damage of one section: each kind happens to a share of the sections, somewhere in the tissue.
    ///
    /// - Parameters:
    ///   - tears: probability of a tear, 300 … 1200 µm wide.
    ///   - folds: probability of a fold, 300 … 800 µm wide.
    public static func drawn(
        tears: Double, folds: Double, plane: BrainPlane, field: FieldOfView, generator: inout SeededGenerator
    ) -> [CuttingArtefact] {
        let back = field.toPlane.inverse ?? .identity
        return [(Kind.tear, tears, 900.0), (.fold, folds, 500)].compactMap { kind, chance, spread in
            let happens = generator.uniform() < chance
            let (size, turn, bend) = (generator.uniform(), generator.uniform(), generator.uniform())
            let length = generator.uniform()
            var place: SectionPoint?
            for _ in 0..<200 where place == nil {
                let row = generator.index(below: plane.fields.rows)
                let column = generator.index(below: plane.fields.columns)
                guard plane.fields[row, column][0] > 1000 else { continue }
                let here = back.apply(
                    row: plane.originUm.row + Double(row) * plane.spacingUm,
                    column: plane.originUm.column + Double(column) * plane.spacingUm)
                place = SectionPoint(row: here.row, column: here.column)
            }
            guard happens, let place else { return nil }
            return CuttingArtefact(
                kind: kind, row: place.row, column: place.column, angleRad: Double.pi * turn,
                halfLengthUm: 4000 + 6000 * length, widthUm: 300 + spread * size * size,
                bendUm: 4000 * (bend - 0.5))
        }
    }
}
