public import NDArray

extension BrainFields {
    /// Shares of gray and white matter in each voxel, 0…1 in steps of 1/256: a border that runs through a voxel splits it.
    public func tissueShares() -> (gray: Volume<Float>, white: Volume<Float>) {
        var gray = Volume<Float>(
            planes: tissueUm.planes, rows: tissueUm.rows, columns: tissueUm.columns, filledWith: 0)
        var white = gray
        let scale = 1 / Float(spacingUm)
        for index in gray.elements.indices {
            let all = min(max(Float(tissueUm.elements[index]) * scale + 0.5, 0), 1)
            let inner = min(min(max(Float(whiteUm.elements[index]) * scale + 0.5, 0), 1), all)
            white.elements[index] = (inner * 256).rounded() / 256
            gray.elements[index] = ((all - inner) * 256).rounded() / 256
        }
        return (gray, white)
    }
}
