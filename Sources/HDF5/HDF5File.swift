internal import CHDF5
internal import Glibc

/// An HDF5 file, open for reading or newly made for writing.
///
/// Written files are reproducible: the same calls with the same data give the same bytes, on every machine and at any time.
/// No object carries a time, the format's bounds are fixed, links and attributes keep the order of their creation, types in the
/// file are little-endian, and text is stored with fixed lengths.
///
/// ```swift
/// try HDF5File.create("labels.h5") { file in
///     try file.write(labels, to: "/labels")                   // Image<UInt8>
///     try file.setAttribute("spacing_um", to: 64.0)
/// }
/// let file = try HDF5File(reading: "labels.h5")
/// let labels = try file.readImage("/labels", as: UInt8.self)
/// ```
///
/// A file may be used from one thread at a time; several files from several threads at once are safe (calls wait for each other).
public final class HDF5File {
    /// The path that the file was opened under.
    public let path: String
    let isWritable: Bool
    private var identifier: hid_t

    /// Opens a file for reading.
    ///
    /// - Throws: `HDF5Error` with `cannotOpen` if the file is absent, `notHDF5` if it is something else, damaged or cut off.
    public init(reading path: String) throws {
        self.path = path
        isWritable = false
        guard access(path, F_OK) == 0 else {
            throw HDF5Error(.cannotOpen, file: path, problem: "there is no such file")
        }
        identifier = try Library.locked {
            let list = try HDF5File.accessList(path)
            let raw = H5Fopen(path, chdf5_flag_read(), list.raw)
            guard raw >= 0 else {
                let cause = Library.takeCause()
                let readable = access(path, R_OK) == 0
                throw HDF5Error(
                    readable ? .notHDF5 : .cannotOpen, file: path,
                    problem: readable
                        ? "is not an HDF5 file, or is damaged or cut off" : "may not be read by this user",
                    cause: cause)
            }
            return raw
        }
    }

    /// Makes a new file for writing; one that stands there already is replaced.
    public init(creating path: String) throws {
        self.path = path
        isWritable = true
        identifier = try Library.locked {
            let error = HDF5Error(.cannotOpen, file: path, problem: "the file cannot be made")
            let creation = try Identifier(
                H5Pcreate(chdf5_p_file_create()), H5Pclose, orThrow: error)
            HDF5File.makeReproducible(groupList: creation.raw)
            let list = try HDF5File.accessList(path)
            let raw = H5Fcreate(path, chdf5_flag_truncate(), creation.raw, list.raw)
            guard raw >= 0 else { throw error.withLibraryCause() }
            return raw
        }
    }

    /// Makes a file, runs `body` on it and closes it; the way to learn of an error that shows only when the file is closed (a full disk).
    public static func create<Result>(_ path: String, _ body: (HDF5File) throws -> Result) throws -> Result {
        let file = try HDF5File(creating: path)
        let result = try body(file)
        try file.close()
        return result
    }

    deinit {
        if identifier >= 0 { Library.locked { _ = H5Fclose(identifier) } }
    }

    /// Writes out what is pending and closes the file; a second call does nothing.
    public func close() throws {
        guard identifier >= 0 else { return }
        let status = Library.locked { H5Fclose(identifier) }
        identifier = -1
        guard status >= 0 else {
            throw HDF5Error(.inputOutput, file: path, problem: "the file could not be written to its end")
                .withLibraryCause()
        }
    }

    /// The open file's identifier.
    var raw: hid_t {
        precondition(identifier >= 0, "\(path) is used after it was closed.")
        return identifier
    }

    /// Makes a group with its parents; one that is there stays.
    public func makeGroup(_ path: String) throws {
        try Library.locked { try makeGroups(along: path, including: true) }
    }

    /// Whether a dataset or group stands at a path.
    public func contains(_ path: String) -> Bool {
        Library.locked {
            if path == "/" { return true }
            var prefix = ""
            for name in path.split(separator: "/") {
                prefix += "/" + name
                if H5Lexists(raw, prefix, chdf5_default()) <= 0 { return false }
            }
            return H5Oexists_by_name(raw, path, chdf5_default()) > 0
        }
    }

    /// Makes the groups along a path that are missing; the last name only if `including`.
    func makeGroups(along path: String, including: Bool) throws {
        let names = path.split(separator: "/")
        var prefix = ""
        for name in including ? names[...] : names.dropLast() {
            prefix += "/" + name
            if H5Lexists(raw, prefix, chdf5_default()) > 0 { continue }
            let error = HDF5Error(.inputOutput, file: self.path, object: prefix, problem: "the group cannot be made")
            let list = try Identifier(H5Pcreate(chdf5_p_group_create()), H5Pclose, orThrow: error)
            HDF5File.makeReproducible(groupList: list.raw)
            _ = try Identifier(
                H5Gcreate2(raw, prefix, chdf5_default(), list.raw, chdf5_default()), H5Gclose, orThrow: error)
        }
    }

    /// No times, links and attributes in the order of their creation.
    private static func makeReproducible(groupList list: hid_t) {
        H5Pset_obj_track_times(list, false)
        H5Pset_link_creation_order(list, UInt32(H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED))
        H5Pset_attr_creation_order(list, UInt32(H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED))
    }

    private static func accessList(_ path: String) throws -> Identifier {
        let list = try Identifier(
            H5Pcreate(chdf5_p_file_access()), H5Pclose,
            orThrow: HDF5Error(.cannotOpen, file: path, problem: "the HDF5 library gives no property list"))
        H5Pset_libver_bounds(list.raw, H5F_LIBVER_V18, H5F_LIBVER_V110)
        H5Pset_fclose_degree(list.raw, H5F_CLOSE_STRONG)
        // Artifacts never change once they are published, and locks fail on many shared file systems.
        H5Pset_file_locking(list.raw, false, true)
        return list
    }
}
