internal import CHDF5

/// A group or dataset of a file with its attributes, as a description of the file lists them.
public struct HDF5Node: Sendable, Equatable {
    public let path: String
    public let isGroup: Bool
    /// A dataset's element type by name, for example `float32`; empty for a group.
    public let elementName: String
    /// A dataset's shape; empty for a group or scalar.
    public let shape: [Int]
    public let attributes: [HDF5Attribute]
}

extension HDF5File {
    /// Every group and dataset below the root (which comes first), depth first, in the order of creation where the file tells it.
    public func nodes() throws -> [HDF5Node] {
        var found: [HDF5Node] = []
        try visit("/", depth: 0, &found)
        return found
    }

    /// Names of what stands directly in a group.
    public func children(of group: String) throws -> [String] {
        try Library.locked {
            let identifier = try Identifier(
                H5Gopen2(raw, group, chdf5_default()), H5Gclose,
                orThrow: HDF5Error(.missing, file: path, object: group, problem: "there is no such group"))
            return Library.names { order, client in
                H5Literate(identifier.raw, order, H5_ITER_INC, nil, { collectName($1, $3) }, client)
            }
        }
    }

    private func visit(_ path: String, depth: Int, _ found: inout [HDF5Node]) throws {
        guard depth < 64, contains(path) else { return }  // loops of links and dangling links end here
        let kind = try Library.locked {
            let object = try Identifier(
                H5Oopen(raw, path, chdf5_default()), H5Oclose,
                orThrow: HDF5Error(.notHDF5, file: self.path, object: path, problem: "cannot be opened"))
            return (
                isGroup: chdf5_object_is_group(object.raw) != 0, isDataset: chdf5_object_is_dataset(object.raw) != 0
            )
        }
        if kind.isDataset {
            let dataset = try dataset(path)
            found.append(
                HDF5Node(
                    path: path, isGroup: false, elementName: dataset.elementName, shape: dataset.shape,
                    attributes: try attributes(of: path)))
        } else if kind.isGroup {
            found.append(
                HDF5Node(path: path, isGroup: true, elementName: "", shape: [], attributes: try attributes(of: path)))
            for name in try children(of: path) {
                try visit(path == "/" ? "/" + name : path + "/" + name, depth: depth + 1, &found)
            }
        }
    }
}
