import Foundation
import Testing

/// What Package.swift says of a LIBTORCH that cannot be built against.
@Suite struct LibtorchFitTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "libtorch-\(UUID().uuidString)")

    /// Reads the manifest, as every `swift` command does first.
    private func manifest(libtorch: String) throws -> (status: Int32, said: String) {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let said = folder.appending(path: "said.txt")
        try Data().write(to: said)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "dump-package", "--package-path", ImportRuleTests.packageRoot.path, "--scratch-path",
            folder.appending(path: "build").path,
        ]
        process.environment = ProcessInfo.processInfo.environment.merging(["LIBTORCH": libtorch]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: said)
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOf: said, encoding: .utf8))
    }

    /// Nothing of libtorch but what tells whether it fits.
    private func libtorch(major: Int, minor: Int, oldABI: Bool = false) throws -> String {
        let root = folder.appending(path: "\(major).\(minor)\(oldABI)")
        let texts = [
            "lib/libtorch_cpu.so": "",
            "include/torch/csrc/api/include/torch/version.h":
                "#define TORCH_VERSION_MAJOR \(major)\n#define TORCH_VERSION_MINOR \(minor)\n",
            "share/cmake/Torch/TorchConfig.cmake":
                "set(TORCH_CXX_FLAGS \"-D_GLIBCXX_USE_CXX11_ABI=\(oldABI ? 0 : 1)\")\n",
        ]
        for (path, text) in texts {
            let file = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return root.path
    }

    @Test func aLibtorchThatDoesNotFitIsToldBeforeAnythingIsCompiled() throws {
        let cases = [
            ("/nonsense", "LIBTORCH=/nonsense: there is no such folder; give the folder"),
            ("/usr/share", "it holds no lib/libtorch_cpu.so"),
            (try libtorch(major: 1, minor: 13), "it is libtorch 1.13, and only 2.x is understood"),
            (try libtorch(major: 2, minor: 1, oldABI: true), "libtorch 2.1 was compiled with the old C++ ABI"),
        ]
        for (path, sentence) in cases {
            let (status, said) = try manifest(libtorch: path)
            #expect(status != 0 && said.contains(sentence), "\(said)")
        }
        let (status, said) = try manifest(libtorch: libtorch(major: 2, minor: 9))
        #expect(status == 0, "\(said)")
    }
}
