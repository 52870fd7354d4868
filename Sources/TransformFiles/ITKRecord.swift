internal import NDArray
internal import SpatialTransforms

/// One transform as ITK's files have it: a type by name, parameters, and fixed parameters, in LPS mm.
struct ITKRecord {
    /// For example `AffineTransform_double_3_3`.
    var type: String
    var parameters: [Double]
    var fixedParameters: [Double]
    let file: String

    /// The type's name without number type and dimensions.
    var name: String { String(type.prefix { $0 != "_" }) }

    static let known = [
        "AffineTransform", "MatrixOffsetTransformBase", "Rigid3DTransform", "Euler3DTransform",
        "CenteredEuler3DTransform",
        "VersorTransform", "VersorRigid3DTransform", "Similarity3DTransform", "QuaternionRigidTransform",
        "ScaleTransform", "TranslationTransform", "IdentityTransform", "BSplineTransform", "DisplacementFieldTransform",
        "CompositeTransform",
    ]

    /// The list of a file's records as transforms: a composite takes in all that follow it.
    static func transforms(_ records: [ITKRecord]) throws -> [SpatialTransform] {
        if let first = records.first, first.name == "CompositeTransform" {
            return [.composite(inOrderAdded: try records.dropFirst().map { try $0.transform() }).simplified]
        }
        return try records.map { try $0.transform() }
    }

    /// The transform in RAS.
    func transform() throws -> SpatialTransform {
        let parts = type.split(separator: "_")
        if parts.count >= 3, parts.suffix(2) != ["3", "3"] {
            throw wrong(
                .unsupported,
                "\(type) maps between spaces of \(parts[parts.count - 2]) and \(parts[parts.count - 1])"
                    + " dimensions; three are expected")
        }
        guard parameters.allSatisfy(\.isFinite), fixedParameters.allSatisfy(\.isFinite) else {
            throw wrong(.notFinite, "a parameter of \(type) is not a finite number")
        }
        switch name {
        case "BSplineTransform": return .bSpline(try spline())
        case "DisplacementFieldTransform", "GaussianSmoothingOnUpdateDisplacementFieldTransform":
            return .displacement(
                try ITKRecord.field(
                    vectors: parameters.map { Float($0) }, fixedParameters: fixedParameters, type: type, file: file))
        default:
            let affine = try affineLPS()
            _ = try affine.inverted()
            return .affine(affine.turnedRoundXY)
        }
    }

    private func affineLPS() throws -> AffineTransform {
        let p = parameters
        switch name {
        case "IdentityTransform": return .identity
        case "TranslationTransform":
            try expect(3)
            return AffineTransform(translation: [p[0], p[1], p[2]])
        case "AffineTransform", "MatrixOffsetTransformBase", "Rigid3DTransform":
            try expect(12)
            return try about(
                AffineTransform(x: [p[0], p[3], p[6]], y: [p[1], p[4], p[7]], z: [p[2], p[5], p[8]]),
                [p[9], p[10], p[11]])
        case "ScaleTransform":
            try expect(3)
            return try about(AffineTransform(x: [p[0], 0, 0], y: [0, p[1], 0], z: [0, 0, p[2]]), .zero)
        case "Euler3DTransform", "CenteredEuler3DTransform":
            try expect(6)
            return try about(rotation(p[0], p[1], p[2]), [p[3], p[4], p[5]])
        case "VersorTransform":
            try expect(3)
            return try about(try versor(p[0], p[1], p[2], nil), .zero)
        case "VersorRigid3DTransform":
            try expect(6)
            return try about(try versor(p[0], p[1], p[2], nil), [p[3], p[4], p[5]])
        case "Similarity3DTransform":
            try expect(7)
            let turn = try versor(p[0], p[1], p[2], nil)
            return try about(AffineTransform(x: turn.x * p[6], y: turn.y * p[6], z: turn.z * p[6]), [p[3], p[4], p[5]])
        case "QuaternionRigidTransform":
            try expect(7)
            return try about(try versor(p[0], p[1], p[2], p[3]), [p[4], p[5], p[6]])
        default:
            throw wrong(
                .unsupported, "\(type) is not read here; what is: " + ITKRecord.known.joined(separator: ", "))
        }
    }

    /// y = M (x − c) + c + t, with the centre of rotation c among the fixed parameters.
    private func about(_ matrix: AffineTransform, _ translation: SIMD3<Double>) throws -> AffineTransform {
        guard fixedParameters.isEmpty || fixedParameters.count >= 3 else {
            throw wrong(.damaged, "\(type) has \(fixedParameters.count) fixed parameters, not the three of a centre")
        }
        let centre =
            fixedParameters.isEmpty
            ? SIMD3.zero : SIMD3(fixedParameters[0], fixedParameters[1], fixedParameters[2])
        var result = matrix
        result.translation = translation + centre - matrix.linear(centre)
        return result
    }

    /// Rz Rx Ry, or Rz Ry Rx where the fourth fixed parameter says so.
    private func rotation(_ angleX: Double, _ angleY: Double, _ angleZ: Double) -> AffineTransform {
        let (cx, sx) = (Math.cos(angleX), Math.sin(angleX))
        let (cy, sy) = (Math.cos(angleY), Math.sin(angleY))
        let (cz, sz) = (Math.cos(angleZ), Math.sin(angleZ))
        let aroundX = AffineTransform(y: [0, cx, sx], z: [0, -sx, cx])
        let aroundY = AffineTransform(x: [cy, 0, -sy], z: [sy, 0, cy])
        let aroundZ = AffineTransform(x: [cz, sz, 0], y: [-sz, cz, 0])
        let isZYX = fixedParameters.count > 3 && fixedParameters[3] != 0
        return isZYX ? aroundZ.after(aroundY).after(aroundX) : aroundZ.after(aroundX).after(aroundY)
    }

    /// The rotation of a unit quaternion; a versor leaves its real part out.
    private func versor(_ x: Double, _ y: Double, _ z: Double, _ w: Double?) throws -> AffineTransform {
        let square = x * x + y * y + z * z
        guard w != nil || square <= 1 + 1e-9 else {
            throw wrong(.damaged, "\(type) has a versor longer than 1")
        }
        var q = SIMD4(x, y, z, w ?? max(0, 1 - square).squareRoot())
        let size = (q * q).sum().squareRoot()
        guard size > 0 else { throw wrong(.singular, "\(type) has a quaternion of length 0") }
        q /= size
        let (a, b, c, d) = (q.x, q.y, q.z, q.w)
        let (aa, bb, cc) = (a * a, b * b, c * c)
        let (ab, ac, bc) = (a * b, a * c, b * c)
        let (ad, bd, cd) = (a * d, b * d, c * d)
        let x: [Double] = [1 - 2 * (bb + cc), 2 * (ab + cd), 2 * (ac - bd)]
        let y: [Double] = [2 * (ab - cd), 1 - 2 * (aa + cc), 2 * (bc + ad)]
        let z: [Double] = [2 * (ac + bd), 2 * (bc - ad), 1 - 2 * (aa + bb)]
        return AffineTransform(x: SIMD3(x), y: SIMD3(y), z: SIMD3(z))
    }

    private func spline() throws -> CubicBSplineTransform {
        let grid = try ITKRecord.grid(fixedParameters, type: type, file: file)
        try expect(3 * grid.count)
        var coefficients = [Double](repeating: 0, count: 3 * grid.count)
        for index in 0..<grid.count {
            // All of x, then all of y, then all of z; LPS to RAS.
            coefficients[3 * index] = -parameters[index]
            coefficients[3 * index + 1] = -parameters[grid.count + index]
            coefficients[3 * index + 2] = parameters[2 * grid.count + index]
        }
        return try CubicBSplineTransform(grid: grid, coefficients: coefficients)
    }

    /// A displacement field of LPS vectors, x fastest, and the 18 fixed parameters that say where it lies.
    static func field(
        vectors: [Float], fixedParameters: [Double], type: String, file: String
    ) throws -> DisplacementField {
        let grid = try grid(fixedParameters, type: type, file: file)
        guard vectors.count == 3 * grid.count else {
            throw TransformFileError(
                .damaged, file: file,
                problem: "\(type) has \(vectors.count) numbers, not three for each of its \(grid.count) grid points")
        }
        var turned = vectors
        for index in 0..<grid.count {
            turned[3 * index].negate()
            turned[3 * index + 1].negate()
        }
        return try DisplacementField(grid: grid, vectors: turned)
    }

    /// Size (3), origin (3), spacing (3), direction (9, row-major), in LPS.
    static func grid(_ fixed: [Double], type: String, file: String) throws -> OrientedGrid {
        guard fixed.count == 18, fixed.prefix(3).allSatisfy({ $0 >= 1 && $0 < 1e6 && $0 == $0.rounded() }) else {
            throw TransformFileError(
                .damaged, file: file,
                problem:
                    "\(type) needs 18 fixed parameters (size, origin, spacing, direction), but has \(fixed.count) or a size "
                    + "that is none")
        }
        let columns = (0..<3).map { (axis: Int) -> SIMD3<Double> in
            let direction = SIMD3<Double>(fixed[9 + axis], fixed[12 + axis], fixed[15 + axis])
            return direction * fixed[6 + axis]
        }
        let lps = AffineTransform(
            x: columns[0], y: columns[1], z: columns[2], translation: [fixed[3], fixed[4], fixed[5]])
        return try OrientedGrid(
            planes: Int(fixed[2]), rows: Int(fixed[1]), columns: Int(fixed[0]),
            indexToMm: AffineTransform(x: [-1, 0, 0], y: [0, -1, 0]).after(lps))
    }

    private func expect(_ count: Int) throws {
        guard parameters.count == count else {
            throw wrong(
                .damaged, "\(type) needs \(count) parameters, but has \(parameters.count); is the file cut off?")
        }
    }

    private func wrong(_ code: TransformFileError.Code, _ problem: String) -> TransformFileError {
        TransformFileError(code, file: file, problem: problem)
    }
}
