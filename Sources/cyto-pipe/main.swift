// The runner's command line: see Sources/CytoPipeCommands.
import CytoPipeCommands
import Glibc

exit(CytoPipe.main(arguments: Array(CommandLine.arguments.dropFirst())))
