/// The whole page: one HTML file with everything in it.
struct ReportPage {
    var title: String
    var subtitle: String
    var findings: Findings
    var sections: [PageSection]
    var counts: [(String, String)]
    var library: PlotLibrary

    var html: String {
        let style = Markup(trusted: String(decoding: PackageResources.page_css, as: UTF8.self))
        let loader = Markup(trusted: String(decoding: PackageResources.loader_js, as: UTF8.self))
        let charts = Markup(trusted: String(decoding: PackageResources.charts_js, as: UTF8.self))
        let scatter = Markup(trusted: String(decoding: PackageResources.scatter_js, as: UTF8.self))
        let page = Markup(trusted: String(decoding: PackageResources.page_js, as: UTF8.self))
        let links = sections.map { section -> Markup in "<a href=\"#\(section.id)\">\(section.title)</a>" }
        let counts = counts.map { value, label -> Markup in "<span><b>\(value)</b> \(label)</span>" }
        // Scripts run from the page alone: no address is reachable from here.
        let markup: Markup = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; base-uri 'none'; form-action 'none'">
            <title>\(title)</title>
            <style>\(style)</style>
            </head>
            <body>
            <header class="top"><p class="kicker">cyto-pipe report</p><h1>\(title)</h1><p class="subtitle">\(subtitle)</p><p class="counts">\(counts)</p></header>
            <nav aria-label="Sections"><a href="#summary">Summary</a>\(links)</nav>
            <main>
            <noscript><p class="missing">Plots need JavaScript, which is off; all numbers stand in the tables.</p></noscript>
            <section id="summary"><h2>Summary</h2>\(findings.cardsMarkup)\(findings.markup)</section>
            \(sections.map(\.markup))
            </main>
            <dialog id="viewer" aria-label="Picture, enlarged"><form method="dialog"><button>Close</button></form><div class="stage"></div></dialog>
            <div id="tip" role="status"></div>
            <script>\(loader)
            \(Markup(trusted: library.script))</script>
            <script>\(charts)</script>
            <script>\(scatter)</script>
            <script>\(page)</script>
            </body>
            </html>

            """
        return markup.html
    }
}
