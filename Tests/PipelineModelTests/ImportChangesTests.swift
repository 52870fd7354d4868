import PipelineModel
import StageProtocol
import Testing

@Suite struct ImportChangesTests {
    private func study(_ spec: String) -> SamplePipeline {
        var sample = SamplePipeline(
            """
            pipeline: study
            import:
              full: \(spec)
            stages:
              join: { inputs: { labels: full.label.labels } }
            """)
        sample.files.texts["/work/full.yaml"] = """
            pipeline: full
            import: { cohort: one.yaml }
            config: { spacing_um: 32 }
            axes: { rate: [1] }
            stages:
              label: { for: [brain], inputs: { image: cohort.scan }, config: { spacing_um: "${config.spacing_um}" } }
              sweep: { uses: label, for: [rate, phantom], inputs: { image: cohort.scan } }
            """
        sample.files.texts["/work/one.yaml"] = """
            axes: { phantom: [a], brain: [B01] }
            sources: { scan: { file: "scans/${brain}.tif", for: [brain], type: image } }
            """
        sample.files.texts["/work/two.yaml"] = """
            axes: { phantom: [a, b], brain: { within: phantom, values: { a: [B01], b: [B11, B12] } } }
            sources: { scan: { file: "scans/${brain}.tif", for: [phantom, brain], type: image } }
            """
        return sample
    }

    @Test func anImportMayChangeAxesConfigAndImportsOfItsFile() throws {
        let sample = study(
            "{ file: full.yaml, over: [phantom], import: { cohort: two.yaml }, axes: { rate: [1, 2, 3] }, config: { spacing_um: 8 } }"
        )
        let pipeline = try sample.load()
        #expect(pipeline.axes.map(\.name) == ["phantom", "brain", "rate"])
        #expect(pipeline.axes[1].values == ["B01", "B11", "B12"])
        #expect(pipeline.axes[2].values == ["1", "2", "3"])
        let label = try #require(pipeline.stages.first { $0.name == "full.label" })
        #expect(label.axes == [0, 1])
        #expect(label.config[0].value.constant == .real(8))
        // What names the axis itself runs over it once.
        #expect(try #require(pipeline.stages.first { $0.name == "full.sweep" }).axes == [2, 0])
        #expect(try #require(pipeline.stages.first { $0.name == "join" }).axes == [])
    }

    @Test func withoutChangesTheFileIsAsItIs() throws {
        let pipeline = try study("full.yaml").load()
        #expect(pipeline.axes.map(\.values) == [["a"], ["B01"], ["1"]])
        #expect(try #require(pipeline.stages.first { $0.name == "full.label" }).axes == [1])
    }

    @Test func changesOfWhatIsNotThereAreMistakes() {
        let mistakes = study(
            "{ file: full.yaml, over: [phantm], import: { cohrt: two.yaml }, axes: { rat: [1] }, config: { spacing: 8 } }"
        ).mistakes()
        #expect(
            mistakes == [
                "p.yaml:3:35 'phantm' in 'over' of an import is no axis | one of brain, phantom, rate | did you mean phantom",
                "p.yaml:3:54 the imported file has no 'cohrt' in its 'import' | one of cohort | did you mean cohort",
                "p.yaml:3:81 the imported file has no 'rat' in its 'axes' | one of rate | did you mean rate",
                "p.yaml:3:103 the imported file has no 'spacing' in its 'config' | one of spacing_um",
            ])
    }
}
