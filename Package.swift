// swift-tools-version: 6.2
// The map of the house: every target with one line on what it is for. Imports run downward only and never cross from one
// wing to the other; Tests/HouseTests checks both against `swift package describe`.
import Foundation
import PackageDescription

/// CI sets CYTO_STRICT=1: a warning in our own code is then an error.
let strict = Context.environment["CYTO_STRICT"] == "1"

let house: [SwiftSetting] =
    [
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (strict ? [.treatAllWarnings(as: .error)] : [])

func library(_ name: String, _ dependencies: [Target.Dependency] = [], linking: [LinkerSetting] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: house, linkerSettings: linking)
}
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: house)
}
func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name + "Tests", dependencies: dependencies, resources: resources, swiftSettings: house)
}
func system(_ name: String, pkgConfig: String?, apt: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

/// Debian's HDF5 is linked as an archive: its shared library loads libcurl and thirty libraries behind it, which nothing here calls, and costs
/// 8 ms of the processor at every start. Elsewhere pkg-config tells where HDF5 is.
let hasArchivedHDF5 = ["x86_64", "aarch64"].contains {
    FileManager.default.fileExists(atPath: "/usr/lib/\($0)-linux-gnu/libhdf5_serial.a")
}
let hdf5Libraries: [LinkerSetting] =
    hasArchivedHDF5
    ? [":libhdf5_serial.a", "sz", "z", "m"].map { .linkedLibrary($0) } : [.linkedLibrary("hdf5")]

/// libtorch: Debian's, or with LIBTORCH=/path that of an unpacked libtorch 2.x or of a Python wheel (…/site-packages/torch).
let libtorch = Context.environment["LIBTORCH"]
if let libtorch, let problem = misfit(of: libtorch) {
    FileHandle.standardError.write(Data("LIBTORCH=\(libtorch): \(problem)\n".utf8))
    exit(1)
}

/// Why a folder cannot be built against; nil where it can.
func misfit(of root: String) -> String? {
    let need =
        "give the folder that holds include/ and lib/ of libtorch 2.x, for example …/site-packages/torch, or leave LIBTORCH out for Debian's"
    func read(_ path: String) -> String { (try? String(contentsOfFile: root + "/" + path, encoding: .utf8)) ?? "" }
    guard FileManager.default.fileExists(atPath: root) else { return "there is no such folder; \(need)" }
    guard FileManager.default.fileExists(atPath: root + "/lib/libtorch_cpu.so") else {
        return "it holds no lib/libtorch_cpu.so; \(need)"
    }
    // libtorch 2.9 and later keep the numbers in headeronly.
    let headers = read("include/torch/csrc/api/include/torch/version.h") + read("include/torch/headeronly/version.h")
    let version = ["MAJOR", "MINOR"].map { part in
        headers.split(separator: "\n").first { $0.hasPrefix("#define TORCH_VERSION_\(part) ") }
            .flatMap { Int($0.split(separator: " ")[2]) }
    }
    guard let major = version[0], let minor = version[1] else { return "it holds no headers of libtorch; \(need)" }
    guard major == 2 else { return "it is libtorch \(major).\(minor), and only 2.x is understood; \(need)" }
    guard !read("share/cmake/Torch/TorchConfig.cmake").contains("_GLIBCXX_USE_CXX11_ABI=0") else {
        return
            "this libtorch \(major).\(minor) was compiled with the old C++ ABI and cannot be linked here; take wheels of 2.7 or later"
    }
    return nil
}

/// CYTO_NCCL=1 besides, with NVIDIA's headers in the wheels beside torch: training processes talk by NCCL. The program then needs
/// libtorch_cuda wherever it runs.
let nccl = libtorch != nil && Context.environment["CYTO_NCCL"] == "1"
let torchHeaders: [CXXSetting] =
    libtorch.map { root in
        var folders = ["include", "include/torch/csrc/api/include"]
        if nccl { folders += ["cu13", "nccl"].map { "../nvidia/\($0)/include" } }
        return [.unsafeFlags(folders.flatMap { ["-isystem", "\(root)/\($0)"] })]
            + (nccl ? [.define("CT_NCCL"), .define("USE_C10D_NCCL")] : [])
    } ?? []
// libtorch_cuda is loaded while the program runs, where there is one: a program built against a CUDA wheel runs without.
// Another libtorch is named by path: by `-l` the linker would take Debian's, if that is installed too.
let torchNames = ["torch_cpu", "c10"] + (nccl ? ["torch_cuda", "c10_cuda"] : [])
let torchLibraries: [LinkerSetting] =
    libtorch.map { root in
        let words = torchNames.map { "\(root)/lib/lib\($0).so" } + ["-rpath", "\(root)/lib"]
        return [.unsafeFlags(words.flatMap { ["-Xlinker", $0] })]
    } ?? torchNames.map { .linkedLibrary($0) }

let package = Package(
    name: "cyto-pipe",
    products: [
        .executable(name: "cyto-pipe", targets: ["cyto-pipe"]),
        .executable(name: "cyto-stage", targets: ["cyto-stage"]),
        .executable(name: "cyto-learn", targets: ["cyto-learn"]),
        .executable(name: "cyto-bench", targets: ["cyto-bench"]),
    ],
    dependencies: [
        // Command lines with help, completion and checked options.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // SHA-256 through BoringSSL, which uses the CPU's SHA instructions (1.7 GB/s a core).
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        // SQLite as the index of the artifact store.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // MARK: Ground floor, shared by both wings
        // digests and the canonical encoding that is hashed
        library("ContentHash", [crypto]),
        // the messages between the runner and a worker
        library("StageProtocol"),

        // MARK: Runner wing: pipelines, tasks, artifacts; no domain word, no HDF5, TIFF or BLAS
        // pipeline files, manifests, types, read with located diagnostics
        library("PipelineModel", ["StageProtocol", "CYaml"]),
        // work graph, plan, run reasons, the loop; pure
        library("Scheduling", ["ContentHash", "StageProtocol"]),
        // axes -> tasks; pure
        library("PipelineGraph", ["PipelineModel", "Scheduling", "ContentHash", "StageProtocol"]),
        // objects, action cache, provenance, gc
        library("ArtifactStore", ["ContentHash", "StageProtocol", "Scheduling", grdb]),
        // worker processes under budgets
        library("Executors", ["Scheduling", "ContentHash", "StageProtocol", "CProcess"]),
        // the command line
        library(
            "CytoPipeCommands",
            [
                "PipelineModel", "PipelineGraph", "ArtifactStore", "Scheduling", "Executors", "ContentHash",
                "StageProtocol", arguments,
            ]),
        program("cyto-pipe", ["CytoPipeCommands"]),

        // MARK: Stage wing: histology and geometry; no pipelines, stores or schedulers
        // images, volumes, parallel loops, seeded random numbers
        library("NDArray"),
        // HDF5 files with reproducible bytes
        library("HDF5", ["NDArray", "CHDF5"], linking: hdf5Libraries),
        // TIFF and BigTIFF: strips, tiles, pyramids
        library("TIFF", ["NDArray", "CTIFF"]),
        // PNG in and out
        library("PNG", ["NDArray", "CPNG"]),
        // JPEG in
        library("JPEG", ["NDArray", "CJPEG"]),
        // matrix products by OpenBLAS, small systems of equations
        library("LinearAlgebra", ["COpenBLAS"]),
        // section scans of any format, reduced in bounded memory
        library("SectionFiles", ["NDArray", "TIFF", "PNG", "JPEG"]),
        // filters, histograms, CLAHE, morphology, active contours
        library("Imaging", ["NDArray", "LinearAlgebra"]),
        // SURF, matching, RANSAC, rigid transforms, stacks
        library("Registration", ["NDArray", "Imaging", "LinearAlgebra"]),
        // affine maps, displacement fields and chains of them between physical spaces (RAS mm)
        library("SpatialTransforms", ["NDArray", "LinearAlgebra"]),
        // NIfTI-1/2 images, plain and gzipped
        library("NIfTI", ["NDArray", "CNIfTI"]),
        // spatial transforms as the field's tools write them: ITK text, .mat, .h5, displacement NIfTI, MINC .xfm
        library("TransformFiles", ["SpatialTransforms", "NDArray", "HDF5", "NIfTI"]),
        // volume to volume: affine, then smooth and invertible
        library("VolumeRegistration", ["NDArray", "SpatialTransforms", "LinearAlgebra"]),
        // cleaned label volumes, Laplace's equation in the cortex, midlines
        library("Cortex", ["NDArray", "Imaging"]),
        // triangle meshes: marching cubes, repair, Poisson reconstruction, remeshing, plane cuts
        library("Surfaces", ["NDArray", "LinearAlgebra"]),
        // meshes and tables as other programs read them: GIfTI, PLY, NPY, CSV
        library("ExportFormats", ["NDArray", "Surfaces"]),
        // PCA, k-means, UMAP, regression, classification and the scores of each
        library("Statistics", ["NDArray", "LinearAlgebra"]),
        // synthetic brains with known truth
        library("Phantom", ["NDArray", "SpatialTransforms"]),
        // tensors, gradients and mixed precision over libtorch
        library("Torch", ["CTorch"]),
        // R50, R50-ViT and their family, losses, optimizers, augmentation
        library("Networks", ["Torch", "NDArray", "Imaging"]),
        // metrics of classified areas, and the layouts of scores that several stages write
        library("ScoreTables", ["HDF5", "Statistics"]),
        // the Stage protocol, typed ports, worker main loop
        library("StageKit", ["StageProtocol", "NDArray", "HDF5", "CProcess"]),
        // one thin file a stage
        library(
            "HistologyStages",
            [
                "StageKit", "NDArray", "HDF5", "SectionFiles", "Imaging", "Registration", "Phantom", "PNG", "TIFF",
                "SpatialTransforms", "NIfTI", "TransformFiles", "VolumeRegistration", "Cortex", "Surfaces",
                "ExportFormats",
            ]),
        // evaluations of features: areas, coordinates, clusters, embeddings, retrieval
        library(
            "EvaluationStages",
            [
                "StageKit", "NDArray", "HDF5", "PNG", "NIfTI", "SpatialTransforms", "Imaging", "LinearAlgebra",
                "Statistics", "ScoreTables",
            ]),
        // the page that shows what a pipeline found, with the paper's numbers beside ours
        .target(
            name: "ReportStages", dependencies: ["StageKit", "StageProtocol", "HDF5", "NDArray", "Imaging", "PNG"],
            resources: [
                "Page/page.css", "Page/loader.js", "Page/charts.js", "Page/scatter.js", "Page/page.js",
                "Paper/table-4.csv", "Paper/table-5.csv", "Paper/table-6.csv", "Paper/table-7.csv", "Paper/figures.csv",
            ].map { .embedInCode($0) }, swiftSettings: house),
        program("cyto-stage", ["HistologyStages", "EvaluationStages", "ReportStages", "StageKit"]),
        // training and features, and the files of models, checkpoints and patches
        library(
            "LearningStages",
            [
                "StageKit", "HDF5", "NDArray", "SectionFiles", "Networks", "Torch", "Imaging", "PNG", "ScoreTables",
                "Statistics",
            ]),
        // the only program that loads libtorch
        program("cyto-learn", ["LearningStages", "StageKit"]),

        // MARK: Measurements
        program(
            "cyto-bench",
            [
                "NDArray", "Imaging", "Registration", "SectionFiles", "HDF5", "Phantom", "PNG", "NIfTI", "Cortex",
                "Surfaces", "Statistics", "VolumeRegistration", "SpatialTransforms", arguments,
            ]),

        // MARK: C libraries, each imported by exactly one Swift target
        system("CYaml", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        system("CHDF5", pkgConfig: hasArchivedHDF5 ? nil : "hdf5", apt: "libhdf5-dev"),
        system("CTIFF", pkgConfig: "libtiff-4", apt: "libtiff-dev"),
        system("CPNG", pkgConfig: "libpng", apt: "libpng-dev"),
        system("CJPEG", pkgConfig: "libturbojpeg", apt: "libturbojpeg0-dev"),
        system("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
        // Debian's libnifti-dev has no pkg-config file; the module map links its libraries.
        .systemLibrary(name: "CNIfTI", path: "Sources/System/CNIfTI", providers: [.apt(["libnifti-dev"])]),
        // starting and ending processes: a shim of our own over Linux's calls
        .target(name: "CProcess", path: "Sources/System/CProcess"),
        // libtorch behind plain C; hides the differences between 1.13 and 2.x
        .target(
            name: "CTorch", path: "Sources/System/CTorch", cxxSettings: torchHeaders, linkerSettings: torchLibraries),

        // MARK: Tests, one target beside each room
        // the plan of the house, held against the code
        tests("House", []),
        tests("ContentHash", ["ContentHash"]),
        tests("StageProtocol", ["StageProtocol"]),
        tests("PipelineModel", ["PipelineModel", "StageProtocol"]),
        tests("PipelineGraph", ["PipelineGraph", "PipelineModel", "Scheduling", "ContentHash", "StageProtocol"]),
        tests("Scheduling", ["Scheduling", "ContentHash", "StageProtocol"]),
        tests("ArtifactStore", ["ArtifactStore", "Scheduling", "ContentHash", "StageProtocol"]),
        tests("Executors", ["Executors", "Scheduling", "ContentHash", "StageProtocol"]),
        // the built programs, end to end
        tests("CytoPipe", ["CytoPipeCommands", "StageProtocol"]),
        tests("NDArray", ["NDArray"]),
        tests("HDF5", ["HDF5", "NDArray"]),
        tests("SectionFiles", ["SectionFiles", "NDArray", "TIFF", "PNG", "JPEG"]),
        tests("Imaging", ["Imaging", "NDArray"], resources: [.copy("Vectors")]),
        tests("Registration", ["Registration", "Imaging", "LinearAlgebra", "NDArray"], resources: [.copy("Vectors")]),
        tests("Phantom", ["Phantom", "NDArray", "SpatialTransforms"]),
        tests("SpatialTransforms", ["SpatialTransforms", "NDArray"]),
        tests("NIfTI", ["NIfTI", "NDArray"], resources: [.copy("Vectors")]),
        tests(
            "TransformFiles", ["TransformFiles", "SpatialTransforms", "NIfTI", "HDF5", "NDArray"],
            resources: [.copy("Vectors")]),
        tests("VolumeRegistration", ["VolumeRegistration", "SpatialTransforms", "NDArray"]),
        tests("Cortex", ["Cortex", "Imaging", "NDArray"], resources: [.copy("Vectors")]),
        tests("Surfaces", ["Surfaces", "NDArray"], resources: [.copy("Vectors")]),
        tests("ExportFormats", ["ExportFormats", "Surfaces", "NDArray"]),
        tests("Statistics", ["Statistics", "NDArray"], resources: [.copy("Vectors")]),
        tests("Torch", ["Torch"]),
        tests("Networks", ["Networks", "Torch", "NDArray"], resources: [.copy("Vectors")]),
        tests(
            "LearningStages",
            [
                "LearningStages", "StageKit", "StageProtocol", "HDF5", "SectionFiles", "Networks", "Torch", "NDArray",
                "PNG",
                "ScoreTables",
            ]),
        tests("ScoreTables", ["ScoreTables", "HDF5"]),
        tests("ReportStages", ["ReportStages", "StageKit", "StageProtocol", "HDF5", "NDArray", "PNG"]),
        tests("StageKit", ["StageKit", "StageProtocol", "HDF5", "NDArray"]),
        tests(
            "HistologyStages",
            [
                "HistologyStages", "StageKit", "StageProtocol", "HDF5", "SectionFiles", "NDArray", "PNG", "Imaging",
                "Phantom", "SpatialTransforms", "NIfTI", "TransformFiles", "VolumeRegistration", "Cortex", "Surfaces",
                "ExportFormats",
            ]),
        tests(
            "EvaluationStages",
            [
                "EvaluationStages", "StageKit", "StageProtocol", "HDF5", "NDArray", "PNG", "NIfTI", "SpatialTransforms",
            ]),
    ],
    swiftLanguageModes: [.v6],
    // what the headers of libtorch ask for: 1.13 refuses C++20, 2.13 needs it
    cxxLanguageStandard: libtorch == nil ? .cxx17 : .cxx20
)
