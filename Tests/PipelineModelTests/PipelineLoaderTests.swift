import PipelineModel
import StageProtocol
import Testing

@Suite struct PipelineLoaderTests {
    @Test func aGoodPipelineIsReadWhole() throws {
        let pipeline = try SamplePipeline(SamplePipeline.good).load()
        #expect(pipeline.name == "sample")
        #expect(pipeline.axes.map(\.name) == ["brain", "section", "model"])
        #expect(pipeline.axes[1].values == ["0001", "0002", "0003", "0001", "0002", "0003"])
        #expect(pipeline.axes[1].parents == [0, 0, 0, 1, 1, 1])
        #expect(pipeline.axes[0].columns == [[.text("seen"), .text("unseen")]])
        #expect(pipeline.stages.map(\.name) == ["label", "join"])
        let label = pipeline.stages[0]
        #expect(label.config.map(\.key.name) == ["spacing_um", "mode", "rounds"])
        #expect(label.config.map(\.value.constant) == [.real(32), .text("quick"), .integer(5)])
        #expect(label.resources.memoryBytes == 2 << 30)
        #expect(label.resources.timeLimitSeconds == 7200)
        #expect(label.seed?.value.constant == .integer(7))
        #expect(pipeline.targets.map(\.stages) == [[1]])
        #expect(pipeline.profiles[0].limits.memoryBytes == 16 << 30)
        #expect(pipeline.parameters[0].value == .text("/work/scans"))
        #expect(pipeline.config["nested"] == .map(["depth": .list([.integer(1), .real(2.5), .bool(true)])]))
    }

    @Test func allMistakesOfAFileComeAtOnce() {
        let mistakes = SamplePipeline(
            """
            pipeline: p
            axis: { brain: [B01] }
            axes: { brain: [B01, B02, B01], section: { within: brian, range: [1, 3] } }
            sources:
              scan: { file: "${brian}.tif", for: [brain], type: imgae }
            stages:
              label:
                for: [brain, sektion]
                confg: {}
                inputs: { image: scna }
                config: { spacing_um: -3, mode: quik, rounds: 2.5, speed: 1 }
              joim: { inputs: {} }
            targets: { default: [labl] }
            """
        ).mistakes()
        #expect(
            mistakes == [
                "p.yaml:2:1 unknown key 'axis' in the pipeline | one of axes, config, import, manifests, params, pipeline, profiles, "
                    + "sources, stages, summary, targets | did you mean axes",
                "p.yaml:3:27 the value 'B01' stands on axis 'brain' twice | each value once",
                "p.yaml:3:52 axis 'section' stands within 'brian', which is no axis that stands before it | did you mean brain",
                "p.yaml:5:53 no artifact type 'imgae' is declared | one of file, image, labels | did you mean image",
                "p.yaml:8:18 stage 'label' runs over 'sektion', which is no axis | one of brain",
                "p.yaml:9:5 unknown key 'confg' in stage 'label' | one of config, for, inputs, optional, resources, seed, summary, uses, when, "
                    + "where | did you mean config",
                "p.yaml:10:22 'scna' names no stage and no source | one of label | did you mean scan",
                "p.yaml:11:27 'spacing_um' of stage 'label' is '-3' | a number of at least 1 (um)",
                "p.yaml:11:37 'mode' of stage 'label' is 'quik' | one of quick, careful | did you mean quick",
                "p.yaml:11:51 'rounds' of stage 'label' is '2.5' | an integer from 0 to 10",
                "p.yaml:11:56 unknown key 'speed' in 'config' of stage 'label' | one of mode, rounds, spacing_um",
                "p.yaml:12:3 there is no manifest of stage 'joim' | a file joim.yaml in stages | did you mean join",
                "p.yaml:13:22 target 'default' names 'labl', which is no stage | did you mean label",
            ])
    }

    @Test func aMistakeShowsItsLineWithACaret() throws {
        let error = #expect(throws: PipelineMistakes.self) {
            try SamplePipeline("pipeline: p\nstages:\n  label: { inputs: { imge: x } }").load()
        }
        #expect(
            error?.description.hasPrefix(
                """
                p.yaml:3:3: error: stage 'label' lacks its input 'image'
                    3 |   label: { inputs: { imge: x } }
                      |   ^~~~~
                      = expected inputs: { image: … } with something of type 'image'
                p.yaml:3:22: error: stage 'label' has no input 'imge'
                    3 |   label: { inputs: { imge: x } }
                      |                      ^~~~
                      = expected one of image; did you mean 'image'?
                2 mistakes
                """) == true, "\(error?.description ?? "")")
    }

    @Test func connectionsOfOtherTypesAreMistakes() {
        let text = SamplePipeline.good.replacing("labels: label.labels", with: "labels: scan")
        #expect(
            SamplePipeline(text).mistakes() == [
                "p.yaml:16:43 'scan' is of type 'image', but input 'labels' of stage 'join' takes 'labels' | something of type 'labels'"
            ])
    }

    @Test func importsBringAxesSourcesAndStagesUnderTheirAlias() throws {
        var sample = SamplePipeline(
            "pipeline: p\nimport: { cohort: cohorts/a.yaml }\nstages:\n  label: { for: [brain], inputs: { image: cohort.scan } }\n"
                + "  join: { inputs: { labels: cohort.label } }")
        let cohort = """
            params: { data: ../scans }
            axes: { brain: [B01, B02] }
            sources: { scan: { file: "${params.data}/${brain}.tif", for: [brain], type: image } }
            stages: { label: { for: [brain], inputs: { image: scan } } }
            """
        sample.files.texts["/work/cohorts/a.yaml"] = cohort
        sample.files.texts["/work/cohorts/b.yaml"] = cohort.replacing("B02", with: "B03")
        let pipeline = try sample.load()
        #expect(pipeline.stages.map(\.name) == ["cohort.label", "label", "join"])
        #expect(pipeline.sources[0].name == "cohort.scan")
        #expect(pipeline.sources[0].folder == "/work/cohorts")
        #expect(try sample.load(PipelineOptions(imports: ["cohort=cohorts/b.yaml"])).axes[0].values == ["B01", "B03"])
        for setting in ["params.data=/data", "data=/data", "cohort.params.data=/data"] {
            #expect(
                try sample.load(PipelineOptions(settings: [setting])).sources[0].file.evaluated { _ in .text("B01") }
                    == .text("/data/B01.tif"))
        }
        #expect(
            try sample.load(PipelineOptions(settings: ["cohort.label.rounds=9"])).stages[0].config[2].value.constant
                == .integer(9))
    }

    @Test func anOptionalInputIsLeftOutWhereTheImportedFileLacksIt() throws {
        let text = """
            pipeline: p
            import: { cohort: cohort.yaml }
            stages:
              label: { for: [section], inputs: { image: cohort.scan } }
              join: { inputs: { labels: label.labels, extra: { from: cohort.mask, optional: true } } }
            """
        var sample = SamplePipeline(text)
        sample.files.texts["/work/cohort.yaml"] = """
            axes: { section: [a, b] }
            sources: { scan: { file: "${section}.tif", for: [section], type: image } }
            """
        let join = try #require(try sample.load().stages.first { $0.name == "join" })
        #expect(join.inputs.map(\.count) == [1, 0])
        // Without the word, or where no import could have it, a missing name stays a mistake.
        sample.files.texts["/work/p.yaml"] = text.replacing(
            "{ from: cohort.mask, optional: true }", with: "cohort.mask")
        #expect(sample.mistakes().count == 1)
        sample.files.texts["/work/p.yaml"] = text.replacing("cohort.mask, optional", with: "chort.mask, optional")
        #expect(sample.mistakes().count == 1)
        sample.files.texts["/work/p.yaml"] = text.replacing(
            "labels: label.labels", with: "labels: { from: cohort.labels, optional: true }")
        #expect(sample.mistakes().count == 1, "labels must be there")
    }

    @Test func anOptionalStageIsLeftOutWithAllThatNeedsItWhereTheImportedFileLacksWhatItReads() throws {
        var sample = SamplePipeline(
            """
            pipeline: p
            import: { cohort: cohort.yaml }
            stages:
              first: { uses: join, inputs: { labels: second.table } }
              second: { uses: label, for: [section], inputs: { image: third.labels } }
              third: { uses: label, for: [section], optional: true, inputs: { image: cohort.mask } }
              label: { for: [section], optional: true, inputs: { image: cohort.scan } }
              join: { inputs: { labels: label.labels, extra: { from: third.labels, optional: true } } }
              other: { uses: join, optional: true, inputs: { labels: label.labels, extra: { from: cohort.mask, optional: true } } }
            """)
        sample.files.texts["/work/stages/label.yaml"] = sample.files.texts["/work/stages/label.yaml"]?
            .replacing("image: { type: image }", with: "image: { type: file }")
        sample.files.texts["/work/stages/join.yaml"] = sample.files.texts["/work/stages/join.yaml"]?
            .replacing("labels: { type: labels }", with: "labels: { type: file }")
        sample.files.texts["/work/cohort.yaml"] = """
            axes: { section: [a, b] }
            sources: { scan: { file: "${section}.tif", for: [section], type: image } }
            """
        let stages = try sample.load().stages
        #expect(
            stages.map(\.leftOutFor) == ["second.table", "third.labels", "cohort.mask", nil, nil, nil],
            "what an optional input lacks leaves nothing out")
        // A name that no import could have is a slip of the pen, not a cohort without masks.
        sample.files.texts["/work/p.yaml"] = sample.files.texts["/work/p.yaml"]?
            .replacing("image: cohort.mask", with: "image: chort.mask")
        #expect(sample.mistakes().contains { $0.contains("chort") })
    }

    @Test func importCirclesArePrinted() {
        var sample = SamplePipeline("pipeline: p\nimport: { a: a.yaml }")
        sample.files.texts["/work/a.yaml"] = "import:\n  b: b.yaml\n"
        sample.files.texts["/work/b.yaml"] = "import:\n  a: a.yaml\n"
        #expect(
            sample.mistakes() == [
                "b.yaml:2:6 files import each other in a circle: a.yaml -> b.yaml -> a.yaml | imports without a circle"
            ])
    }

    @Test func mistakesInManifestsAndTypesAreLocatedInThem() {
        var sample = SamplePipeline(SamplePipeline.good)
        sample.files.texts["/work/stages/label.yaml"] = """
            stage: lable
            run: [worker, "${inputs.imag}"]
            inputs: { image: { type: image } }
            outputs: { labels: { type: labels, extention: h5 } }
            config: { rounds: { type: intger, default: 3 }, mode: { type: choice, choices: [a], default: b } }
            """
        let mistakes = sample.mistakes()
        #expect(
            mistakes == [
                "stages/label.yaml:1:8 the manifest of 'label' names the stage 'lable' | 'label', the name of the file",
                "stages/label.yaml:2:16 '${inputs.imag}' names nothing that 'run' can have | one of job, scratch, checkpoints, seed, "
                    + "folder, resources.cores, resources.memory, resources.gpu, inputs.image, outputs.labels, config.rounds, "
                    + "config.mode | did you mean inputs.image",
                "stages/label.yaml:4:36 unknown key 'extention' in output 'labels' | one of announce, extension, help, summary, type "
                    + "| did you mean extension",
                "stages/label.yaml:5:27 'intger' is no type of a config key | one of number, integer, boolean, text, list, "
                    + "choice, any | did you mean integer",
                "stages/label.yaml:5:94 the default of config key 'mode' is 'b' | one of a | did you mean a",
                "p.yaml:15:15 unknown key 'spacing_um' in 'config' of stage 'label' | one of mode, rounds",
            ])
    }

    @Test func aStageMayTakeARangeOfCores() throws {
        var sample = SamplePipeline(SamplePipeline.good)
        let manifest = try #require(sample.files.texts["/work/stages/label.yaml"])
        sample.files.texts["/work/stages/label.yaml"] = manifest.replacing(
            "cores: 2,", with: "cores: 1-4, typical: 3m,")
        let resources = try sample.load().stages[0].resources
        #expect(resources.typicalSeconds == 180)
        #expect(resources.leastCores == 1)
        #expect(resources.cores == 4)
        for wrong in ["4-1", "0-2", "1-", "two", "1-2-3"] {
            sample.files.texts["/work/stages/label.yaml"] = manifest.replacing("cores: 2,", with: "cores: \(wrong),")
            #expect(
                sample.mistakes() == [
                    "stages/label.yaml:11:21 '\(wrong)' is no number of cores | an integer from 1 to 65536, or a range as 1-4"
                ])
        }
    }

    @Test func settingsReplaceConfigAndAreChecked() throws {
        let sample = SamplePipeline(SamplePipeline.good)
        let pipeline = try sample.load(PipelineOptions(settings: ["label.rounds=7", "config.spacing_um=16"]))
        #expect(pipeline.stages[0].config.map(\.value.constant) == [.real(16), .text("quick"), .integer(7)])
        #expect(
            sample.mistakes(PipelineOptions(settings: ["label.ronds=7"])) == [
                "--set:1:1 --set names 'label.ronds', which the pipeline does not have | stage.key, config.key or params.name | did you mean label.rounds"
            ])
        #expect(
            sample.mistakes(PipelineOptions(settings: ["label.rounds=70"]))[0].hasPrefix(
                "--set:1:1 'rounds' of stage 'label' is '70'"))
        #expect(try sample.load(PipelineOptions(settings: ["data=here"])).parameters[0].value == .text("/work/here"))
    }

    @Test func configValuesMayReferToEachOtherButNotInACircle() throws {
        let good = SamplePipeline("pipeline: p\nconfig: { a: \"${config.b}\", b: 3, c: \"x${config.a}y\" }")
        #expect(try good.load().config == ["a": .integer(3), "b": .integer(3), "c": .text("x3y")])
        let circle = SamplePipeline("pipeline: p\nconfig: { a: \"${config.b}\", b: \"${config.a}\" }")
        #expect(circle.mistakes().count == 1)
        #expect(circle.mistakes()[0].contains("in a circle: a -> b -> a"))
    }

    @Test func referencesOfAStageAreLimitedToItsAxes() {
        let text = SamplePipeline.good.replacing("rounds: 5", with: "mode: \"${model}\"")
        #expect(
            SamplePipeline(text).mistakes()[0].hasPrefix(
                "p.yaml:15:58 '${model}' in 'config' of stage 'label' names nothing"))
    }

    @Test func aMissingFileIsOneMistake() {
        let error = #expect(throws: PipelineMistakes.self) {
            try PipelineLoader(files: SamplePipeline("pipeline: p").files).load("q.yaml")
        }
        #expect(error?.diagnostics.map(\.message) == ["there is no file q.yaml"])
        #expect(error?.diagnostics.first?.suggestion == "p.yaml")
    }

    @Test func aTextThatAnUnquotedCommaCutsOffIsExplained() {
        #expect(
            SamplePipeline("pipeline: p\nparams: { a: { default: 1, help: one, two } }").mistakes() == [
                "p.yaml:2:39 'two' in parameter 'a' is taken for a key of its own, because 'help' ends at the comma "
                    + "| quotes around the text of 'help', or no ',' in it"
            ])
    }
}
