import NDArray
import SpatialTransforms
import Testing
import VolumeRegistration

@Suite struct BadVolumesTests {
    func code(_ body: () throws -> Void) -> VolumeRegistrationError.Code? {
        do {
            try body()
            return nil
        } catch let error as VolumeRegistrationError {
            return error.code
        } catch {
            return nil
        }
    }

    @Test func emptyVolumesAreRefused() throws {
        let nothing = Volume<UInt8>(planes: 5, rows: 5, columns: 5, filledWith: 0)
        #expect(
            code { _ = try TissueLabels(labels: nothing, excluded: nil, spacingUm: 300, originUm: (0, 0, 0)) } == .empty
        )
        let none = Volume<UInt8>(planes: 0, rows: 0, columns: 0, filledWith: 0)
        #expect(
            code { _ = try TissueLabels(labels: none, excluded: nil, spacingUm: 300, originUm: (0, 0, 0)) } == .empty)
        let blank = Volume<Float>(planes: 5, rows: 5, columns: 5, filledWith: 0)
        #expect(code { _ = try TissueTemplate(gray: blank, white: blank, indexToRasMm: .identity) } == .empty)
    }

    @Test func badGridsAreRefused() throws {
        let one = Volume<UInt8>(planes: 5, rows: 5, columns: 5, filledWith: 1)
        let other = Volume<UInt8>(planes: 5, rows: 5, columns: 4, filledWith: 0)
        #expect(
            code { _ = try TissueLabels(labels: one, excluded: other, spacingUm: 300, originUm: (0, 0, 0)) } == .badGrid
        )
        #expect(
            code { _ = try TissueLabels(labels: one, excluded: nil, spacingUm: 0, originUm: (0, 0, 0)) } == .badGrid)
        let maps = ToyBrain.maps()
        let small = Volume<Float>(planes: 5, rows: 5, columns: 5, filledWith: 1)
        #expect(
            code { _ = try TissueTemplate(gray: maps.gray, white: small, indexToRasMm: maps.indexToRasMm) } == .badGrid)
        let flat = AffineTransform(x: [1, 0, 0], y: [0, 1, 0], z: [1, 1, 0])
        #expect(code { _ = try TissueTemplate(gray: maps.gray, white: maps.white, indexToRasMm: flat) } == .badGrid)
    }

    @Test(arguments: [Float.nan, .infinity, -3, 1000])
    func valuesThatAreNoProbabilitiesAreRefused(value: Float) throws {
        var maps = ToyBrain.maps()
        maps.white.elements[1234] = value
        #expect(
            code { _ = try TissueTemplate(gray: maps.gray, white: maps.white, indexToRasMm: maps.indexToRasMm) }
                == .badValue)
    }

    /// Two small balls far apart are no brain, whatever is done to them.
    @Test func whatLooksLikeNoBrainIsRefused() throws {
        var labels = Volume<UInt8>(planes: 80, rows: 80, columns: 80, filledWith: 0)
        for plane in 0..<80 {
            for row in 0..<80 {
                for column in 0..<80 {
                    let (p, r, c) = (plane % 64 - 8, row % 64 - 8, column % 64 - 8)
                    let same = (plane < 64) == (row < 64) && (row < 64) == (column < 64)
                    if same, p * p + r * r + c * c < 40 { labels[plane, row, column] = 1 }
                }
            }
        }
        let brain = try TissueLabels(labels: labels, excluded: nil, spacingUm: 500, originUm: (0, 0, 0))
        let template = try ToyBrain.template()
        #expect(
            code { _ = try registerToTemplate(brain, template: template, settings: ToyBrain.settings, threads: 2) }
                == .noMatch)
    }

    @Test func badSettingsAreRefused() throws {
        let brain = try ToyBrain.brain { ToyBrain.frame(rollDeg: 0, scale: [1, 1, 1], shift: [0, 0, 0])($0) }
        let template = try ToyBrain.template()
        for change: (inout TemplateRegistrationSettings) -> Void in [
            { $0.spacingMm = 0 }, { $0.knotMm = 2 }, { $0.bendingMm2 = -1 }, { $0.maximumRollDeg = 200 },
            { ($0.grayWeight, $0.whiteWeight, $0.tissueWeight) = (0, 0, 0) },
        ] {
            var settings = ToyBrain.settings
            change(&settings)
            #expect(
                code { _ = try registerToTemplate(brain, template: template, settings: settings, threads: 1) }
                    == .badSetting)
        }
    }

    /// A template stored right to left, with y as the slowest axis: the same brain, so the same map but for float32's rounding.
    @Test func templatesMayBeStoredInAnyOrientation() throws {
        let frame = ToyBrain.frame(rollDeg: 8, scale: [1, 1, 1], shift: [0, 0, 0])
        let brain = try ToyBrain.brain { ToyBrain.bent(frame($0)) }
        let maps = ToyBrain.maps()
        func turned(_ map: Volume<Float>) -> Volume<Float> {
            var result = Volume<Float>(planes: map.rows, rows: map.planes, columns: map.columns, filledWith: 0)
            for plane in 0..<map.planes {
                for row in 0..<map.rows {
                    for column in 0..<map.columns {
                        result[row, plane, map.columns - 1 - column] = map[plane, row, column]
                    }
                }
            }
            return result
        }
        let old = maps.indexToRasMm
        let matrix = AffineTransform(
            x: -old.x, y: old.z, z: old.y, translation: old(SIMD3(Double(maps.gray.columns - 1), 0, 0)))
        let one = try registerToTemplate(
            brain, template: try ToyBrain.template(), settings: ToyBrain.settings, threads: 2)
        let other = try registerToTemplate(
            brain,
            template: try TissueTemplate(gray: turned(maps.gray), white: turned(maps.white), indexToRasMm: matrix),
            settings: ToyBrain.settings, threads: 2)
        let errors = Errors(ToyBrain.points { frame($0) }) {
            one.templatePointMm(ofBrainMm: $0) - other.templatePointMm(ofBrainMm: $0)
        }
        #expect(errors.most < 0.02)
    }

    /// Slices of twice the thickness blur along z only; scale 0 to 255 is told by its maximum.
    @Test func templatesMayBeAnisotropicAndScaled() throws {
        let frame = ToyBrain.frame(rollDeg: 8, scale: [1, 1, 1], shift: [0, 0, 0])
        var maps = ToyBrain.maps(spacingMm: [0.8, 0.8, 1.6])
        for index in maps.gray.elements.indices {
            maps.gray.elements[index] *= 255
            maps.white.elements[index] *= 255
        }
        let template = try TissueTemplate(gray: maps.gray, white: maps.white, indexToRasMm: maps.indexToRasMm)
        #expect(template.gray.elements.max() == 1)
        var settings = ToyBrain.settings
        settings.iterations = 0
        let match = try registerToTemplate(
            try ToyBrain.brain { frame($0) }, template: template, settings: settings, threads: 2)
        // Less than half a voxel of the comparison, a quarter of a slice.
        #expect(Errors(ToyBrain.points { frame($0) }) { match.templatePointMm(ofBrainMm: $0) - frame($0) }.median < 0.4)
    }
}
