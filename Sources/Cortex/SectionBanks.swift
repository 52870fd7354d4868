internal import NDArray

extension BankSeparation {
    /// Cuts the links between pixels of a section whose ways to white matter lead apart; see `cut(_:threads:)` for volumes.
    ///
    /// - Returns: what tells the share at which a link was cut.
    func cut(_ grid: SectionGrid) -> BankSeparation {
        NearestWhite.find(in: grid, limit: min(largestDistance, 100))
        var counts = [Int](repeating: 0, count: Int(NearestWhite.squared(NearestWhite.unknown)))
        for pixel in grid.atPia {
            let known = grid.whites.base[Int(pixel)]
            if known < NearestWhite.unknown { counts[Int(NearestWhite.squared(known))] += 1 }
        }
        let settled = limits(thickness: Self.median(ofSquares: counts))
        settled.keepReachingPia(settled.cutCrossings(grid), grid)
        return settled
    }

    /// Cuts every link that leads to another bank; returns the pixels at their ends, some more than once.
    private func cutCrossings(_ grid: SectionGrid) -> [Int32] {
        var found: [Int32] = []
        // Squared distances are whole numbers.
        let lowest = (smallestDistance * smallestDistance).rounded(.up)
        let highest = (largestDistance * largestDistance).rounded(.down)
        let end = Int(NearestWhite.squared(NearestWhite.unknown))
        guard lowest < Float(end), highest >= lowest else { return [] }
        let first = NearestWhite.packed(Int32(lowest), 0, 0)
        let last = NearestWhite.packed(Int32(min(highest, Float(end - 1))), -1, -1)
        let (whites, cuts) = (grid.whites.base, grid.cuts.base)
        for row in 0..<grid.rows {
            let start = grid.start(ofRow: row)
            for pixel in start..<start + grid.columns {
                let here = whites[pixel]
                guard here >= first, here <= last else { continue }
                // A link is the same from both its ends: down and right are all.
                for (link, step) in [(1, grid.stride), (3, 1)] {
                    let there = whites[pixel + step]
                    guard there >= first, there <= last else { continue }
                    let along = NearestWhite.row(here) &* NearestWhite.row(there)
                    let product = along &+ NearestWhite.column(here) &* NearestWhite.column(there)
                    // Most lead the same way.
                    if product >= 0, largestCosine <= 0 { continue }
                    guard crossing(Self.offset(here), Self.offset(there), link: link + 2) != nil else { continue }
                    cuts[pixel] |= 1 << UInt8(link)
                    cuts[pixel + step] |= 1 << UInt8(link - 1)
                    found.append(Int32(pixel))
                    found.append(Int32(pixel + step))
                }
            }
        }
        return found
    }

    /// The share of the way at which a link of a pixel is cut, by the separation that cut it.
    func cutShare(_ grid: SectionGrid, _ pixel: Int, _ link: Int) -> Float {
        let (here, there) = (grid.whites.base[pixel], grid.whites.base[pixel + grid.steps[link]])
        return crossing(Self.offset(here), Self.offset(there), link: link + 2) ?? 1
    }

    private static func offset(_ known: Int32) -> SIMD4<Int8> {
        SIMD4(0, Int8(NearestWhite.row(known)), Int8(NearestWhite.column(known)), 1)
    }

    /// Mends the cuts of pixels from which gray matter leads to no pia, as those within white matter.
    ///
    /// A front spreads from each until it meets a pia or a pixel that is known to reach one.
    private func keepReachingPia(_ marked: [Int32], _ grid: SectionGrid) {
        guard !marked.isEmpty else { return }
        let (unknown, reaching, enclosed, visited): (UInt8, UInt8, UInt8, UInt8) = (0, 1, 2, 3)
        let state = GridBuffer<UInt8>(count: grid.count, filledWith: unknown)
        let states = state.base
        var front: [Int32] = []
        for start in marked {
            if states[Int(start)] == unknown {
                front.removeAll(keepingCapacity: true)
                front.append(start)
                states[Int(start)] = visited
                var result = enclosed
                var place = 0
                search: while place < front.count {
                    let pixel = Int(front[place])
                    place += 1
                    if grid.touchesPia(pixel) {
                        result = reaching
                        break
                    }
                    for link in 0..<4 {
                        let other = pixel + grid.steps[link]
                        guard grid.isGray(other), states[other] != visited else { continue }
                        if states[other] != unknown {
                            result = states[other]
                            break search
                        }
                        states[other] = visited
                        front.append(Int32(other))
                    }
                }
                for pixel in front { states[Int(pixel)] = result }
            }
            if states[Int(start)] == enclosed { grid.cuts.base[Int(start)] = 0 }
        }
    }
}
