/// How a brain is laid onto a template.
public struct TemplateRegistrationSettings: Sendable, Equatable {
    /// Edge of a voxel of the comparison.
    public var spacingMm = 1.0
    /// Distance of the velocity field's knots; at least four voxels.
    public var knotMm = 8.0
    /// λ: how much bending costs against misfit, in mm² (misfit is a volume in mm³, bending mm⁻² over mm³).
    public var bendingMm2 = 2.0
    /// What stretch costs, without unit; keeps what no tissue holds from drifting away.
    public var tension = 0.002
    /// Weights of the differences of gray matter, white matter and both together.
    public var grayWeight = 1.0
    public var whiteWeight = 1.0
    public var tissueWeight = 1.0
    /// How far the frame of the sections may be turned in their plane.
    public var maximumRollDeg = 60.0
    /// Gauss–Newton steps a level, at most; 0 leaves the affine map.
    public var iterations = 8
    /// A misfit (0 equal, 1 nothing in common) above which the affine match is no match.
    public var maximumMisfit = 0.6

    public init() {}

    var channelWeights: SIMD4<Float> {
        SIMD4(Float(grayWeight), Float(whiteWeight), Float(tissueWeight), 0)
    }

    func check() throws(VolumeRegistrationError) {
        for (name, value) in [
            ("spacingMm", spacingMm), ("knotMm", knotMm), ("bendingMm2", bendingMm2),
        ] where !(value > 0 && value.isFinite) {
            throw VolumeRegistrationError(.badSetting, "\(name) must be above zero, not \(value)")
        }
        guard knotMm >= 4 * spacingMm * 0.999 else {
            throw VolumeRegistrationError(
                .badSetting, "knots \(knotMm) mm apart need voxels of at most \(knotMm / 4) mm, not \(spacingMm)")
        }
        guard maximumRollDeg >= 0, maximumRollDeg <= 180, iterations >= 0, tension >= 0,
            min(grayWeight, whiteWeight, tissueWeight) >= 0, grayWeight + whiteWeight + tissueWeight > 0
        else {
            throw VolumeRegistrationError(
                .badSetting, "weights, tension and iterations must not be negative, and the turn at most 180°")
        }
    }
}
