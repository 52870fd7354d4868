internal import NDArray

/// A cell body of a section.
public struct SectionCell: Sendable, Equatable {
    /// Middle, in µm from the corner of the field of view.
    public var place: SectionPoint
    /// Area of the body in the section.
    public var areaUm2: Float
    /// Layer I … VI as 1 … 6; 0 outside the cortex.
    public var layer: UInt8
    /// Direction of the long axis on the slide, and its length over the short one's.
    var angleRad: Float
    var elongation: Float
}

/// The cell bodies of one section: a Poisson process whose density and sizes follow the tissue.
///
/// Candidates are drawn at the highest density in buckets of the brain's plane, each bucket from a seed of its own, and kept with the
/// probability that the place's density asks for. So a cell lies where it lies whatever is rendered, at whatever pixel size.
///
/// **Reference**: Lewis and Shedler 1979, DOI 10.1002/nav.3800260304 (thinning).
struct CellProcess: Sendable {
    static let bucketUm = 128.0
    let seed: UInt64

    /// Calls `body` for every cell of the plane's tissue in a rectangle of the plane, in a fixed order.
    ///
    /// - Parameters:
    ///   - tissue: density (cells per µm², giant cells per µm²), mean area, and layer at a point of the plane; nil on the slide.
    func forEach(
        rows: ClosedRange<Double>, columns: ClosedRange<Double>, highestDensity: Float,
        tissue: (_ row: Double, _ column: Double) -> CellSite?,
        _ body: (_ row: Double, _ column: Double, _ areaUm2: Float, _ site: CellSite, _ turn: Float, _ stretch: Float)
            -> Void
    ) {
        let side = CellProcess.bucketUm
        let expected = Double(highestDensity) * side * side
        for bucketRow in Int((rows.lowerBound / side).rounded(.down))...Int((rows.upperBound / side).rounded(.down)) {
            for bucketColumn in Int(
                (columns.lowerBound / side).rounded(.down))...Int((columns.upperBound / side).rounded(.down))
            {
                var generator = SeededGenerator(
                    seed: mix(seed, UInt64(bitPattern: Int64(bucketRow)), UInt64(bitPattern: Int64(bucketColumn))))
                let count = poisson(expected, &generator)
                for _ in 0..<count {
                    let row = (Double(bucketRow) + generator.uniform()) * side
                    let column = (Double(bucketColumn) + generator.uniform()) * side
                    let (chance, kind) = (Float(generator.uniform()), Float(generator.uniform()))
                    let own = generator.next()
                    guard let site = tissue(row, column) else { continue }
                    let density = site.density + site.giantDensity
                    guard chance * highestDensity < density else { continue }
                    var cell = SeededGenerator(seed: own)
                    let spread = CellBody.areaSpread
                    let normal = Float(cell.normal())
                    let isGiant = kind * density < site.giantDensity
                    let mean = isGiant ? CellBody.giantAreaUm2 : site.areaUm2
                    body(
                        row, column, mean * Math.expf(spread * normal - spread * spread / 2), site,
                        Float(cell.uniform()), Float(cell.uniform()))
                }
            }
        }
    }

    private func mix(_ seed: UInt64, _ first: UInt64, _ second: UInt64) -> UInt64 {
        var generator = SeededGenerator(seed: seed ^ (first &* 0xd6e8_feb8_6659_fd93))
        let once = generator.next()
        generator = SeededGenerator(seed: once ^ (second &* 0xa076_1d64_78bd_642f))
        return generator.next()
    }

    /// A Poisson number: by products of uniforms, in steps that do not underflow.
    private func poisson(_ mean: Double, _ generator: inout SeededGenerator) -> Int {
        var (count, rest) = (0, mean)
        while rest > 0 {
            let step = min(rest, 30)
            rest -= step
            let floor = Math.exp(-step)
            var product = generator.uniform()
            while product > floor {
                count += 1
                product *= generator.uniform()
            }
        }
        return count
    }
}

/// The tissue where a cell may lie.
struct CellSite {
    var density: Float
    var giantDensity: Float
    var areaUm2: Float
    var layer: UInt8
}
