// `tributary serve`: a node, as `npm start` starts it.
import { InvalidArgumentError } from 'commander'
import { MAX_WORKERS } from '../config.ts'
import { type Subcommand, wholeNumber } from './command.ts'

interface Options {
  readonly port?: number
  readonly data?: string
  readonly workers?: number | 'auto'
}

const workers = (text: string): number | 'auto' => {
  if (text === 'auto') return text
  try {
    return wholeNumber(1, MAX_WORKERS)(text)
  } catch {
    throw new InvalidArgumentError(`It must be auto or a whole number, 1 to ${MAX_WORKERS}.`)
  }
}

export const serveCommand: Subcommand = (program) => {
  program
    .command('serve')
    .summary('start the server (the same as npm start)')
    .description('Starts the server. Settings come from environment variables (see README.md); options go before them.')
    .option('--port <port>', 'TCP port to listen on; 0 takes any free one', wholeNumber(0, 65_535))
    .option('--data <dir>', 'folder of generated keys and of the embedded engines')
    .option('--workers <n>', `processes that take requests, 1 to ${MAX_WORKERS}, or auto: one for each core`, workers)
    .action(async ({ port, data, workers }: Options) => {
      if (port !== undefined) process.env.PORT = String(port)
      if (data !== undefined) process.env.DATA_DIR = data
      if (workers !== undefined) process.env.WORKERS = String(workers)
      await import('../main.ts')
    })
}
