public import NDArray

extension HDF5Layout {
    /// The layout of a photograph's gray levels: packed at the fastest level, as noise packs no better at a slower one.
    public static func grayLevels(of image: Image<UInt8>) -> HDF5Layout {
        guard image.count >= chunkedFromByteCount else { return .automatic }
        return .chunked(shape: chunkShape(for: [image.rows, image.columns], elementByteCount: 1), level: 1)
    }
}

extension HDF5File {
    /// Writes an image as a dataset (rows, columns).
    public func write<Element: HDF5Element>(
        _ image: Image<Element>, to path: String, layout: HDF5Layout = .automatic
    ) throws {
        try write(image.elements, shape: [image.rows, image.columns], to: path, layout: layout)
    }

    /// Writes a volume as a dataset (planes, rows, columns).
    public func write<Element: HDF5Element>(
        _ volume: Volume<Element>, to path: String, layout: HDF5Layout = .automatic
    ) throws {
        try write(volume.elements, shape: [volume.planes, volume.rows, volume.columns], to: path, layout: layout)
    }

    /// Reads a dataset of two axes as an image.
    public func readImage<Element: HDF5Element>(_ path: String, as element: Element.Type) throws -> Image<Element> {
        let dataset = try dataset(path)
        let shape = dataset.shape
        try dataset.requireRank(2)
        return Image(rows: shape[0], columns: shape[1], elements: try dataset.read(as: element))
    }

    /// Reads a dataset of three axes as a volume.
    public func readVolume<Element: HDF5Element>(_ path: String, as element: Element.Type) throws -> Volume<Element> {
        let dataset = try dataset(path)
        let shape = dataset.shape
        try dataset.requireRank(3)
        return Volume(
            planes: shape[0], rows: shape[1], columns: shape[2], elements: try dataset.read(as: element))
    }

    /// Reads all elements of a dataset, slowest axis first; its shape is `dataset(path).shape`.
    public func read<Element: HDF5Element>(_ path: String, as element: Element.Type) throws -> [Element] {
        try dataset(path).read(as: element)
    }

    /// Reads a dataset of one number.
    public func readScalar<Element: HDF5Element>(_ path: String, as element: Element.Type) throws -> Element {
        let dataset = try dataset(path)
        let values = try dataset.read(as: element)
        guard values.count == 1 else {
            throw HDF5Error(
                .wrongShape, file: self.path, object: path,
                problem: "holds \(values.count) values of shape \(dataset.shape), but one was expected")
        }
        return values[0]
    }

    /// Reads all texts of a dataset.
    public func readTexts(_ path: String) throws -> [String] {
        try dataset(path).readTexts()
    }
}

extension HDF5Dataset {
    /// Throws `wrongShape` unless the dataset has `rank` axes.
    public func requireRank(_ rank: Int) throws {
        guard shape.count == rank else {
            throw HDF5Error(
                .wrongShape, file: file.path, object: path,
                problem: "has \(shape.count) axes (\(shape)), but \(rank) were expected")
        }
    }
}
