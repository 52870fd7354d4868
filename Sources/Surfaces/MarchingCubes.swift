public import NDArray

/// How marching cubes joins corners where a cell leaves it open.
public enum AmbiguityRule: Sendable {
    /// As the trilinear function through the corners has it, on faces and in the interior.
    case trilinear
    /// Inside corners across a face or a cell stay apart: the surface around a set of voxels that hang together through their faces (6-connected,
    /// the outside 18-connected), which has that set's topology.
    case insideApart
}

/// The surface where a field passes a value, by marching cubes with the topology of the trilinear interpolant.
///
/// Voxels above `level` are inside. Cells with a NaN at a corner give no surface, so it is open there. Vertices are shared, so the result is a
/// manifold; where it meets the border of the grid or NaN it has a boundary. Normals point to the lower values.
///
/// ```swift
/// let mesh = marchingCubes(depth, level: 0.5, originUm: SIMD3(0, 0, 0), spacingUm: 300, threads: 2)
/// ```
///
/// - Parameters:
///   - field: any values, NaN where there is nothing.
///   - level: the iso-value.
///   - origin: where voxel (0, 0, 0) lies, in the unit of `spacing`.
///   - spacing: edge of a voxel along (plane, row, column).
///   - rule: how ambiguous cells are joined.
/// - Returns: vertices in the order of the grid (plane, row, column, then edges along plane, row, column); then middle points of cells.
/// - Complexity: O(voxels); three planes of numbers a thread beside the result.
///
/// **Reference**: Lewiner, Lopes, Vieira, Tavares 2003, DOI 10.1080/10867651.2003.10487582; faces after Nielson, Hamann 1991,
/// DOI 10.1109/VISUAL.1991.175782.
/// **Differs**: cases are derived at run time from the cube's geometry (`CellTable`, `CellInterior`), not read from published tables, so a piece of
/// surface may be cut into other triangles. Vertices keep 0.1 % of an edge away from its ends, so that no triangle collapses.
public func marchingCubes(
    _ field: Volume<Float>, level: Float, origin: SIMD3<Double> = .zero, spacing: SIMD3<Double> = SIMD3(1, 1, 1),
    rule: AmbiguityRule = .trilinear, threads: Int
) -> TriangleMesh {
    guard field.planes > 1, field.rows > 1, field.columns > 1, !level.isNaN else { return TriangleMesh() }
    return field.elements.withUnsafeBufferPointer { values in
        let grid = CellGrid(
            planes: field.planes, rows: field.rows, columns: field.columns, level: level, rule: rule, origin: origin,
            spacing: spacing, values: UnsafeShared(values),
            bits: LevelBits(
                UnsafeShared(values), level: level, planes: field.planes, rows: field.rows, columns: field.columns,
                threads: threads))
        return grid.mesh(threads: threads)
    }
}

/// A buffer that several threads read.
struct UnsafeShared<Element>: @unchecked Sendable {
    // Sendable by contract: nobody writes while it is in use.
    let base: UnsafePointer<Element>

    init(_ buffer: UnsafeBufferPointer<Element>) {
        precondition(buffer.baseAddress != nil, "An empty buffer cannot be shared.")
        base = buffer.baseAddress.unsafelyUnwrapped
    }

    @inline(__always) subscript(index: Int) -> Element { base[index] }
}

/// One run of marching cubes.
private struct CellGrid: Sendable {
    let planes: Int
    let rows: Int
    let columns: Int
    let level: Float
    let rule: AmbiguityRule
    let origin: SIMD3<Double>
    let spacing: SIMD3<Double>
    let values: UnsafeShared<Float>
    let bits: LevelBits

    var planeSize: Int { rows * columns }

    func mesh(threads: Int) -> TriangleMesh {
        // Vertices are numbered plane by plane, so first each plane counts its own.
        var counts = [Int](repeating: 0, count: planes)
        counts.withUnsafeMutableBufferPointer { counts in
            let slices = DisjointSlices(counts)
            parallelFor(planes, threads: threads) { plane in
                slices[plane] = bits.crossingCount(plane)
            }
        }
        var firsts: [Int] = [0]
        for count in counts { firsts.append(firsts[firsts.count - 1] + count) }
        let total = firsts[planes]
        guard total > 0 else { return TriangleMesh() }
        let starts = firsts

        var vertices = [SIMD3<Float>](repeating: .zero, count: total)
        vertices.withUnsafeMutableBufferPointer { vertices in
            let slices = DisjointSlices(vertices)
            parallelFor(planes, threads: threads) { plane in
                var next = starts[plane]
                bits.forEachCrossing(plane) { row, column, axis in
                    slices[next] = position(plane, row, column, axis)
                    next += 1
                }
            }
        }
        let bandHeight = 8
        let bands = (planes - 1 + bandHeight - 1) / bandHeight
        var made = [Band](repeating: Band(), count: bands)
        made.withUnsafeMutableBufferPointer { made in
            let slices = DisjointSlices(made)
            parallelFor(bands, threads: threads) { band in
                slices[band] = cells(band * bandHeight..<min(planes - 1, (band + 1) * bandHeight), starts: starts)
            }
        }
        var faces: [SIMD3<UInt32>] = []
        faces.reserveCapacity(made.reduce(0) { $0 + $1.faces.count })
        for band in made {
            // A band numbers its middle points from the top down; here they get their place after all others.
            let base = UInt32(vertices.count)
            vertices += band.middles
            if band.middles.isEmpty {
                faces += band.faces
            } else {
                faces += band.faces.map { face in
                    face.replacing(with: base &+ (UInt32.max &- face), where: face .> UInt32(Int32.max))
                }
            }
        }
        let mesh = TriangleMesh(vertices: vertices, faces: faces)
        // Crossings beside NaN alone have no cell.
        return mesh.withoutUnusedVertices()
    }

    private struct Band: Sendable {
        var faces: [SIMD3<UInt32>] = []
        var middles: [SIMD3<Float>] = []
    }

    private func position(_ plane: Int, _ row: Int, _ column: Int, _ axis: Int) -> SIMD3<Float> {
        let index = (plane * rows + row) * columns + column
        let from = values[index]
        let to = values[index + (axis == 0 ? planeSize : axis == 1 ? columns : 1)]
        let share = (Double(level) - Double(from)) / (Double(to) - Double(from))
        var point = SIMD3(Double(plane), Double(row), Double(column))
        point[axis] += min(max(share.isNaN ? 0.5 : share, 0.001), 0.999)
        return SIMD3<Float>(origin + spacing * point)
    }

    /// Numbers the crossings on the edges that start in a plane: three planes of numbers, one an axis.
    private func number(_ plane: Int, starts: [Int], into numbers: inout [UInt32]) {
        var next = UInt32(starts[plane])
        numbers.withUnsafeMutableBufferPointer { numbers in
            bits.forEachCrossing(plane) { row, column, axis in
                numbers[axis * planeSize + row * columns + column] = next
                next += 1
            }
        }
    }

    /// The triangles of some layers of cells.
    private func cells(_ layers: Range<Int>, starts: [Int]) -> Band {
        var band = Band()
        let table = CellTable.shared
        var lower = [UInt32](repeating: 0, count: 3 * planeSize)
        var upper = [UInt32](repeating: 0, count: 3 * planeSize)
        var numbered = -1
        for plane in layers {
            if starts[plane + 1] == starts[plane] && (plane + 2 > planes || starts[plane + 2] == starts[plane + 1]) {
                continue
            }
            if numbered == plane {
                swap(&lower, &upper)
            } else {
                number(plane, starts: starts, into: &lower)
            }
            number(plane + 1, starts: starts, into: &upper)
            numbered = plane + 1
            layer(plane, lower, upper, table, &band)
        }
        return band
    }

    private func layer(
        _ plane: Int, _ lower: [UInt32], _ upper: [UInt32], _ table: CellTable, _ band: inout Band
    ) {
        let offsets = [
            0, 1, columns, columns + 1, planeSize, planeSize + 1, planeSize + columns, planeSize + columns + 1,
        ]
        var crossings = [UInt32](repeating: 0, count: 16)
        bits.forEachCell(plane) { row, column, signs in
            let index = (plane * rows + row) * columns + column
            cell(SIMD3(plane, row, column), index, signs, offsets, lower, upper, table, &crossings, &band)
        }
    }

    @inline(__always)
    private func cell(
        _ place: SIMD3<Int>, _ index: Int, _ signs: Int, _ offsets: [Int], _ lower: [UInt32], _ upper: [UInt32],
        _ table: CellTable, _ crossings: inout [UInt32], _ band: inout Band
    ) {
        let inPlane = place.y * columns + place.z
        let alongRow = planeSize + inPlane
        let alongColumn = planeSize + alongRow
        // Edges along the plane axis start at corners 0 … 3, along rows at 0, 1, 4, 5, along columns at 0, 2, 4, 6.
        crossings[0] = lower[inPlane]
        crossings[1] = lower[inPlane + 1]
        crossings[2] = lower[inPlane + columns]
        crossings[3] = lower[inPlane + columns + 1]
        crossings[4] = lower[alongRow]
        crossings[5] = lower[alongRow + 1]
        crossings[6] = upper[alongRow]
        crossings[7] = upper[alongRow + 1]
        crossings[8] = lower[alongColumn]
        crossings[9] = lower[alongColumn + columns]
        crossings[10] = upper[alongColumn]
        crossings[11] = upper[alongColumn + columns]

        var joined = 0
        let ambiguous = Int(table.ambiguousFaces[signs])
        if ambiguous != 0, rule == .trilinear {
            for face in 0..<6 where ambiguous >> face & 1 == 1 {
                let ring = CellGeometry.faceCorners[face]
                let v = ring.map { difference(index + offsets[$0]) }
                // The saddle of the bilinear function on the face has the sign of the pair with the larger product.
                let firstInside = signs >> ring[0] & 1 == 1
                let firstLarger = v[0] * v[2] > v[1] * v[3]
                let secondLarger = v[1] * v[3] > v[0] * v[2]
                if firstInside ? firstLarger : secondLarger { joined |= 1 << face }
            }
        }
        let entry = signs << 6 | joined
        if table.ringCounts[entry] > 1, rule == .trilinear {
            let interior = CellInterior(
                values: offsets.map { difference(index + $0) }, signs: signs, joined: joined)
            let rings = CellLoops(signs: signs, joined: joined).rings
            let groups = interior.groups(of: rings, signs: signs)
            if groups.contains(where: { $0.count > 1 }) {
                addTubes(groups, crossings, place, &band)
                return
            }
        }
        let range = Int(table.offsets[entry])..<Int(table.offsets[entry + 1])
        var middle: (ring: UInt8, number: UInt32)?
        for index in range {
            let triangle = table.triangles[index]
            if triangle.z >= PolygonTriangulation.middle, middle?.ring != triangle.z {
                // All crossings of the ring follow each other in the table.
                let ring = range.filter { table.triangles[$0].z == triangle.z }.map { table.triangles[$0].x }
                middle = (triangle.z, addMiddle(ring, crossings, place, &band))
            }
            let last = triangle.z >= PolygonTriangulation.middle ? middle?.number ?? 0 : crossings[Int(triangle.z)]
            band.faces.append(SIMD3(crossings[Int(triangle.x)], crossings[Int(triangle.y)], last))
        }
    }

    /// Rare cells where a tube joins rings.
    private func addTubes(
        _ groups: [[[UInt8]]], _ crossings: [UInt32], _ place: SIMD3<Int>, _ band: inout Band
    ) {
        for group in groups {
            if group.count > 1 {
                if let triangles = PolygonTriangulation.tube(group) {
                    for triangle in triangles {
                        band.faces.append(
                            SIMD3(crossings[Int(triangle.x)], crossings[Int(triangle.y)], crossings[Int(triangle.z)]))
                    }
                    continue
                }
                if group.count == 2 {
                    addWaistedTube(group[0], group[1], crossings, place, &band)
                    continue
                }
            }
            for ring in group {
                var middle: UInt32?
                for triangle in PolygonTriangulation.disk(ring) {
                    var last = crossings[Int(triangle.z == PolygonTriangulation.middle ? 0 : triangle.z)]
                    if triangle.z == PolygonTriangulation.middle {
                        last = middle ?? addMiddle(ring, crossings, place, &band)
                        middle = last
                    }
                    band.faces.append(SIMD3(crossings[Int(triangle.x)], crossings[Int(triangle.y)], last))
                }
            }
        }
    }

    /// A tube between two rings whose crossings cannot be joined directly: with a waist of three points of its own in between.
    private func addWaistedTube(
        _ first: [UInt8], _ second: [UInt8], _ crossings: [UInt32], _ place: SIMD3<Int>, _ band: inout Band
    ) {
        // Around the tube the second ring runs the other way.
        let back = Array(second.reversed())
        func point(_ edge: UInt8) -> SIMD3<Float> { position(ofEdge: edge, place) }
        func pairs(_ shift: Int) -> [(SIMD3<Float>, SIMD3<Float>)] {
            (0..<3).map {
                (point(first[$0 * first.count / 3]), point(back[($0 * back.count / 3 + shift) % back.count]))
            }
        }
        let shifts = back.indices.map { shift in (shift, pairs(shift).reduce(Float(0)) { $0 + length($1.0 - $1.1) }) }
        let shift = shifts.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0 ?? 0
        let waist = pairs(shift).map { addVertex(0.5 * ($0 + $1), &band) }
        let turned = Array(back[shift...] + back[..<shift])
        addSleeve(first.map { crossings[Int($0)] }, waist, &band)
        addSleeve(turned.reversed().map { crossings[Int($0)] }, waist.reversed(), &band)
    }

    /// Triangles between a ring and a waist that runs the same way, each beginning where the other does.
    private func addSleeve(_ ring: [UInt32], _ waist: [UInt32], _ band: inout Band) {
        var (i, j) = (0, 0)
        while i < ring.count || j < waist.count {
            let (a, m) = (ring[i % ring.count], waist[j % waist.count])
            // The one that lags behind goes on.
            if j >= waist.count || (i < ring.count && i * waist.count <= j * ring.count) {
                i += 1
                band.faces.append(SIMD3(a, ring[i % ring.count], m))
            } else {
                j += 1
                band.faces.append(SIMD3(a, waist[j % waist.count], m))
            }
        }
    }

    /// The mean of a ring's crossings as a vertex of its own.
    private func addMiddle(
        _ ring: [UInt8], _ crossings: [UInt32], _ place: SIMD3<Int>, _ band: inout Band
    ) -> UInt32 {
        let sum = ring.reduce(SIMD3<Float>.zero) { $0 + position(ofEdge: $1, place) - position(ofEdge: ring[0], place) }
        return addVertex(position(ofEdge: ring[0], place) + sum / Float(ring.count), &band)
    }

    /// A vertex of the cell's own; numbered from the top down until all bands are known.
    private func addVertex(_ point: SIMD3<Float>, _ band: inout Band) -> UInt32 {
        band.middles.append(point)
        return UInt32.max &- UInt32(band.middles.count - 1)
    }

    private func position(ofEdge edge: UInt8, _ place: SIMD3<Int>) -> SIMD3<Float> {
        let corner = CellGeometry.edgeCorners[Int(edge)].0
        return position(place.x + (corner >> 2), place.y + (corner >> 1 & 1), place.z + (corner & 1), Int(edge) / 4)
    }

    /// Value less the level; a value on the level counts as just below it.
    @inline(__always)
    private func difference(_ index: Int) -> Double {
        let difference = Double(values[index]) - Double(level)
        return difference == 0 ? -1e-30 : difference
    }
}
