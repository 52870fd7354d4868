internal import NDArray

/// Which areas touch on the cortex, by the area map itself.
public struct AreaContact: Sendable, Equatable {
    /// The smaller index of the two.
    public let first: UInt8
    public let second: UInt8
    /// Faces of voxels at which they meet in the middle of the cortex, both hemispheres.
    public let faces: Int

    public init(first: UInt8, second: UInt8, faces: Int) {
        (self.first, self.second, self.faces) = (first, second, faces)
    }
}

extension BrainFields {
    /// Areas that meet in the middle third of the cortex: there no face joins the banks of a sulcus.
    ///
    /// - Parameter leastMm2: contacts of less surface are chance.
    /// - Returns: each pair once, in ascending order.
    public func areaContacts(leastMm2: Double = 6) -> [AreaContact] {
        var faces: [Int: Int] = [:]
        func isMiddle(_ index: Int) -> Bool {
            let (tissue, white) = (Float(tissueUm.elements[index]), Float(whiteUm.elements[index]))
            guard tissue > 0, white < 0, parts.elements[index] == 0 else { return false }
            let depth = tissue / (tissue - white)
            return depth > 0.33 && depth < 0.67
        }
        let (planes, rows, columns) = (areas.planes, areas.rows, areas.columns)
        for plane in 0..<planes {
            for row in 0..<rows {
                for column in 0..<columns {
                    let index = (plane * rows + row) * columns + column
                    let here = areas.elements[index]
                    guard here > 0 else { continue }
                    for (isInside, stride) in [
                        (plane + 1 < planes, rows * columns), (row + 1 < rows, columns), (column + 1 < columns, 1),
                    ] where isInside {
                        let there = areas.elements[index + stride]
                        guard there > 0, there != here, isMiddle(index), isMiddle(index + stride) else { continue }
                        faces[Int(min(here, there)) << 8 | Int(max(here, there)), default: 0] += 1
                    }
                }
            }
        }
        let face = spacingUm * spacingUm / 1e6
        return faces.filter { Double($0.value) * face >= leastMm2 }.sorted { $0.key < $1.key }.map {
            AreaContact(first: UInt8($0.key >> 8), second: UInt8($0.key & 255), faces: $0.value)
        }
    }
}
