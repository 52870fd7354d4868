/// How much a field on a lattice of knots bends: the quadratic form of the thin-plate energy.
///
/// ½ Σ over knots of weight · ‖∇²v‖² + tension · ‖∇v‖², second differences of the coefficients in place of derivatives. Affine fields
/// bend nothing; the tension, far smaller, keeps what no tissue holds from drifting away.
///
/// **Reference** Rueckert et al. 1999, DOI 10.1109/42.796284, eq. 8.
package struct BendingEnergy: Sendable {
    let knots: SIMD3<Int>
    let knotMm: Double
    /// Of bending, in mm (mm³ of misfit for each mm⁻² of squared bending, over mm³): λ.
    let bendingWeight: Double
    /// Of stretch.
    let tensionWeight: Double

    package init(knots: SIMD3<Int>, knotMm: Double, bendingWeight: Double, tensionWeight: Double) {
        self.knots = knots
        self.knotMm = knotMm
        self.bendingWeight = bendingWeight
        self.tensionWeight = tensionWeight
    }

    /// Adds the form's gradient at `field` to `result`.
    package func addGradient(of field: [SIMD4<Float>], to result: inout [SIMD4<Float>]) {
        let volume = knotMm * knotMm * knotMm
        let bend = Float(bendingWeight * volume / (knotMm * knotMm * knotMm * knotMm))
        let pull = Float(tensionWeight * volume / (knotMm * knotMm))
        let strides = [1, knots.x, knots.x * knots.y]
        field.withUnsafeBufferPointer { v in
            result.withUnsafeMutableBufferPointer { sum in
                for k in 0..<knots.z {
                    for j in 0..<knots.y {
                        for i in 0..<knots.x {
                            let here = (k * knots.y + j) * knots.x + i
                            let place = SIMD3(i, j, k)
                            for axis in 0..<3 where place[axis] + 1 < knots[axis] {
                                let next = here + strides[axis]
                                let slope = pull * (v[next] - v[here])
                                sum[next] += slope
                                sum[here] -= slope
                                if place[axis] > 0 {
                                    let before = here - strides[axis]
                                    let curve = bend * (v[before] - 2 * v[here] + v[next])
                                    sum[before] += curve
                                    sum[here] -= 2 * curve
                                    sum[next] += curve
                                }
                                for other in 0..<axis where place[other] + 1 < knots[other] {
                                    let aside = here + strides[other]
                                    let across = next + strides[other]
                                    let twist = 2 * bend * (v[here] - v[next] - v[aside] + v[across])
                                    sum[here] += twist
                                    sum[next] -= twist
                                    sum[aside] -= twist
                                    sum[across] += twist
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The form's diagonal far from the lattice's faces.
    var diagonal: Float {
        let volume = knotMm * knotMm * knotMm
        // Six a straight second difference, four a mixed one that counts twice; two a first difference.
        return Float(
            bendingWeight * volume / (knotMm * knotMm * knotMm * knotMm) * (3 * 6 + 3 * 2 * 4)
                + tensionWeight * volume / (knotMm * knotMm) * 6)
    }
}
