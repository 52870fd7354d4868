import PipelineModel
import StageProtocol
import Testing

@Suite struct AxisTests {
    private func axes(_ yaml: String, files: [String: String] = [:]) throws -> [Axis] {
        var sample = SamplePipeline("pipeline: p\naxes:\n" + yaml)
        sample.files.texts.merge(files) { _, new in new }
        return try sample.load().axes
    }

    private func mistakes(_ yaml: String, files: [String: String] = [:]) -> [String] {
        var sample = SamplePipeline("pipeline: p\naxes:\n" + yaml)
        sample.files.texts.merge(files) { _, new in new }
        return sample.mistakes()
    }

    @Test func listsKeepTheirValuesAsWritten() throws {
        #expect(try axes("  a: [0012, 1.50, true, x]")[0].values == ["0012", "1.50", "true", "x"])
    }

    @Test func rangesPadAndStep() throws {
        #expect(try axes("  a: { range: [8, 12, 2], width: 3 }")[0].values == ["008", "010", "012"])
        #expect(try axes("  a: { range: [3, 1, -1] }")[0].values == ["3", "2", "1"])
        #expect(mistakes("  a: { range: [3, 1] }")[0].contains("never gets from 3 to 1"))
        #expect(mistakes("  a: { range: [1, 9000000] }")[0].contains("too long"))
    }

    @Test func raggedAxesHoldDifferentValuesPerParent() throws {
        let list = try axes(
            "  b: { B1: , B2: , B3: }\n  s: { within: b, values: { B1: [1, 2], B2: { range: [5, 7] }, B3: { x: { w: 1 } } } }"
        )
        #expect(list[1].values == ["1", "2", "5", "6", "7", "x"])
        #expect(list[1].starts == [0, 2, 5, 6])
        #expect(list[1].columns == [[.null, .null, .null, .null, .null, .integer(1)]])
        #expect(list[1].value(of: Axis.indexAttribute, at: 4) == .integer(2))
        #expect(
            mistakes("  b: [B1]\n  s: { within: b, values: { B1: [1], B7: [2] } }")[0].contains(
                "'B7' under axis 's' is no value"))
    }

    @Test func exceptAndWhereLeaveValuesOut() throws {
        #expect(try axes("  a: { range: [1, 5], except: [2, 3] }")[0].values == ["1", "4", "5"])
        let list = try axes("  a: { values: { x: { r: 1 }, y: { r: 2 }, z: }, where: { r: [2, 3] } }")
        #expect(list[0].values == ["y"])
    }

    @Test func tablesGiveTypedAttributes() throws {
        let table = "section,file,position,weight,code,gap\r\n0150,\"a, b.jpg\",20,1.5,007,\n0151,c.jpg,40,2,008,3\n"
        let list = try axes(
            "  s: { table: { file: t/s.csv, key: section } }", files: ["/work/t/s.csv": table])
        #expect(list[0].values == ["0150", "0151"])
        #expect(list[0].attributeNames == ["section", "file", "position", "weight", "code", "gap"])
        #expect(
            Array(list[0].columns.dropFirst()) == [
                [.text("a, b.jpg"), .text("c.jpg")], [.integer(20), .integer(40)], [.real(1.5), .real(2)],
                [.text("007"), .text("008")], [.null, .integer(3)],
            ])
    }

    @Test func tablesAreFilteredAndGroupedByTheirParent() throws {
        let table = "brain;s;status\nB1;1;present\nB2;1;present\nB1;2;absent\nB1;3;present\n"
        let list = try axes(
            "  brain: [B1, B2]\n  s: { within: brain, table: { file: s.csv, key: s, where: { status: present } } }",
            files: ["/work/s.csv": table])
        #expect(list[1].values == ["1", "3", "1"])
        #expect(list[1].parents == [0, 0, 1])
    }

    @Test func mistakesInTablesAreLocated() {
        let yaml = "  s: { table: { file: s.csv, key: sektion } }"
        #expect(
            mistakes(yaml, files: ["/work/s.csv": "section\n1\n"])[0].hasSuffix("one of section | did you mean section")
        )
        #expect(mistakes(yaml)[0].contains("there is no table s.csv"))
        #expect(
            mistakes(yaml, files: ["/work/s.csv": "sektion,b\n1,2\n3\n"]) == [
                "s.csv:3:1 this row has 1 cells | 2, as many as the header"
            ])
        #expect(
            mistakes(yaml, files: ["/work/s.csv": "sektion\n1\n2\n1\n"])[0].hasPrefix(
                "s.csv:4:1 the value '1' stands on axis 's' twice"))
        #expect(mistakes(yaml, files: ["/work/s.csv": "sektion\n\"1\n2\n"])[0].contains("never closed"))
    }

    @Test func globsTakeWhatTheStarStandsForInNaturalOrder() throws {
        let files = [
            "/work/d/B1/s9.tif": "", "/work/d/B1/s10.tif": "", "/work/d/B2/s1.tif": "", "/work/d/B2/x.txt": "",
        ]
        let list = try axes("  b: [B1, B2]\n  s: { within: b, glob: \"d/${b}/s*.tif\" }", files: files)
        #expect(list[1].values == ["9", "10", "1"])
        #expect(list[1].columns == [[.text("d/B1/s9.tif"), .text("d/B1/s10.tif"), .text("d/B2/s1.tif")]])
        #expect(mistakes("  s: { glob: \"d/*.jpg\" }", files: files)[0].contains("no file matches d/*.jpg"))
    }

    @Test func axisValuesThatWouldBreakLabelsAreRefused() {
        #expect(mistakes("  a: [\"x y\", \"a/b\", \"k=v\"]").count == 3)
    }
}
