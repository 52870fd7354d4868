public import ContentHash
internal import Foundation
internal import Scheduling
internal import StageProtocol

/// Everything that led to an artifact: its action, the actions that made that one's inputs, and so on back to source files.
public struct ProvenanceChain: Sendable {
    /// One action and where each of its inputs came from.
    public struct Node: Sendable {
        public var record: ProvenanceRecord
        /// One link an input, in the record's order.
        public var links: [Link]
    }

    /// Where one input came from.
    public enum Link: Sendable, Equatable {
        /// The action that made it; its record is in the chain.
        case action(Digest)
        /// A source file.
        case source(path: String)
        /// The chain breaks here; the sentence says why.
        case broken(String)
    }

    /// A source file as some action read it.
    public struct Source: Sendable, Hashable, Codable {
        public var path: String
        public var digest: Digest

        public init(path: String, digest: Digest) {
            self.path = path
            self.digest = digest
        }
    }

    /// Key of the action that the chain explains.
    public var root: Digest
    /// The artifact that was asked for; nil where the action as a whole was.
    public var artifact: Digest?
    public var nodes: [Digest: Node]
    /// Keys so that each action stands after those that it depends on.
    public var order: [Digest]
    /// In the order in which the tree meets them.
    public var sources: [Source]

    /// Every place where the chain breaks, as sentences.
    public var breaks: [String] {
        order.flatMap { key in
            (nodes[key]?.links ?? []).compactMap { if case .broken(let sentence) = $0 { sentence } else { nil } }
        }
    }
}

extension ArtifactStore {
    /// Follows the records of an action back to the source files.
    ///
    /// Records of one level are read side by side. A record that is missing or damaged breaks the chain there and is named;
    /// another action that made the same bytes then serves, if there is one.
    public func provenance(of key: Digest, artifact: Digest? = nil) throws -> ProvenanceChain {
        var nodes: [Digest: ProvenanceChain.Node] = [:]
        nodes[key] = ProvenanceChain.Node(record: try record(key), links: [])
        var level = [key]
        var reads: [Digest: Result<ProvenanceRecord, StoreError>] = [:]
        while !level.isEmpty {
            // Records that this level's inputs name.
            var wanted: [Digest] = []
            var seen = Set<Digest>()
            for node in level.compactMap({ nodes[$0] }) {
                for input in node.record.action.task.inputs {
                    guard case .task(label: _, key: let producer, port: _) = input.origin else { continue }
                    if reads[producer] == nil, nodes[producer] == nil, seen.insert(producer).inserted {
                        wanted.append(producer)
                    }
                }
            }
            let results = wanted.parallelMap { producer in
                Result { () throws(StoreError) in try self.record(producer) }
            }
            for (producer, result) in zip(wanted, results) { reads[producer] = result }
            var next: [Digest] = []
            for key in level {
                guard let record = nodes[key]?.record else { continue }
                let links = try record.action.task.inputs.map { input in
                    let (link, found) = try self.link(input, of: record, reads: reads, nodes: nodes)
                    if case .action(let producer) = link, nodes[producer] == nil, let found {
                        nodes[producer] = ProvenanceChain.Node(record: found, links: [])
                        next.append(producer)
                    }
                    return link
                }
                nodes[key]?.links = links
            }
            level = next
        }
        return ArtifactStore.ordered(root: key, artifact: artifact, nodes: nodes)
    }

    private func link(
        _ input: RecordedInput, of record: ProvenanceRecord, reads: [Digest: Result<ProvenanceRecord, StoreError>],
        nodes: [Digest: ProvenanceChain.Node]
    ) throws -> (ProvenanceChain.Link, ProvenanceRecord?) {
        guard case .task(label: let label, key: let key, port: let port) = input.origin else {
            guard case .source(let path) = input.origin else { return (.broken("an input of unknown origin"), nil) }
            return (.source(path: path), nil)
        }
        let problem: String
        switch nodes[key].map({ .success($0.record) }) ?? reads[key] {
        case .success(let producer):
            if producer.outputs.contains(where: { $0.digest == input.digest }) { return (.action(key), producer) }
            problem =
                "\(record.label) read \(input.digest.shortHex) as output '\(port)' of \(label), whose record now names "
                + "other outputs"
        case .failure(let error): problem = error.code == .damaged ? error.message : "the record of \(label) is gone"
        case nil: problem = "the record of \(label) is gone"
        }
        // The same bytes may have been made by another action as well. A damaged record is not to be passed over.
        if case .failure(let error)? = reads[key], error.code == .damaged { return (.broken(problem), nil) }
        for other in try producers(of: input.digest) where other != key {
            if let producer = try? self.record(other), producer.outputs.contains(where: { $0.digest == input.digest }) {
                return (.action(other), producer)
            }
        }
        return (.broken(problem), nil)
    }

    /// Depth first, so that an action stands after its producers; without recursion, for chains of any length.
    private static func ordered(
        root: Digest, artifact: Digest?, nodes: [Digest: ProvenanceChain.Node]
    ) -> ProvenanceChain {
        var order: [Digest] = []
        var sources: [ProvenanceChain.Source] = []
        var seenSources = Set<ProvenanceChain.Source>()
        var entered: Set<Digest> = [root]
        var path: [(key: Digest, next: Int)] = [(root, 0)]
        while let (key, next) = path.last {
            guard let node = nodes[key], next < node.links.count else {
                order.append(key)
                path.removeLast()
                continue
            }
            path[path.count - 1].next += 1
            switch node.links[next] {
            case .action(let producer): if entered.insert(producer).inserted { path.append((producer, 0)) }
            case .source(let file):
                let source = ProvenanceChain.Source(path: file, digest: node.record.action.task.inputs[next].digest)
                if seenSources.insert(source).inserted { sources.append(source) }
            case .broken: break
            }
        }
        return ProvenanceChain(root: root, artifact: artifact, nodes: nodes, order: order, sources: sources)
    }
}
