import StageKit
import StageProtocol
import Testing

private enum Stain: String, CaseIterable { case nissl, silver }

struct StageConfigTests {
    let config = StageConfig([
        "spacing_um": .integer(64), "sigma_px": .real(1.5), "name": .text("B01"), "code": .integer(12),
        "mirror": .bool(true), "weights": .list([.integer(1), .real(0.5)]), "stain": .text("nissl"), "none": .null,
        "whole": .real(3),
    ])

    func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch { return "\(error)" }
    }

    @Test func valuesComeWithTheirTypes() throws {
        #expect(try config.double("spacing_um") == 64)
        #expect(try config.double("sigma_px", in: 0...2) == 1.5)
        #expect(try config.integer("whole", in: 1...) == 3)
        #expect(try config.text("name") == "B01")
        #expect(try config.text("code") == "12")
        #expect(try config.bool("mirror"))
        #expect(try config.doubles("weights") == [1, 0.5])
        #expect(try config.choice("stain", of: Stain.self) == .nissl)
        #expect(try config.optionalDouble("none") == nil)
        #expect(try config.optionalDouble("absent") == nil)
        #expect(try config.optionalInteger("code") == 12)
    }

    @Test func mistakesNameKeyValueAndWhatWasExpected() {
        #expect(
            message { _ = try config.double("spacing_um", in: 100...) }
                == "config.spacing_um is 64.0, but must be a number in 100.0…")
        #expect(message { _ = try config.integer("sigma_px") } == "config.sigma_px is 1.5, but must be a whole number")
        #expect(
            message { _ = try config.integer("code", in: 1...9) }
                == "config.code is 12, but must be a whole number in 1 … 9")
        #expect(message { _ = try config.bool("name") } == "config.name is \"B01\", but must be true or false")
        #expect(
            message { _ = try config.choice("name", of: Stain.self) }
                == "config.name is \"B01\", but must be one of nissl, silver")
        #expect(message { _ = try config.double("absent") }?.contains("config.absent is missing") == true)
    }
}
