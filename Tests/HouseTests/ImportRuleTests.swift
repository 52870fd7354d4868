import Foundation
import Testing

/// The house's plan, held against the code: imports run downward, never from one wing to the other, and each C library
/// is imported by exactly one target.
@Suite struct ImportRuleTests {
    static let ground: Set = ["ContentHash", "StageProtocol"]
    static let runner: Set = [
        "PipelineModel", "Scheduling", "PipelineGraph", "ArtifactStore", "Executors", "CytoPipeCommands", "cyto-pipe",
    ]
    /// What each target may import among our own targets, read from the sources and held against Package.swift.
    let imports: [String: Set<String>]
    let targets: Set<String>

    init() throws {
        let sources = ImportRuleTests.packageRoot.appending(path: "Sources")
        let folders = try FileManager.default.contentsOfDirectory(atPath: sources.path)
        let names = Set(folders.filter { $0 != "System" })
        let clibraries = Set(
            try FileManager.default.contentsOfDirectory(atPath: sources.appending(path: "System").path))
        var imports: [String: Set<String>] = [:]
        for name in names {
            let folder = sources.appending(path: name)
            let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
            for file in files where file.hasSuffix(".swift") {
                let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
                for module in ImportRuleTests.modules(importedBy: text) where names.union(clibraries).contains(module) {
                    imports[name, default: []].insert(module)
                }
            }
        }
        self.imports = imports
        self.targets = names
    }

    static var packageRoot: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    static func modules(importedBy text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position <= 2, position + 1 < words.count,
                words[..<position].allSatisfy({
                    ["internal", "public", "package", "private", "fileprivate"].contains($0)
                })
            else { return nil }
            return String(words[position + 1])
        }
    }

    @Test func importLinesAreRead() {
        let text = "internal import CYaml\npublic import NDArray\nimport Imaging\n// import Nothing\nlet import = 1\n"
        #expect(ImportRuleTests.modules(importedBy: text) == ["CYaml", "NDArray", "Imaging"])
    }

    @Test func runnerWingImportsNothingOfTheStageWing() {
        for name in ImportRuleTests.runner.sorted() {
            let foreign = imports[name, default: []]
                .subtracting(ImportRuleTests.runner).subtracting(ImportRuleTests.ground)
                .subtracting(["CYaml", "CProcess"])
            #expect(foreign.isEmpty, "\(name) imports \(foreign.sorted())")
        }
    }

    @Test func stageWingImportsNothingOfTheRunnerWing() {
        for name in targets.subtracting(ImportRuleTests.runner).sorted() {
            let foreign = imports[name, default: []].intersection(ImportRuleTests.runner)
            #expect(foreign.isEmpty, "\(name) imports \(foreign.sorted())")
        }
    }

    @Test func algorithmsKnowNoFilesAndNoProtocol() {
        for name in [
            "NDArray", "Imaging", "Registration", "Phantom", "LinearAlgebra", "SpatialTransforms", "VolumeRegistration",
            "Cortex", "Surfaces", "Statistics", "Torch", "Networks",
        ] {
            let foreign = imports[name, default: []].intersection([
                "HDF5", "TIFF", "PNG", "JPEG", "NIfTI", "TransformFiles", "SectionFiles", "ExportFormats", "StageKit",
                "StageProtocol",
            ])
            #expect(foreign.isEmpty, "\(name) imports \(foreign.sorted())")
        }
    }

    /// libtorch is 290 shared libraries and half a second to load: only the learning program pays for it.
    @Test func runnerAndGeometryStagesLoadNoLibtorch() {
        for program in ["cyto-pipe", "cyto-stage", "cyto-bench"] {
            var reached: Set = [program]
            var open = [program]
            while let name = open.popLast() {
                for next in imports[name, default: []] where reached.insert(next).inserted { open.append(next) }
            }
            #expect(reached.intersection(["CTorch", "Torch", "Networks"]).isEmpty, "\(program) reaches libtorch")
        }
    }

    @Test func eachCLibraryHasOneDoor() {
        var doors: [String: [String]] = [:]
        for (name, modules) in imports {
            for module in modules where module.hasPrefix("C") && !targets.contains(module) {
                doors[module, default: []].append(name)
            }
        }
        #expect(!doors.isEmpty)
        // The start of a task has two ends: the runner asks, a worker that stands loaded serves.
        #expect(doors.removeValue(forKey: "CProcess")?.sorted() == ["Executors", "StageKit"])
        for (module, names) in doors { #expect(names.count == 1, "\(module) is imported by \(names.sorted())") }
    }

    @Test func runnerWingHasNoDomainWord() throws {
        let words = ["cortex", "cortical", "histolog", "neuron", "hemisphere", "pial"]
        for name in ImportRuleTests.runner.sorted() {
            let folder = ImportRuleTests.packageRoot.appending(path: "Sources/\(name)")
            let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
            for file in files where file.hasSuffix(".swift") {
                let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8).lowercased()
                for word in words { #expect(!text.contains(word), "\(name)/\(file) says '\(word)'") }
            }
        }
    }
}
