internal import ContentHash
internal import PipelineModel
internal import StageProtocol

extension StageManifest {
    /// Digest of all in a manifest that decides about results: command line and scripts beside it, ports with their types, names of
    /// config keys. Texts for people, defaults (they are in the resolved config) and needs are left out; so is the folder.
    var decidingDigest: Digest {
        var record = CanonicalRecord(capacity: 1024)
        record.append("manifest 1")
        record.beginList(count: run.count)
        for argument in run { record.append(argument) }
        record.beginList(count: scripts.count)
        for script in scripts {
            record.append(script.argument)
            record.append(ContentHasher.digest(of: script.bytes))
        }
        record.beginList(count: inputs.count)
        for input in inputs {
            record.append(input.name)
            record.append(input.type)
            record.beginList(count: input.attributes.count)
            for attribute in input.attributes { record.append(attribute.value) }
        }
        record.beginList(count: outputs.count)
        for output in outputs {
            record.append(output.name)
            StageManifest.append(output.type, to: &record)
        }
        let keys = config.keys.map(\.name).sorted()
        record.beginList(count: keys.count)
        for key in keys { record.append(key) }
        return record.digest
    }

    private static func append(_ type: ArtifactType, to record: inout CanonicalRecord) {
        record.append(type.name)
        record.append(type.format.rawValue)
        record.append(type.fileExtension)
        record.beginList(count: type.datasets.count)
        for dataset in type.datasets {
            record.append(dataset.path)
            record.append(dataset.element.rawValue)
            record.append(dataset.unit)
            record.append(dataset.optional)
            record.beginList(count: dataset.shape.count)
            for length in dataset.shape {
                if let length { record.append(Int64(length)) } else { record.appendNull() }
            }
        }
        record.beginList(count: type.attributes.count)
        for attribute in type.attributes {
            record.append(attribute.name)
            record.append(attribute.element.rawValue)
            record.append(attribute.optional)
        }
    }
}
