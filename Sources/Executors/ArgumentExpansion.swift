internal import Scheduling
internal import StageProtocol

/// A command line that cannot be made from what the manifest declares.
struct CommandError: Error {
    var message: String
}

/// Fills in the `${…}` references of a manifest's `run:` for one task. No shell is involved: an element stays one argument, but an
/// element that is exactly `${inputs.port}` becomes one argument for each of the port's files.
struct ArgumentExpansion {
    let request: TaskRequest
    let outputPaths: [String: String]
    let jobPath: String
    let scratch: String
    /// Folder of the manifest, absolute.
    let folder: String
    /// Whether a path names a file: arguments that name a file beside the manifest are given its full path.
    let isFile: (String) -> Bool

    func arguments() throws -> [String] {
        var arguments: [String] = []
        for (index, element) in request.command.enumerated() {
            if let port = wholeInputReference(element) {
                arguments += try files(of: port).map(\.path)
            } else if index > 0, let script = script(element) {
                arguments.append(script)
            } else {
                arguments.append(try expanded(element))
            }
        }
        return arguments
    }

    /// Whether the command mentions the job file.
    static func usesJob(_ command: [String]) -> Bool { command.contains { $0.contains("${job}") } }

    private func wholeInputReference(_ element: String) -> String? {
        guard element.hasPrefix("${inputs."), element.hasSuffix("}"), !element.dropFirst(2).contains("$") else {
            return nil
        }
        return String(element.dropFirst("${inputs.".count).dropLast())
    }

    private func script(_ element: String) -> String? {
        guard !element.contains("${"), !element.hasPrefix("-"), !element.hasPrefix("/"),
            element.contains(".") || element.contains("/"), isFile(folder + "/" + element)
        else { return nil }
        return folder + "/" + element
    }

    private func expanded(_ element: String) throws -> String {
        guard element.utf8.contains(UInt8(ascii: "$")) else { return element }
        var result = ""
        var rest = Substring(element)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${"), let end = rest.firstIndex(of: "}") {
                result += try value(of: String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    private func value(of reference: String) throws -> String {
        switch reference {
        case "job": return jobPath
        case "scratch": return scratch
        case "folder": return folder
        // Like the worker's own rule: the scratch folder where the stage is not resumable.
        case "checkpoints": return request.checkpointFolder ?? scratch
        case "seed": return "\(request.seed)"
        case "resources.cores": return "\(request.resources.cores)"
        case "resources.memory": return "\(request.resources.memoryBytes)"
        case "resources.gpu": return "\(request.resources.gpus)"
        default: break
        }
        let parts = reference.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
        if parts.count == 2 {
            let name = parts[1]
            switch parts[0] {
            case "inputs":
                let files = try files(of: name)
                guard files.count <= 1 else {
                    throw CommandError(
                        message:
                            "'${\(reference)}' stands for \(files.count) files and can only be an argument of its own")
                }
                return files.first?.path ?? ""
            case "outputs":
                if let path = outputPaths[name] { return path }
            case "item":
                if let coordinate = request.item.first(where: { $0.axis == name }) { return coordinate.value }
            case "config":
                if let value = configValue(name) { return value }
            default: break
            }
        }
        throw CommandError(message: "'${\(reference)}' names nothing that \(request.label) has")
    }

    private func files(of port: String) throws -> [InputFile] {
        guard let input = request.inputs.first(where: { $0.port == port }) else {
            throw CommandError(message: "'${inputs.\(port)}' names no input of \(request.label)")
        }
        return input.files
    }

    private func configValue(_ name: String) -> String? {
        var value: ConfigValue? = request.config[name]
        if value == nil {
            value = .map(request.config)
            for part in name.split(separator: ".") {
                guard case .map(let map) = value else { return nil }
                value = map[String(part)]
            }
        }
        switch value {
        case .none: return nil
        case .null: return ""
        case .bool(let flag): return flag ? "true" : "false"
        case .integer(let number): return "\(number)"
        case .real(let number): return "\(number)"
        case .text(let text): return text
        case .some(let compound): return JSONText.text(of: compound)
        }
    }
}
