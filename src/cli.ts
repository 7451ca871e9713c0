// The `tributary` command line as a process.
import { runCommandLine } from './cli/program.ts'

await runCommandLine(process.argv.slice(2))
