import FoundationEssentials
import Glibc
import LearningStages
import StageKit

let worker = StageWorker(
    program: "cyto-learn", stages: learningStages, tools: learningTools,
    environment: { ProcessInfo.processInfo.environment })
exit(worker.run(arguments: Array(CommandLine.arguments.dropFirst())))
