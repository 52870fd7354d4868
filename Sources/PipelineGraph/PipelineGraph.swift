public import PipelineModel
public import Scheduling

/// A pipeline together with the graph of its tasks.
///
/// Three rules join stages: on the axes that consumer and producer share, items match one to one; an axis that the consumer
/// lacks is gathered; an axis that the producer lacks is broadcast.
public struct PipelineGraph: Sendable {
    public let pipeline: Pipeline
    /// Every task of the pipeline, in topological order; the tasks of one stage stand together.
    public let graph: WorkGraph

    /// Expands a pipeline over its axes.
    ///
    /// - Throws: connections that find no file, values of config that do not fit, stages in a circle.
    /// - Complexity: linear in the number of tasks and connections between them.
    public init(_ pipeline: Pipeline) throws(PipelineMistakes) {
        self.pipeline = pipeline
        var expansion = GraphExpansion(pipeline)
        expansion.run()
        guard expansion.mistakes.isEmpty else { throw PipelineMistakes(expansion.mistakes) }
        graph = expansion.graph
    }
}
