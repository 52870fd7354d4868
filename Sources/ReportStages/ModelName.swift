/// A model as the page names it, and as the paper does.
package struct ModelName: Sendable, Hashable {
    /// As the axis has it: `cytonet-vit`.
    package let key: String
    /// As people read it: `CytoNet-ViT`.
    package let shown: String
    /// cytonet, simclr, supcon, scratch, or nil.
    let method: String?
    package let isTransformer: Bool

    static let methods = ["cytonet": "CytoNet", "simclr": "SimCLR", "supcon": "SupCon", "scratch": "scratch"]

    /// The key in small letters: `CytoNet-ViT` and `cytonet-vit` are one.
    let plain: String

    package init(key: String, method: String?, network: String?) {
        self.key = key
        plain = key.lowercased()
        let parts = plain.split(separator: "-").map(String.init)
        let found = method ?? parts.first
        self.method = found.flatMap { ModelName.methods[$0] == nil ? nil : $0 }
        isTransformer = parts.contains("vit") || network?.contains("vit") == true
        guard key == plain else {
            shown = key
            return
        }
        shown = parts.map { ModelName.methods[$0] ?? ($0 == "vit" ? "ViT" : $0.count == 1 ? $0.uppercased() : $0) }
            .joined(separator: "-")
    }

    /// The row of the paper's tables that comes nearest: for the CNN the models pretrained on 200,000 patches, for the hybrid those on
    /// 1,000,000, which are the ones that its Tables 5 and 7 both have.
    package var paperRow: String? {
        guard let method, let name = ModelName.methods[method] else { return nil }
        // A variant of a model (P, M, another σ) is compared with nothing but itself.
        guard plain == method || plain == method + "-vit" else {
            return plain == method + "-vit-p" || plain == method + "-vit-m"
                ? name + "-ViT (1M) " + plain.suffix(1).uppercased() : nil
        }
        switch (method, isTransformer) {
        case ("scratch", _), ("supcon", _): return isTransformer ? name + "-ViT" : name
        default: return isTransformer ? name + "-ViT (1M)" : name + " (200k)"
        }
    }
}
