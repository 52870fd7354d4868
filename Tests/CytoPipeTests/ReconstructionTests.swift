import Foundation
import StageProtocol
import Testing

/// The real stages in the real worker on five small scans, from files to a volume, and what the store tells of it.
@Suite(.enabled(if: ScratchProject.isBuilt && ScratchProject.hasStages, "cyto-pipe and cyto-stage are not built"))
struct ReconstructionTests {
    @Test func scansBecomeAVolumeAndAnEditRerunsItsOwnTasksOnly() throws {
        let project = try ScratchProject.scans()
        let first = try project.run("run", "p.yaml", "--json")
        #expect(first.status == 0, "\(first.errors)")
        // Labels, keypoints and alignment of five sections; stack, volume, preview of the brain.
        #expect(first.count("executed") == 18)
        #expect(try project.figure("unlinked", of: "section-stack[brain=B1]") == 0)
        #expect(try project.figure("mirrored", of: "section-stack[brain=B1]") == 1)
        for section in 1...4 {
            let task = "section-alignment[brain=B1,section=000\(section)]"
            let before = try #require(try project.figure("correlation_before", of: task))
            let after = try #require(try project.figure("correlation_after", of: task))
            // One slice on itself differs by noise and interpolation alone.
            #expect(after > before && after > 0.97, "\(task): \(before) -> \(after)")
        }
        let gray = try #require(
            try project.figure("gray_fraction", of: "tissue-segmentation[brain=B1,section=0002]"))
        let white = try #require(
            try project.figure("white_fraction", of: "tissue-segmentation[brain=B1,section=0002]"))
        // The oval fills π · 80 · 100 of 240 · 280 pixels, its white part 0.65² of that; a border of a pixel is 2 %.
        #expect(abs(gray + white - 0.374) < 0.02)
        #expect(abs(white - 0.158) < 0.02)
        #expect(try project.executed() == 0)

        // One section scanned anew: its labels, its keypoints, its two alignments, and what the brain makes of them.
        let picture = SectionPicture()
        try project.write(
            scan: 3, picture.tiff(picture.levels(rotationDeg: -7, row: 4, column: -6, seed: 33)))
        #expect(try project.executed() == 7)
        #expect(try project.figure("unlinked", of: "section-stack[brain=B1]") == 0)
        #expect(try project.executed() == 0)
    }

    @Test func theStoreTellsWhereAVolumeCameFromAndMendsIt() throws {
        let project = try ScratchProject.scans()
        #expect(try project.run("run", "p.yaml").status == 0)
        let volume = "tissue-volume[brain=B1]"

        let stages = try project.run("ls")
        #expect(stages.status == 0 && stages.output.contains("tissue-volume"))
        #expect(try project.run("ls", "tissue-segmentation").output.split(separator: "\n").count == 5)

        let path = try project.run("path", volume).output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(FileManager.default.fileExists(atPath: path))
        let unknown = try project.run("path", "tissue-volume[brain=B9]")
        #expect(unknown.status != 0 && unknown.errors.contains("Did you mean '\(volume)'?"))

        // A copy anywhere leads back to the scans.
        let copy = project.folder + "/copy.h5"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let audit = try project.run("audit", copy, "--full", "--verify")
        #expect(audit.status == 0, "\(audit.errors)")
        for name in [volume, "section-stack[brain=B1]", "tissue-segmentation[brain=B1,section=0004]", "0004.tif"] {
            #expect(audit.output.contains(name), "\(name)")
        }

        // A byte that the disk lost is found, and the next run makes just that file again, as it was.
        #expect(try project.run("verify").status == 0)
        let sound = try Data(contentsOf: URL(filePath: path))
        var damaged = sound
        damaged[damaged.count / 2] ^= 1
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        try damaged.write(to: URL(filePath: path))
        let verdict = try project.run("verify")
        #expect(verdict.status == 1)
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(try project.executed() == 1)
        #expect(try Data(contentsOf: URL(filePath: path)) == sound)
        #expect(try project.run("verify").status == 0)
    }

    @Test func gcRemovesOnlyWhatNoPipelineNeeds() throws {
        let project = try ScratchProject.scans()
        #expect(try project.run("run", "p.yaml").status == 0)
        let old = try project.run("path", "tissue-volume[brain=B1]").output.trimmingCharacters(
            in: .whitespacesAndNewlines)
        #expect(try project.executed("--set", "tissue-volume.spacing_um=500") == 1)
        let new = try project.run("path", "tissue-volume[brain=B1]").output.trimmingCharacters(
            in: .whitespacesAndNewlines)
        #expect(old != new)
        // Counted, then removed: the volume of the former config, nothing that stands behind the current one.
        #expect(try project.run("gc", "--keep-days", "0").status == 0)
        #expect(FileManager.default.fileExists(atPath: old))
        #expect(try project.run("gc", "--keep-days", "0", "--delete").status == 0)
        #expect(!FileManager.default.fileExists(atPath: old))
        #expect(FileManager.default.fileExists(atPath: new))
        #expect(try project.run("verify").status == 0)
        #expect(try project.executed("--set", "tissue-volume.spacing_um=500") == 0)
    }
}

extension ScratchProject {
    /// The built worker of the real stages stands beside the test bundle too.
    static var hasStages: Bool {
        FileManager.default.isExecutableFile(
            atPath: URL(filePath: program).deletingLastPathComponent().appending(path: "cyto-stage").path)
    }

    /// Five scans of one slice, each laid down differently, the fourth face down, and the pipeline up to the volume.
    static func scans() throws -> ScratchProject {
        let project = try ScratchProject()
        let manifests = ProjectFilesTests.root.appending(path: "stages").path
        for name in try FileManager.default.contentsOfDirectory(atPath: manifests) where name.hasSuffix(".yaml") {
            try project.write(
                "stages/" + name, try String(contentsOfFile: manifests + "/" + name, encoding: .utf8))
        }
        let picture = SectionPicture()
        var table = "brain,section,position_um\n"
        for section in 1...5 {
            let turn = [3.0, -5, 8, 2, -4][section - 1]
            try project.write(
                scan: section,
                picture.tiff(
                    picture.levels(
                        rotationDeg: turn, row: 2 * turn, column: -turn, mirrored: section == 4, seed: UInt64(section)))
            )
            table += "B1,000\(section),\(400 * section)\n"
        }
        try project.write("sections.csv", table)
        try project.write(
            "p.yaml",
            """
            pipeline: slice
            config: { seed: 1 }
            axes:
              brain: [B1]
              section: { within: brain, table: { file: sections.csv, key: section } }
            sources: { scan: { file: "scans/${section}.tif", for: [brain, section], type: section-image } }
            stages:
              tissue-segmentation: { for: [brain, section], inputs: { section: scan }, config: { spacing_um: 100 } }
              section-keypoints: { for: [brain, section], inputs: { section: scan }, config: { spacing_um: 100 } }
              section-alignment:
                for: [brain, section]
                inputs:
                  moving: section-keypoints.keypoints
                  fixed: { from: section-keypoints.keypoints, section: +1, optional: true }
              section-stack: { for: [brain], inputs: { transforms: section-alignment.transform } }
              tissue-volume:
                for: [brain]
                inputs: { stack: section-stack.stack, labels: tissue-segmentation.labels }
                config: { spacing_um: 400 }
              segmentation-preview: { for: [brain], inputs: { labels: tissue-segmentation.labels } }
            """)
        return project
    }

    func write(scan section: Int, _ data: Data) throws {
        let url = URL(filePath: folder).appending(path: "scans/000\(section).tif")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    /// A figure that a task's last run reported.
    func figure(_ name: String, of task: String) throws -> Double? {
        guard case .map(let action) = try run("show", task, "--json").json["action"],
            case .map(let figures) = action["figures"]
        else { return nil }
        switch figures[name] {
        case .integer(let value): return Double(value)
        case .real(let value): return value
        default: return nil
        }
    }
}
