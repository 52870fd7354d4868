/// What must stand in an artifact of a type, as `stages/types.yaml` declares it.
public struct ArtifactType: Codable, Sendable, Equatable {
    public enum Format: String, Codable, Sendable, CaseIterable {
        /// An HDF5 file; `datasets` and `attributes` are checked.
        case hdf5
        /// Any file; only its presence is checked.
        case file
    }

    public var name: String
    public var summary: String
    public var format: Format
    /// File name extension without the dot, for example `h5`.
    public var fileExtension: String
    public var datasets: [Dataset]
    public var attributes: [Attribute]

    public init(
        name: String, summary: String = "", format: Format, fileExtension: String, datasets: [Dataset] = [],
        attributes: [Attribute] = []
    ) {
        self.name = name
        self.summary = summary
        self.format = format
        self.fileExtension = fileExtension
        self.datasets = datasets
        self.attributes = attributes
    }

    public struct Dataset: Codable, Sendable, Equatable {
        /// Path in the file, for example `/labels`.
        public var path: String
        public var element: Element
        /// Length of each dimension, slowest first; nil where any length will do. The count is the rank.
        public var shape: [Int?]
        /// Unit of the values, for example `um`; empty where they have none.
        public var unit: String
        public var optional: Bool

        public init(path: String, element: Element, shape: [Int?], unit: String = "", optional: Bool = false) {
            self.path = path
            self.element = element
            self.shape = shape
            self.unit = unit
            self.optional = optional
        }
    }

    public struct Attribute: Codable, Sendable, Equatable {
        public var name: String
        public var element: Element
        public var optional: Bool

        public init(name: String, element: Element, optional: Bool = false) {
            self.name = name
            self.element = element
            self.optional = optional
        }
    }

    /// Type of a dataset's elements.
    public enum Element: String, Codable, Sendable, CaseIterable {
        case int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64, text
    }
}
