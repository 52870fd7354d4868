import NDArray
import Statistics
import Testing

@Suite struct PrincipalComponentsTests {
    @Test(arguments: PrincipalComponents.Solver.allCases) func componentsAreThoseOfScikitLearn(
        solver: PrincipalComponents.Solver
    ) throws {
        let given = try Vectors.load().pca
        let points = matrix(given.points, columns: 8)
        let pca = try PrincipalComponents(of: points, count: 5, solver: solver, whitened: true, threads: 2)
        // In single precision relative to the first variance; eight directions are all that the randomised solver can miss.
        let bound = solver == .full || solver == .automatic ? 1e-6 : 2e-4
        #expect(largestError(pca.components.elements.map(Double.init), given.components) < bound)
        #expect(largestError(pca.explainedVariance, given.variance) < bound * given.variance[0])
        #expect(largestError(pca.explainedVarianceRatio, given.ratio) < bound)
        let whitened = pca.transform(points).elements.map(Double.init)
        #expect(largestError(whitened, given.whitened) < max(1e-4, 10 * bound))
    }

    /// Rank 6 plus little noise, 3,000 × 40.
    static func cloud() -> Matrix {
        var generator = SeededGenerator(seed: 2)
        let directions = (0..<6 * 40).map { _ in generator.normal() }
        var elements: [Float] = []
        for _ in 0..<3000 {
            let weights = (0..<6).map { Double(8 - $0) * generator.normal() }
            for column in 0..<40 {
                let value = (0..<6).reduce(3.0) { $0 + weights[$1] * directions[$1 * 40 + column] }
                elements.append(Float(value + 0.01 * generator.normal()))
            }
        }
        return Matrix(rows: 3000, columns: 40, elements: elements)
    }

    @Test func solversAgreeAndThreadsChangeNothing() throws {
        let cloud = Self.cloud()
        let full = try PrincipalComponents(of: cloud, count: 6, solver: .full)
        for solver in [PrincipalComponents.Solver.covariance, .randomised] {
            let one = try PrincipalComponents(of: cloud, count: 6, solver: solver, threads: 1)
            let three = try PrincipalComponents(of: cloud, count: 6, solver: solver, threads: 3)
            #expect(one == three)
            for component in 0..<6 {
                var cosine: Float = 0
                for (a, b) in zip(one.components.row(component), full.components.row(component)) { cosine += a * b }
                #expect(cosine > 0.9999)
                #expect(abs(one.explainedVariance[component] / full.explainedVariance[component] - 1) < 1e-4)
            }
        }
    }

    @Test func manyComponentsOfPointsFarFromTheOriginInOrderAreThoseOfTheFullSolver() throws {
        // 300 features, their mean at 1,000, points sorted along the first direction: a poor guess of the mean would show.
        var generator = SeededGenerator(seed: 5)
        let rows = (0..<3200).map { row in
            (0..<300).map { column -> Float in
                let scale = 10 / Double(1 + column)
                let drift = column == 0 ? Double(row) / 100 : 0
                return Float(1000 + drift + scale * generator.normal())
            }
        }
        let points = Matrix(rows)
        let full = try PrincipalComponents(of: points, count: 90, solver: .full)
        let covariance = try PrincipalComponents(of: points, count: 90, solver: .automatic)
        #expect(covariance.solver == .covariance)
        #expect(largestError(covariance.means, full.means) < 1e-9)
        // Products in single precision: relative to the first variance.
        #expect(largestError(covariance.explainedVariance, full.explainedVariance) < 1e-5 * full.explainedVariance[0])
        for component in 0..<5 {
            var cosine: Float = 0
            for (a, b) in zip(covariance.components.row(component), full.components.row(component)) { cosine += a * b }
            #expect(cosine > 0.9999)
        }
    }

    @Test func aMeanOfThousandsOfSpreadsChangesNeitherComponentsNorVariance() throws {
        // Steps of 1/128 that single precision holds beside 32,768 too: both clouds are one, moved. Three blocks, the last one short,
        // of slices that end within fours of rows; a number of features that fours do not divide.
        var generator = SeededGenerator(seed: 6)
        let rows = (0..<4501).map { _ in
            (0..<203).map { column -> Float in
                let scale = 12 / Double(1 + column)
                return Float((128 * scale * generator.normal()).rounded() / 128)
            }
        }
        let near = Matrix(rows)
        let far = Matrix(rows.map { row in row.map { $0 + 32768 } })
        let centred = try PrincipalComponents(of: near, count: 60, solver: .covariance, threads: 2)
        let full = try PrincipalComponents(of: near, count: 60, solver: .full)
        let moved = try PrincipalComponents(of: far, count: 60, solver: .covariance, threads: 2)
        // The far points lie on one grid with the point that is taken off them; the near ones are rounded.
        #expect(largestError(moved.means, full.means.map { $0 + 32768 }) < 1e-9)
        #expect(largestError(centred.means, full.means) < 1e-6)
        for other in [centred, full] {
            #expect(largestError(moved.explainedVariance, other.explainedVariance) < 1e-6 * full.explainedVariance[0])
            for component in 0..<5 {
                let pairs = zip(moved.components.row(component), other.components.row(component))
                #expect(pairs.allSatisfy { abs($0 - $1) < 1e-5 })
            }
        }
        for threads in [1, 3, 8] {
            #expect(try PrincipalComponents(of: far, count: 60, solver: .covariance, threads: threads) == moved)
        }
    }

    @Test(arguments: PrincipalComponents.Solver.allCases) func aMissingValueIsNamedWithItsPlace(
        solver: PrincipalComponents.Solver
    ) throws {
        var rows = [[Float]](repeating: [1, 2, 3], count: 40)
        rows[17][2] = .infinity
        let error = #expect(throws: StatisticsError.self) {
            try PrincipalComponents(of: Matrix(rows), count: 2, solver: solver)
        }
        #expect(error?.message.contains("row 17, column 2") == true)
    }

    @Test func solverIsChosenAsByScikitLearn() throws {
        let cloud = Self.cloud()
        #expect(try PrincipalComponents(of: cloud, count: 2).solver == .covariance)
        #expect(try PrincipalComponents(of: cloud.transposed, count: 2).solver == .randomised)
        #expect(try PrincipalComponents(of: cloud.transposed, count: 39).solver == .full)
        #expect(try PrincipalComponents(of: cloud.selecting(rows: Array(0..<100)), count: 2).solver == .full)
    }

    @Test(arguments: PrincipalComponents.Solver.allCases) func constantFeaturesExplainNothing(
        solver: PrincipalComponents.Solver
    ) throws {
        let pca = try PrincipalComponents(
            of: Matrix(rows: 4, columns: 3, repeating: 7), count: 2, solver: solver, whitened: true)
        #expect(pca.explainedVarianceRatio == [0, 0])
        #expect(pca.transform(Matrix(rows: 2, columns: 3, repeating: 7)).elements == [0, 0, 0, 0])
    }

    @Test func impossibleRequestsAreRefused() {
        let points = Matrix([[1, 2, 3], [4, 5, 7]])
        #expect(throws: StatisticsError.self) { try PrincipalComponents(of: points, count: 3) }
        #expect(throws: StatisticsError.self) { try PrincipalComponents(of: points, count: 4) }
        #expect(throws: StatisticsError.self) { try PrincipalComponents(of: points, count: 0) }
        #expect(throws: StatisticsError.self) { try PrincipalComponents(of: Matrix([[1, 2]]), count: 1) }
        #expect(throws: StatisticsError.self) { try PrincipalComponents(of: Matrix([[1, .nan], [2, 3]]), count: 1) }
    }
}
