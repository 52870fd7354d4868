public import Networks
internal import StageKit

/// How a network is trained: what the config of `pretraining` says, checked.
public struct PretrainingConfig: Sendable, Codable, Equatable {
    /// The architectures by name.
    public enum Architecture: String, Sendable, Codable, CaseIterable {
        /// R50 of Methods 3.3.
        case r50
        /// R50-ViT of Methods 3.3.
        case r50ViT = "r50-vit"
        /// The phantom's small network.
        case small
        /// The phantom's small network with a small transformer on its map.
        case smallViT = "small-vit"

        /// The network, for images of a side.
        public func network(imageSide: Int) -> NetworkDescription {
            switch self {
            case .r50: NetworkDescription(residual: .r50, imageSide: imageSide)
            case .r50ViT: NetworkDescription(residual: .r50, transformer: .base, imageSide: imageSide)
            case .small: NetworkDescription(residual: .small, imageSide: imageSide)
            case .smallViT: NetworkDescription(residual: .small, transformer: .small, imageSide: imageSide)
            }
        }
    }
    /// The methods by name.
    public enum Method: String, Sendable, Codable, CaseIterable {
        case cytonet, simclr, supcon, scratch
    }

    /// Spaces that a brain's points have positions in.
    public enum Coordinates: String, Sendable, Codable, CaseIterable {
        /// MNI Colin 27, the paper's.
        case mni = "mni_mm"
        /// ICBM 152 2009c, the paper's variant M.
        case icbm152 = "icbm152_mm"

        init(_ config: StageConfig) throws {
            self = config.has("coordinates") ? try config.choice("coordinates") : .mni
        }
    }

    public var architecture: Architecture
    public var objective: Objective
    public var patchSide: Int
    public var steps: Int
    public var recipe: TrainingRecipe
    public var projectionWidth: Int
    public var gradientCheckpoints: Bool
    public var checkpointSteps: Int
    /// The space whose distances SpatialNCE goes by: a dataset of the patch-set.
    public var coordinates: Coordinates

    /// Reads the config of a job.
    ///
    /// - Parameter sampleCount: turns epochs into steps.
    init(_ config: StageConfig, sampleCount: Int) throws {
        architecture = try config.choice("network")
        let temperature = try config.double("temperature", in: 1e-4...100)
        let method: Method = try config.choice("method")
        objective =
            switch method {
            case .cytonet: .spatial(sigmaMm: try config.double("sigma_mm", in: 1e-6...1e6), temperature: temperature)
            case .simclr: .pairedViews(temperature: temperature)
            case .supcon: .sameLabel(temperature: temperature)
            case .scratch: .classification
            }
        patchSide = try config.integer("patch_side_px", in: 8...)
        recipe = try TrainingRecipe(config, smallestBatch: 2)
        if let asked = try config.optionalInteger("steps") {
            steps = asked
        } else {
            steps = try config.integer("epochs", in: 1...) * (sampleCount / recipe.batchSize)
        }
        guard steps >= 1 else {
            throw StageError(
                .badJob, "\(sampleCount) patches do not fill one batch of \(recipe.batchSize); lower batch_size")
        }
        projectionWidth = try config.integer("projection_width", in: 1...)
        gradientCheckpoints = try config.bool("gradient_checkpoints")
        coordinates = try Coordinates(config)
        checkpointSteps = try config.integer("checkpoint_steps", in: 1...)
    }

    /// The network, for patches of `patchSide`.
    public var network: NetworkDescription { architecture.network(imageSide: patchSide) }

    /// The rate of each step.
    public var rates: LearningRateSchedule { recipe.rates(steps: steps) }
}
