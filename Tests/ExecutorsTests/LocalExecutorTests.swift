import ContentHash
import Executors
import Foundation
import Scheduling
import StageProtocol
import Testing

/// The local executor with real programs.
@Suite(.serialized) struct LocalExecutorTests {
    let run: LocalRun

    init() throws { run = try LocalRun() }

    @Test func aShellStageWritesItsOutputAndItsLog() throws {
        let result = try run.shell("echo to the log; echo and this >&2; echo 7 > \"$1\"")
        #expect(result.failure == nil)
        let file = try #require(result.files.first)
        #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "7\n")
        #expect(file.port == "out" && file.fileExtension == "txt")
        #expect(run.log(1) == "to the log\nand this\n")
    }

    /// The kernel's figure for a child begins with the runner's own; a program smaller than the runner must not be told to be as large.
    @Test func memoryAndCPUTimeAreTheProgramsOwn() throws {
        let ballast = [UInt8](repeating: 1, count: 300_000_000)
        let small = try run.shell("sleep 0.7; echo 1 > \"$1\"")
        #expect(small.peakMemoryBytes > 100_000 && small.peakMemoryBytes < 50_000_000)
        let script = "a = bytearray(500000000); x = sum(range(2000000)); open('$1', 'w').write('1')"
        let large = try run.shell("exec python3 -c \"\(script)\"")
        #expect(large.peakMemoryBytes > 500_000_000 && large.peakMemoryBytes < 600_000_000)
        #expect(large.cpuSeconds > 0.01 && small.cpuSeconds < 0.5)
        #expect(ballast[ballast.count - 1] == 1)
    }

    @Test func aPythonStageReadsItsJobAndReportsProgress() throws {
        try run.folder.write(
            "stage.py",
            """
            import json, os, sys
            job = json.load(open(sys.argv[1]))
            out = os.fdopen(job["progressDescriptor"], "w")
            out.write('{"fraction": 0.5, "step": "half"}\\n'); out.write('nonsense\\n')
            out.write('{"figures": {"n": 3}}\\n'); out.flush()
            text = job["config"]["text"] + open(job["inputs"]["in"][0]["path"]).read()
            open(job["outputs"]["out"]["path"], "w").write(text + str(job["seed"]) + str(job["cores"]))
            """)
        try run.folder.write("input.txt", "[input]")
        let text = "quote \" backslash \\ line\nbreak é"
        let request = try run.request(
            ["python3", "stage.py", "${job}"],
            inputs: [("in", [InputFile(path: "input.txt", item: [], digest: "00")])], config: ["text": .text(text)])
        let result = run.result(of: request)
        #expect(result.failure == nil, "\(result)")
        let file = try #require(result.files.first)
        #expect(try String(contentsOfFile: file.path, encoding: .utf8) == text + "[input]423")
        #expect(
            run.progress == [ProgressMessage(fraction: 0.5, step: "half"), ProgressMessage(figures: ["n": 3])])
    }

    @Test func theJobFileIsWhatStageJobDecodes() throws {
        var request = try run.request(
            ["sh", "-c", "cp \"$1\" \"$2\"", "sh", "${job}", "${outputs.out}"],
            inputs: [
                ("many", (0..<3).map { InputFile(path: "/f\($0)", item: [], digest: "ab") }),
                (
                    "one",
                    [
                        InputFile(
                            path: "/g", item: [Coordinate(axis: "a", value: "\u{1}\t")], digest: "cd",
                            attributes: ["a": ["x": .real(0.1)]])
                    ]
                ), ("none", []),
            ],
            config: [
                "a": .list([.null, .bool(true), .integer(-3), .real(1e300)]), "m": .map(["k": .text("v")]),
            ], item: [Coordinate(axis: "brain", value: "B01")])
        request.outputs[0].type.datasets = [.init(path: "/x", element: .uint8, shape: [3, nil])]
        let result = run.result(of: request)
        let file = try #require(result.files.first)
        let job = try JSONDecoder().decode(StageJob.self, from: Data(contentsOf: URL(filePath: file.path)))
        #expect(job.config == request.config)
        #expect(job.item == request.item)
        #expect(job.inputs["many"] == request.inputs[0].files)
        #expect(job.inputs["one"] == request.inputs[1].files)
        #expect(job.inputs["none"] == [])
        #expect(job.outputs["out"]?.type == request.outputs[0].type)
        #expect(job.outputs["out"]?.path == file.path)
        #expect(job.seed == 42 && job.cores == 3 && job.memoryBytes == 1 << 20)
    }

    @Test func referencesBecomeArgumentsAndGatheredPortsSeveral() throws {
        let files = ["/a b", "/c"].map { InputFile(path: $0, item: [], digest: "") }
        let request = try run.request(
            [
                "sh", "-c", "out=\"$1\"; shift; printf '%s\\n' \"$@\" > \"$out\"", "sh", "${outputs.out}",
                "${inputs.many}", "one=${inputs.one}", "${inputs.none}", "${config.x}/${config.deep.y}", "$${kept}",
                "${resources.cores}", "${seed}", "${item.brain}", "$HOME",
            ],
            inputs: [("many", files), ("one", [files[1]]), ("none", [])],
            config: ["x": .real(0.5), "deep": .map(["y": .bool(true)])], item: [Coordinate(axis: "brain", value: "B1")])
        let file = try #require(run.result(of: request).files.first)
        let lines = try String(contentsOfFile: file.path, encoding: .utf8).split(separator: "\n")
        #expect(lines == ["/a b", "/c", "one=/c", "0.5/true", "${kept}", "3", "42", "B1", "$HOME"])
    }

    @Test(arguments: [
        ("${config.nothing}", "'${config.nothing}' names nothing"), ("x${inputs.many}", "stands for 2 files"),
        ("${inputs.nothing}", "names no input"),
    ]) func aWrongReferenceFailsInWords(argument: String, said: String) throws {
        let files = ["/a", "/b"].map { InputFile(path: $0, item: [], digest: "") }
        let request = try run.request(["sh", argument], inputs: [("many", files)])
        let failure = try #require(run.result(of: request).failure)
        #expect(failure.code == .couldNotStart)
        #expect(failure.message.contains(said))
    }

    @Test func aProgramThatIsNotThereIsNamedWithThePlacesLookedAt() throws {
        let failure = try #require(run.result(of: try run.request(["no-such-program-here"])).failure)
        #expect(failure.code == .programNotFound)
        #expect(failure.message.contains("'no-such-program-here'") && failure.message.contains("/usr/bin"))
        let relative = try #require(run.result(of: try run.request(["bin/none"])).failure)
        #expect(relative.code == .programNotFound && relative.message.contains(run.folder.path + "/bin/none"))
        try run.folder.write("plain", "#!/bin/sh\n")
        let plain = try #require(run.result(of: try run.request(["./plain"])).failure)
        #expect(plain.message.contains("chmod +x"))
    }

    @Test func aProgramBesideTheManifestIsFound() throws {
        try run.folder.write("my-stage", "#!/bin/sh\necho 1 > \"$1\"\n", executable: true)
        #expect(run.result(of: try run.request(["./my-stage", "${outputs.out}"])).failure == nil)
        #expect(run.result(of: try run.request(["my-stage", "${outputs.out}"])).failure == nil)
    }

    @Test func aScriptWithABrokenFirstLineFailsInWords() throws {
        try run.folder.write("broken", "#!/no/such/interpreter\n", executable: true)
        let failure = try #require(run.result(of: try run.request(["./broken"])).failure)
        #expect(failure.code == .couldNotStart && failure.message.contains("could not be executed"))
    }

    @Test func theExitCodeAndTheLastWordsAreReported() throws {
        let failure = try #require(try run.shell("echo first; echo 'bad section' >&2; exit 1").failure)
        #expect(failure.code == .exited && failure.status == 1 && !failure.mayPass)
        #expect(failure.message == "task1 failed with exit code 1: bad section")
        #expect(failure.lastLines == ["first", "bad section"])
        let inputOutput = try #require(try run.shell("exit 3").failure)
        #expect(inputOutput.mayPass)
    }

    @Test func outputsThatAreMissingEmptyOrOfTheWrongKindFailTheTask() throws {
        let missing = try #require(try run.shell("echo 1 > \"$1\"", outputs: ["out", "second"]).failure)
        #expect(missing.code == .outputMissing && missing.message.contains("'second'"))
        #expect(try run.shell(": > \"$1\"").failure?.message.contains("is an empty file") == true)
        #expect(try run.shell("mkdir \"$1\"").failure?.message.contains("is not a plain file") == true)
        #expect(try run.shell("ln -s /etc/passwd \"$1\"").failure?.code == .outputInvalid)
        #expect(try run.shell("echo text > \"$1\"", format: .hdf5).failure?.message.contains("HDF5") == true)
        #expect(try run.shell("printf '\\211HDF\\r\\n\\032\\n' > \"$1\"", format: .hdf5).failure == nil)
    }

    @Test func anHDF5FileOfAForeignProgramIsCheckedAgainstItsType() throws {
        // Stands for the worker program, which knows the format; it is looked for beside cyto-pipe.
        try run.folder.write(
            "cyto-stage",
            "#!/bin/sh\n[ \"$1 $2\" = 'check --type' ] && grep -q labels \"$3\" || exit 9\n"
                + "grep -q good \"$4\" || { echo 'no dataset /labels'; exit 1; }\n",
            executable: true)
        func check(_ content: String) throws -> TaskResult {
            var request = try run.request(
                ["sh", "-c", "printf '\\211HDF\\r\\n\\032\\n\(content)' > \"$1\"", "sh", "$" + "{outputs.out}"],
                format: .hdf5)
            request.outputs[0].type.datasets = [.init(path: "/labels", element: .uint8, shape: [nil])]
            return run.result(of: request)
        }
        #expect(try check("good").failure == nil)
        let failure = try #require(try check("bad").failure)
        #expect(failure.code == .outputInvalid)
        #expect(failure.message.hasSuffix("is not what type 'type' declares: no dataset /labels."))
    }

    @Test func aProgramKilledBySomeoneElseMayPassNextTime() throws {
        let failure = try #require(try run.shell("kill -9 $$").failure)
        #expect(failure.code == .signalled && failure.status == 9 && failure.mayPass)
        #expect(failure.message.contains("memory"))
        let crash = try #require(try run.shell("kill -SEGV $$").failure)
        #expect(crash.message.contains("signal 11"))
    }

    @Test func stoppingReachesGrandchildren() throws {
        let request = try run.request(["sh", "-c", "sleep 1000 & echo $! > pid; wait", "sh"])
        let pidPath = request.workFolder + "/scratch/pid"
        var grandchild: Int32?
        let result = run.result(of: request) {
            guard grandchild == nil, let text = try? String(contentsOfFile: pidPath, encoding: .utf8),
                let pid = Int32(text.dropLast())
            else { return }
            grandchild = pid
            run.executor.stop(task: request.task, force: false)
        }
        #expect(result.failure?.status == 15)
        try expectGone(#require(grandchild))
    }

    @Test func aProgramThatIgnoresSIGTERMIsKilled() throws {
        let request = try run.request(["sh", "-c", "trap '' TERM; : > ready; while :; do sleep 0.05; done", "sh"])
        var isReady = false
        var terms = 0
        let result = run.result(of: request) {
            if !isReady { isReady = FileManager.default.fileExists(atPath: request.workFolder + "/scratch/ready") }
            guard isReady else { return }
            terms += 1
            run.executor.stop(task: request.task, force: terms > 3)
        }
        #expect(result.failure?.status == 9)
        #expect(terms > 3)
    }

    @Test func whatAProgramLeavesBehindIsKilled() throws {
        let request = try run.request(
            ["sh", "-c", "sleep 1000 & echo $! > \"$1\"", "sh", "${outputs.out}"])
        let file = try #require(run.result(of: request).files.first)
        let text = try String(contentsOfFile: file.path, encoding: .utf8)
        try expectGone(#require(Int32(text.dropLast())))
    }

    func expectGone(_ pid: Int32) {
        // The kernel takes a moment to end a process that was sent SIGKILL.
        for _ in 0..<200 where isAlive(pid) { usleep(10000) }
        #expect(!isAlive(pid))
    }

    @Test func theEnvironmentAndDescriptorsAreClean() throws {
        let result = try run.shell(
            "{ ls /proc/self/fd | wc -l; echo $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS; pwd; cat; echo $${PATH%%:*}; } > \"$1\""
        )
        let file = try #require(result.files.first)
        let lines = try String(contentsOfFile: file.path, encoding: .utf8).split(separator: "\n")
        // stdin, stdout, stderr and the folder that `ls` reads.
        #expect(lines.first == "4")
        #expect(lines.dropFirst().first == "3 1")
        #expect(lines[2].hasSuffix("/scratch"))
        #expect(lines.last == Substring(run.folder.path))
    }

    @Test func hugeAndBrokenLogsDoNoHarm() throws {
        let result = try run.shell(
            "head -c 20000000 /dev/zero; printf '\\n\\377\\376 broken \\303\\n'; exit 1")
        let failure = try #require(result.failure)
        #expect(failure.lastLines.last?.contains("broken") == true)
        let size = try FileManager.default.attributesOfItem(atPath: run.folder.path + "/log1")[.size] as? Int
        #expect((size ?? 0) > 20_000_000)
    }

    @Test func aFloodOfProgressDoesNotStopTheWorker() throws {
        let request = try run.request(
            [
                "sh", "-c",
                "i=0; while [ $i -lt 20000 ]; do echo '{\"fraction\":0.1}' >&3; i=$((i+1)); done; "
                    + "head -c 200000 /dev/zero | tr '\\0' x >&3; echo 1 > \"$2\"", "sh", "${job}", "${outputs.out}",
            ])
        #expect(run.result(of: request).failure == nil)
        #expect(run.progress.count == 20000)
    }

    @Test func aSecondTryAppendsToTheLog() throws {
        var request = try run.request(["sh", "-c", "echo try; exit 3"])
        _ = run.result(of: request)
        request.attempt = 2
        _ = run.result(of: request)
        #expect(run.log(1) == "try\ntry\n")
    }

    @Test func wakeEndsAWaitFromAnotherThread() {
        let wake = run.executor.wake
        Thread.detachNewThread {
            usleep(20000)
            wake()
        }
        #expect(run.executor.waitForEvents(seconds: 60).isEmpty)
        wake()
        wake()
        #expect(run.executor.waitForEvents(seconds: 60).isEmpty)
    }

    @Test func thousandsOfShortTasksLeakNothing() throws {
        func openDescriptors() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        }
        _ = try run.shell("echo 1 > \"$1\"")
        let before = try openDescriptors()
        var ended = 0
        for _ in 0..<500 {
            let requests = try (0..<10).map { _ in
                try run.request(["sh", "-c", "echo 1 > \"$1\"", "sh", "${outputs.out}"])
            }
            let results = run.results(of: requests)
            ended += results.values.reduce(0) { $0 + ($1.failure == nil ? 1 : 0) }
            for request in requests { try? FileManager.default.removeItem(atPath: request.workFolder) }
        }
        #expect(ended == 5000)
        #expect(try openDescriptors() <= before + 2)
    }
}
