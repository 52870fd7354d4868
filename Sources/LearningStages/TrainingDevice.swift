internal import Networks
internal import StageKit
internal import Torch

extension StageContext {
    /// The device that this worker computes on: the environment's `CYTO_DEVICE` (cpu, cuda, cuda:1, auto), a GPU where there is
    /// one if it says nothing. Not part of the config, since it decides how a result is computed and not which.
    ///
    /// - Parameter rank: this process's number on its machine: which of the GPUs is its own.
    /// - Throws: `StageError` where there is no such device, with the reason.
    func device(rank: Int = 0) throws -> Device {
        let name = environment["CYTO_DEVICE"] ?? "auto"
        do {
            return try Device(named: name, preferred: rank)
        } catch let error as TorchError {
            throw StageError(.badJob, "CYTO_DEVICE is '\(name)': \(error.message)")
        }
    }

    /// The precision that a training computes in: the environment's `CYTO_PRECISION` (single, double), single if it says nothing.
    ///
    /// Two ways of training that are the same but for rounding are the same in double precision; single precision grows the
    /// difference with every step until they are two trainings.
    func precision() throws -> Precision {
        let name = environment["CYTO_PRECISION"] ?? Precision.single.rawValue
        guard let precision = Precision(rawValue: name) else {
            throw StageError(
                .badJob,
                "CYTO_PRECISION is '\(name)', not \(Precision.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        return precision
    }
}
