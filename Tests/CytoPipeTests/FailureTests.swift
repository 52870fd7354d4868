import Foundation
import StageProtocol
import Testing

@Suite(.enabled(if: ScratchProject.isBuilt, "cyto-pipe is not built beside the tests"))
struct FailureTests {
    /// Leaf `b3` fails until the file `fixed` is there.
    private func failing() throws -> ScratchProject {
        let project = try ScratchProject.fan()
        try project.write(
            "stages/leaf.sh",
            "case \"$1\" in *b3.txt) if [ ! -e \(project.folder)/fixed ]; then echo 'no such luck'; exit 4; fi;; esac\ncat \"$1\" > \"$2\"\n"
        )
        return project
    }

    @Test func afterAFailureTheSiblingsGoOnWithKeepGoing() throws {
        let project = try failing()
        let outcome = try project.run("run", "p.yaml", "--keep-going", "--json")
        #expect(outcome.status == 1)
        // All but the leaf, its group and the final.
        #expect(outcome.count("executed") == 13)
        #expect(outcome.count("failed") == 1)
        #expect(outcome.count("skipped") == 2)
        let status = try project.run("status", "p.yaml", "--json")
        #expect(status.output.contains("\"failed\": 1"))
        try project.write("fixed", "")
        #expect(try project.executed() == 3)
    }

    @Test func aFailureIsToldWithTheEndOfItsLogAndThePath() throws {
        let project = try failing()
        let outcome = try project.run("run", "p.yaml", "--keep-going")
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("✗ leaf[group=b,leaf=3]"))
        #expect(outcome.output.contains("no such luck"))
        let line = outcome.output.split(separator: "\n").first { $0.contains("log: ") }
        let path = line.map { $0.split(separator: " ").last.map { String($0) } ?? "" } ?? ""
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains("no such luck"))
    }

    @Test func withoutKeepGoingNothingNewStartsAfterAFailure() throws {
        let project = try failing()
        let outcome = try project.run("run", "p.yaml", "--jobs", "1", "--json")
        #expect(outcome.status == 1)
        #expect(outcome.count("failed") == 1)
        #expect((outcome.count("executed") ?? 99) < 13)
    }

    @Test func aMissingSourceFailsItsTaskAlone() throws {
        let project = try ScratchProject.fan()
        try FileManager.default.removeItem(atPath: project.folder + "/in/a1.txt")
        let outcome = try project.run("run", "p.yaml", "--keep-going")
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("in/a1.txt"))
        #expect(outcome.output.contains("13 tasks ran"))
    }

    @Test func mistakesInThePipelineEndWithTwoAndTheirPlaces() throws {
        let project = try ScratchProject.fan()
        try project.write("p.yaml", try project.read("p.yaml").replacing("uses: join, for", with: "usse: join, for"))
        for command in ["run", "plan", "status", "lint", "graph"] {
            let outcome = try project.run(command, "p.yaml")
            #expect(outcome.status == 2, "\(command)")
            #expect(outcome.errors.contains("p.yaml:8:12: error: unknown key 'usse' in stage 'group'"))
            #expect(outcome.errors.contains("did you mean 'uses'?"))
        }
        let json = try project.run("lint", "p.yaml", "--json")
        #expect(json.output.contains("\"line\": 8"))
        #expect(!FileManager.default.fileExists(atPath: project.folder + "/artifacts"))
    }

    @Test func wrongArgumentsEndWithTwoAndABrokenStoreWithThree() throws {
        let project = try ScratchProject.fan()
        #expect(try project.run("run").status == 2)
        #expect(try project.run("run", "p.yaml", "--wrong").status == 2)
        #expect(try project.run("run", "p.yaml", "--jobs", "0").status == 2)
        #expect(try project.run("run", "p.yaml", "--profile", "none").status == 2)
        #expect(try project.run("run", "p.yaml", "nothing").status == 2)
        #expect(try project.run("--help").status == 0)
        try project.write("blocked", "a file where the store should be")
        #expect(try project.run("run", "p.yaml", "--store", "blocked").status == 3)
    }

    @Test func anInterruptStopsCleanlyAndTheNextRunGoesOn() throws {
        let project = try ScratchProject.fan()
        try project.write(
            "stages/leaf.sh",
            "case \"$1\" in *c4.txt) [ -e \(project.folder)/go ] || { touch \(project.folder)/asleep; exec sleep 60; };; esac\ncat \"$1\" > \"$2\"\n"
        )
        let (process, finish) = try project.start(["run", "p.yaml", "--json", "--jobs", "2"])
        let deadline = Date(timeIntervalSinceNow: 50)
        while !FileManager.default.fileExists(atPath: project.folder + "/asleep"), Date() < deadline { usleep(20000) }
        process.interrupt()
        let outcome = finish()
        #expect(outcome.status == 130)
        try project.write("go", "")
        let before = outcome.count("executed") ?? 0
        #expect(try project.executed() == 16 - before)
    }

    @Test(
        .enabled(if: ScratchProject.hasPython, "needs /usr/bin/python3"),
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/pts/ptmx"), "needs pseudo-terminals (/dev/pts)"))
    func aNarrowTerminalGetsLinesThatFitAndItsCursorBack() throws {
        let project = try ScratchProject.fan()
        try project.write("stages/leaf.sh", "sleep 0.1; cat \"$1\" > \"$2\"\n")
        try project.write(
            "terminal.py",
            """
            import fcntl, os, pty, struct, sys, termios
            child, terminal = pty.fork()
            if child == 0:
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 8, 30, 0, 0))
                os.environ["TERM"] = "xterm"
                os.execv(sys.argv[1], [sys.argv[1], "run", "p.yaml"])
            seen = b""
            while True:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:
                    break
                if not piece:
                    break
                seen += piece
            open("seen.txt", "wb").write(seen)
            """)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["terminal.py", ScratchProject.program]
        process.currentDirectoryURL = URL(filePath: project.folder)
        try process.run()
        process.waitUntilExit()
        let seen = try project.read("seen.txt")
        #expect(seen.contains("\u{1B}[?25l"))
        let hidden = seen.range(of: "\u{1B}[?25l", options: .backwards)
        let shown = seen.range(of: "\u{1B}[?25h", options: .backwards)
        #expect(hidden.map { range in shown.map { $0.lowerBound > range.lowerBound } ?? false } ?? false)
        let display = shown.map { String(seen[..<$0.lowerBound]) } ?? seen
        let plain = display.replacing(/\u{1B}\[[0-9;?]*[A-Za-z]/, with: "")
        let widest = plain.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }).map(\.count).max() ?? 0
        #expect(widest > 8)
        #expect(widest <= 30)
        #expect(seen.contains("16 tasks ran"))
    }

    @Test func graphAndSchemaAreReadableByOtherPrograms() throws {
        let project = try ScratchProject.fan()
        let dot = try project.run("graph", "p.yaml", "--format", "dot").output
        #expect(dot.hasPrefix("digraph \"fan\" {"))
        #expect(dot.contains("[label=\"out → parts\"]"))
        #expect(try project.run("graph", "p.yaml", "--tasks").output.contains("leaf[group=a,leaf=1]"))
        for kind in ["pipeline", "manifest", "types"] {
            let schema = try project.run("schema", kind)
            #expect(schema.json["$schema"] == .text("https://json-schema.org/draft/2020-12/schema"))
        }
    }
}
