internal import NDArray
internal import Phantom
internal import StageKit

/// The seeds of phantoms. They come from names in the config, never from the item: equal config gives equal bytes.
enum PhantomSeeds {
    /// Of what brains of one species have in common.
    static func species(_ name: String, _ context: StageContext) -> UInt64 {
        var generator = SeededGenerator(seed: context.seed, stream: "species \(name)")
        return generator.next()
    }

    /// Of what is one brain's own.
    static func brain(_ name: String, _ context: StageContext) -> UInt64 {
        var generator = SeededGenerator(seed: context.seed, stream: "brain \(name)")
        return generator.next()
    }
}
