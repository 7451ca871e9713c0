// `tributary backup` and `tributary restore`: the embedded engines' files, copied while the server runs and put back.
import { backupEngines, CopyRefused, restoreEngines } from '../engines/copy.ts'
import type { Subcommand } from './command.ts'
import { CliError, EXIT } from './exit.ts'

const refusable = async (work: Promise<void>): Promise<void> => {
  try {
    await work
  } catch (error) {
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
    .command('restore')
    .summary('put a backup into an empty data folder')
    .argument('<dir>', 'a folder that backup made')
    .option(...data)
    .action(async (dir: string, options: { readonly data: string }) => {
      await refusable(restoreEngines(dir, options.data))
      process.stdout.write(`${options.data} is as it was in ${dir}\n`)
    })
}
