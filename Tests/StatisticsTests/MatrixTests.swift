import Statistics
import Testing

@Suite struct MatrixTests {
    let matrix = Matrix(rows: 3, columns: 2, elements: [0, 1, 2, 3, 4, 5])

    @Test func rowsAndColumnsAreFound() {
        #expect(matrix[2, 0] == 4)
        #expect(Array(matrix.row(1)) == [2, 3])
        #expect(matrix.column(1) == [1, 3, 5])
        #expect(matrix.transposed.transposed == matrix)
        #expect(matrix.transposed == Matrix([[0, 2, 4], [1, 3, 5]]))
    }

    @Test func selectionsKeepTheirOrder() {
        #expect(matrix.selecting(rows: [2, 0, 2]) == Matrix([[4, 5], [0, 1], [4, 5]]))
        #expect(matrix.selecting(columns: 1..<2) == Matrix([[1], [3], [5]]))
        #expect(matrix.appending(Matrix([[6, 7]])).row(3) == [6, 7])
        #expect(Matrix([]).appending(matrix) == matrix)
    }

    @Test func firstNotFiniteIsLocated() {
        var large = Matrix(rows: 100, columns: 33, repeating: 1)
        #expect(large.firstNotFinite == nil)
        large[57, 20] = .infinity
        large[99, 32] = .nan
        #expect(large.firstNotFinite?.row == 57)
        #expect(large.firstNotFinite?.column == 20)
        #expect(throws: StatisticsError.self) { try large.requireFinite("features") }
        large[57, 20] = 0
        #expect(large.firstNotFinite?.row == 99)
    }
}
