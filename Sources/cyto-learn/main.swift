import Glibc
import LearningStages
import StageKit

let worker = StageWorker(program: "cyto-learn", stages: learningStages, tools: learningTools)
exit(worker.run(arguments: Array(CommandLine.arguments.dropFirst())))
