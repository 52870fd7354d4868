import Foundation
import Testing

/// The page in a real browser, without a screen: Debian's chromium, where it is installed.
@Suite(.enabled(if: SmallRun.hasVega && SmallRun.hasChromium, "Debian's chromium and libjs-vega are installed"))
struct BrowserTests {
    private struct Outcome {
        var status: Int32
        var output: String
        var log: String
    }

    private func chromium(_ arguments: [String], in folder: String) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: SmallRun.chromium)
        process.arguments =
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
                "--user-data-dir=\(folder)/profile", "--virtual-time-budget=20000",
            ] + arguments
        let (output, log) = (folder + "/out.txt", folder + "/log.txt")
        for path in [output, log] { try Data().write(to: URL(filePath: path)) }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: log)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        func text(_ path: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        }
        return Outcome(status: process.terminationStatus, output: text(output), log: text(log))
    }

    /// What scripts and the browser complained of.
    private func complaints(_ outcome: Outcome) -> [Substring] {
        outcome.log.split(separator: "\n").filter { $0.contains("CONSOLE") }
    }

    @Test func everyPlotIsDrawnWithoutAScriptError() throws {
        let run = try SmallRun()
        try run.addAll()
        _ = try run.report()
        let outcome = try chromium(["--dump-dom", "file://\(run.page)#all"], in: run.folder)
        #expect(outcome.status == 0)
        #expect(complaints(outcome).isEmpty)
        #expect(outcome.output.contains("data-ready=\"yes\"") && !outcome.output.contains("data-errors"))
        let plots = try #require(outcome.output.firstMatch(of: /data-plots="(\d+)\/(\d+)"/))
        #expect(plots.1 == plots.2 && (Int(plots.2) ?? 0) >= 8, "\(plots.0)")
        #expect(outcome.output.contains("<canvas"))
    }

    /// 500 px is the narrowest window that the browser opens; the page itself is given the width of a phone by a frame.
    @Test(arguments: [(360, 800), (1280, 900)]) func thePageFitsItsWindow(width: Int, height: Int) throws {
        let run = try SmallRun()
        try run.addAll()
        _ = try run.report()
        try run.write(
            "frame.html",
            """
            <!doctype html><body style="margin:0"><iframe id="f" src="report.html" style="border:0;width:\(width)px;height:\(height)px"></iframe>
            <script>
            onload = () => setTimeout(() => {
              const root = document.getElementById("f").contentDocument.documentElement;
              document.body.dataset.widths = root.scrollWidth + " of " + root.clientWidth;
            }, 3000);
            </script></body>
            """)
        let outcome = try chromium(
            [
                "--allow-file-access-from-files", "--window-size=\(max(width, 500)),\(height)", "--dump-dom",
                "file://\(run.path("frame.html"))",
            ], in: run.folder)
        let widths = try #require(outcome.output.firstMatch(of: /data-widths="(\d+) of (\d+)"/))
        // Nothing sticks out: wide tables scroll inside themselves.
        #expect(widths.1 == widths.2 && Int(widths.2) == width)

        let picture = run.path("screen.png")
        let shot = try chromium(
            [
                "--allow-file-access-from-files", "--window-size=\(max(width, 500)),\(height)",
                "--screenshot=\(picture)", "file://\(run.path("frame.html"))",
            ], in: run.folder)
        #expect(shot.status == 0 && complaints(shot).isEmpty)
        let bytes = try Data(contentsOf: URL(filePath: picture))
        // A blank page is some kilobytes.
        #expect(bytes.count > 15_000)
    }
}
