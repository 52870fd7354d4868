/// The stage's input ports, and which stage each is made by.
///
/// Ports are named like the stage whose output they take, with a word for one of several outputs after it; so a figure can name the task that
/// made it, though a stage is never told what stands before it.
enum ReportPorts {
    /// Attributes that the manifest asks for with every port that may have them.
    static let attributes = ["role", "method", "network", "strategy", "variant"]

    /// Ports that stand for an output with a name of its own, with their stages; all others are called like their stage.
    private static let named: [String: String] = [
        "patches": "patch-sampling", "layer_patches": "phantom-layer-patches", "summaries": "summary",
    ]

    static func stage(of port: String) -> String {
        if let stage = named[port] { return stage }
        let ending = "_summary"
        let name = port.hasSuffix(ending) ? String(port.dropLast(ending.count)) : port
        return name.replacing("_", with: "-")
    }
}
