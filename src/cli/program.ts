// The `tributary` program: one subcommand a file in this folder, errors as one line and an exit code.
import { readFileSync } from 'node:fs'
import { keepPrivate } from '@tributary/engines/private'
import { Command, CommanderError } from 'commander'
import * as v from 'valibot'
import { PACKAGE_FILE } from '../packageFile.ts'
import { startFault } from '../startFault.ts'
import { auditCommand } from './audit.ts'
import { backupCommand } from './backup.ts'
import { clockCommand } from './clock.ts'
import type { Subcommand } from './command.ts'
import { demoCommand } from './demo.ts'
import { enginesCommand } from './engines.ts'
import { CliError, EXIT } from './exit.ts'
import { importCommand } from './import.ts'
import { keysCommand } from './keys.ts'
import { migrateCommand } from './migrate.ts'
import { projectionsCommand } from './projections.ts'
import { serveCommand } from './serve.ts'
import { usersCommand } from './users.ts'

/** A new subcommand is one file and one line here. */
const subcommands: readonly Subcommand[] = [
  serveCommand,
  importCommand,
  migrateCommand,
  enginesCommand,
  auditCommand,
  projectionsCommand,
  backupCommand,
  clockCommand,
  keysCommand,
  usersCommand,
  demoCommand,
]

const versionOf = (path: URL): string =>
  v.parse(v.object({ version: v.string() }), JSON.parse(readFileSync(path, 'utf8'))).version

/** Runs one command and leaves its code in `process.exitCode`. */
export const runCommandLine = async (args: readonly string[]): Promise<void> => {
  keepPrivate()
  const program = new Command('tributary')
    .description('Customer events in, incentives out. Settings and examples: README.md.')
    .version(versionOf(PACKAGE_FILE), '--version')
    .showHelpAfterError('(--help says what there is)')
    .exitOverride()
  for (const add of subcommands) add(program)
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said it already; only its code for wrong usage is ours.
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
    } else if (error instanceof CliError) {
      process.stderr.write(`${error.message}\n`)
      process.exitCode = error.exitCode
    } else {
      process.stderr.write(
        `${startFault(error, undefined) ?? (error instanceof Error ? error.stack : String(error))}\n`,
      )
      process.exitCode = EXIT.failed
    }
  }
}
