import ContentHash
import PipelineGraph
import PipelineModel
import Scheduling
import StageProtocol
import Testing

@Suite struct GraphExpansionTests {
    static let axes =
        "axes:\n  a: { A: { kind: good, position: 1.5 }, B: { kind: bad, position: 2 } }\n  s: { within: a, values: { A: [1, 2, 3], B: [1] } }\n  m: [x, y]\n"

    private func lines(_ stages: String) throws -> [String] {
        try SampleGraph(GraphExpansionTests.axes + stages).expand().graph.lines
    }

    private func mistakes(_ stages: String) -> [String] { SampleGraph(GraphExpansionTests.axes + stages).mistakes() }

    @Test func sharedAxesMatchOneToOne() throws {
        let graph = try lines("stages:\n  make: { for: [a, s] }\n  work: { for: [a, s], inputs: { in: make.out } }")
        #expect(
            graph == [
                "make[a=A,s=1]", "make[a=A,s=2]", "make[a=A,s=3]", "make[a=B,s=1]",
                "work[a=A,s=1] <- in:make[a=A,s=1].out", "work[a=A,s=2] <- in:make[a=A,s=2].out",
                "work[a=A,s=3] <- in:make[a=A,s=3].out", "work[a=B,s=1] <- in:make[a=B,s=1].out",
            ])
    }

    @Test func axesThatTheConsumerLacksAreGatheredInOrder() throws {
        let graph = try lines("stages:\n  make: { for: [a, s] }\n  work: { for: [a], inputs: { in: make.out } }")
        #expect(
            graph.suffix(2) == [
                "work[a=A] <- in:make[a=A,s=1].out in:make[a=A,s=2].out in:make[a=A,s=3].out",
                "work[a=B] <- in:make[a=B,s=1].out",
            ])
    }

    @Test func axesThatTheProducerLacksAreBroadcast() throws {
        let graph = try lines("stages:\n  make: {}\n  work: { for: [m, a], inputs: { in: make.out } }")
        #expect(
            graph == [
                "make", "work[m=x,a=A] <- in:make.out", "work[m=x,a=B] <- in:make.out", "work[m=y,a=A] <- in:make.out",
                "work[m=y,a=B] <- in:make.out",
            ])
    }

    @Test func matchGatherAndBroadcastWorkTogether() throws {
        let graph = try lines("stages:\n  make: { for: [s, a] }\n  work: { for: [m, a], inputs: { in: make.out } }")
        #expect(graph.count == 8)
        #expect(graph[6] == "work[m=y,a=A] <- in:make[a=A,s=1].out in:make[a=A,s=2].out in:make[a=A,s=3].out")
    }

    @Test func neighboursStayWithinTheirParentAndInOrder() throws {
        let graph = try lines(
            "stages:\n  make: { for: [a, s] }\n  work:\n    for: [a, s]\n    inputs:\n      in: make.out\n"
                + "      side: { from: make.out, s: [+2, -1, +1], optional: true }")
        #expect(
            graph.suffix(4) == [
                "work[a=A,s=1] <- in:make[a=A,s=1].out side:make[a=A,s=3].out side:make[a=A,s=2].out",
                "work[a=A,s=2] <- in:make[a=A,s=2].out side:make[a=A,s=1].out side:make[a=A,s=3].out",
                "work[a=A,s=3] <- in:make[a=A,s=3].out side:make[a=A,s=2].out",
                "work[a=B,s=1] <- in:make[a=B,s=1].out",
            ])
    }

    @Test func aMissingNeighbourThatIsNeededIsAMistake() {
        let found = mistakes(
            "stages:\n  make: { for: [a, s] }\n  work: { for: [a, s], inputs: { in: { from: make.out, s: +1 } } }")
        #expect(found == ["p.yaml:8:46 input 'in' of work[a=A,s=3] (and 1 more items) finds no file of 'make.out'"])
    }

    @Test func aStageMayReadItsOwnNeighbourInOneDirection() throws {
        let back = try lines(
            "stages:\n  make: { for: [s, a] }\n  work: { for: [a, s], inputs: { in: make.out, side: { from: work.out, s: -1 , optional: true} } }"
        )
        #expect(back.last == "work[a=B,s=1] <- in:make[a=B,s=1].out")
        #expect(back[5] == "work[a=A,s=2] <- in:make[a=A,s=2].out side:work[a=A,s=1].out")
        let forward = try lines(
            "stages:\n  make: { for: [s, a] }\n  work: { for: [a, s], inputs: { in: make.out, side: { from: work.out, s: +1, optional: true } } }"
        )
        #expect(forward[4] == "work[a=B,s=1] <- in:make[a=B,s=1].out")
        #expect(forward[6] == "work[a=A,s=2] <- in:make[a=A,s=2].out side:work[a=A,s=3].out")
        #expect(
            mistakes("stages:\n  work: { for: [a, s], inputs: { in: { from: work.out, s: [-1, +1] } } }")[0].contains(
                "needs its own output in a circle"))
    }

    @Test func circlesOfStagesArePrinted() {
        let found = mistakes(
            "stages:\n  work: { inputs: { in: two.out } }\n  two: { uses: work, inputs: { in: three.out } }\n  three: { uses: work, inputs: { in: work.out } }"
        )
        #expect(found == ["p.yaml:9:38 stages need each other in a circle: work -> three -> two -> work"])
    }

    @Test func whereAndWhenLeaveItemsOut() throws {
        #expect(
            try lines("stages: { make: { for: [a, s], where: { kind: good, s: [1, 3] } } }") == [
                "make[a=A,s=1]", "make[a=A,s=3]",
            ])
        #expect(
            try lines("stages: { make: { for: [a, s], when: [\"${a.kind} != bad\", \"${s.index} < 1\"] } }") == [
                "make[a=A,s=1]"
            ])
        #expect(
            try lines("stages: { make: { for: [a, m], when: \"${a} == A\" } }") == ["make[a=A,m=x]", "make[a=A,m=y]"])
        #expect(try lines("config: { on: false }\nstages: { make: { for: [a], when: \"${config.on}\" } }") == [])
        #expect(
            mistakes("stages: { make: { for: [a], where: { knd: good } } }") == [
                "p.yaml:6:38 'knd' in 'where' of stage 'make' is no attribute of its axes"
            ])
    }

    @Test func itemsThatLackTheirInputAreAMistakeUnlessOptional() throws {
        let stages =
            "stages:\n  make: { for: [a], where: { kind: good } }\n  work: { for: [a], inputs: { in: make.out } }"
        #expect(mistakes(stages) == ["p.yaml:8:35 input 'in' of work[a=B] finds no file of 'make.out'"])
        let graph = try lines(stages.replacing("in: make.out", with: "in: { from: make.out, optional: true }"))
        #expect(graph == ["make[a=A]", "work[a=A] <- in:make[a=A].out", "work[a=B]"])
    }

    @Test func anOptionalStageThatMisspellsANameOfItsOwnFileIsAMistake() throws {
        let stages =
            "stages:\n  make: {}\n  work: { optional: true, inputs: { in: make.truth } }\ntargets: { default: [make, work] }"
        #expect(mistakes(stages) == ["p.yaml:8:41 stage 'make' has no output 'truth'"])
        #expect(try lines(stages.replacing("make.truth", with: "make.out")) == ["make", "work <- in:make.out"])
    }

    @Test func pinsAndFiltersPickFromGatheredAxes() throws {
        let graph = try lines(
            "stages:\n  make: { for: [a, s] }\n  work:\n    for: [m]\n    inputs:\n      in: { from: make.out, a: A, s: 2 }\n"
                + "      side: { from: make.out, where: { kind: bad } }")
        #expect(graph[4] == "work[m=x] <- in:make[a=A,s=2].out side:make[a=B,s=1].out")
    }

    @Test func severalProducersFeedOnePortInOrder() throws {
        let graph = try lines(
            "stages:\n  make: { for: [m] }\n  two: { uses: make }\n  work: { inputs: { in: [two.out, make.out] } }")
        #expect(graph.last == "work <- in:two.out in:make[m=x].out in:make[m=y].out")
    }

    @Test func sourcesBecomePathsAndOnlyThoseReadAreKept() throws {
        let graph = try SampleGraph(
            GraphExpansionTests.axes + "sources: { scan: { file: \"d/${a}/${s}.txt\", for: [a, s], type: thing } }\n"
                + "stages: { work: { for: [a, s], where: { kind: good }, inputs: { in: scan } } }"
        ).expand().graph
        #expect(graph.sources == ["/work/d/A/1.txt", "/work/d/A/2.txt", "/work/d/A/3.txt"])
    }

    @Test func configIsSharedWhereItDoesNotDependOnTheItem() throws {
        let plain = try SampleGraph(
            GraphExpansionTests.axes + "stages: { make: { for: [a, s], config: { level: 3 } } }"
        ).expand().graph
        #expect(plain.configs == [["name": .text("x"), "level": .integer(3)]])
        let varying = try SampleGraph(
            GraphExpansionTests.axes + "stages: { make: { for: [a, s], config: { name: \"${a.kind}-${a}\" } } }"
        ).expand().graph
        #expect(varying.configs.map { $0["name"] } == [.text("good-A"), .text("bad-B")])
        #expect(varying.tasks.map(\.config) == [0, 0, 0, 1])
        let numbers = try SampleGraph(
            GraphExpansionTests.axes + "stages: { make: { for: [a, s], config: { level: \"${s}\" } } }"
        ).expand().graph
        #expect(numbers.configs.map { $0["level"] } == [.integer(1), .integer(2), .integer(3), .integer(1)])
        #expect(
            mistakes("stages: { make: { for: [m], config: { level: \"${m}\" } } }") == [
                "p.yaml:6:46 'level' of make[m=x] is 'x'"
            ])
    }

    @Test func seedsComeFromThePipelineUnlessTheStageHasItsOwn() throws {
        let graph = try SampleGraph(
            "config: { seed: 5 }\naxes: { n: { range: [1, 2] } }\nstages:\n  make: {}\n  two: { uses: make, for: [n], seed: \"${n}\" }"
        ).expand().graph
        #expect(graph.tasks.map(\.seed) == [5, 1, 2])
    }

    @Test func attributesThatAPortAsksForComeWithItsFiles() throws {
        let graph = try SampleGraph(
            GraphExpansionTests.axes
                + "stages:\n  make: { for: [a, s] }\n  place: { for: [a], inputs: { in: make.out } }"
        ).expand().graph
        #expect(graph.attributeSets == [["a": ["position": .real(1.5)]], ["a": ["position": .integer(2)]]])
        #expect(graph.inputs.map(\.attributes) == [0, 0, 0, 1])
        #expect(
            mistakes("stages:\n  make: { for: [m] }\n  place: { for: [m], inputs: { in: make.out } }")[0].contains(
                "wants the attribute 'position'"))
    }

    @Test func theManifestDigestCoversWhatDecidesResultsAndNothingElse() throws {
        let sample = SampleGraph("stages: { make: {} }")
        func digest(_ change: (inout SampleGraph) -> Void) throws -> String {
            var changed = sample
            change(&changed)
            return try changed.expand().graph.stages[0].manifestDigest.hex
        }
        let base = try digest { _ in }
        let make = "/work/stages/make.yaml"
        #expect(try digest { $0.texts[make]? += "\nsummary: other\nresources: { cores: 3 }\n" } == base)
        #expect(try digest { $0.texts[make] = sample.texts[make]?.replacing("default: 1", with: "default: 2") } == base)
        #expect(try digest { $0.texts[make] = sample.texts[make]?.replacing("level", with: "depth") } != base)
        #expect(
            try digest { $0.texts[make] = sample.texts[make]?.replacing("extension: log", with: "extension: txt") }
                != base)
        #expect(try digest { $0.texts[make] = sample.texts[make]?.replacing("[sh,", with: "[bash,") } != base)
        #expect(try digest { $0.texts["/work/stages/make.sh"] = "echo 2" } != base)
    }

    @Test func aHundredThousandTasksExpand() throws {
        let graph = try SampleGraph(
            "axes:\n  g: { range: [1, 10] }\n  l: { within: g, range: [1, 10000] }\nstages:\n  make: { for: [g, l] }\n"
                + "  work: { for: [g, l], inputs: { in: make.out, side: { from: make.out, l: +1, optional: true } } }\n"
                + "  all: { uses: work, inputs: { in: work.out } }"
        ).expand().graph
        #expect(graph.tasks.count == 200_001)
        // make -> work, the neighbours within ten groups, and work -> all.
        #expect(graph.inputs.count == 100_000 + 10 * 9_999 + 100_000)
        #expect(graph.items.count == 100_001)
    }
}

@Suite struct TaskSelectionTests {
    private static let pipeline = """
        axes: { a: [A, B] }
        stages:
          make: { for: [a] }
          work: { for: [a], inputs: { in: make.out } }
          join: { uses: work, inputs: { in: work.out } }
          other: { uses: make, for: [a] }
        targets: { default: [join], side: [other] }
        """

    private func select(_ change: (inout TaskSelection) -> Void) throws -> (names: [String], modes: [TaskModes.Mode]) {
        var selection = TaskSelection()
        change(&selection)
        let tasks = try SampleGraph(TaskSelectionTests.pipeline).expand().select(selection)
        let indices = tasks.graph.tasks.indices
        #expect(tasks.graph.lines.count == indices.count)
        return (indices.map { tasks.graph.label(of: $0) }, indices.map { tasks.modes[$0] })
    }

    @Test func theDefaultTargetIsTakenWhereNoneIsNamed() throws {
        #expect(try select { _ in }.names == ["make[a=A]", "make[a=B]", "work[a=A]", "work[a=B]", "join"])
        #expect(try select { $0.targets = ["side"] }.names == ["other[a=A]", "other[a=B]"])
        #expect(try select { $0.targets = ["work[a=B]"] }.names == ["make[a=B]", "work[a=B]"])
    }

    @Test func onlyAndFromLeaveOutTheRest() throws {
        let only = try select { $0.only = ["work"] }
        #expect(only.names == ["make[a=A]", "make[a=B]", "work[a=A]", "work[a=B]"])
        #expect(only.modes == [.leftOut, .leftOut, .normal, .normal])
        let from = try select { $0.from = ["work"] }
        #expect(from.modes == [.leftOut, .leftOut, .normal, .normal, .normal])
    }

    @Test func forceMarksTheStage() throws {
        #expect(try select { $0.force = ["work"] }.modes == [.normal, .normal, .forced, .forced, .normal])
    }

    @Test func itemsKeepTheirTasksAndWhatTheyNeed() throws {
        #expect(try select { $0.items = ["a=B"] }.names == ["make[a=B]", "work[a=B]"])
    }

    @Test func unknownNamesAreAllReported() {
        let error = #expect(throws: PipelineMistakes.self) {
            try select {
                $0.targets = ["jion"]
                $0.only = ["wrok"]
                $0.items = ["a=C", "b=1"]
            }
        }
        #expect(
            error?.diagnostics.map { "\($0.mark.text) \($0.message) \($0.suggestion ?? "")" } == [
                "target:1:1 there is no target or stage 'jion' join", "--only:1:1 there is no stage 'wrok' work",
                "--item:1:1 axis 'a' has no value 'C' A", "--item:1:1 there is no axis 'b' a",
            ])
    }
}
