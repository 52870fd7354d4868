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
}
