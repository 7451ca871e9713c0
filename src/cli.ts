#!/usr/bin/env node
// The `tributary` command line as a process.
import { runCommandLine } from './cli/program.ts'

process.setSourceMapsEnabled(true)

await runCommandLine(process.argv.slice(2))
