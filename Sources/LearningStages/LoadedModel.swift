public import Networks
public import StageKit
public import Torch

/// A trained model of an input port, built and ready to be run.
public struct LoadedModel {
    /// What stands in the file.
    public let file: ModelFile
    /// Tensors of backbone and projection head; a classifier's stay in the file.
    public let parameters: ParameterStore
    public let backbone: any Backbone
    /// The layers that a contrastive training put after the backbone; nil for a model that was trained to classify.
    public let projection: ProjectionHead?
    /// Outputs of the projection head; 0 where there is none.
    public let projectionCount: Int

    /// - Parameters:
    ///   - seed: of the first values of layers that are added to the store; nil for a model that is only run.
    ///   - withProjection: takes up the projection head where the model has one.
    /// - Throws: `HDF5Error`, `NetworkError`; `StageError` for a model with values that are not numbers.
    public init(_ input: StageInput, device: Device = .cpu, seed: UInt64? = nil, withProjection: Bool = true) throws {
        file = try ModelFile(reading: input.path)
        for tensor in file.tensors where !tensor.values.allSatisfy(\.isFinite) {
            throw StageError(
                .badInput,
                "'\(tensor.name)' holds values that are not numbers: the training has diverged; lower its learning_rate",
                port: input.port, file: input.path)
        }
        parameters = ParameterStore(seed: seed, device: device)
        backbone = try file.network.build(parameters)
        if withProjection, let last = file.tensors.first(where: { $0.name == "projection.fc2.weight" }) {
            projectionCount = last.shape[0]
            projection = try ProjectionHead(
                features: backbone.featureCount, outputs: projectionCount, parameters: parameters)
        } else {
            projectionCount = 0
            projection = nil
        }
        let names = Set(parameters.tensors.map(\.name))
        try parameters.restore(file.tensors.filter { names.contains($0.name) })
    }

    /// The side of the patches that it takes, px.
    public var patchSide: Int { file.network.imageSide }

    /// Checks that patches are of the kind that the model was trained on.
    ///
    /// - Throws: `StageError` where their pixels have another size or their windows are smaller than the network's images.
    public func check(_ patches: some PatchWindows, port: String) throws {
        guard abs(patches.spacingUm - file.spacingUm) <= 1e-6 * file.spacingUm else {
            throw StageError(
                .badInput,
                "the patches' pixels are of \(patches.spacingUm) µm, but the model was trained on \(file.spacingUm) µm; "
                    + "sample patches at that spacing", port: port)
        }
        guard patches.windowSide >= patchSide else {
            throw StageError(
                .badInput,
                "the patches are of \(patches.windowSide) px, but the network takes \(patchSide) px; sample wider windows",
                port: port)
        }
    }
}
