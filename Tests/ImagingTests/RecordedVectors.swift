import Foundation
import Imaging
import NDArray

/// What scikit-image and SciPy made of small images; `Vectors/record.py` wrote it.
struct RecordedVectors: Decodable {
    struct Recorded: Decodable {
        var shape: [Int]
        var element: String
        var data: Data
    }

    struct Missing: Error {
        var name: String
    }

    var versions: [String: String]
    var arrays: [String: Recorded]

    static let all = Result {
        let url = Bundle.module.url(forResource: "imaging", withExtension: "json", subdirectory: "Vectors")
        guard let url else { throw Missing(name: "Vectors/imaging.json") }
        return try JSONDecoder().decode(RecordedVectors.self, from: Data(contentsOf: url))
    }

    static func values<Element>(_ name: String, as type: Element.Type) throws -> (shape: [Int], elements: [Element]) {
        guard let array = try all.get().arrays[name],
            array.element
                == String(describing: type).lowercased().replacing(
                    "double", with: "float64"
                ).replacing(/^float$/, with: "float32")
        else { throw Missing(name: name) }
        let elements = array.data.withUnsafeBytes { bytes in
            (0..<bytes.count / MemoryLayout<Element>.stride).map {
                bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: type)
            }
        }
        return (array.shape, elements)
    }

    static func image<Element>(_ name: String, as type: Element.Type = Float.self) throws -> Image<Element> {
        let (shape, elements) = try values(name, as: type)
        return Image(rows: shape[0], columns: shape[1], elements: elements)
    }

    static func bits(_ name: String) throws -> BitImage { BitImage(try image(name, as: UInt8.self)) }

    static func volume<Element>(_ name: String, as type: Element.Type) throws -> Volume<Element> {
        let (shape, elements) = try values(name, as: type)
        return Volume(planes: shape[0], rows: shape[1], columns: shape[2], elements: elements)
    }
}

/// The largest difference of two images' values.
func largestDifference(_ first: Image<Float>, _ second: Image<Float>) -> Float {
    guard first.rows == second.rows, first.columns == second.columns else { return .infinity }
    return zip(first.elements, second.elements).map { abs($0 - $1) }.max() ?? 0
}
