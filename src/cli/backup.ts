// `tributary backup` and `tributary restore`: the embedded engines' files, copied while the server runs and put back.
import { backupEngines, CopyRefused, compactEngines, DirectoryInUse, restoreEngines } from '@tributary/engines/copy'
import type { Subcommand } from './command.ts'
import { CliError, EXIT } from './exit.ts'

const refusable = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof DirectoryInUse) throw new CliError(`${error.message}. Stop the server first.`, EXIT.usage)
    throw error instanceof CopyRefused ? new CliError(error.message, EXIT.usage) : error
  }
}

export const backupCommand: Subcommand = (program) => {
  const data = ['--data <dir>', 'folder of the embedded engines', process.env.DATA_DIR || './data'] as const
  program
    .command('backup')
    .summary('copy the embedded engines while the server runs')
    .description(
      'Copies events, read models and API keys of the data folder into an empty folder, on the same machine as the ' +
        'server, which need not stop. Servers named by URL have backups of their own.',
    )
    .argument('<dir>', 'a folder that is empty or not there yet')
    .option(...data)
    .action(async (dir: string, options: { readonly data: string }) => {
      await refusable(backupEngines(options.data, dir))
      process.stdout.write(`${options.data} is copied to ${dir}\n`)
    })
  program
    .command('compact')
    .summary("rewrite the embedded engines' files without what was removed")
    .description(
      'While the server is stopped: after it nothing of erased people is in the files any more, nor of anything else that was ' +
        'removed or overwritten. Needs as much free disk as the engines take. An event store of your own is scavenged instead.',
    )
    .option(...data)
    .action(async (options: { readonly data: string }) => {
      const { events, before, after } = await refusable(compactEngines(options.data))
      process.stdout.write(`${events} events that nobody could read are gone; ${before} bytes are ${after}\n`)
    })
  program
    .command('restore')
    .summary('put a backup into an empty data folder')
    .argument('<dir>', 'a folder that backup made')
    .option(...data)
    .action(async (dir: string, options: { readonly data: string }) => {
      await refusable(restoreEngines(dir, options.data))
      process.stdout.write(`${options.data} is as it was in ${dir}\n`)
    })
}
