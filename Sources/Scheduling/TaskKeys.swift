internal import ContentHash
internal import StageProtocol

/// Makes the keys of a graph's tasks: SHA-256 over the canonical record of everything that may decide about the result.
///
/// In the key: manifest name, version and digest, resolved config, seed, the task's item, and of each input port the list of
/// digests with item and requested attributes. Never in it: names of stage and pipeline, paths, resources, host, time.
/// The part that tasks of one stage and config share is hashed once.
struct TaskKeys: Sendable {
    /// Goes up when the record's layout changes, so that keys of two layouts never meet.
    static let layout: Int64 = 1

    private var shared: [Int64: Digest] = [:]
    private var record = CanonicalRecord(capacity: 4096)

    /// The key of a task; `digest` gives the content of each of its inputs, by position in `graph.inputs`.
    mutating func key(of index: Int, in graph: WorkGraph, digest: (Int) -> Digest) -> Digest {
        let task = graph.tasks[index]
        let fixed = sharedDigest(stage: Int(task.stage), config: Int(task.config), in: graph)
        record.removeAll()
        record.append(TaskKeys.layout)
        record.append(fixed)
        record.append(Int64(bitPattern: task.seed))
        append(item: graph.items[Int(task.item)])
        let slice = Int(task.inputs.lowerBound)..<Int(task.inputs.upperBound)
        let ports = graph.stages[Int(task.stage)].inputPorts
        record.beginList(count: ports.count)
        for port in ports.indices {
            record.append(ports[port])
            record.beginList(count: slice.reduce(0) { $0 + (graph.inputs[$1].port == port ? 1 : 0) })
            for position in slice where graph.inputs[position].port == port {
                let input = graph.inputs[position]
                record.append(digest(position))
                append(item: graph.items[Int(input.item)])
                if input.attributes < 0 {
                    record.appendNull()
                } else {
                    let attributes = graph.attributeSets[Int(input.attributes)]
                    append(map: attributes.mapValues { ConfigValue.map($0) })
                }
            }
        }
        return record.digest
    }

    private mutating func sharedDigest(stage: Int, config: Int, in graph: WorkGraph) -> Digest {
        let name = Int64(stage) << 32 | Int64(config)
        if let known = shared[name] { return known }
        record.removeAll()
        record.append(TaskKeys.layout)
        record.append(graph.stages[stage].manifest)
        record.append(Int64(graph.stages[stage].version))
        record.append(graph.stages[stage].manifestDigest)
        append(map: graph.configs[config])
        let digest = record.digest
        shared[name] = digest
        return digest
    }

    private mutating func append(item: [Coordinate]) {
        record.beginList(count: item.count)
        for coordinate in item {
            record.append(coordinate.axis)
            record.append(coordinate.value)
        }
    }

    private mutating func append(map: [String: ConfigValue]) {
        record.beginMap(count: map.count)
        for (key, value) in map.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            record.append(key)
            append(value)
        }
    }

    private mutating func append(_ value: ConfigValue) {
        switch value {
        case .null: record.appendNull()
        case .bool(let flag): record.append(flag)
        case .integer(let number): record.append(number)
        case .real(let number): record.append(number)
        case .text(let text): record.append(text)
        case .list(let values):
            record.beginList(count: values.count)
            for each in values { append(each) }
        case .map(let map): append(map: map)
        }
    }
}
