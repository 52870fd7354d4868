internal import Glibc
internal import HDF5
public import StageProtocol

extension ArtifactType {
    /// What is wrong with a file of this type, one sentence each; empty where all is as declared.
    public func mistakes(in path: String) -> [String] {
        guard access(path, F_OK) == 0 else { return ["was not written"] }
        guard format == .hdf5 else { return [] }
        let file: HDF5File
        do { file = try HDF5File(reading: path) } catch { return ["\(error)"] }
        var mistakes: [String] = []
        for declared in datasets {
            guard file.contains(declared.path) else {
                if !declared.optional { mistakes.append("\(declared.path) is missing") }
                continue
            }
            do { mistakes += try self.mistakes(of: declared, in: file) } catch { mistakes.append("\(error)") }
        }
        for declared in attributes {
            guard file.hasAttribute(declared.name) else {
                if !declared.optional { mistakes.append("the attribute \(declared.name) is missing") }
                continue
            }
            let found = try? file.attribute(named: declared.name).element
            if found?.rawValue != declared.element.rawValue {
                mistakes.append(
                    "the attribute \(declared.name) is \(found?.rawValue ?? "of another class"), "
                        + "but \(declared.element.rawValue) is declared")
            }
        }
        return mistakes
    }

    private func mistakes(of declared: Dataset, in file: HDF5File) throws -> [String] {
        let dataset = try file.dataset(declared.path)
        var mistakes: [String] = []
        if dataset.element?.rawValue != declared.element.rawValue {
            mistakes.append(
                "\(declared.path) holds \(dataset.elementName), but \(declared.element.rawValue) is declared")
        }
        let fits =
            dataset.shape.count == declared.shape.count
            && zip(dataset.shape, declared.shape).allSatisfy { length, wanted in wanted == nil || wanted == length }
        if !fits {
            let wanted = declared.shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
            mistakes.append("\(declared.path) has the shape \(dataset.shape), but [\(wanted)] is declared")
        }
        if !declared.unit.isEmpty, file.hasAttribute("unit", of: declared.path) {
            let unit = try file.textAttribute("unit", of: declared.path)
            if unit != declared.unit {
                mistakes.append("\(declared.path) is in \(unit), but \(declared.unit) is declared")
            }
        }
        return mistakes
    }
}
