import NDArray
import Phantom
import Testing

/// The species itself, made once.
private let template = BrainAnatomy(species: 7, individual: nil)
private let templateFields = template.fields(spacingUm: 900, threads: 2)

@Suite struct AtlasTests {
    @Test func anAtlasIsDecidedByItsSeed() {
        let again = BrainAnatomy(species: 7, individual: nil)
        #expect(template.atlas.areas == again.atlas.areas)
        #expect(template.atlas.areas != BrainAnatomy(species: 8, individual: nil).atlas.areas)
        #expect(template.atlas.areas.map(\.name) == (1...14).map { $0 < 10 ? "A0\($0)" : "A\($0)" })
    }

    @Test func specialAreasAreAsManyAsTheDesignSays() {
        let profiles = template.atlas.areas.map(\.profile)
        // A fifth of 14; a quarter of the other 11; a quarter of 14, twice: rounded.
        #expect(profiles.count { $0.isKoniocortex } == 3)
        #expect(profiles.count { $0.isAgranular } == 3)
        #expect(!profiles.contains { $0.isKoniocortex && $0.isAgranular })
        #expect(profiles.count { $0.giantCellsPerMm2 > 0 } == 4)
        #expect(profiles.count { $0.paleStripe != nil } == 4)
        for profile in profiles {
            #expect(abs(profile.fractions.reduce(0, +) - 1) < 1e-5)
            #expect(profile.giantCellsPerMm2 == 0 || (3...9).contains(profile.giantCellsPerMm2))
        }
    }

    @Test func brainsDifferFromTheirSpeciesHalfAsMuchAsAreasDoFromEachOther() {
        // The log of cell numbers over brains, areas and layers: half of 0.29, from 8 · 14 · 6 draws cut off at 2 sd.
        var (sum, squares, count) = (0.0, 0.0, 0.0)
        for individual: UInt64 in 1...8 {
            let own = template.atlas.architecture(individual: individual)
            for (area, species) in zip(own.left, template.atlas.areas) {
                for layer in [0, 1, 3, 5] {
                    let log = Math.log(Double(area.cellsPerMm2[layer] / species.profile.cellsPerMm2[layer]))
                    (sum, squares, count) = (sum + log, squares + log * log, count + 1)
                }
            }
        }
        let deviation = (squares / count - (sum / count) * (sum / count)).squareRoot()
        // A normal cut off at 2 sd has 0.88 to 0.96 of its deviation; 448 draws know theirs to 5 %.
        #expect(deviation > 0.115 && deviation < 0.155, "\(deviation)")
    }

    @Test func hemispheresDifferInLayersThreeAndFiveOnly() {
        let own = template.atlas.architecture(individual: 3)
        for (left, right) in zip(own.left, own.right) {
            for layer in 0..<6 {
                let ratio = left.cellsPerMm2[layer] / right.cellsPerMm2[layer]
                #expect(abs(ratio - (layer == 2 || layer == 4 ? 1.06 / 0.94 : 1)) < 1e-4)
            }
            #expect(left.fractions == right.fractions)
        }
    }

    @Test func slowFactorsFallFromBackToFront() {
        let own = template.atlas.architecture(individual: 3)
        var (back, front) = (0.0, 0.0)
        var random = SeededGenerator(seed: 2)
        for _ in 0..<300 {
            func factor(_ plane: Float) -> Double {
                let point = PointMm(
                    plane: plane, row: Float(50 * random.uniform() - 25), column: Float(60 * random.uniform() - 30))
                let cells = own.slowFactors(at: point).cells
                return Double((0..<6).map { cells[$0] }.reduce(0, +) / 6)
            }
            back += factor(-39) / 300
            front += factor(39) / 300
        }
        // 1.1 against 0.9; the fields of 0.08 average out over six layers and 300 places to about 0.03.
        #expect(back - front > 0.1 && back - front < 0.3, "\(back) \(front)")
    }

    @Test func everyAreaHasItsShareOfBothHemispheres() {
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 15), count: 2)
        let fields = templateFields
        for plane in 0..<fields.areas.planes {
            for row in 0..<fields.areas.rows {
                for column in 0..<fields.areas.columns where fields.depth(plane, row, column) != nil {
                    let side = column < fields.areas.columns / 2 ? 0 : 1
                    counts[side][Int(fields.areas[plane, row, column])] += 1
                }
            }
        }
        for side in counts {
            let all = side.reduce(0, +)
            // The whole cortex has areas, and none is a speck or a third of it.
            #expect(side[0] * 200 < all, "\(side[0]) of \(all) voxels of cortex have no area")
            for area in 1...14 { #expect(side[area] * 60 > all && side[area] * 4 < all) }
        }
    }

    @Test func contactsAreThoseOfTheMap() {
        let contacts = templateFields.areaContacts()
        #expect(Set(contacts.map { Int($0.first) * 256 + Int($0.second) }).count == contacts.count)
        for contact in contacts { #expect(contact.first < contact.second && contact.faces > 0) }
        // Every area has a neighbour, and a plane map of 14 areas has at most 3 · 14 − 6 contacts; each wraps round to the medial
        // side, which adds a few.
        for area in 1...14 as ClosedRange<UInt8> {
            #expect(contacts.contains { $0.first == area || $0.second == area })
        }
        #expect(contacts.count > 14 && contacts.count <= 42, "\(contacts.count)")
    }

    @Test func contactsOfASlabAreCountedByHand() {
        // Two areas side by side in a slab of cortex, voxels of 1 mm: they meet in the middle third of the depth only.
        let side = 9
        var tissue = Volume<Int16>(planes: side, rows: side, columns: side, filledWith: 0)
        var white = tissue
        var areas = Volume<UInt8>(planes: side, rows: side, columns: side, filledWith: 0)
        for plane in 0..<side {
            for row in 0..<side {
                for column in 0..<side {
                    tissue[plane, row, column] = Int16(row * 1000 + 500)
                    white[plane, row, column] = Int16((row - side) * 1000 + 500)
                    areas[plane, row, column] = column < 4 ? 3 : 2
                }
            }
        }
        let fields = BrainFields(
            tissueUm: tissue, whiteUm: white, areas: areas,
            parts: Volume(planes: side, rows: side, columns: side, filledWith: 0), spacingUm: 1000, originUm: (0, 0, 0))
        // Depths 0.33 … 0.67 are rows 3, 4 and 5 of nine (3.5, 4.5, 5.5 ninths), in nine planes.
        #expect(fields.areaContacts() == [AreaContact(first: 2, second: 3, faces: 27)])
        #expect(fields.areaContacts(leastMm2: 28).isEmpty)
    }
}
