#!/usr/bin/env node
// The `tributary` command line as a process.
import { EXIT } from './cli/exit.ts'
import { runCommandLine } from './cli/program.ts'

process.setSourceMapsEnabled(true)

// Whoever read what it writes has gone, as `head` does once it has enough: nobody is left to work for. What a server logs goes
// by another way (`logSink.ts`), and a reader of it may go.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT.unread)
})
process.stderr.on('error', () => undefined)

await runCommandLine(process.argv.slice(2))
