import PipelineModel
import StageProtocol
import Testing

@Suite struct YAMLTests {
    private func config(_ yaml: String) throws -> [String: ConfigValue] {
        try SamplePipeline("pipeline: p\nconfig:\n  a: \(yaml)").load().config
    }

    @Test(arguments: [
        ("12", ConfigValue.integer(12)), ("-3", .integer(-3)), ("+4", .integer(4)), ("0x1F", .integer(31)),
        ("0o17", .integer(15)), ("1.5", .real(1.5)), (".5", .real(0.5)), ("1e3", .real(1000)),
        ("-.inf", .real(-.infinity)),
        ("true", .bool(true)), ("False", .bool(false)), ("~", .null), ("", .null), ("null", .null), ("no", .text("no")),
        ("on", .text("on")), ("1_000", .text("1_000")), ("\"12\"", .text("12")), ("'true'", .text("true")),
        ("1.2.3", .text("1.2.3")), ("0x", .text("0x")), ("1e", .text("1e")),
        ("99999999999999999999", .real(1e20)), ("!!str 12", .text("12")),
        ("[1, a, {b: 2}]", .list([.integer(1), .text("a"), .map(["b": .integer(2)])])),
    ])
    func scalarsFollowTheCoreSchemaOfYAML12(text: String, value: ConfigValue) throws {
        #expect(try config(text)["a"] == value)
    }

    @Test func anchorsAliasesAndMergeKeysWork() throws {
        let pipeline = try SamplePipeline(
            "pipeline: p\nconfig:\n  a: &x { k: 1, l: 2 }\n  b: *x\n  c: { <<: *x, l: 3 }"
        ).load()
        #expect(pipeline.config["b"] == .map(["k": .integer(1), "l": .integer(2)]))
        #expect(pipeline.config["c"] == .map(["k": .integer(1), "l": .integer(3)]))
    }

    @Test func duplicateKeysAreMistakesWhereverTheyStand() {
        let mistakes = SamplePipeline("pipeline: p\nconfig:\n  a: 1\n  b: { x: 1, x: 2 }\n  a: 3").mistakes()
        #expect(mistakes.count == 2)
        #expect(mistakes[0].hasPrefix("p.yaml:4:14 the key 'x' stands here a second time; the first is in line 4"))
        #expect(mistakes[1].hasPrefix("p.yaml:5:3 the key 'a' stands here a second time; the first is in line 3"))
    }

    @Test func anAliasBombIsRefusedQuickly() {
        var text = "pipeline: p\nconfig:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let list = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "  a\(level): &a\(level) [\(list)]\n"
        }
        let mistakes = SamplePipeline(text).mistakes()
        #expect(mistakes.contains { $0.contains("aliases repeat more than 100000 values") })
    }

    @Test func anAliasInsideItsOwnAnchorIsRefused() {
        let mistakes = SamplePipeline("pipeline: p\nconfig:\n  a: &a [*a]").mistakes()
        #expect(mistakes == ["p.yaml:3:10 '*a' stands inside the value that it repeats"])
    }

    @Test func deepNestingIsRefused() {
        let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(
            SamplePipeline("pipeline: p\nconfig:\n  a: \(deep)").mistakes() == [
                "p.yaml:3:68 nested deeper than 64 levels"
            ])
    }

    @Test func aSecondDocumentIsRefused() {
        #expect(SamplePipeline("pipeline: p\n---\npipeline: q").mistakes()[0].hasPrefix("p.yaml:2:1 a second document"))
    }

    @Test func aTabIsNamedAsSuch() {
        #expect(SamplePipeline("pipeline: p\nconfig:\n\ta: 1").mistakes()[0].hasPrefix("p.yaml:3:1 a tab stands"))
    }

    @Test func anUnknownTagIsAMistake() {
        #expect(
            SamplePipeline("pipeline: p\nconfig: { a: !!python/name x }").mistakes()[0].contains("has no meaning here"))
    }

    @Test func unquotedReferencesInBracesAreExplained() {
        let mistakes = SamplePipeline("pipeline: p\nconfig: { a: ${config.b} }").mistakes()
        #expect(mistakes[0].contains("quotes around ${…}"))
    }

    @Test func brokenUTF8IsLocated() throws {
        struct Broken: FileAccess {
            var workingDirectory: String { "/" }
            func read(_ path: String, limit: Int) throws(FileAccessError) -> [UInt8]? {
                Array("pipeline: p\nsummary: é".utf8) + [0xC3, 0x28]
            }
            func list(_ folder: String) -> [String]? { nil }
            func isFile(_ path: String) -> Bool { true }
        }
        let error = #expect(throws: PipelineMistakes.self) { try PipelineLoader(files: Broken()).load("p.yaml") }
        #expect(error?.diagnostics.first?.mark.text == "p.yaml:2:11")
        #expect(error?.diagnostics.first?.message == "byte 195 is not UTF-8")
    }

    @Test func everyTruncationGivesAPipelineOrLocatedMistakes() {
        let sample = SamplePipeline.good
        var whole = 0
        for length in 0...sample.utf8.count {
            var pipeline = SamplePipeline("")
            pipeline.files.texts["/work/p.yaml"] = String(decoding: sample.utf8.prefix(length), as: UTF8.self)
            let mistakes = pipeline.mistakes()
            if mistakes.isEmpty { whole += 1 }
            #expect(mistakes.allSatisfy { $0.hasPrefix("p.yaml:") }, "cut to \(length) bytes: \(mistakes)")
        }
        #expect(whole >= 1)
    }

    @Test func randomlyBrokenPipelinesNeverCrashTheReader() {
        var state: UInt64 = 42
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let alphabet = Array("{}[]:,-&*!|>'\"%@`#$ \n\tab01.~?".utf8)
        let original = Array(SamplePipeline.good.utf8)
        var refused = 0
        for _ in 0..<500 {
            var bytes = original
            for _ in 0...next(4) { bytes[next(bytes.count)] = alphabet[next(alphabet.count)] }
            var pipeline = SamplePipeline("")
            pipeline.files.texts["/work/p.yaml"] = String(decoding: bytes, as: UTF8.self)
            if !pipeline.mistakes().isEmpty { refused += 1 }
        }
        #expect(refused > 250)
    }
}
