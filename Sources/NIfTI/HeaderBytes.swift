internal import CNIfTI

/// The two headers byte by byte: NIfTI-1 has 348, NIfTI-2 has 540.
///
/// **Reference.** NIfTI-1 and NIfTI-2 data format, nifti1.h and nifti2.h of the NIfTI Data Format Working Group.
///
/// **Differs.** Without a coordinate code (method 1 of the format), voxel (0, 0, 0) lies at the origin and the axes are
/// R, A, S; nibabel centres the volume there and turns x round. Metres and micrometres are converted to millimetres.
struct HeaderBytes {
    private var bytes: [UInt8]
    private var isBigEndian = false

    static func byteCount(version: Int) -> Int { version == 1 ? 348 : 540 }

    // MARK: Reading

    /// Reads the header at the start of a file.
    static func parse(_ start: [UInt8], file: String) throws -> (header: NIfTIHeader, isPair: Bool) {
        var reader = HeaderBytes(bytes: start)
        guard start.count >= 348 else {
            throw NIfTIError(.notNIfTI, file: file, problem: "is no NIfTI file: it has only \(start.count) bytes")
        }
        var version = 0
        for bigEndian in [false, true] {
            reader.isBigEndian = bigEndian
            switch reader.integer(0, Int32.self) {
            case 348: version = 1
            case 540: version = 2
            default: continue
            }
            break
        }
        let magic = version == 2 ? Array(start[4..<8]) : Array(start[344..<348])
        let pair = Array("ni\(version)\0".utf8)
        guard version > 0, magic == pair || magic == Array("n+\(version)\0".utf8) else {
            throw NIfTIError(
                .notNIfTI, file: file,
                problem: version > 0
                    ? "is no NIfTI file: its header has no magic word (ANALYZE 7.5 files do not say where they lie; convert it)"
                    : "is no NIfTI file (a .nii, .nii.gz or .hdr with .img is expected)")
        }
        guard version == 1 || start.count >= 540 else {
            throw NIfTIError(.truncated, file: file, problem: "is cut off within its header")
        }
        return (try reader.header(version: version, isPair: magic == pair, file: file), magic == pair)
    }

    private func header(version: Int, isPair: Bool, file: String) throws -> NIfTIHeader {
        let first = version == 1
        func whole(_ one: Int, _ two: Int) -> Int {
            first ? Int(integer(one, Int16.self)) : Int(integer(two, Int32.self))
        }
        func real(_ one: Int, _ two: Int) -> Double { first ? Double(float(one)) : double(two) }

        let dimensions = (0..<8).map {
            first ? Int(integer(40 + 2 * $0, Int16.self)) : Int(integer(16 + 8 * $0, Int64.self))
        }
        guard (1...7).contains(dimensions[0]) else {
            throw NIfTIError(
                .badHeader, file: file, problem: "its header says it has \(dimensions[0]) axes, not 1 to 7")
        }
        let shape = Array(dimensions[1...dimensions[0]])
        guard shape.allSatisfy({ $0 >= 1 }) else {
            throw NIfTIError(.badHeader, file: file, problem: "its header has an axis without length: \(shape)")
        }
        let code = Int(integer(first ? 70 : 12, Int16.self))
        guard let element = NIfTIElement(rawValue: Int16(clamping: code)) else {
            throw NIfTIError(
                .unsupported, file: file,
                problem: "its voxels are \(NIfTIElement.name(ofCode: code)); whole and real numbers are read here")
        }
        var total = element.byteCount
        for length in shape {
            let (product, overflow) = total.multipliedReportingOverflow(by: length)
            guard !overflow, product < 1 << 50 else {
                throw NIfTIError(.badHeader, file: file, problem: "its header says it is impossibly large: \(shape)")
            }
            total = product
        }
        let spacings = (0..<8).map { real(76 + 4 * $0, 104 + 8 * $0) }
        var offset = real(108, 168)
        if !first { offset = Double(integer(168, Int64.self)) }
        let least = isPair ? 0 : HeaderBytes.byteCount(version: version)
        guard offset.isFinite, offset >= 0, offset < 1e15, offset == 0 || Int(offset) >= least else {
            throw NIfTIError(.badHeader, file: file, problem: "its header says that the data start at byte \(offset)")
        }
        let slope = real(112, 176)
        let intercept = real(116, 184)
        let isScaled = slope != 0 && slope.isFinite && intercept.isFinite
        let units = first ? Int(bytes[123]) : Int(integer(500, Int32.self))
        let millimetres = units & 7 == 1 ? 1000 : units & 7 == 3 ? 0.001 : 1.0

        let sformCode = whole(254, 348)
        let qformCode = whole(252, 344)
        var matrix: [Double]
        let source: NIfTIHeader.OrientationSource
        if sformCode > 0 {
            source = .sform
            matrix = (0..<12).map { real(280 + 4 * $0, 400 + 8 * $0) } + [0, 0, 0, 1]
        } else if qformCode > 0 {
            source = .qform
            let numbers = (0..<6).map { real(256 + 4 * $0, 352 + 8 * $0) }
            matrix = HeaderBytes.rows(
                nifti_quatern_to_dmat44(
                    numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], abs(spacings[1]),
                    abs(spacings[2]), abs(spacings[3]), spacings[0] < 0 ? -1 : 1))
        } else {
            source = .spacing
            matrix = [Double](repeating: 0, count: 16)
            for axis in 0..<3 { matrix[5 * axis] = spacings[axis + 1] != 0 ? abs(spacings[axis + 1]) : 1 }
            matrix[15] = 1
        }
        for index in 0..<12 { matrix[index] *= millimetres }
        let determinant =
            matrix[0] * (matrix[5] * matrix[10] - matrix[6] * matrix[9])
            - matrix[1] * (matrix[4] * matrix[10] - matrix[6] * matrix[8])
            + matrix[2] * (matrix[4] * matrix[9] - matrix[5] * matrix[8])
        guard matrix.allSatisfy(\.isFinite), abs(determinant) > 1e-18 else {
            throw NIfTIError(
                .badHeader, file: file,
                problem:
                    "its \(source.rawValue) does not say where the voxels lie (the matrix is singular or not finite); "
                    + "repair the header")
        }

        var header = NIfTIHeader(
            shape: shape + Array(repeating: 1, count: max(0, 3 - shape.count)), element: element,
            indexToRasMm: matrix, version: version)
        header.spacing = header.shape.indices.map { spacings[$0 + 1] }
        header.slope = isScaled ? slope : 1
        header.intercept = isScaled ? intercept : 0
        header.orientationSource = source
        header.sformCode = sformCode
        header.qformCode = qformCode
        header.intentCode = whole(68, 504)
        header.intentName = text(first ? 328 : 508, 16)
        header.descriptionText = text(first ? 148 : 240, 80)
        header.isBigEndian = isBigEndian
        header.dataOffset = offset == 0 ? (isPair ? 0 : least + 4) : Int(offset)
        return header
    }

    private func integer<Number: FixedWidthInteger>(_ offset: Int, _ type: Number.Type) -> Number {
        let raw = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
        return isBigEndian ? Number(bigEndian: raw) : Number(littleEndian: raw)
    }

    private func float(_ offset: Int) -> Float { Float(bitPattern: integer(offset, UInt32.self)) }
    private func double(_ offset: Int) -> Double { Double(bitPattern: integer(offset, UInt64.self)) }
    private func text(_ offset: Int, _ count: Int) -> String {
        String(decoding: bytes[offset..<offset + count].prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func rows(_ matrix: nifti_dmat44) -> [Double] {
        withUnsafeBytes(of: matrix) { Array($0.bindMemory(to: Double.self)) }
    }

    // MARK: Writing

    /// The bytes of a header, little-endian, with four more that say that no extension follows.
    static func encode(_ header: NIfTIHeader, isPair: Bool) -> (bytes: [UInt8], dataOffset: Int) {
        let first = header.version == 1
        let count = byteCount(version: header.version)
        // Data start at a multiple of 16, as libnifti has it.
        let offset = isPair ? 0 : first ? 352 : 544
        var writer = HeaderBytes(bytes: [UInt8](repeating: 0, count: count + 4))
        func dimension(_ index: Int) -> Int {
            index == 0 ? header.shape.count : index <= header.shape.count ? header.shape[index - 1] : 1
        }
        let matrix = header.indexToRasMm
        var form = nifti_dmat44()
        withUnsafeMutableBytes(of: &form) { target in
            for index in 0..<16 { target.storeBytes(of: matrix[index], toByteOffset: 8 * index, as: Double.self) }
        }
        var (b, c, d, x, y, z) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        var (dx, dy, dz, handedness) = (1.0, 1.0, 1.0, 1.0)
        nifti_dmat44_to_quatern(form, &b, &c, &d, &x, &y, &z, &dx, &dy, &dz, &handedness)
        // A quaternion cannot hold shear: then only the sform is valid.
        let back = rows(nifti_quatern_to_dmat44(b, c, d, x, y, z, dx, dy, dz, handedness))
        let scale = matrix.prefix(12).map(abs).max() ?? 1
        let fits = zip(back, matrix).allSatisfy { abs($0 - $1) <= 1e-6 * max(scale, 1) }
        let spacings = (0..<8).map { index -> Double in
            switch index {
            case 0: handedness
            case 1: dx
            case 2: dy
            case 3: dz
            default: index <= header.spacing.count ? header.spacing[index - 1] : 1
            }
        }
        let qformCode = fits ? header.qformCode : 0
        // Millimetres and seconds.
        let units = 2 + 8

        if first {
            writer.put(Int32(348), at: 0)
            writer.bytes[38] = UInt8(ascii: "r")
            for index in 0..<8 { writer.put(Int16(clamping: dimension(index)), at: 40 + 2 * index) }
            writer.put(Int16(clamping: header.intentCode), at: 68)
            writer.put(header.element.rawValue, at: 70)
            writer.put(Int16(8 * header.element.byteCount), at: 72)
            for index in 0..<8 { writer.put(Float(spacings[index]), at: 76 + 4 * index) }
            writer.put(Float(offset), at: 108)
            writer.put(Float(header.slope), at: 112)
            writer.put(Float(header.intercept), at: 116)
            writer.bytes[123] = UInt8(units)
            writer.put(header.descriptionText, at: 148, room: 80)
            writer.put(Int16(qformCode), at: 252)
            writer.put(Int16(header.sformCode), at: 254)
            for (index, value) in [b, c, d, x, y, z].enumerated() { writer.put(Float(value), at: 256 + 4 * index) }
            for index in 0..<12 { writer.put(Float(matrix[index]), at: 280 + 4 * index) }
            writer.put(header.intentName, at: 328, room: 16)
            writer.put(isPair ? "ni1" : "n+1", at: 344, room: 4)
        } else {
            writer.put(Int32(540), at: 0)
            writer.put(isPair ? "ni2" : "n+2", at: 4, room: 4)
            for (index, byte) in [0x0d, 0x0a, 0x1a, 0x0a].enumerated() { writer.bytes[8 + index] = UInt8(byte) }
            writer.put(header.element.rawValue, at: 12)
            writer.put(Int16(8 * header.element.byteCount), at: 14)
            for index in 0..<8 { writer.put(Int64(dimension(index)), at: 16 + 8 * index) }
            for index in 0..<8 { writer.put(spacings[index], at: 104 + 8 * index) }
            writer.put(Int64(offset), at: 168)
            writer.put(header.slope, at: 176)
            writer.put(header.intercept, at: 184)
            writer.put(header.descriptionText, at: 240, room: 80)
            writer.put(Int32(qformCode), at: 344)
            writer.put(Int32(header.sformCode), at: 348)
            for (index, value) in [b, c, d, x, y, z].enumerated() { writer.put(value, at: 352 + 8 * index) }
            for index in 0..<12 { writer.put(matrix[index], at: 400 + 8 * index) }
            writer.put(Int32(units), at: 500)
            writer.put(Int32(header.intentCode), at: 504)
            writer.put(header.intentName, at: 508, room: 16)
        }
        return (writer.bytes, offset)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func put<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
        withUnsafeBytes(of: number.littleEndian) { source in
            for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
        }
    }

    private mutating func put(_ number: Float, at offset: Int) { put(number.bitPattern, at: offset) }
    private mutating func put(_ number: Double, at offset: Int) { put(number.bitPattern, at: offset) }

    private mutating func put(_ text: String, at offset: Int, room: Int) {
        for (index, byte) in text.utf8.prefix(room).enumerated() { bytes[offset + index] = byte }
    }
}
