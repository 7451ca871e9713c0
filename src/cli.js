#!/usr/bin/env node
// Starts the command line from a fresh clone: makes Node read TypeScript, then hands over to cli.ts.
import './typescript.js'

await import('./cli.ts')
