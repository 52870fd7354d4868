internal import StageKit
internal import StageProtocol

/// From section scans to points: a picture of every step, and the checks against the truth where there is one.
enum GeometrySection {
    private struct Step {
        var port: String
        var name: String
        var what: Markup
        /// What the picture shows of one brain.
        var alternative: String
    }

    private static let steps = [
        Step(
            port: "segmentation_preview", name: "Sections and tissue",
            what:
                "Sections of the brain as scanned; gray matter orange, white matter blue, as the segmentation finds them (Methods 3.2).",
            alternative: "sections of brain %, gray and white matter in colours"),
        Step(
            port: "volume_views", name: "The stack",
            what:
                "The aligned sections as a volume, cut across, along from the side and along from above; below, the labels.",
            alternative: "three cuts through the volume of brain %"),
        Step(
            port: "surface_views", name: "The midsurface",
            what:
                "The surface in the middle of the cortex, both hemispheres from all sides; blue where it closes the medial wall.",
            alternative: "midsurface of brain % from several sides"),
        Step(
            port: "midline_preview", name: "The midline",
            what:
                "Points along the middle of the cortex, magenta in the left and green in the right hemisphere, projected back into the sections: where patches are taken.",
            alternative: "sections of brain % with the points along the midline"),
        Step(
            port: "registration_views", name: "Template space",
            what:
                "The brain’s gray (dark) and white matter (light) brought to the template, under the outlines of the template’s gray (orange) and white matter (blue); what is no cortex is beige. Below, the brain’s own grid as the registration bends it.",
            alternative: "brain % and the template"),
    ]

    static func make(_ report: ReportContext, findings: inout Findings) throws -> PageSection {
        var section = PageSection(id: "geometry", title: "From sections to points")
        section.lead = """
            Sections are segmented, aligned to each other and stacked; from the stack come the cortex’s midsurface and, in every section, the points \
            along its middle, with coordinates in template space.
            """
        for step in steps {
            let sources = report.sources(step.port)
            guard !sources.isEmpty else {
                section.missing.append("No pictures of this step: \(step.name).")
                continue
            }
            section.blocks.append(try figure(step, sources, report).markup(report))
        }
        try checks(report, into: &section, findings: &findings)
        return section
    }

    /// The first brain large, the others to scroll to.
    private static func figure(_ step: Step, _ sources: [ReportSource], _ report: ReportContext) throws -> Figure {
        var slides: [Markup] = []
        for (index, source) in sources.enumerated() {
            let name = brain(source)
            let alternative = step.alternative.replacing("%", with: name)
            guard
                let image = try report.pictures.image(
                    source, alternative: alternative, largest: index == 0 ? nil : 480)
            else { continue }
            let role = source.attribute("role").map { " (\($0))" } ?? ""
            slides.append(
                "<div class=\"slide\"><button class=\"zoom\" type=\"button\">\(image)</button><p>\(name)\(role)</p></div>"
            )
        }
        let hint: Markup = slides.count > 1 ? " Scroll sideways for the other \(slides.count - 1)." : ""
        let gap: Markup =
            slides.count < sources.count ? " \(sources.count - slides.count) left out to keep the page small." : ""
        return Figure(
            name: step.name, caption: "\(step.what)\(hint)\(gap)",
            body: "<div class=\"gallery\" tabindex=\"0\">\(slides)</div>", sources: sources)
    }

    static func brain(_ source: ReportSource) -> String {
        let others = source.item.filter { $0.axis != "brain" }.map { "\(NumberText.words($0.axis)) \($0.value)" }
        return ([source.coordinate("brain")].compactMap { $0 } + others).joined(separator: ", ")
    }

    // MARK: Checks

    /// The figures of a reconstruction that say most, in reading order.
    private static let reconstructionFigures = [
        ("gray_dice", "gray Dice", 3), ("white_dice", "white Dice", 3),
        ("pair_displacement_median_um", "neighbour alignment, median (µm)", 0),
        ("stack_displacement_median_um", "stack, median (µm)", 0),
        ("stack_displacement_largest_um", "stack, largest (µm)", 0), ("mirrored_found", "mirrored found", 0),
        ("mirrored_missed", "mirrored missed", 0),
    ]
    private static let geometryFigures = [
        ("midline_distance_median_um", "midline, median (µm)", 0),
        ("surface_to_truth_median_um", "midsurface, median (µm)", 0),
        ("surface_to_truth_95_um", "midsurface, 95 % (µm)", 0),
        ("exact_error_median_mm", "MNI by exact maps, median (mm)", 2),
        ("given_error_median_mm", "MNI by the cohort’s maps (mm)", 2),
        ("registered_error_median_mm", "MNI by our registration (mm)", 2),
    ]

    private static func checks(
        _ report: ReportContext, into section: inout PageSection, findings: inout Findings
    ) throws {
        for (port, title, figures, caption) in [
            (
                "reconstruction_check", "Reconstruction against the truth", reconstructionFigures,
                "Segmentation and alignment of each brain against what is true of it: overlap of gray and white matter (Dice), and how far a pixel of the section lies from its true place."
                    as Markup
            ),
            (
                "geometry_check", "Midsurface and coordinates against the truth", geometryFigures,
                "Distances of midline points and midsurface from the true ones, and error of the coordinates in template space."
            ),
        ] {
            let digest = try SummaryDigest(port: port, in: report)
            guard !digest.isEmpty else {
                section.missing.append("\(title): this cohort has no known truth to check against.")
                continue
            }
            let known = figures.filter { figure in digest.groups.contains { digest.spread(figure.0, of: $0).count > 0 }
            }
            var table = PageTable(columns: ["brain"] + known.map(\.1))
            for group in digest.groups {
                table.rows.append(
                    [.text(report.words(group.variant))]
                        + known.map { .number(digest.spread($0.0, of: group).text(decimals: $0.2)) })
            }
            section.blocks.append(
                Figure(name: title, caption: caption, body: table.markup, sources: digest.sources, isTable: true)
                    .markup(report))
            section.blocks += digest.foldedBlocks(report, title: title)
            for (figure, label, decimals) in [
                ("gray_dice", "gray matter Dice", 2),
                ("given_error_median_mm", "mm, median error of template coordinates", 1),
            ] {
                let values = Spread(digest.groups.map { digest.spread(figure, of: $0).mean })
                guard values.count > 0 else { continue }
                findings.add(
                    card: NumberText.fixed(values.mean, decimals), label,
                    note: "mean over \(values.count) brains, against the truth")
            }
        }
    }
}
