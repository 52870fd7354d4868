internal import TIFF

/// Which single value stands for a pixel of several channels.
public enum GrayChannel: Sendable, Equatable {
    /// 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601, as Pillow's and OpenCV's gray).
    case luma
    /// One channel alone, counted from 0; for example green, where a Nissl stain shows best.
    case channel(Int)
}

/// Turns rows of samples of any kind into gray values in the samples' own unit (0 … 255 for 8 bits, 0 … 65535 for 16).
///
/// Inverted gray is turned around, palettes are looked up (0 … 255), CMYK becomes RGB by (1 − C)(1 − K), and what is
/// transparent shows the white of the slide.
struct GrayRows: Sendable {
    /// The value of full brightness: the background's, and the top of the range of integers.
    let white: Float
    /// Whether the range of the values is known without looking at them.
    let hasKnownRange: Bool
    private let delivery: TIFFBlockReader.Delivery
    private let channel: GrayChannel
    private let paletteGray: [Float]

    init(_ delivery: TIFFBlockReader.Delivery, palette: [SIMD3<UInt16>], channel: GrayChannel) {
        self.delivery = delivery
        self.channel = channel
        // Some writers fill palettes with 8-bit values.
        let scale: Float = palette.contains { $0.max() > 255 } ? 257 : 1
        paletteGray = palette.map { colour in
            let rgb = (Float(colour.x) / scale, Float(colour.y) / scale, Float(colour.z) / scale)
            return switch channel {
            case .channel(0): rgb.0
            case .channel(1): rgb.1
            case .channel(2): rgb.2
            default: GrayRows.luma(rgb.0, rgb.1, rgb.2)
            }
        }
        hasKnownRange =
            delivery.meaning == .palette || (delivery.format == .unsigned && delivery.bits <= 8)
        white =
            if delivery.meaning == .palette { 255 } else {
                switch delivery.format {
                case .unsigned: Float((1 << UInt64(delivery.bits)) - 1)
                case .signed: Float((1 << UInt64(delivery.bits - 1)) - 1)
                case .float: 1
                }
            }
    }

    @inline(__always) static func luma(_ red: Float, _ green: Float, _ blue: Float) -> Float {
        0.299 * red + 0.587 * green + 0.114 * blue
    }

    /// The gray values of `count` pixels in a row.
    func convert(_ source: UnsafeRawPointer, count: Int, into target: UnsafeMutablePointer<Float>) {
        switch (delivery.bytesPerSample, delivery.format) {
        case (1, .unsigned):
            let bytes = source.assumingMemoryBound(to: UInt8.self)
            if delivery.meaning == .gray, delivery.channels == 1 {
                for index in 0..<count { target[index] = Float(bytes[index]) }
            } else if delivery.meaning == .rgb, delivery.channels == 3, channel == .luma {
                for index in 0..<count {
                    target[index] = GrayRows.luma(
                        Float(bytes[3 * index]), Float(bytes[3 * index + 1]), Float(bytes[3 * index + 2]))
                }
            } else {
                convert(count, target) { Float(bytes[$0]) }
            }
        case (2, .unsigned):
            convert(count, target) { Float(source.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)) }
        case (4, .unsigned):
            convert(count, target) { Float(source.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
        case (1, .signed): convert(count, target) { Float(source.loadUnaligned(fromByteOffset: $0, as: Int8.self)) }
        case (2, .signed):
            convert(count, target) { Float(source.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self)) }
        case (4, .signed):
            convert(count, target) { Float(source.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
        case (2, .float):
            convert(count, target) {
                Float(Float16(bitPattern: source.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)))
            }
        case (4, .float): convert(count, target) { source.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        case (8, .float):
            convert(count, target) { Float(source.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self)) }
        default: for index in 0..<count { target[index] = white }
        }
    }

    @inline(__always)
    private func convert(_ count: Int, _ target: UnsafeMutablePointer<Float>, _ sample: (Int) -> Float) {
        let channels = delivery.channels
        let white = white
        for index in 0..<count {
            let at = index * channels
            var gray: Float
            switch delivery.meaning {
            case .gray, .invertedGray:
                gray = sample(at + single())
                if delivery.meaning == .invertedGray { gray = white - gray }
            case .palette: gray = paletteGray[min(Int(sample(at)), paletteGray.count - 1)]
            case .rgb:
                if case .channel = channel {
                    gray = sample(at + single())
                } else {
                    gray = GrayRows.luma(sample(at), sample(at + 1), sample(at + 2))
                }
            case .separated:
                let key = 1 - sample(at + 3) / white
                gray = GrayRows.luma(white - sample(at), white - sample(at + 1), white - sample(at + 2)) * key
            }
            if let alpha = delivery.alphaChannel {
                let opacity = sample(at + alpha) / white
                gray = (delivery.isPremultiplied ? gray : gray * opacity) + white * (1 - opacity)
            }
            target[index] = gray.isNaN ? white : gray
        }
    }

    /// The chosen channel among those of colour; the first where there is no such.
    @inline(__always) private func single() -> Int {
        if case .channel(let number) = channel, number >= 0, number < delivery.channels { return number }
        return 0
    }
}
