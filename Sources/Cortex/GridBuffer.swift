/// Memory of fixed size that several threads work on, each on its own part; freed with its last owner.
final class GridBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    // Sendable by contract: threads never write to an index that another one touches in the same pass.
    let base: UnsafeMutablePointer<Element>
    let count: Int

    /// Room for `count` elements, all `value`.
    init(count: Int, filledWith value: Element) {
        self.count = count
        base = .allocate(capacity: max(count, 1))
        base.initialize(repeating: value, count: max(count, 1))
    }

    /// Room for `count` elements that are not set yet.
    init(unsetCount count: Int) {
        self.count = count
        base = .allocate(capacity: max(count, 1))
    }

    deinit { base.deallocate() }

    @inline(__always) subscript(index: Int) -> Element {
        get { base[index] }
        set { base[index] = newValue }
    }
}
