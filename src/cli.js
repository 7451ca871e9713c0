#!/usr/bin/env node
// The command `tributary` in a clone or an installation: the built command line, which is built first where it is missing.
import { existsSync } from 'node:fs'

const built = new URL('../dist/cli.js', import.meta.url)
if (!existsSync(built)) await (await import('./build.js')).build()
await import(built.href)
