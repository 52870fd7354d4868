internal import StageKit

/// What `cyto-stage export` is asked for.
struct ExportRequest {
    /// A kind of file, by the names that `--format` takes.
    enum Format: String, CaseIterable {
        case nifti, gifti, ply, tiff, csv, tsv, npy, safetensors, copy
    }

    /// Space of mesh coordinates.
    enum Space: String, CaseIterable {
        /// RAS mm, x = column, y = plane, z = −row.
        case ras
        /// (plane, row, column) µm, as they stand in the artifact.
        case reconstruction
    }

    var artifact = ""
    /// The artifact's type, for messages and for what only some types can do; empty where unknown.
    var type = ""
    var target = ""
    var format: Format?
    var dataset: String?
    var space = Space.ras
    var asJSON = false

    static let usage =
        "export ARTIFACT --to FILE [--type TYPE] [--format \(Format.allCases.map(\.rawValue).joined(separator: "|"))] "
        + "[--dataset /PATH] [--space \(Space.allCases.map(\.rawValue).joined(separator: "|"))] [--json]"

    init(_ arguments: [String]) throws {
        var files: [String] = []
        var index = 0
        func value(_ option: String) throws -> String {
            index += 1
            guard index < arguments.count else { throw StageError(.badJob, "\(option) wants a value; \(Self.usage)") }
            return arguments[index]
        }
        while index < arguments.count {
            let argument = arguments[index]
            switch argument {
            case "--to": target = try value(argument)
            case "--type": type = try value(argument)
            case "--artifact": files.append(try value(argument))
            case "--dataset": dataset = try value(argument)
            case "--json": asJSON = true
            case "--format":
                let name = try value(argument)
                guard let known = Format(rawValue: name) else {
                    throw StageError(
                        .badJob,
                        "there is no format '\(name)'; \(Format.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                format = known
            case "--space":
                let name = try value(argument)
                guard let known = Space(rawValue: name) else {
                    throw StageError(
                        .badJob,
                        "there is no space '\(name)'; \(Space.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                space = known
            case _ where argument.hasPrefix("--"):
                throw StageError(.badJob, "there is no option \(argument); usage: \(Self.usage)")
            default: files.append(argument)
            }
            index += 1
        }
        guard files.count == 1, let file = files.first, !target.isEmpty else {
            throw StageError(.badJob, "usage: \(Self.usage)")
        }
        artifact = file
        if let path = dataset, !path.hasPrefix("/") { dataset = "/" + path }
    }

    /// The format that is asked for, or that the target's name says; nil where it says none.
    var wantedFormat: Format? {
        if let format { return format }
        let name = target.lowercased()
        let endings: [(String, Format)] = [
            (".nii", .nifti), (".nii.gz", .nifti), (".gii", .gifti), (".ply", .ply), (".tif", .tiff), (".tiff", .tiff),
            (".csv", .csv), (".tsv", .tsv), (".npy", .npy),
            (".safetensors", .safetensors), (".h5", .copy), (".hdf5", .copy),
        ]
        return endings.first { name.hasSuffix($0.0) }?.1
    }
}

/// One file that an export wrote.
struct ExportedFile {
    var path: String
    var format: ExportRequest.Format
    /// What it holds: datasets or groups of the artifact.
    var contents: [String]
    /// Shape of the array in the file, slowest axis first; number of rows and columns of a table, of vertices and faces of a mesh.
    var shape: [Int]
    var note: String

    var text: String {
        "\(path): \(format.rawValue), \(contents.joined(separator: ", ")) (\(shape.map(String.init).joined(separator: " × ")))"
            + (note.isEmpty ? "" : "; \(note)")
    }

    var json: String {
        func quoted(_ text: String) -> String {
            var result = "\""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"": result += "\\\""
                case "\\": result += "\\\\"
                case _ where scalar.value < 0x20:
                    result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
                default: result.unicodeScalars.append(scalar)
                }
            }
            return result + "\""
        }
        return
            "{\"contents\": [\(contents.map(quoted).joined(separator: ", "))], \"format\": \(quoted(format.rawValue)), "
            + "\"note\": \(quoted(note)), \"path\": \(quoted(path)), \"shape\": [\(shape.map(String.init).joined(separator: ", "))]}"
    }
}
