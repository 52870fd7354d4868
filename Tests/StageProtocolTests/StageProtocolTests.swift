import Foundation
import StageProtocol
import Testing

@Suite struct StageProtocolTests {
    @Test func aJobComesBackFromJSONAsItWas() throws {
        let item = [Coordinate(axis: "brain", value: "B01"), Coordinate(axis: "section", value: "0012")]
        let type = ArtifactType(
            name: "tissue-labels", format: .hdf5, fileExtension: "h5",
            datasets: [.init(path: "/labels", element: .uint8, shape: [nil, 3])],
            attributes: [.init(name: "spacing_um", element: .float64)])
        let input = InputFile(
            path: "/scans/ä.tif", item: item, digest: String(repeating: "0", count: 64),
            attributes: ["brain": ["role": .text("seen")]])
        let job = StageJob(
            stage: "tissue-segmentation", item: item, inputs: ["section": [input]],
            outputs: ["labels": OutputFile(path: "/tmp/labels.h5", type: type)],
            config: ["spacing_um": .real(64.5), "sizes": .list([.integer(5), .null])], seed: .max, cores: 2,
            memoryBytes: 1 << 40, scratch: "/tmp/s", progressDescriptor: 3)
        let read = try JSONDecoder().decode(StageJob.self, from: JSONEncoder().encode(job))
        #expect(read == job)
        #expect(read.format == StageJob.currentFormat)
    }

    @Test(arguments: [
        ("null", ConfigValue.null), ("true", .bool(true)), ("1", .integer(1)), ("-9223372036854775808", .integer(.min)),
        ("1.5", .real(1.5)), ("\"1\"", .text("1")), ("[]", .list([])),
        ("{\"a\":[1]}", .map(["a": .list([.integer(1)])])),
    ])
    func jsonValuesKeepTheirKind(text: String, value: ConfigValue) throws {
        let read = try JSONDecoder().decode([ConfigValue].self, from: Data("[\(text)]".utf8))
        #expect(read == [value])
        #expect(try JSONDecoder().decode([ConfigValue].self, from: JSONEncoder().encode(read)) == [value])
    }

    /// Whoever writes a worker in another language relies on these names.
    @Test func progressIsWrittenUnderItsDocumentedNames() throws {
        let message = ProgressMessage(fraction: 0.5, step: "CLAHE", figures: ["inliers": 212], warning: "torn")
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(message), as: UTF8.self)
        #expect(text == #"{"figures":{"inliers":212},"fraction":0.5,"step":"CLAHE","warning":"torn"}"#)
        let bare = try JSONDecoder().decode(ProgressMessage.self, from: Data(#"{"fraction": 1}"#.utf8))
        #expect(bare == ProgressMessage(fraction: 1))
    }
}
