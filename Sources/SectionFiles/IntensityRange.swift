/// Which of a scan's own gray values become 0 and 255. Nothing is ever clipped: the range holds all values that occur.
public struct IntensityRange: Sendable, Equatable {
    /// Becomes 0.
    public let low: Double
    /// Becomes 255.
    public let high: Double
    /// How the range was found, for example "8 bits", "12 significant bits", "smallest and largest value".
    public let source: String

    /// The range of a scan's values.
    ///
    /// Integers of up to 8 bits use all of theirs. Of more bits: as many as the file calls significant (OME-XML,
    /// MaxSampleValue), else the fewest, 8 at least, that hold the largest value, since cameras of 10 to 14 bits write
    /// 16. Signed and floating-point values go from the smallest to the largest, or 0 … 1 if they lie within.
    init(bits: Int, isUnsigned: Bool, isFloat: Bool, significantBits: Int?, smallest: Double, largest: Double) {
        if isUnsigned, bits <= 8 {
            self.init(low: 0, high: Double((1 << bits) - 1), source: "\(bits) bits")
        } else if isUnsigned {
            func top(_ bits: Int) -> Double { Double((UInt64(1) << UInt64(bits)) - 1) }
            if let significantBits, (1...bits).contains(significantBits), largest <= top(significantBits) {
                self.init(low: 0, high: top(significantBits), source: "\(significantBits) significant bits")
            } else {
                var fewest = 8
                while fewest < bits, top(fewest) < largest { fewest += 1 }
                self.init(low: 0, high: top(fewest), source: "\(fewest) bits hold the largest value")
            }
        } else if isFloat, smallest >= 0, largest <= 1 {
            self.init(low: 0, high: 1, source: "values within 0 and 1")
        } else {
            self.init(
                low: smallest, high: largest > smallest ? largest : smallest + 1, source: "smallest and largest value")
        }
    }

    init(low: Double, high: Double, source: String) {
        self.low = low
        self.high = high
        self.source = source
    }
}
