internal import CHDF5

/// How a dataset is laid out in the file.
public enum HDF5Layout: Sendable, Equatable {
    /// Small arrays in one piece; large ones in chunks, shuffled and deflated.
    case automatic
    /// In one piece, as it is.
    case contiguous
    /// In chunks of `shape`, shuffled and deflated at `level` 0 … 9 (0: not compressed).
    case chunked(shape: [Int], level: Int)

    /// Arrays from this size on are chunked when the layout is automatic.
    static let chunkedFromByteCount = 65_536
    /// Chunks are at most this large: one fits HDF5's default chunk cache of 1 MiB.
    static let largestChunkByteCount = 1 << 20

    /// The chunk shape of an automatic layout: the whole array, its longest side halved until a chunk is small enough.
    ///
    /// A function of shape and element alone, so that the same data give the same bytes.
    public static func chunkShape(for shape: [Int], elementByteCount: Int) -> [Int] {
        var chunk = shape.map { max($0, 1) }
        while chunk.reduce(elementByteCount, *) > largestChunkByteCount {
            guard let longest = chunk.indices.max(by: { chunk[$0] < chunk[$1] }), chunk[longest] > 1 else { break }
            chunk[longest] = (chunk[longest] + 1) / 2
        }
        return chunk
    }
}

/// One open dataset: an n-dimensional array in a file, read and written in whole or by regions.
///
/// A region is given by where it starts and how long it is along every axis, slowest first, so that data larger than the
/// memory can be handled piece by piece.
public final class HDF5Dataset {
    /// The file that holds it; kept open as long as the dataset is in use.
    public let file: HDF5File
    /// Path in the file.
    public let path: String
    /// Length along each axis, slowest first; empty for a scalar.
    public let shape: [Int]
    let stored: StoredType
    private let identifier: Identifier

    /// Type of the elements; nil for a type that is not read here (compound, enumeration, …).
    public var element: HDF5ElementType? { stored.element }
    /// The type's name, as messages show it.
    public var elementName: String { stored.name }
    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    init(file: HDF5File, path: String, identifier: Identifier) throws {
        self.file = file
        self.path = path
        self.identifier = identifier
        let error = HDF5Error(.inputOutput, file: file.path, object: path, problem: "the dataset is damaged")
        let space = try Identifier(H5Dget_space(identifier.raw), H5Sclose, orThrow: error)
        let rank = H5Sget_simple_extent_ndims(space.raw)
        guard rank >= 0 else { throw error.withLibraryCause() }
        var lengths = [hsize_t](repeating: 0, count: Int(rank))
        guard H5Sget_simple_extent_dims(space.raw, &lengths, nil) >= 0 else { throw error.withLibraryCause() }
        var product = 1
        for length in lengths {
            let (next, overflow) = product.multipliedReportingOverflow(by: Int(clamping: length))
            guard !overflow else { throw error }
            product = next
        }
        shape = lengths.map { Int($0) }
        let type = try Identifier(H5Dget_type(identifier.raw), H5Tclose, orThrow: error)
        stored = StoredType(type.raw)
    }

    /// Writes a region.
    ///
    /// - Parameters:
    ///   - elements: the region's values, slowest axis first; their type must be the dataset's.
    ///   - start: where the region starts along each axis.
    ///   - lengths: how long it is along each axis; the product is `elements.count`.
    public func write<Element: HDF5Element>(
        _ elements: UnsafeBufferPointer<Element>, at start: [Int], shape lengths: [Int]
    ) throws {
        precondition(file.isWritable, "\(file.path) is open for reading only.")
        guard Element.elementType == stored.element else { throw wrongType(Element.elementType) }
        try checkRegion(start, lengths)
        precondition(elements.count == lengths.reduce(1, *), "The region's shape does not fit its elements.")
        guard let base = elements.baseAddress, !elements.isEmpty else { return }
        try Library.locked {
            let error = HDF5Error(.inputOutput, file: file.path, object: path, problem: "the data cannot be written")
            let (memory, space) = try selection(start, lengths, error: error)
            guard
                H5Dwrite(
                    identifier.raw, chdf5_memory_type(Element.elementType.code), memory.raw, space.raw,
                    chdf5_default(), base) >= 0
            else { throw error.withLibraryCause() }
        }
    }

    /// Writes a region; see the variant that takes a buffer.
    public func write<Element: HDF5Element>(_ elements: [Element], at start: [Int], shape lengths: [Int]) throws {
        try elements.withUnsafeBufferPointer { try write($0, at: start, shape: lengths) }
    }

    /// Reads a region into `buffer`, which must hold exactly its elements.
    ///
    /// The stored type may be narrower than `Element` (uint8 as Int32, float32 as Double), never one that would lose values.
    public func read<Element: HDF5Element>(
        into buffer: UnsafeMutableBufferPointer<Element>, at start: [Int], shape lengths: [Int]
    ) throws {
        guard let element = stored.element, element.widens(to: Element.elementType) else {
            throw wrongType(Element.elementType)
        }
        try checkRegion(start, lengths)
        precondition(buffer.count == lengths.reduce(1, *), "The region's shape does not fit the buffer.")
        guard let base = buffer.baseAddress, !buffer.isEmpty else { return }
        try Library.locked {
            let error = HDF5Error(
                .inputOutput, file: file.path, object: path, problem: "the data cannot be read; the file may be damaged"
            )
            let (memory, space) = try selection(start, lengths, error: error)
            guard
                H5Dread(
                    identifier.raw, chdf5_memory_type(Element.elementType.code), memory.raw, space.raw,
                    chdf5_default(), base) >= 0
            else { throw error.withLibraryCause() }
        }
    }

    /// A region's elements, slowest axis first.
    public func read<Element: HDF5Element>(
        at start: [Int], shape lengths: [Int], as element: Element.Type
    ) throws -> [Element] {
        try checkRegion(start, lengths)
        let count = lengths.reduce(1, *)
        return try [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            // The library writes every element of the region, the fill value where nothing was ever stored.
            try read(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]), at: start, shape: lengths)
            initialized = count
        }
    }

    /// All elements, slowest axis first.
    public func read<Element: HDF5Element>(as element: Element.Type) throws -> [Element] {
        try read(at: shape.map { _ in 0 }, shape: shape, as: element)
    }

    /// All texts.
    public func readTexts() throws -> [String] {
        guard stored.element == .text else { throw wrongType(.text) }
        return try Library.locked {
            let error = HDF5Error(
                .inputOutput, file: file.path, object: path,
                problem: "the texts cannot be read; the file may be damaged")
            return try PaddedTexts.read(count: count, stored: stored, error: error) { type, pointer in
                H5Dread(identifier.raw, type, chdf5_all(), chdf5_all(), chdf5_default(), pointer)
            }
        }
    }

    func writeTexts(_ texts: PaddedTexts) throws {
        let error = HDF5Error(.inputOutput, file: file.path, object: path, problem: "the texts cannot be written")
        let type = try texts.type(orThrow: error)
        let status = texts.bytes.withUnsafeBytes { buffer in
            buffer.baseAddress.map {
                H5Dwrite(identifier.raw, type.raw, chdf5_all(), chdf5_all(), chdf5_default(), $0)
            } ?? 0
        }
        guard status >= 0 else { throw error.withLibraryCause() }
    }

    private func wrongType(_ wanted: HDF5ElementType) -> HDF5Error {
        HDF5Error(
            .wrongType, file: file.path, object: path,
            problem: "holds \(stored.name), but \(wanted.rawValue) was expected")
    }

    private func checkRegion(_ start: [Int], _ lengths: [Int]) throws {
        let fits =
            start.count == shape.count && lengths.count == shape.count
            && shape.indices.allSatisfy {
                start[$0] >= 0 && lengths[$0] >= 0 && lengths[$0] <= shape[$0] && start[$0] <= shape[$0] - lengths[$0]
            }
        guard fits else {
            throw HDF5Error(
                .wrongShape, file: file.path, object: path,
                problem: "has the shape \(shape), which does not hold the region \(lengths) at \(start)")
        }
    }

    /// Memory and file space of a region.
    private func selection(
        _ start: [Int], _ lengths: [Int], error: HDF5Error
    ) throws -> (memory: Identifier, file: Identifier) {
        let space = try Identifier(H5Dget_space(identifier.raw), H5Sclose, orThrow: error)
        if shape.isEmpty { return (space, space) }
        let counts = lengths.map { hsize_t($0) }
        let memory = try Identifier(
            H5Screate_simple(Int32(counts.count), counts, nil), H5Sclose, orThrow: error)
        guard
            H5Sselect_hyperslab(space.raw, H5S_SELECT_SET, start.map { hsize_t($0) }, nil, counts, nil) >= 0
        else { throw error.withLibraryCause() }
        return (memory, space)
    }
}

extension HDF5File {
    /// Opens a dataset.
    public func dataset(_ path: String) throws -> HDF5Dataset {
        guard contains(path), path != "/" else {
            throw HDF5Error(.missing, file: self.path, object: path, problem: "there is no such dataset")
        }
        return try Library.locked {
            let identifier = try Identifier(
                H5Dopen2(raw, path, chdf5_default()), H5Dclose,
                orThrow: HDF5Error(.missing, file: self.path, object: path, problem: "is not a dataset"))
            return try HDF5Dataset(file: self, path: path, identifier: identifier)
        }
    }

    /// Makes a dataset to be filled by regions; what is never written reads as zero. Groups on the way are made.
    ///
    /// - Parameters:
    ///   - path: where, for example `/labels`; it must be free.
    ///   - element: any type but text.
    ///   - shape: length along each axis, slowest first; empty for a scalar.
    @discardableResult public func makeDataset(
        _ path: String, element: HDF5ElementType, shape: [Int], layout: HDF5Layout = .automatic
    ) throws -> HDF5Dataset {
        precondition(element != .text, "Texts are written in one go, by write(texts:to:).")
        return try makeDataset(
            path, type: chdf5_file_type(element.code), byteCount: element.byteCount, shape: shape, layout: layout)
    }

    /// Writes a whole array as a dataset; see `makeDataset`.
    public func write<Element: HDF5Element>(
        _ elements: [Element], shape: [Int], to path: String, layout: HDF5Layout = .automatic
    ) throws {
        precondition(
            elements.count == shape.reduce(1, *),
            "\(path) of shape \(shape) needs \(shape.reduce(1, *)) elements, not \(elements.count).")
        let dataset = try makeDataset(path, element: Element.elementType, shape: shape, layout: layout)
        try dataset.write(elements, at: shape.map { _ in 0 }, shape: shape)
    }

    /// Writes a list of numbers as a dataset of one axis.
    public func write<Element: HDF5Element>(_ elements: [Element], to path: String) throws {
        try write(elements, shape: [elements.count], to: path)
    }

    /// Writes one number as a scalar dataset.
    public func write<Element: HDF5Element>(scalar: Element, to path: String) throws {
        try write([scalar], shape: [], to: path)
    }

    /// Writes a list of texts as a dataset of one axis.
    public func write(texts: [String], to path: String) throws {
        try Library.locked {
            let padded = PaddedTexts(texts)
            let error = HDF5Error(.inputOutput, file: self.path, object: path, problem: "the texts cannot be written")
            let type = try padded.type(orThrow: error)
            let dataset = try makeDataset(
                path, type: type.raw, byteCount: padded.byteCount, shape: [texts.count], layout: .automatic)
            if !texts.isEmpty { try dataset.writeTexts(padded) }
        }
    }

    private func makeDataset(
        _ path: String, type: hid_t, byteCount: Int, shape: [Int], layout: HDF5Layout
    ) throws -> HDF5Dataset {
        precondition(isWritable, "\(self.path) is open for reading only.")
        precondition(path.hasPrefix("/") && path.count > 1, "A dataset's path starts with /: \(path).")
        return try Library.locked {
            let error = HDF5Error(
                .inputOutput, file: self.path, object: path,
                problem: contains(path) ? "stands there already" : "the dataset cannot be made")
            if contains(path) { throw error }
            try makeGroups(along: path, including: false)
            let creation = try Identifier(H5Pcreate(chdf5_p_dataset_create()), H5Pclose, orThrow: error)
            H5Pset_obj_track_times(creation.raw, false)
            H5Pset_attr_creation_order(
                creation.raw, UInt32(H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED))
            let total = shape.reduce(byteCount, *)
            var chunk: [Int]?
            var level = 4
            switch layout {
            case .contiguous: break
            case .automatic:
                if total >= HDF5Layout.chunkedFromByteCount {
                    chunk = HDF5Layout.chunkShape(for: shape, elementByteCount: byteCount)
                }
            case .chunked(let shape, let asked):
                chunk = shape
                level = asked
            }
            if let chunk, !shape.isEmpty, total > 0 {
                precondition(
                    chunk.count == shape.count && chunk.allSatisfy { $0 > 0 }, "Chunks \(chunk) do not fit \(shape).")
                H5Pset_chunk(
                    creation.raw, Int32(chunk.count), zip(chunk, shape).map { hsize_t(min($0, $1)) })
                if level > 0 {
                    if byteCount > 1 { H5Pset_shuffle(creation.raw) }
                    H5Pset_deflate(creation.raw, UInt32(level))
                }
                // Space for a chunk is taken when it is written, so that parts never written cost nothing.
                H5Pset_alloc_time(creation.raw, H5D_ALLOC_TIME_INCR)
            }
            let space = try Identifier(
                shape.isEmpty
                    ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), shape.map { hsize_t($0) }, nil),
                H5Sclose, orThrow: error)
            let identifier = try Identifier(
                H5Dcreate2(raw, path, type, space.raw, chdf5_default(), creation.raw, chdf5_default()), H5Dclose,
                orThrow: error)
            return try HDF5Dataset(file: self, path: path, identifier: identifier)
        }
    }
}
