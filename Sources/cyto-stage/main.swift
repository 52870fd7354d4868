import EvaluationStages
import Glibc
import HistologyStages
import ReportStages
import StageKit

let worker = StageWorker(
    program: "cyto-stage", stages: histologyStages + evaluationStages + reportStages, tools: histologyTools)
exit(worker.run(arguments: Array(CommandLine.arguments.dropFirst())))
