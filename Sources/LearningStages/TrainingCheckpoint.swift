internal import Glibc
internal import HDF5
public import Networks
internal import StageKit

/// A training between two steps, on the disk.
///
/// The file appears whole or not at all: it is written under another name, flushed to the disk, and renamed. Whatever ends
/// the program leaves the last checkpoint as it was.
public enum TrainingCheckpoint {
    /// The version that is written; others are refused.
    public static let version = 1

    /// Writes a state.
    ///
    /// - Parameters:
    ///   - fingerprint: of all that must be the same when the training goes on (config, seed, data).
    /// - Throws: `StageError` where the disk does not take it; an earlier checkpoint stays.
    public static func write(_ state: TrainingState, fingerprint: String, to path: String) throws {
        let draft = path + ".part"
        do {
            try HDF5File.create(draft) { file in
                try file.setAttribute("version", to: version)
                try file.setAttribute("fingerprint", to: fingerprint)
                try file.setAttribute("step", to: state.step)
                try file.write(state.losses, to: "/loss")
                try writeTensors(state.tensors, to: file)
                try file.write(texts: state.optimizer.map(\.name), to: "/optimizer/names")
                for (index, entry) in state.optimizer.enumerated() {
                    try file.write(
                        entry.values, shape: [entry.values.count], to: "/optimizer/\(index)", layout: .contiguous)
                }
            }
            try flush(draft)
        } catch {
            unlink(draft)
            throw StageError(
                .inputOutput,
                "the checkpoint of step \(state.step) could not be written (\(error)); the one before stays",
                file: path)
        }
        guard rename(draft, path) == 0 else {
            throw StageError(
                .inputOutput, "the checkpoint could not be renamed: \(String(cString: strerror(errno)))", file: path)
        }
    }

    /// Reads a state; nil where there is no file.
    ///
    /// - Throws: `StageError` for a file of another version or another training, or one that is damaged.
    public static func read(_ path: String, fingerprint: String) throws -> TrainingState? {
        guard access(path, F_OK) == 0 else { return nil }
        let file = try HDF5File(reading: path)
        let found = try file.attribute("version", as: Int.self)
        guard found == version else {
            throw StageError(
                .badInput,
                "the checkpoint has version \(found), this program reads \(version); delete it to begin anew",
                file: path)
        }
        guard try file.textAttribute("fingerprint") == fingerprint else {
            throw StageError(
                .badInput, "the checkpoint is of a training with another config, seed or data; delete it to begin anew",
                file: path)
        }
        let names = try file.dataset("/optimizer/names").readTexts()
        return TrainingState(
            step: try file.attribute("step", as: Int.self), losses: try file.dataset("/loss").read(as: Float.self),
            tensors: try readTensors(from: file),
            optimizer: try names.enumerated().map { index, name in
                NamedState(name: name, values: try file.dataset("/optimizer/\(index)").read(as: Float.self))
            })
    }

    private static func flush(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StageError(.inputOutput, String(cString: strerror(errno)), file: path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw StageError(.inputOutput, String(cString: strerror(errno)), file: path)
        }
    }
}
