internal import PipelineModel
internal import StageProtocol

/// One connection while its stage is expanded: which of the producer's items each item of the consumer reads.
struct InputLink {
    let connection: Pipeline.Connection
    let port: Int
    private let stage: Pipeline.StageUse
    private let consumer: ItemSet
    private var producer: ItemSet?
    private var index: PlaceIndex?
    private var numbering = PlaceNumbering(axes: [], of: [])
    /// The axes on which a place is fixed: shared ones and pinned ones, parents first.
    private var fixed: [(axis: Int, column: Int?, pin: ValueTemplate?)] = []
    private var isPlain = false
    private var missing = 0
    private var firstMissing = 0
    private var attributeColumns: [(axis: Int, column: Int, position: Int)] = []
    private var attributeNumbers: [UInt64: Int32] = [:]
    private var attributePlaces = PlaceNumbering(axes: [], of: [])
    /// Name of what the files come from, where the port asks for it.
    private var originName: String?

    init(
        _ connection: Pipeline.Connection, port: Int, of stage: Pipeline.StageUse, consumer: ItemSet,
        in pipeline: Pipeline
    ) {
        self.connection = connection
        self.port = port
        self.stage = stage
        self.consumer = consumer
        if stage.manifest.inputs[port].attributes.contains(where: { $0.value == AttributeRequest.stage }) {
            switch connection.origin {
            case .stage(let index, port: _): originName = pipeline.stages[index].name
            case .source(let index): originName = pipeline.sources[index].name
            }
        }
    }

    mutating func prepare(_ producer: ItemSet, axes: [Axis]) {
        self.producer = producer
        for axis in producer.axes {
            let pin = connection.pins.first { $0.axis == axis }?.value
            let column = consumer.position(of: axis)
            if pin != nil || column != nil { fixed.append((axis, column, pin)) }
        }
        isPlain = connection.pins.isEmpty && connection.neighbours == nil
        numbering = PlaceNumbering(axes: fixed.map(\.axis), of: axes)
        var included: [Bool]?
        if !connection.filters.isEmpty {
            included = (0..<producer.count).map { item in
                connection.filters.allSatisfy { $0.holds { producer.value($0, at: item, of: axes) } }
            }
        }
        index = PlaceIndex(producer, numbering: numbering, included: included)
        for request in stage.manifest.inputs[port].attributes {
            for (axis, column) in AttributeRequest(request.value).columns(axes: producer.axes, of: axes) {
                guard let position = producer.position(of: axis) else { continue }
                attributeColumns.append((axis, column, position))
            }
        }
        attributePlaces = PlaceNumbering(
            axes: producer.axes.filter { axis in attributeColumns.contains { $0.axis == axis } }, of: axes)
    }

    /// The places that an item of the consumer reads from, in order: one, or one for each neighbour that exists.
    func places(of item: Int, axes: [Axis]) -> [UInt64] {
        if isPlain {
            var place: UInt64 = 0
            for (axis, step) in numbering.steps {
                let column = consumer.position(of: axis) ?? 0
                place &+= UInt64(consumer.columns[column][item]) &* step
            }
            return [place]
        }
        guard let neighbours = connection.neighbours else {
            return place(of: item, offset: 0, axes: axes).map { [$0] } ?? []
        }
        return neighbours.offsets.compactMap { place(of: item, offset: $0, axes: axes) }
    }

    private func place(of item: Int, offset: Int, axes: [Axis]) -> UInt64? {
        var found: [Int: Int] = [:]
        for (axis, column, pin) in fixed {
            let own = column.map { Int(consumer.columns[$0][item]) }
            let parent = axes[axis].parent
            var index: Int
            if let pin {
                let text = ConfigKey.text(of: pin.evaluated { consumer.value($0, at: item, of: axes) })
                guard let named = position(of: text, on: axis, within: parent.flatMap { found[$0] }, axes: axes) else {
                    return nil
                }
                index = named
            } else if let own {
                index = own
                // Where the parent is pinned elsewhere, the value of the same name there is meant.
                if let parent, let held = found[parent], Int(axes[axis].parents[own]) != held {
                    guard let named = position(of: axes[axis].values[own], on: axis, within: held, axes: axes) else {
                        return nil
                    }
                    index = named
                }
            } else {
                return nil
            }
            if connection.neighbours?.axis == axis {
                let range = axes[axis].range(around: index)
                index += offset
                guard range.contains(index) else { return nil }
            }
            found[axis] = index
        }
        var place: UInt64 = 0
        for (axis, step) in numbering.steps { place &+= UInt64(found[axis] ?? 0) &* step }
        return place
    }

    private func position(of value: String, on axis: Int, within parent: Int?, axes: [Axis]) -> Int? {
        let range = axes[axis].parents.isEmpty ? 0..<axes[axis].count : parent.map { axes[axis].children(of: $0) }
        return range?.first { axes[axis].values[$0] == value }
    }

    func items(at place: UInt64) -> ArraySlice<Int32> { index?.items(at: place) ?? [] }

    /// Number of the attributes that the port wants with a file; −1 where it wants none.
    mutating func attributeNumber(of item: Int, axes: [Axis], sets: inout [[String: [String: ConfigValue]]]) -> Int32 {
        guard !attributeColumns.isEmpty || originName != nil, let producer else { return -1 }
        var place: UInt64 = 0
        for (axis, step) in attributePlaces.steps {
            place &+= UInt64(producer.columns[producer.position(of: axis) ?? 0][item]) &* step
        }
        if let known = attributeNumbers[place] { return known }
        var set: [String: [String: ConfigValue]] = [:]
        if let originName { set[AttributeRequest.stage] = ["name": .text(originName)] }
        for (axis, column, position) in attributeColumns {
            let value = axes[axis].value(of: column, at: Int(producer.columns[position][item]))
            let name = column == Axis.indexAttribute ? "index" : axes[axis].attributeNames[column]
            if value != .null { set[axes[axis].name, default: [:]][name] = value }
        }
        let number = Int32(sets.count)
        sets.append(set)
        attributeNumbers[place] = number
        return number
    }

    // MARK: Mistakes

    mutating func noteMissing(_ item: Int) {
        guard !connection.optional else { return }
        if missing == 0 { firstMissing = item }
        missing += 1
    }

    /// The connection as a mistake where some item found nothing and may not do without.
    func mistake(pipeline: Pipeline) -> Diagnostic? {
        guard missing > 0 else { return nil }
        let coordinates = consumer.coordinates(of: firstMissing, of: pipeline.axes)
        let label =
            coordinates.isEmpty
            ? "" : "[" + coordinates.map { "\($0.axis)=\($0.value)" }.joined(separator: ",") + "]"
        let name: String
        switch connection.origin {
        case .stage(let stage, let port):
            name = "\(pipeline.stages[stage].name).\(pipeline.stages[stage].manifest.outputs[port].name)"
        case .source(let source): name = pipeline.sources[source].name
        }
        let more = missing > 1 ? " (and \(missing - 1) more items)" : ""
        return Diagnostic(
            at: connection.mark,
            "input '\(stage.manifest.inputs[port].name)' of \(stage.name)\(label)\(more) finds no file of '\(name)'",
            expected: connection.neighbours != nil
                ? "'optional: true' where the neighbour may be missing, or 'where' that leaves such items out"
                : "the same 'where' and 'when' on both stages, or 'optional: true' at the input")
    }
}
