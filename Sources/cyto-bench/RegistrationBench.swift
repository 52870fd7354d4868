import ArgumentParser
import Foundation
import NDArray
import Registration

/// Finds keypoints and aligns every image of a folder of raw gray images with its next one.
struct RegistrationBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registration",
        abstract: "SURF, matching, RANSAC and refinement on a series of sections; benchmarks/registration.py compares.")

    @Argument(help: "Folder with index.txt (one \"name rows columns\" a line) and name.raw, 8-bit gray.")
    var folder: String
    @Option(help: "Enlargement before the detector.") var upsampling = 3
    @Option(help: "Smallest determinant of the Hessian.") var threshold: Float = 0.0004
    @Option(help: "At most so many keypoints.") var keypoints = 4_000
    @Option(help: "Octaves.") var octaves = 3
    @Option(help: "Ratio test.") var ratio: Float = 0.85
    @Option(help: "Inlier tolerance in pixels.") var tolerance = 2.0
    @Option(help: "Neighbour that each section is aligned with.") var offset = 1
    @Flag(inversion: .prefixedNo, help: "Match both ways.") var mutual = true
    @Flag(inversion: .prefixedNo, help: "Refine on the gray levels.") var refine = true
    @Option(help: "Threads.") var threads = 2

    func run() throws {
        let index = try String(contentsOfFile: folder + "/index.txt", encoding: .utf8)
        let sections = try index.split(separator: "\n").map { line -> (name: String, image: Image<UInt8>) in
            let fields = line.split(separator: " ")
            guard fields.count == 3, let rows = Int(fields[1]), let columns = Int(fields[2]) else {
                throw ValidationError("index.txt: \"\(line)\" is not: name rows columns")
            }
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(fields[0]).raw")))
            guard bytes.count == rows * columns else {
                throw ValidationError("\(fields[0]).raw has \(bytes.count) bytes, not \(rows) × \(columns)")
            }
            return (String(fields[0]), Image(rows: rows, columns: columns, elements: bytes))
        }
        let clock = ContinuousClock()
        var features: [SectionFeatures] = []
        let surf = SurfSettings(
            octaves: octaves, threshold: threshold, maximumCount: keypoints, upsampling: upsampling)
        let detecting = clock.measure {
            features = sections.map {
                SectionFeatures.extracted(from: $0.image, settings: surf, threads: threads)
            }
        }
        var results: [PairAlignment] = []
        let settings = AlignmentSettings(
            ratio: ratio, mutual: mutual, consensus: ConsensusSettings(tolerance: tolerance), refines: refine)
        let aligning = clock.measure {
            results = (0..<features.count - offset).map {
                alignSections(features[$0], features[$0 + offset], settings: settings, threads: threads)
            }
        }
        let report = Report(
            keypoints: Double(features.reduce(0) { $0 + $1.keypoints.count }) / Double(features.count),
            detectSeconds: detecting / .seconds(1), alignSeconds: aligning / .seconds(1), threads: threads,
            accepted: results.count { $0.verdict == .accepted },
            better: results.count { $0.verdict == .accepted && $0.after.correlation > $0.before.correlation },
            mirrored: results.count { $0.transform.isMirrored },
            meanBefore: results.reduce(0) { $0 + $1.before.correlation } / Double(results.count),
            meanAfter: results.reduce(0) { $0 + $1.after.correlation } / Double(results.count),
            pairs: results.enumerated().map { index, result in
                Report.Pair(
                    moving: sections[index].name, fixed: sections[index + offset].name,
                    verdict: result.verdict.rawValue, matches: result.matches, inliers: result.inliers,
                    residualPx: result.residualPx.isNaN ? nil : result.residualPx, before: result.before.correlation,
                    after: result.after.correlation, mirrored: result.transform.isMirrored,
                    matrix: result.transform.matrix)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }

    private struct Report: Encodable {
        struct Pair: Encodable {
            var moving: String
            var fixed: String
            var verdict: String
            var matches: Int
            var inliers: Int
            var residualPx: Double?
            var before: Double
            var after: Double
            var mirrored: Bool
            /// Row-major, on (row, column, 1) in pixels.
            var matrix: [Double]
        }
        var keypoints: Double
        var detectSeconds: Double
        var alignSeconds: Double
        var threads: Int
        var accepted: Int
        var better: Int
        var mirrored: Int
        var meanBefore: Double
        var meanAfter: Double
        var pairs: [Pair]
    }
}
