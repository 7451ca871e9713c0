// `tributary serve`: a node, as `npm start` starts it.
import type { Subcommand } from './command.ts'
import { wholeNumber } from './command.ts'

export const serveCommand: Subcommand = (program) => {
  program
    .command('serve')
    .summary('start the server (the same as npm start)')
    .description('Starts the server. Settings come from environment variables (see README.md); options go before them.')
    .option('--port <port>', 'TCP port to listen on; 0 takes any free one', wholeNumber(0, 65_535))
    .option('--data <dir>', 'folder of generated keys and of the embedded engines')
    .action(async ({ port, data }: { readonly port?: number; readonly data?: string }) => {
      if (port !== undefined) process.env.PORT = String(port)
      if (data !== undefined) process.env.DATA_DIR = data
      await import('../main.ts')
    })
}
