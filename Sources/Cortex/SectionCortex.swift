internal import Imaging
public import NDArray

/// How the cortex is read from one section's labels.
public struct SectionCortexSettings: Sendable, Equatable {
    /// Holes of background up to this area are vessels or tears inside gray matter, no pia; in pixels.
    public var largestHolePx: Int
    /// Islets of white matter in gray up to this area count as gray; in pixels.
    public var largestIsletPx: Int
    /// Gray nearer to white matter than this is never split into two banks, in pixels.
    public var smallestBankDistancePx: Double
    /// Farther from white matter than this no banks are looked for, in pixels.
    public var largestBankDistancePx: Double
    /// Farther from the skeleton than this the fields stay a guess: no point is pushed from there. In pixels.
    public var reachPx: Double

    public init(
        largestHolePx: Int = 25, largestIsletPx: Int = 60, smallestBankDistancePx: Double = 16,
        largestBankDistancePx: Double = 100, reachPx: Double = .infinity
    ) {
        self.largestHolePx = largestHolePx
        self.largestIsletPx = largestIsletPx
        self.smallestBankDistancePx = smallestBankDistancePx
        self.largestBankDistancePx = largestBankDistancePx
        self.reachPx = reachPx
    }
}

/// The cortex of one section: how far each pixel is from pia and white matter, the skeleton between them, and the fields that lead to it.
///
/// The skeleton is the part of gray matter's medial axis with pia on one side and white matter on the other: where both are equally
/// far. So it has no spurs, whose nearest points lie on one side only. Banks of a sulcus that touch get a pia between them first.
public struct SectionCortex: Sendable {
    /// The box of tissue within the section, with a margin: what the images below cover.
    let rows: Int
    let columns: Int
    /// First row and column of the box.
    let first: (row: Int, column: Int)
    /// 1 in gray matter.
    let gray: Image<UInt8>
    /// Distance to pia less distance to white matter, pixels: 0 in the middle of the cortex.
    let imbalance: Image<Float>
    /// Distance to pia and to white matter together, pixels.
    let thickness: Image<Float>
    /// 1 on the skeleton.
    public let skeleton: Image<UInt8>
    /// Laplace fields on both sides of the skeleton: 0 at pia and white matter, 1 at the skeleton; 0 outside gray matter.
    let field: Image<Float>

    /// Reads the cortex from labels; nil where there is no gray or no white matter.
    ///
    /// - Complexity: O(pixels of the box around the tissue).
    public init?(labels: Image<UInt8>, settings: SectionCortexSettings = SectionCortexSettings(), threads: Int = 1) {
        guard let box = PixelBox(around: labels, margin: 2) else { return nil }
        var labels = box.cut(labels)
        (rows, columns) = (box.rows, box.columns)
        first = (box.firstRow, box.firstColumn)
        Self.mend(&labels, settings: settings)
        guard labels.elements.contains(TissueClass.gray), labels.elements.contains(TissueClass.white) else {
            return nil
        }
        let grid = SectionGrid(labels)
        let banks = BankSeparation(
            smallestDistance: Float(settings.smallestBankDistancePx),
            largestDistance: Float(settings.largestBankDistancePx)
        ).cut(grid)
        // Of two pixels with a pia between them, the upper or the left one stands for it.
        var inside = BitImage(labels) { $0 != TissueClass.background }
        for row in 0..<rows {
            let cuts = grid.cuts.base + grid.start(ofRow: row)
            for column in 0..<columns where cuts[column] & 0b1010 != 0 { inside[row, column] = false }
        }
        // First the distance to pia and that to white matter, then their difference and their sum.
        var imbalance = distanceTransform(of: inside, threads: threads)
        var thickness = distanceTransform(of: BitImage(labels) { $0 != TissueClass.white }, threads: threads)
        imbalance.elements.withUnsafeMutableBufferPointer { imbalance in
            thickness.elements.withUnsafeMutableBufferPointer { thickness in
                for pixel in imbalance.indices {
                    let (pia, white) = (imbalance[pixel], thickness[pixel])
                    imbalance[pixel] = pia - white
                    thickness[pixel] = pia + white
                }
            }
        }
        let isSkeleton = Self.skeleton(grid, imbalance)
        gray = labels.map { $0 == TissueClass.gray ? 1 : 0 }
        field = Self.field(grid, imbalance, thickness, isSkeleton, banks, reachPx: settings.reachPx)
        skeleton = Self.image(of: isSkeleton, grid)
        self.imbalance = imbalance
        self.thickness = thickness
    }

    /// What a grid's pixels hold, without the frame.
    private static func image<Element: BitwiseCopyable>(of buffer: GridBuffer<Element>, _ grid: SectionGrid) -> Image<
        Element
    > {
        let elements = [Element](unsafeUninitializedCapacity: grid.rows * grid.columns) { elements, count in
            for row in 0..<grid.rows {
                for column in 0..<grid.columns {
                    elements[row * grid.columns + column] = buffer.base[grid.start(ofRow: row) + column]
                }
            }
            count = grid.rows * grid.columns
        }
        return Image(rows: grid.rows, columns: grid.columns, elements: elements)
    }

    /// Closes vessels in gray matter and makes islets of white matter in it gray.
    private static func mend(_ labels: inout Image<UInt8>, settings: SectionCortexSettings) {
        func smallParts(_ label: UInt8, _ largest: Int) -> BitImage {
            let components = connectedComponents(of: BitImage(labels) { $0 == label })
            return components.pixels { components.sizes[$0] <= largest }
        }
        let holes = smallParts(TissueClass.background, settings.largestHolePx)
        holes.forEachSet { labels.elements[$0] = TissueClass.gray }
        let islets = smallParts(TissueClass.white, settings.largestIsletPx)
        islets.forEachSet { labels.elements[$0] = TissueClass.gray }
    }

    /// Pixels at which the imbalance changes its sign towards a neighbour and is the smaller of the two.
    private static func skeleton(_ grid: SectionGrid, _ imbalance: Image<Float>) -> GridBuffer<UInt8> {
        let skeleton = GridBuffer<UInt8>(count: grid.count, filledWith: 0)
        let columns = grid.columns
        imbalance.elements.withUnsafeBufferPointer { imbalance in
            for row in 0..<grid.rows {
                let start = grid.start(ofRow: row)
                for column in 0..<columns where grid.isGray(start + column) {
                    let pixel = start + column
                    let here = imbalance[row * columns + column]
                    // A link is the same from both its ends: down and right are all.
                    @inline(__always) func look(_ other: Int, _ place: Int, _ link: UInt8) {
                        guard grid.isGray(other) else { return }
                        let there = imbalance[place]
                        guard (here <= 0) != (there <= 0), abs(here - there) < 4,
                            grid.cuts.base[pixel] >> link & 1 == 0
                        else { return }
                        if abs(here) <= abs(there) { skeleton.base[pixel] = 1 }
                        if abs(there) <= abs(here) { skeleton.base[other] = 1 }
                    }
                    look(pixel + grid.stride, (row + 1) * columns + column, 1)
                    look(pixel + 1, row * columns + column + 1, 3)
                }
            }
        }
        return skeleton
    }

    /// Laplace's equation: 1 on the skeleton, 0 at pia and white matter.
    private static func field(
        _ grid: SectionGrid, _ imbalance: Image<Float>, _ thickness: Image<Float>, _ isSkeleton: GridBuffer<UInt8>,
        _ banks: BankSeparation, reachPx: Double
    ) -> Image<Float> {
        let values = GridBuffer<Float>(count: grid.count, filledWith: 0)
        imbalance.elements.withUnsafeBufferPointer { imbalance in
            thickness.elements.withUnsafeBufferPointer { thickness in
                for row in 0..<grid.rows {
                    let start = grid.start(ofRow: row)
                    for column in 0..<grid.columns where grid.isGray(start + column) {
                        // Between two parallel boundaries this is the solution already.
                        let place = row * grid.columns + column
                        let guess = max(0, 1 - abs(imbalance[place]) / max(thickness[place], 1))
                        values.base[start + column] = isSkeleton.base[start + column] == 1 ? 1 : guess
                    }
                }
            }
        }
        // A way of so many pixels takes half as many steps again at most: the diagonal's.
        let steps = reachPx < Double(grid.count) ? Int(1.5 * reachPx) + 2 : grid.count
        SkeletonField(reachSteps: steps).relax(values, grid: grid, isSkeleton: isSkeleton, banks: banks)
        for pixel in 0..<grid.count { values.base[pixel] = min(max(values.base[pixel], 0), 1) }
        return image(of: values, grid)
    }
}

/// A box of pixels.
struct PixelBox {
    let firstRow: Int
    let firstColumn: Int
    let rows: Int
    let columns: Int

    /// The box around all pixels that are not zero, `margin` wider where the image allows; nil where there are none.
    init?(around image: Image<UInt8>, margin: Int) {
        var (top, bottom, left, right) = (image.rows, -1, image.columns, -1)
        for row in 0..<image.rows {
            let start = row * image.columns
            guard let low = (0..<image.columns).first(where: { image.elements[start + $0] != 0 }),
                let high = (0..<image.columns).last(where: { image.elements[start + $0] != 0 })
            else { continue }
            (top, bottom) = (min(top, row), row)
            (left, right) = (min(left, low), max(right, high))
        }
        guard bottom >= 0 else { return nil }
        firstRow = max(top - margin, 0)
        firstColumn = max(left - margin, 0)
        rows = min(bottom + margin, image.rows - 1) - firstRow + 1
        columns = min(right + margin, image.columns - 1) - firstColumn + 1
    }

    func cut(_ image: Image<UInt8>) -> Image<UInt8> {
        var elements: [UInt8] = []
        elements.reserveCapacity(rows * columns)
        for row in firstRow..<firstRow + rows {
            let start = row * image.columns + firstColumn
            elements += image.elements[start..<start + columns]
        }
        return Image(rows: rows, columns: columns, elements: elements)
    }
}
