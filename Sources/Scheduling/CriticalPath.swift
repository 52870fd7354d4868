/// For every task the seconds from its start to the end of the longest chain of tasks that waits for it, itself included.
///
/// Starting the task with the largest value first keeps the longest chain going (list scheduling by critical path).
/// **Reference** Graham 1969, "Bounds on multiprocessing timing anomalies".
///
/// - Parameter stageSeconds: how long a task of each stage takes; where unknown, any equal guess keeps the order by depth.
func criticalPathSeconds(_ graph: WorkGraph, _ consumers: ConsumerIndex, stageSeconds: [Double]) -> [Double] {
    var seconds = [Double](repeating: 0, count: graph.tasks.count)
    for task in graph.tasks.indices.reversed() {
        var longest = 0.0
        for consumer in consumers.consumers(ofTask: task) { longest = max(longest, seconds[Int(consumer)]) }
        seconds[task] = longest + stageSeconds[Int(graph.tasks[task].stage)]
    }
    return seconds
}
