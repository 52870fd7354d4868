import Testing
import Torch

/// One after another: the seed and the number of threads belong to the whole process.
@Suite(.serialized) struct TorchTests {}

extension TorchTests {
    @Suite struct TensorTests {
        @Test func elementsComeBackAsTheyWent() throws {
            let floats: [Float] = [1, -2, 3.5, .infinity, 0, 6]
            let tensor = try Tensor(floats, shape: [2, 3])
            #expect(tensor.shape == [2, 3])
            #expect(try tensor.type == .float32)
            #expect(tensor.device == .cpu)
            #expect(try tensor.array(of: Float.self) == floats)
            #expect(try Tensor([7, -9] as [Int64], shape: [2]).array(of: Int64.self) == [7, -9])
            #expect(try Tensor([7, 255] as [UInt8], shape: [1, 2]).array(of: UInt8.self) == [7, 255])
            #expect(try Tensor([] as [Float], shape: [0, 4]).array(of: Float.self).isEmpty)
            #expect(try Tensor(2.5 as Double).number() == 2.5)
        }

        @Test func shapesThatDoNotFitAreRefusedWithASentence() throws {
            let refused = #expect(throws: TorchError.self) { try Tensor([1, 2, 3] as [Float], shape: [2, 2]) }
            #expect(refused?.description.contains("3 elements do not fill the shape [2, 2]") == true)
            let a = try Tensor.zeros(shape: [2, 3])
            let product = #expect(throws: TorchError.self) { try a.matmul(a) }
            #expect(product?.code == .invalid)
            #expect(product?.operation == "matmul(_:)")
            #expect(product?.message.contains("2x3") == true)
            #expect(product?.message.contains("frame #") == false)
            #expect(throws: TorchError.self) { try a.array(of: Double.self) }
            #expect(throws: TorchError.self) { try a.number() }
            #expect(throws: TorchError.self) { try a.slice(1..<3, axis: 0) }
            #expect(throws: TorchError.self) { try a.copy(Tensor.zeros(shape: [3, 2])) }
            #expect(throws: TorchError.self) { try Torch.setThreads(0) }
        }

        @Test func anImpossibleSizeIsShortMemoryAndNotACrash() throws {
            let error = #expect(throws: TorchError.self) {
                try Tensor.full(1, shape: [1 << 30, 1 << 20])
            }
            #expect(error?.code == .outOfMemory)
        }

        @Test func shapeOperationsMoveElementsAsTheirNamesSay() throws {
            let a = try Tensor([0, 1, 2, 3, 4, 5] as [Float], shape: [2, 3])
            #expect(try a.transposed().array(of: Float.self) == [0, 3, 1, 4, 2, 5])
            #expect(try a.reshaped([3, -1]).shape == [3, 2])
            #expect(try a.slice(1..<3, axis: 1).array(of: Float.self) == [1, 2, 4, 5])
            #expect(
                try Tensor.concatenated([a, a], axis: 1).array(of: Float.self) == [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])
            #expect(
                try a.reshaped([2, 1, 3]).expanded([2, 2, 3]).array(of: Float.self) == [
                    0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5,
                ])
            let indices = try Tensor([2, 0] as [Int64], shape: [2])
            #expect(try a.selecting(indices, axis: 1).array(of: Float.self) == [2, 0, 5, 3])
            #expect(try a.gathering(indices.reshaped([2, 1]), axis: 1).array(of: Float.self) == [2, 3])
        }

        @Test func arithmeticBroadcastsAndReduces() throws {
            let a = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
            let row = try Tensor([10, 20] as [Float], shape: [1, 2])
            #expect(try (a + row).array(of: Float.self) == [11, 22, 13, 24])
            #expect(try (a * row - a / 2 + 1).array(of: Float.self) == [10.5, 40, 29.5, 79])
            #expect(try (-a).array(of: Float.self) == [-1, -2, -3, -4])
            #expect(try a.sum([0]).array(of: Float.self) == [4, 6])
            #expect(try a.mean([1], keepingAxes: true).shape == [2, 1])
            #expect(try a.sum().number() == 10)
            #expect(try a.maximum(axis: 1).array(of: Float.self) == [2, 4])
            #expect(try a.indexOfMaximum(axis: 0).array(of: Int64.self) == [1, 1])
            #expect(try a.norm().number() == Double(Float(30).squareRoot()))
            let mask = try a.isGreater(than: 2)
            #expect(try a.filled(with: 0, where: mask).array(of: Float.self) == [1, 2, 0, 0])
            #expect(try a.chosen(where: mask, else: row.expanded([2, 2])).array(of: Float.self) == [10, 20, 3, 4])
            #expect(try !a.logarithm().filled(with: .nan, where: mask).isFinite())
        }

        @Test func changesInPlaceAreSeenByEveryHolder() throws {
            let a = try Tensor([1, 2] as [Float], shape: [2])
            let same = a
            try a.add(a, times: 2)  // 3, 6
            try a.scale(by: 2, adding: 1)  // 7, 13
            try a.add(productOf: a, a, times: -1)  // −42, −156
            try a.add(quotientOf: a, Tensor([2, 4] as [Float], shape: [2]), times: 2)  // −84, −234
            #expect(try same.array(of: Float.self) == [-84, -234])
            let other = try a + 0
            let another = try a * 1
            try a.scale(by: 0)
            #expect(try other.array(of: Float.self) == [-84, -234])
            #expect(try another.array(of: Float.self) == [-84, -234])
        }

        @Test func channelsLastChangesMemoryAndNotValues() throws {
            let values = (0..<24).map { Float($0) }
            let image = try Tensor(values, shape: [1, 2, 3, 4])
            let last = try image.channelsLast()
            #expect(last.isChannelsLast && !image.isChannelsLast)
            #expect(try last.array(of: Float.self) == values)
        }

        @Test func theSeedDecidesNormalNumbers() throws {
            try Torch.seed(7)
            let first = try Tensor.normal(shape: [1000]).array(of: Float.self)
            try Torch.seed(7)
            #expect(try Tensor.normal(shape: [1000]).array(of: Float.self) == first)
            try Torch.seed(8)
            #expect(try Tensor.normal(shape: [1000]).array(of: Float.self) != first)
        }

        @Test func threadsAreSetAndTold() throws {
            let before = try Torch.threads()
            try Torch.setThreads(1)
            #expect(try Torch.threads() == 1)
            try Torch.setThreads(before)
            #expect(Torch.version.split(separator: ".").count >= 2)
        }
    }
}
