internal import StageProtocol

/// Reads the axes of one file: lists, attribute maps, ranges, tables and globs, each plain or within another axis.
final class AxisReader {
    private let files: any FileAccess
    private let problems: DiagnosticList
    private let resolver: TemplateResolver
    private var tables: [String: CSVTable?] = [:]
    /// Rows of a table by the value in the column of the parent axis.
    private var groups: [String: [String: [Int]]] = [:]

    static let tableLimit = 256 << 20
    static let valueLimit = 5_000_000
    private static let longFormKeys: Set<String> = [
        "within", "values", "range", "width", "table", "glob", "where", "except",
    ]

    init(files: any FileAccess, resolver: TemplateResolver) {
        self.files = files
        self.problems = resolver.problems
        self.resolver = resolver
    }

    /// How one axis says what its values are.
    private enum Values {
        case written(YAMLNode)
        case range(YAMLNode, width: Int?)
        case table(file: Located<String>, key: Located<String>, where: [Filter])
        case glob(Located<String>)
    }

    /// `column: value` or `column: [values]`.
    struct Filter {
        var column: String
        var values: [ConfigValue]
        var mark: Mark
    }

    /// The axis, nil with the mistakes noted where it cannot be used.
    func read(_ entry: YAMLNode.Entry) -> Axis? {
        let what = "axis '\(entry.key)'"
        guard Names.check(entry.key, of: "an axis", at: entry.keyMark, problems: problems) else { return nil }
        if ["config", "params"].contains(entry.key) {
            problems.error(
                at: entry.keyMark, "'\(entry.key)' is no name for an axis: ${\(entry.key).…} means something else")
            return nil
        }
        guard case .mapping(let entries) = entry.value.content,
            entries.contains(where: { AxisReader.longFormKeys.contains($0.key) })
        else { return assemble(entry, parent: nil, values: .written(entry.value), filters: [], except: [], what: what) }
        guard var reader = MappingReader(entry.value, what: what, problems: problems) else { return nil }
        let within = reader.text("within")
        let written = reader.take("values")
        let range = reader.take("range")
        let width = reader.integer("width", in: 1...20).map { Int($0) }
        let table = reader.take("table")
        let glob = reader.text("glob")
        let filters = reader.take("where").map { self.filters($0, what: "'where' of \(what)") } ?? []
        let except = (reader.texts("except") ?? []).map(\.value)
        reader.finish()
        var parent: Int?
        if let within {
            parent = resolver.registry.index[within.value]
            if parent == nil {
                problems.error(
                    at: within.mark, "\(what) stands within '\(within.value)', which is no axis that stands before it",
                    suggestion: SpellingSuggestion.nearest(
                        to: within.value, among: resolver.registry.index.keys.sorted()))
                return nil
            }
        }
        var given: [(name: String, values: Values)] = []
        if let written { given.append(("values", .written(written))) }
        if let range { given.append(("range", .range(range, width: width))) }
        if let table, let values = self.table(table, of: what) { given.append(("table", values)) }
        if let glob { given.append(("glob", .glob(glob))) }
        guard given.count == 1 else {
            if table == nil || given.count > 1 {
                problems.error(
                    at: entry.keyMark,
                    given.isEmpty
                        ? "\(what) has no values"
                        : "\(what) has values twice: \(given.map(\.name).joined(separator: " and "))",
                    expected: "one of values, range, table, glob")
            }
            return nil
        }
        if width != nil, range == nil {
            problems.error(at: entry.keyMark, "\(what) has 'width' but no 'range'", expected: "'width' beside 'range'")
        }
        return assemble(entry, parent: parent, values: given[0].values, filters: filters, except: except, what: what)
    }

    private func assemble(
        _ entry: YAMLNode.Entry, parent: Int?, values: Values, filters: [Filter], except: [String], what: String
    ) -> Axis? {
        var blocks: [AxisBlock] = []
        let errorsBefore = problems.diagnostics.count
        var isShared = false
        if let parent {
            let axis = resolver.axes[parent]
            let perParent = self.perParent(values, of: axis, what: what)
            // Where nothing depends on the parent, the values are read once.
            isShared = perParent == nil && !dependsOnParent(values, axis: axis)
            var common: AxisBlock?
            for index in 0..<axis.count {
                if isShared, let common {
                    blocks.append(common)
                } else if let perParent {
                    guard let node = perParent[axis.values[index]] else {
                        blocks.append(AxisBlock())
                        continue
                    }
                    guard let block = writtenBlock(node, what: what) else { return nil }
                    blocks.append(block)
                } else {
                    guard let block = self.block(values, parent: (parent, index), what: what) else { return nil }
                    common = block
                    blocks.append(block)
                }
                if blocks.count.isMultiple(of: 64), blocks.reduce(0, { $0 + $1.values.count }) > AxisReader.valueLimit {
                    break
                }
            }
        } else {
            guard let block = self.block(values, parent: nil, what: what) else { return nil }
            blocks.append(block)
        }
        for index in blocks.indices { filter(&blocks[index], by: filters, except: except, what: what) }
        let count = blocks.reduce(0) { $0 + $1.values.count }
        guard count <= AxisReader.valueLimit else {
            problems.error(
                at: entry.keyMark, "\(what) has \(count) values", expected: "at most \(AxisReader.valueLimit)")
            return nil
        }
        for block in isShared ? blocks.prefix(1) : blocks[...] { checkValues(block, what: what) }
        if count == 0, problems.diagnostics.count == errorsBefore {
            problems.error(at: entry.keyMark, "\(what) has no values", expected: "at least one")
        }
        return Axis(name: entry.key, parent: parent, blocks: blocks, mark: entry.keyMark)
    }

    /// `values: {B01: […], B02: […]}` under a nested axis: the node for each parent value.
    private func perParent(_ values: Values, of axis: Axis, what: String) -> [String: YAMLNode]? {
        guard case .written(let node) = values, case .mapping(let entries) = node.content else { return nil }
        let known = Set(axis.values)
        guard entries.contains(where: { known.contains($0.key) }) else { return nil }
        var result: [String: YAMLNode] = [:]
        for entry in entries {
            if known.contains(entry.key) {
                result[entry.key] = entry.value
            } else {
                problems.error(
                    at: entry.keyMark, "'\(entry.key)' under \(what) is no value of axis '\(axis.name)'",
                    suggestion: SpellingSuggestion.nearest(to: entry.key, among: axis.values))
            }
        }
        return result
    }

    private func dependsOnParent(_ values: Values, axis: Axis) -> Bool {
        switch values {
        case .written, .range: false
        case .glob(let pattern): pattern.value.contains("${")
        case .table(let file, _, _): file.value.contains("${") || table(at: file, parent: nil)?.column(axis.name) != nil
        }
    }

    private func block(_ values: Values, parent: (axis: Int, index: Int)?, what: String) -> AxisBlock? {
        switch values {
        case .written(let node): return writtenBlock(node, what: what)
        case .range(let node, let width): return rangeBlock(node, width: width, what: what)
        case .glob(let pattern):
            let path = path(pattern, parent: parent, what: "'glob' of \(what)")
            let found = GlobPattern.matches(path, files: files)
            if found.isEmpty {
                problems.error(at: pattern.mark, "no file matches \(path)", expected: "at least one file")
            }
            return AxisBlock(
                values: found.map(\.key), marks: found.map { _ in pattern.mark },
                columns: [("file", found.map { .text($0.path) })])
        case .table(let file, let key, let filters): return tableBlock(file, key, filters, parent: parent, what: what)
        }
    }

    private func writtenBlock(_ node: YAMLNode, what: String) -> AxisBlock? {
        var block = AxisBlock()
        switch node.content {
        case .sequence(let nodes):
            for node in nodes {
                guard let text = MappingReader.text(node, what: "a value of \(what)", problems: problems) else {
                    continue
                }
                block.values.append(text.value)
                block.marks.append(node.mark)
            }
        case .mapping(let entries):
            if entries.contains(where: { $0.key == "range" }),
                var reader = MappingReader(node, what: what, problems: problems)
            {
                let range = reader.take("range")
                let width = reader.integer("width", in: 1...20).map { Int($0) }
                reader.finish()
                return range.flatMap { rangeBlock($0, width: width, what: what) }
            }
            var positions: [String: Int] = [:]
            for (row, entry) in entries.enumerated() {
                block.values.append(entry.key)
                block.marks.append(entry.keyMark)
                if entry.value.isNull { continue }
                guard case .mapping(let attributes) = entry.value.content else {
                    problems.error(
                        at: entry.value.mark, "the attributes of '\(entry.key)' on \(what) are \(entry.value.briefly)",
                        expected: "a mapping of attributes to values, or nothing")
                    continue
                }
                for attribute in attributes {
                    guard Names.check(attribute.key, of: "an attribute", at: attribute.keyMark, problems: problems)
                    else { continue }
                    let column: Int
                    if let known = positions[attribute.key] {
                        column = known
                    } else {
                        column = block.columns.count
                        positions[attribute.key] = column
                        block.columns.append((attribute.key, [ConfigValue](repeating: .null, count: entries.count)))
                    }
                    block.columns[column].values[row] =
                        resolver.constant(attribute.value, what: "an attribute of \(what)")
                }
            }
        case .scalar:
            guard let text = MappingReader.text(node, what: what, problems: problems) else { return nil }
            let value = resolver.constantText(text, what: what)
            block = AxisBlock(values: [value], marks: [node.mark])
        }
        return block
    }

    private func rangeBlock(_ node: YAMLNode, width: Int?, what: String) -> AxisBlock? {
        let value = resolver.constant(node, what: "'range' of \(what)")
        var numbers: [Int64] = []
        if case .list(let list) = value {
            for case .integer(let number) in list { numbers.append(number) }
            if numbers.count != list.count { numbers = [] }
        }
        guard numbers.count == 2 || numbers.count == 3, numbers.allSatisfy({ abs($0) <= 1 << 40 }) else {
            problems.error(
                at: node.mark, "'range' of \(what) is \(node.briefly)",
                expected: "[first, last] or [first, last, step], integers")
            return nil
        }
        let step = numbers.count == 3 ? numbers[2] : 1
        guard step != 0, step > 0 ? numbers[0] <= numbers[1] : numbers[0] >= numbers[1] else {
            problems.error(at: node.mark, "'range' of \(what) never gets from \(numbers[0]) to \(numbers[1])")
            return nil
        }
        guard (numbers[1] - numbers[0]) / step < AxisReader.valueLimit else {
            problems.error(
                at: node.mark, "'range' of \(what) is too long", expected: "at most \(AxisReader.valueLimit) values")
            return nil
        }
        let values = stride(from: numbers[0], through: numbers[1], by: Int64.Stride(step)).map { number in
            let digits = String(abs(number))
            let padding = String(repeating: "0", count: max(0, (width ?? 0) - digits.utf8.count))
            return (number < 0 ? "-" : "") + padding + digits
        }
        return AxisBlock(values: values, marks: values.map { _ in node.mark })
    }

    // MARK: Tables

    private func table(_ node: YAMLNode, of what: String) -> Values? {
        guard
            var reader = MappingReader(
                node, what: "'table' of \(what)", expected: "{ file: …, key: … }", problems: problems)
        else { return nil }
        let file = reader.requiredText("file", expected: "the path of a CSV file")
        let key = reader.requiredText("key", expected: "the column that holds the values of the axis")
        let filters = reader.take("where").map { self.filters($0, what: "'where' of \(what)") } ?? []
        reader.finish()
        guard let file, let key else { return nil }
        return .table(file: file, key: key, where: filters)
    }

    private func tableBlock(
        _ file: Located<String>, _ key: Located<String>, _ filters: [Filter], parent: (axis: Int, index: Int)?,
        what: String
    ) -> AxisBlock? {
        guard let table = table(at: file, parent: parent) else { return nil }
        func column(_ name: String, at mark: Mark) -> Int? {
            if let column = table.column(name) { return column }
            problems.error(
                at: mark, "the table \(table.file.path) has no column '\(name)'",
                expected: "one of \(table.header.joined(separator: ", "))",
                suggestion: SpellingSuggestion.nearest(to: name, among: table.header))
            return nil
        }
        guard let keyColumn = column(key.value, at: key.mark) else { return nil }
        var rows = Array(table.rows.indices)
        if let parent, let parentColumn = table.column(resolver.axes[parent.axis].name) {
            let key = "\(table.file.path)\n\(parentColumn)"
            if groups[key] == nil { groups[key] = Dictionary(grouping: rows) { table.rows[$0][parentColumn] } }
            rows = groups[key]?[resolver.axes[parent.axis].values[parent.index]] ?? []
        }
        for filter in filters {
            guard let column = column(filter.column, at: filter.mark) else { return nil }
            rows = rows.filter { row in filter.values.contains { $0.matches(.text(table.rows[row][column])) } }
        }
        return AxisBlock(
            values: rows.map { table.rows[$0][keyColumn] },
            marks: rows.map { Mark(file: table.file, line: table.lines[$0]) },
            columns: table.header.indices.compactMap { column in
                Names.isValid(table.header[column])
                    ? (table.header[column], table.values(ofColumn: column, rows: rows)) : nil
            })
    }

    private func table(at file: Located<String>, parent: (axis: Int, index: Int)?) -> CSVTable? {
        let path = path(file, parent: parent, what: "'file' of a table")
        if let known = tables[path] { return known }
        var table: CSVTable?
        do throws(FileAccessError) {
            if let bytes = try files.read(path, limit: AxisReader.tableLimit) {
                table = CSVTable(SourceFile(path: path, bytes: bytes), problems: problems)
            } else {
                problems.error(at: file.mark, "there is no table \(path)", expected: "an existing CSV file")
            }
        } catch {
            problems.error(at: file.mark, "the table \(path) \(error.message)")
        }
        tables[path] = .some(table)
        return table
    }

    /// A path written in the file, with the parent's value put in, seen from the file's folder.
    private func path(_ text: Located<String>, parent: (axis: Int, index: Int)?, what: String) -> String {
        let node = YAMLNode(.scalar(YAMLScalar(text: text.value, isPlain: false)), at: text.mark)
        let visible = parent.map { resolver.registry.chain($0.axis) } ?? []
        let template = resolver.with(axes: visible) { resolver.template(node, what: what) }
        let value = template.evaluated { reference in
            var axis = parent?.axis
            var index = parent?.index ?? 0
            while let current = axis, current != reference.axis {
                if !resolver.axes[current].parents.isEmpty { index = Int(resolver.axes[current].parents[index]) }
                axis = resolver.axes[current].parent
            }
            guard let axis else { return .null }
            return resolver.axes[axis].value(of: reference.attribute, at: index)
        }
        return FilePaths.resolve(ConfigKey.text(of: value), in: text.mark.file.folder)
    }

    // MARK: Filters

    private func filters(_ node: YAMLNode, what: String) -> [Filter] {
        guard case .mapping(let entries) = node.content else {
            problems.error(at: node.mark, "\(what) is \(node.briefly)", expected: "a mapping as { attribute: value }")
            return []
        }
        return entries.map { entry in
            let value = resolver.constant(entry.value, what: what)
            let values: [ConfigValue] = if case .list(let list) = value { list } else { [value] }
            return Filter(column: entry.key, values: values, mark: entry.keyMark)
        }
    }

    private func filter(_ block: inout AxisBlock, by filters: [Filter], except: [String], what: String) {
        for filter in filters {
            guard let column = block.columns.first(where: { $0.name == filter.column }) else {
                problems.error(
                    at: filter.mark, "\(what) has no attribute '\(filter.column)'",
                    suggestion: SpellingSuggestion.nearest(to: filter.column, among: block.columns.map(\.name)))
                continue
            }
            block.keep(block.values.indices.filter { row in filter.values.contains { $0.matches(column.values[row]) } })
        }
        if !except.isEmpty { block.keep(block.values.indices.filter { !except.contains(block.values[$0]) }) }
    }

    private func checkValues(_ block: AxisBlock, what: String) {
        var seen: Set<String> = []
        seen.reserveCapacity(block.values.count)
        for (value, mark) in zip(block.values, block.marks) {
            if !seen.insert(value).inserted {
                problems.error(at: mark, "the value '\(value)' stands on \(what) twice", expected: "each value once")
            }
            let isPlain = value.utf8.allSatisfy { byte in
                byte > 0x20 && byte != 0x7F && !"[]=,/\\\"'".utf8.contains(byte)
            }
            if value.isEmpty || !isPlain {
                problems.error(
                    at: mark, "'\(value)' is no value for \(what)",
                    expected: "text without spaces, slashes, quotes, brackets, ',' and '='")
            }
        }
    }
}
