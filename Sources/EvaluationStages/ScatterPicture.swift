internal import Imaging
internal import NDArray

/// Small multiples of points in the plane, each panel with colours of its own, for people to look at.
struct ScatterPicture {
    /// Side of a panel, px.
    var panelPx = 480
    /// Panels beside each other.
    var across = 3

    /// Points and their colours.
    struct Panel {
        /// x to the right, y upwards; what is not finite is left out.
        var points: [SIMD2<Double>]
        var colours: [RGB]
    }

    private static let marginPx = 14

    /// The panels, row after row; each fills its square with one scale for both axes.
    func drawn(_ panels: [Panel]) -> Image<RGB> {
        let columns = max(min(across, panels.count), 1)
        let rows = max((panels.count + columns - 1) / columns, 1)
        var picture = Image(rows: rows * panelPx, columns: columns * panelPx, filledWith: RGB(gray: 255))
        for (index, panel) in panels.enumerated() {
            draw(panel, into: &picture, top: index / columns * panelPx, left: index % columns * panelPx)
        }
        return picture
    }

    private func draw(_ panel: Panel, into picture: inout Image<RGB>, top: Int, left: Int) {
        let shown = panel.points.indices.filter { panel.points[$0].x.isFinite && panel.points[$0].y.isFinite }
        guard !shown.isEmpty else { return }
        // A few points far off must not make the others small: they are drawn at the edge.
        func limits(_ values: [Double]) -> (low: Double, high: Double) {
            let (low, high) = (quantile(values, 0.005), quantile(values, 0.995))
            return (low - 0.05 * (high - low), high + 0.05 * (high - low))
        }
        let x = limits(shown.map { panel.points[$0].x })
        let y = limits(shown.map { panel.points[$0].y })
        let (low, high) = (SIMD2(x.low, y.low), SIMD2(x.high, y.high))
        let room = Double(panelPx - 2 * ScatterPicture.marginPx)
        let extent = max((high - low).max(), 1e-12)
        let centre = (low + high) / 2
        // Fewer points are drawn larger.
        let radius = shown.count > 20_000 ? 0 : shown.count > 2000 ? 1 : 3
        // In a mixed order, so that no group lies on top of the others.
        var random = SeededGenerator(seed: 0, stream: "order of drawing")
        for index in shown.shuffled(using: &random) {
            let offset = (panel.points[index].clamped(lowerBound: low, upperBound: high) - centre) / extent * room
            let row = top + Int((Double(panelPx) / 2 - offset.y).rounded(.down))
            let column = left + Int((Double(panelPx) / 2 + offset.x).rounded(.down))
            for r in row - radius...row + radius where (top..<top + panelPx).contains(r) {
                for c in column - radius...column + radius where (left..<left + panelPx).contains(c) {
                    picture[r, c] = panel.colours[index]
                }
            }
        }
    }
}

/// Colours of groups: eight that colour-blind eyes tell apart, or where there are more, hues around the circle in two shades.
struct GroupColours {
    private let colours: [RGB]
    /// Of a point that belongs to no group.
    static let none = RGB(gray: 205)

    init(count: Int) {
        let few = ColourMap.labels.colours.dropFirst()
        colours =
            count <= few.count
            ? Array(few)
            : (0..<count).map { index in
                GroupColours.hue(Double(index) / Double(count), bright: index % 2 == 0 ? 0.92 : 0.6)
            }
    }

    /// The colour of a group; nil is none.
    subscript(group: Int?) -> RGB {
        guard let group, group >= 0 else { return GroupColours.none }
        return colours[group % colours.count]
    }

    /// A full colour of a hue 0 ..< 1 (HSV with saturation 0.85).
    private static func hue(_ hue: Double, bright: Double) -> RGB {
        func channel(_ shift: Double) -> UInt8 {
            let place = (hue * 6 + shift).truncatingRemainder(dividingBy: 6)
            let part = max(0, min(place, 4 - place, 1))
            return UInt8((bright * (1 - 0.85 * part) * 255).rounded())
        }
        return RGB(channel(5), channel(3), channel(1))
    }
}

/// A colour for a value 0 … 1, dark blue over green to yellow, evenly graded in lightness.
func gradedColour(_ value: Double) -> RGB {
    guard value.isFinite else { return RGB(gray: 230) }
    // Nine steps of Matplotlib's viridis (CC0), with straight lines between.
    let steps: [SIMD3<Double>] = [
        [68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99],
        [170, 220, 50], [253, 231, 37],
    ]
    let place = min(max(value, 0), 1) * Double(steps.count - 1)
    let low = min(Int(place), steps.count - 2)
    let colour = steps[low] + (steps[low + 1] - steps[low]) * (place - Double(low))
    return RGB(UInt8(colour.x.rounded()), UInt8(colour.y.rounded()), UInt8(colour.z.rounded()))
}
