import Foundation
import Testing

@Suite(.enabled(if: ScratchProject.isBuilt, "cyto-pipe is not built beside the tests"))
struct RerunTests {
    @Test func onlyWhatAnEditTouchesRunsAgain() throws {
        let project = try ScratchProject.fan()
        #expect(try project.executed() == 16)
        #expect(try project.executed() == 0)

        // Touched, not changed: hashed again, and nothing else.
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: 60)], ofItemAtPath: project.folder + "/in/b2.txt")
        #expect(try project.executed() == 0)

        // Its leaf, its group, the final.
        try project.write("in/b2.txt", "other text\n")
        #expect(try project.executed() == 3)

        // Beyond the first five bytes: the leaf comes out the same, and the wave stops there.
        try project.write("in/b2.txt", "other words\n")
        let cut = try project.run("run", "p.yaml", "--json")
        #expect(cut.count("executed") == 1)
        #expect(cut.count("unchanged") == 1)

        // Config of one stage: its cone.
        #expect(try project.executed("--set", "group.sign=fin") == 4)
        #expect(try project.executed() == 0)
        #expect(try project.executed("--set", "group.sign=fin") == 0)
        #expect(try project.executed("--set", "leaf.word=z") == 16)
        #expect(try project.executed() == 0)

        // The script is part of the stage.
        try project.write("stages/leaf.sh", "head -c 4 \"$1\" > \"$2\" && echo \" $3\" >> \"$2\"\n")
        #expect(try project.executed() == 16)
    }

    @Test func missingAndNewItemsRunAloneWithTheirCone() throws {
        let project = try ScratchProject.fan()
        #expect(try project.executed() == 16)
        try project.write(
            "p.yaml", try project.read("p.yaml").replacing("range: [1, 4]", with: "range: [1, 4], except: [2]"))
        #expect(try project.executed() == 4)
        try project.write("p.yaml", try project.read("p.yaml").replacing(", except: [2]", with: ""))
        #expect(try project.executed() == 0)
    }

    @Test func onlyFromForceAndItemPickTasks() throws {
        let project = try ScratchProject.fan()
        #expect(try project.executed("--item", "group=b") == 5)
        #expect(try project.executed("leaf") == 8)
        // The group of b is there; only that of a and c is missing.
        #expect(try project.executed("--only", "group") == 2)
        #expect(try project.executed("group[group=a]") == 0)
        #expect(try project.executed() == 1)
        #expect(try project.executed("--force", "group") == 3)
        #expect(try project.executed("--from", "group", "--force", "leaf") == 0)
    }

    @Test func whatIsLeftOutAndNotThereIsToldAndCountsAsIncomplete() throws {
        let project = try ScratchProject.fan()
        let outcome = try project.run("run", "p.yaml", "--only", "group")
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("incomplete"))
    }

    @Test func planAndDryRunTellAndRunNothing() throws {
        let project = try ScratchProject.fan()
        let plan = try project.run("plan", "p.yaml", "--json")
        #expect(plan.status == 0)
        #expect(plan.count("mustRun") == 12)
        #expect(plan.count("mayRun") == 4)
        #expect(try project.run("run", "p.yaml", "--dry-run").output.contains("12 tasks to run, up to 4 after them"))
        #expect(try project.run("status", "p.yaml").output.contains("leaf"))
        #expect(try project.executed() == 16)
        try project.write("in/c4.txt", "changed\n")
        let verbose = try project.run("plan", "p.yaml", "--verbose").output
        #expect(verbose.contains("run        leaf[group=c,leaf=4]: input 'in' changed"))
        #expect(verbose.contains("may run    final: only if an input changes"))
    }

    @Test func statusTellsWhatTheFinishedTasksOfEachStageTook() throws {
        let project = try ScratchProject.fan()
        let before = try project.run("status", "p.yaml", "--times").output
        #expect(before.contains("median task") && before.contains("peak memory"))
        #expect(!before.contains("KiB") && !before.contains("MiB"), "nothing has run, so nothing is told")
        _ = try project.executed()
        let after = try project.run("status", "p.yaml", "--times", "--json").output
        for key in ["medianSeconds", "longestSeconds", "wallSeconds", "processorSeconds", "peakMemoryBytes"] {
            #expect(after.components(separatedBy: "\"\(key)\"").count == 4, "one for each of the three stages: \(key)")
        }
    }

    @Test(.enabled(if: ScratchProject.hasPython, "needs /usr/bin/python3"))
    func aPythonStageReadsTheJobAndReportsProgress() throws {
        let project = try ScratchProject()
        try project.write("stages/types.yaml", "types: { table: { format: file, extension: csv } }\n")
        try project.write(
            "stages/square.yaml",
            """
            stage: square
            run: [python3, square.py, "${job}"]
            outputs: { table: { type: table } }
            config: { count: { type: integer, default: 3 }, name: { type: text } }
            resources: { memory: 50MiB }
            """)
        try project.write(
            "stages/square.py",
            """
            import json, os, sys
            job = json.load(open(sys.argv[1]))
            with open(job["outputs"]["table"]["path"], "w") as table:
                table.write(job["config"]["name"] + str(job["seed"]) + "\\n")
                for i in range(job["config"]["count"]):
                    table.write(f"{i},{i * i}\\n")
            descriptor = job.get("progressDescriptor")
            if descriptor is not None:
                os.write(descriptor, b'{"fraction": 1.0, "warning": "squares grow"}\\n')
            """)
        try project.write(
            "p.yaml",
            "pipeline: squares\nconfig: { seed: 8 }\naxes: { name: [x, y] }\nstages: { square: { for: [name], config: { name: \"${name}\" } } }\n"
        )
        let outcome = try project.run("run", "p.yaml")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("warning: square[name=x]: squares grow"))
        let files = FileManager.default.enumerator(atPath: project.folder + "/artifacts/objects")
        let tables = (files?.allObjects as? [String] ?? []).filter { $0.hasSuffix(".csv") }
        let texts = try tables.map { try project.read("artifacts/objects/" + $0) }
        #expect(texts.sorted() == ["x8\n0,0\n1,1\n2,4\n", "y8\n0,0\n1,1\n2,4\n"])
    }
}
