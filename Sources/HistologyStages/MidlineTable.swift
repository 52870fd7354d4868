internal import Cortex
internal import HDF5
internal import NDArray
internal import Registration
internal import Synchronization

/// The midline points of a brain as rows, section after section.
struct MidlineTable {
    var section: [Int32] = []
    var sectionName: [String] = []
    var positionUm: [Double] = []
    var reconstructionUm: [Double] = []
    var hemisphere: [UInt8] = []
    var tissueFraction: [Float] = []
    var angleRad: [Float] = []
    var shiftUm: [Float] = []

    /// - Parameter members: the place in the stack of each section of `made`.
    init(_ made: [SectionMidline], members: [Int], stack: StackArtifact) {
        for (points, index) in zip(made, members) {
            for point in points.points {
                let place = stack.transforms[index](
                    PlanarPoint(row: point.positionUm.x, column: point.positionUm.y))
                section.append(Int32(index))
                sectionName.append(stack.sections[index])
                positionUm += [point.positionUm.x, point.positionUm.y]
                reconstructionUm += [stack.positionsUm[index], place.row, place.column]
                hemisphere.append(point.hemisphere)
                tissueFraction.append(point.tissueFraction)
                angleRad.append(point.angleRad)
                shiftUm.append(point.shiftUm)
            }
        }
    }

    func write(to file: HDF5File) throws {
        let count = hemisphere.count
        try file.write(section, to: "/section")
        try file.write(texts: sectionName, to: "/section_name")
        try file.write(positionUm, shape: [count, 2], to: "/position_um")
        try file.write(reconstructionUm, shape: [count, 3], to: "/reconstruction_um")
        try file.write(hemisphere, to: "/hemisphere")
        try file.write(tissueFraction, to: "/tissue_fraction")
        try file.write(angleRad, to: "/angle_rad")
        try file.write(shiftUm, to: "/shift_um")
        for (path, unit) in [
            ("/position_um", "um"), ("/reconstruction_um", "um"), ("/angle_rad", "rad"), ("/shift_um", "um"),
        ] { try file.setAttribute("unit", to: unit, of: path) }
    }
}

/// Counts from several threads.
final class Tally: Sendable {
    private let count = Atomic<Int>(0)

    /// How often it was asked, this time included.
    func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}
