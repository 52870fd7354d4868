import EvaluationStages
import Glibc
import HistologyStages
import StageKit

let worker = StageWorker(program: "cyto-stage", stages: histologyStages + evaluationStages, tools: histologyTools)
exit(worker.run(arguments: Array(CommandLine.arguments.dropFirst())))
