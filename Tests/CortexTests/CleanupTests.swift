import Cortex
import NDArray
import Testing

/// A slab of tissue: rows 2 ..< 18 gray, in them rows 6 ..< 14 white.
private func slab(planes: Int = 9) -> Volume<UInt8> {
    var volume = Volume<UInt8>(planes: planes, rows: 20, columns: 20, filledWith: 0)
    for plane in 0..<planes {
        for row in 2..<18 {
            for column in 2..<18 { volume[plane, row, column] = row >= 6 && row < 14 ? 2 : 1 }
        }
    }
    return volume
}

@Suite struct CleanupTests {
    @Test func aTornSectionIsMended() {
        let whole = slab()
        var torn = whole
        for row in 2..<18 { for column in 2..<12 { torn[4, row, column] = 0 } }
        let cleaned = cleanedVolume(torn, settings: VolumeCleanupSettings(defectVoxels: 100), threads: 2)
        #expect(cleaned.labels == whole)
        #expect(cleaned.defects == 1 && cleaned.replacedVoxels == 160)
    }

    @Test func smallDifferencesAreAnatomy() {
        var volume = slab()
        for row in 2..<6 { volume[4, row, 5] = 0 }
        let cleaned = cleanedVolume(volume, settings: VolumeCleanupSettings(defectVoxels: 5))
        #expect(cleaned.labels == volume && cleaned.defects == 0)
        #expect(cleanedVolume(volume, settings: VolumeCleanupSettings(defectVoxels: 4)).labels == slab())
    }

    @Test func cleaningTwiceIsCleaningOnce() {
        var generator = SeededGenerator(seed: 3)
        var volume = slab()
        for voxel in volume.elements.indices where generator.uniform() < 0.1 {
            volume.elements[voxel] = UInt8(generator.index(below: 3))
        }
        let settings = VolumeCleanupSettings(defectVoxels: 30)
        let once = cleanedVolume(volume, settings: settings)
        let twice = cleanedVolume(once.labels, settings: settings)
        #expect(twice.droppedVoxels == 0 && twice.labels.elements.count { $0 != 0 } > 0)
        #expect(once.labels == cleanedVolume(volume, settings: settings, threads: 4).labels)
    }

    @Test func missingSectionsStayMissing() {
        // Single sections between gaps would be wiped out by a plain median, and single gaps filled.
        var volume = slab()
        for plane in [1, 3, 4, 6] {
            for row in 0..<20 { for column in 0..<20 { volume[plane, row, column] = 0 } }
        }
        let cleaned = cleanedVolume(volume, settings: VolumeCleanupSettings(defectVoxels: 1, detachedFraction: 0))
        #expect(cleaned.labels == volume)
    }

    /// A slab whose white matter ends at column 10, with an island of 48 voxels behind two voxels of gray.
    private func partedWhite() -> Volume<UInt8> {
        var volume = slab(planes: 11)
        for plane in 0..<11 {
            for row in 6..<14 {
                for column in 10..<18
                where column < 12 || column > 15 || plane < 4 || plane > 6 || row < 8 || row > 11 {
                    volume[plane, row, column] = 1
                }
            }
        }
        return volume
    }

    @Test func anIslandOfWhiteMatterIsJoinedWithTheRest() {
        let volume = partedWhite()
        let settings = VolumeCleanupSettings(defectVoxels: 10_000, joinedVoxels: 8, joinReachVoxels: 6)
        let joined = cleanedVolume(volume, settings: settings)
        // Two voxels of gray lie between; the way is one voxel wide.
        #expect(joined.joined == 1 && joined.joiningVoxels == 2)
        let changed = volume.elements.indices.filter { volume.elements[$0] != joined.labels.elements[$0] }
        #expect(changed.count == 2 && changed.allSatisfy { joined.labels.elements[$0] == 2 })
    }

    @Test func anIslandThatIsTooSmallOrTooFarStaysAlone() {
        let volume = partedWhite()
        for settings in [
            VolumeCleanupSettings(defectVoxels: 10_000, joinedVoxels: 1_000, joinReachVoxels: 6),
            VolumeCleanupSettings(defectVoxels: 10_000, joinedVoxels: 8, joinReachVoxels: 0),
            VolumeCleanupSettings(defectVoxels: 10_000),
        ] {
            let cleaned = cleanedVolume(volume, settings: settings)
            #expect(cleaned.joined == 0 && cleaned.labels == volume)
        }
    }

    @Test func detachedCrumbsGo() {
        var volume = slab()
        let tissue = volume.elements.count { $0 != 0 }
        volume[4, 0, 0] = 1
        volume[5, 0, 0] = 1
        let fractions = TissueFractions(gray: volume.map { $0 == 1 ? 255 : 0 }, white: volume.map { $0 == 2 ? 255 : 0 })
        let cleaned = cleanedVolume(
            volume, fractions: fractions,
            settings: VolumeCleanupSettings(defectVoxels: .max, detachedFraction: 3 / Double(tissue)))
        #expect(cleaned.labels == slab() && cleaned.detached == 1 && cleaned.droppedVoxels == 2)
        #expect(cleaned.fractions?.gray[4, 0, 0] == 0 && cleaned.fractions?.gray[4, 3, 3] == 255)
        // Just above the share they stay.
        let kept = cleanedVolume(
            volume, settings: VolumeCleanupSettings(defectVoxels: .max, detachedFraction: 1.9 / Double(tissue)))
        #expect(kept.labels == volume)
    }

    @Test func excludedPartsAreToldFromBackground() {
        let volume = slab()
        var mask = Volume<UInt8>(planes: 9, rows: 20, columns: 20, filledWith: 0)
        for plane in 0..<9 { for row in 0..<20 { for column in 14..<20 { mask[plane, row, column] = 7 } } }
        let cleaned = cleanedVolume(volume, excluding: mask)
        #expect(cleaned.excludedVoxels == 9 * 16 * 4)
        #expect(cleaned.labels[4, 3, 13] == 1 && cleaned.labels[4, 3, 14] == 0)
        // Only tissue is excluded, never background.
        #expect(cleaned.excluded[4, 3, 14] == 1 && cleaned.excluded[4, 3, 18] == 0 && cleaned.excluded[4, 3, 13] == 0)
    }

    @Test func whatAMaskLeavesBehindIsDropped() {
        let volume = slab()
        var mask = Volume<UInt8>(planes: 9, rows: 20, columns: 20, filledWith: 0)
        // All of columns 12 and beyond but one column's edge, which hangs on nothing then.
        for plane in 0..<9 { for row in 0..<20 { for column in 12..<17 { mask[plane, row, column] = 1 } } }
        let cleaned = cleanedVolume(volume, excluding: mask, settings: VolumeCleanupSettings(detachedFraction: 0.2))
        #expect(cleaned.detached == 1 && cleaned.labels[4, 8, 17] == 0 && cleaned.labels[4, 8, 11] == 2)
    }

    @Test func nothingAndOneVoxelAreFine() {
        let empty = Volume<UInt8>(planes: 0, rows: 4, columns: 4, filledWith: 0)
        #expect(cleanedVolume(empty).labels == empty)
        let one = Volume<UInt8>(planes: 1, rows: 1, columns: 1, filledWith: 1)
        #expect(cleanedVolume(one).labels == one)
        let slide = Volume<UInt8>(planes: 3, rows: 2, columns: 2, filledWith: 0)
        #expect(cleanedVolume(slide).labels == slide && cleanedVolume(slide).detached == 0)
    }
}

extension Volume<UInt8> {
    fileprivate func map(_ transform: (UInt8) -> UInt8) -> Volume<UInt8> {
        Volume(planes: planes, rows: rows, columns: columns, elements: elements.map(transform))
    }
}
