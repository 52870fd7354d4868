internal import CYaml

/// How much a YAML file may hold before reading stops with a mistake: bounds against hostile and accidental monsters.
struct YAMLLimits {
    var bytes = 16 << 20
    var depth = 64
    var nodes = 1_000_000
    /// How many nodes aliases (`*name`) may repeat in all.
    var repeatedNodes = 100_000
}

/// Reads one YAML document through libyaml's events into a tree of located nodes.
struct YAMLReader {
    private let file: SourceFile
    private let problems: DiagnosticList
    private let limits: YAMLLimits
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var anchors: [String: (node: YAMLNode, count: Int)] = [:]
    private var openAnchors: Set<String> = []
    private var nodes = 0
    private var repeated = 0

    /// What ends the reading of a file at once; the mistake is already noted.
    private struct Stop: Error {}

    /// The document of a file; nil where its mistakes, which are noted, leave nothing to go on with.
    static func read(_ file: SourceFile, problems: DiagnosticList, limits: YAMLLimits = YAMLLimits()) -> YAMLNode? {
        guard file.bytes.count <= limits.bytes else {
            problems.error(
                at: Mark(file: file), "the file has \(file.bytes.count) bytes",
                expected: "at most \(limits.bytes)")
            return nil
        }
        if let offset = firstInvalidUTF8(file.bytes) {
            problems.error(
                at: place(ofByte: offset, in: file), "byte \(file.bytes[offset]) is not UTF-8",
                expected: "text in UTF-8")
            return nil
        }
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else { return nil }
        defer { yaml_parser_delete(parser) }
        return file.bytes.withUnsafeBufferPointer { buffer in
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
            var reader = YAMLReader(file: file, problems: problems, limits: limits, parser: parser)
            return try? reader.document()
        }
    }

    private init(
        file: SourceFile, problems: DiagnosticList, limits: YAMLLimits, parser: UnsafeMutablePointer<yaml_parser_t>
    ) {
        self.file = file
        self.problems = problems
        self.limits = limits
        self.parser = parser
    }

    // MARK: Events

    /// What is kept of one event.
    private struct Event {
        var type: yaml_event_type_t
        var mark: Mark
        var text = ""
        var isPlain = false
        var anchor: String?
        var tag: String?
    }

    private func nextEvent() throws(Stop) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else {
            noteSyntaxProblem()
            throw Stop()
        }
        defer { yaml_event_delete(&raw) }
        var event = Event(type: raw.type, mark: mark(from: raw.start_mark, to: raw.end_mark))
        switch raw.type {
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            event.text = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            event.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            event.anchor = text(scalar.anchor)
            event.tag = text(scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            event.anchor = text(raw.data.sequence_start.anchor)
            event.tag = text(raw.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT:
            event.anchor = text(raw.data.mapping_start.anchor)
            event.tag = text(raw.data.mapping_start.tag)
        case YAML_ALIAS_EVENT: event.anchor = text(raw.data.alias.anchor)
        default: break
        }
        return event
    }

    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func mark(from start: yaml_mark_t, to end: yaml_mark_t) -> Mark {
        let length = start.line == end.line && end.column > start.column ? end.column - start.column : 1
        return Mark(file: file, line: Int(start.line) + 1, column: Int(start.column) + 1, length: Int(length))
    }

    private func noteSyntaxProblem() {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read"
        if parser.pointee.error == YAML_READER_ERROR {
            let offset = min(Int(parser.pointee.problem_offset), max(0, file.bytes.count - 1))
            problems.error(at: YAMLReader.place(ofByte: offset, in: file), problem, expected: "printable text in UTF-8")
            return
        }
        let start = parser.pointee.problem_mark
        let place = mark(from: start, to: start)
        let line = file.line(Int(start.line) + 1) ?? ""
        let before = line.unicodeScalars.prefix(Int(start.column) + 1)
        if before.last == "\t" {
            problems.error(at: place, "a tab stands where YAML wants spaces", expected: "spaces for indentation")
            return
        }
        var message = problem
        if let context = parser.pointee.context {
            let begin = parser.pointee.context_mark
            message += " " + String(cString: context)
            if begin.line != start.line { message += " that begins in line \(begin.line + 1)" }
        }
        var expected: String?
        if line.utf8.contains(UInt8(ascii: "$")), problem.contains("expected ',' or") {
            expected = "quotes around ${…} inside { } or [ ], as in { key: \"${config.key}\" }"
        }
        problems.error(at: place, "not YAML: \(message)", expected: expected)
    }

    // MARK: Nodes

    private mutating func document() throws(Stop) -> YAMLNode? {
        var event = try nextEvent()
        while event.type == YAML_STREAM_START_EVENT { event = try nextEvent() }
        guard event.type == YAML_DOCUMENT_START_EVENT else {
            return YAMLNode(.scalar(YAMLScalar(text: "", isPlain: true)), at: Mark(file: file))
        }
        let root = try node(from: try nextEvent(), depth: 1).node
        event = try nextEvent()
        while event.type == YAML_DOCUMENT_END_EVENT { event = try nextEvent() }
        if event.type == YAML_DOCUMENT_START_EVENT {
            problems.error(at: event.mark, "a second document begins here", expected: "one document a file")
            throw Stop()
        }
        return root
    }

    private mutating func node(from event: Event, depth: Int) throws(Stop) -> (node: YAMLNode, count: Int) {
        nodes += 1
        guard nodes <= limits.nodes else { throw stop(event.mark, "more than \(limits.nodes) values in one file") }
        guard depth <= limits.depth else { throw stop(event.mark, "nested deeper than \(limits.depth) levels") }
        if event.type == YAML_ALIAS_EVENT { return try repeated(event) }
        if let anchor = event.anchor { openAnchors.insert(anchor) }
        noteTag(of: event)
        var count = 1
        let content: YAMLNode.Content
        switch event.type {
        case YAML_SCALAR_EVENT:
            content = .scalar(YAMLScalar(text: event.text, isPlain: event.isPlain && event.tag == nil))
        case YAML_SEQUENCE_START_EVENT:
            var children: [YAMLNode] = []
            while true {
                let next = try nextEvent()
                if next.type == YAML_SEQUENCE_END_EVENT { break }
                let child = try node(from: next, depth: depth + 1)
                children.append(child.node)
                count += child.count
            }
            content = .sequence(children)
        case YAML_MAPPING_START_EVENT: content = .mapping(try entries(depth: depth, count: &count))
        default: throw stop(event.mark, "not YAML: a value is missing here")
        }
        let result = YAMLNode(content, at: event.mark)
        if let anchor = event.anchor {
            openAnchors.remove(anchor)
            anchors[anchor] = (result, count)
        }
        return (result, count)
    }

    private mutating func entries(depth: Int, count: inout Int) throws(Stop) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var positions: [String: Int] = [:]
        var merged: [YAMLNode] = []
        while true {
            let next = try nextEvent()
            if next.type == YAML_MAPPING_END_EVENT { break }
            let key = try node(from: next, depth: depth + 1)
            let value = try node(from: try nextEvent(), depth: depth + 1)
            count += key.count + value.count
            guard let scalar = key.node.scalar else {
                problems.error(at: key.node.mark, "a \(key.node.kindName) cannot be a key", expected: "a name")
                continue
            }
            if scalar.isPlain, scalar.text == "<<" {
                merged.append(value.node)
            } else if let position = positions[scalar.text] {
                problems.error(
                    at: key.node.mark,
                    "the key '\(scalar.text)' stands here a second time; the first is in line "
                        + "\(entries[position].keyMark.line)", expected: "each key once")
            } else {
                positions[scalar.text] = entries.count
                entries.append(YAMLNode.Entry(key: scalar.text, keyMark: key.node.mark, value: value.node))
            }
        }
        for node in merged {
            let parts: [YAMLNode] = if case .sequence(let list) = node.content { list } else { [node] }
            for part in parts {
                guard case .mapping(let more) = part.content else {
                    problems.error(at: part.mark, "'<<' merges mappings; this is a \(part.kindName)")
                    continue
                }
                for entry in more where positions[entry.key] == nil {
                    positions[entry.key] = entries.count
                    entries.append(entry)
                }
            }
        }
        return entries
    }

    private mutating func repeated(_ event: Event) throws(Stop) -> (node: YAMLNode, count: Int) {
        let name = event.anchor ?? ""
        guard let anchor = anchors[name] else {
            let reason =
                openAnchors.contains(name)
                ? "'*\(name)' stands inside the value that it repeats" : "no '&\(name)' stands before this '*\(name)'"
            throw stop(
                event.mark, reason, suggestion: SpellingSuggestion.nearest(to: name, among: anchors.keys.sorted()))
        }
        repeated += anchor.count
        guard repeated <= limits.repeatedNodes else {
            throw stop(event.mark, "aliases repeat more than \(limits.repeatedNodes) values")
        }
        return anchor
    }

    private func noteTag(of event: Event) {
        guard let tag = event.tag, tag != "!", tag != "tag:yaml.org,2002:str" else { return }
        problems.error(at: event.mark, "the tag '\(tag)' has no meaning here", expected: "a value without a tag")
    }

    private func stop(_ mark: Mark, _ message: String, suggestion: String? = nil) -> Stop {
        problems.error(at: mark, message, suggestion: suggestion)
        return Stop()
    }

    // MARK: Bytes

    private static func place(ofByte offset: Int, in file: SourceFile) -> Mark {
        let before = file.bytes[..<min(offset, file.bytes.count)]
        let line = before.count { $0 == UInt8(ascii: "\n") }
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let column = before[start...].count { $0 & 0xC0 != 0x80 }
        return Mark(file: file, line: line + 1, column: column + 1)
    }

    private static func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBufferPointer { buffer in
            var position = 0
            while position < buffer.count {
                let lead = buffer[position]
                if lead < 0x80 {
                    position += 1
                    continue
                }
                let length = lead >= 0xF0 && lead <= 0xF4 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0
                guard length > 0, lead <= 0xF4, position + length <= buffer.count else { return position }
                let second = buffer[position + 1]
                let low: UInt8 = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80
                let high: UInt8 = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF
                guard second >= low, second <= high else { return position }
                for offset in stride(from: 2, to: length, by: 1) where buffer[position + offset] & 0xC0 != 0x80 {
                    return position
                }
                position += length
            }
            return nil
        }
    }
}
