internal import FoundationEssentials
internal import StageKit

/// Vega, the library that draws the plots, as Debian installs it: one file a module, which the page's own loader puts together.
///
/// **Reference** Satyanarayan et al. 2016, Reactive Vega, IEEE TVCG 22(1), doi:10.1109/TVCG.2015.2467091; BSD-3-Clause.
struct PlotLibrary {
    /// Modules in the order in which they need each other: (name that they ask for, file). Maps, force layouts and word clouds are left out.
    private static let modules = [
        ("vega-util", "vega-util"), ("vega-time", "vega-time"), ("vega-format", "vega-format"),
        ("vega-loader", "vega-loader"), ("vega-dataflow", "vega-dataflow"), ("vega-statistics", "vega-statistics"),
        ("vega-transforms", "vega-transforms"), ("vega-scale", "vega-scale"), ("vega-canvas", "vega-canvas"),
        ("vega-scenegraph", "vega-scenegraph"), ("vega-view-transforms", "vega-view-transforms"),
        ("vega-encode", "vega-encode"), ("vega-expression", "vega-expression"), ("vega-selections", "vega-selection"),
        ("vega-functions", "vega-functions"), ("vega-event-selector", "vega-event-selector"),
        ("vega-parser", "vega-parser"), ("vega-runtime", "vega-runtime"), ("vega-view", "vega-view"),
    ]

    /// The modules, each as a function of the page's loader.
    let script: String
    /// As the package manager knows it.
    let version: String

    /// - Parameters:
    ///   - folder: where `libjs-vega` puts its files.
    ///   - packages: the package manager's list, for the version.
    /// - Throws: `StageError` with the command that installs it where a file is missing.
    init(folder: String, packages: String = "/var/lib/dpkg/status") throws {
        var script = ""
        for (name, file) in PlotLibrary.modules {
            let path = "\(folder)/\(file).min.js"
            guard let data = FileManager.default.contents(atPath: path) else {
                throw StageError(
                    .badJob,
                    "the plot library Vega is not there; install it with `apt-get install libjs-vega`, or say in config.vega where its files are",
                    file: path)
            }
            // `</script` inside a string of the library would end the element it stands in.
            let text = String(decoding: data, as: UTF8.self).replacing("</script", with: "<\\/script")
                .split(separator: "\n").filter { !$0.hasPrefix("//# sourceMappingURL") }.joined(separator: "\n")
            script += "cytoModules[\"\(name)\"] = function (module, exports, require) {\n\(text)\n};\n"
        }
        self.script = script
        version = PlotLibrary.installedVersion(packages) ?? "version unknown"
    }

    /// The version of libjs-vega in dpkg's list of packages.
    static func installedVersion(_ path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        guard let start = text.firstRange(of: "Package: libjs-vega\n") else { return nil }
        for line in text[start.upperBound...].split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty { return nil }
            if line.hasPrefix("Version: ") { return "libjs-vega " + line.dropFirst("Version: ".count) }
        }
        return nil
    }
}
