// `tributary engines`: the two embedded engines alone, for other clients, shells and test suites.

import { startEngines } from '@tributary/engines'
import { errorText } from '../domain/errorText.ts'
import { onOrphaned } from '../parent.ts'
import { type Subcommand, wholeNumber } from './command.ts'
import { CliError, EXIT } from './exit.ts'

interface Options {
  readonly data: string
  readonly eventstorePort: number
  readonly mongodbPort: number
  readonly testMode: boolean
}

const run = async ({ data, eventstorePort, mongodbPort, testMode }: Options): Promise<void> => {
  const engines = await startEngines({ dir: data, eventStorePort: eventstorePort, mongodbPort, testMode }).catch(
    (error: unknown) => {
      throw new CliError(errorText(error), EXIT.failed)
    },
  )
  process.stdout.write(`EVENTSTORE_URL=${engines.eventStoreUrl}\nMONGODB_URL=${engines.mongodbUrl}\n`)
  await new Promise<void>((resolve, reject) => {
    let stopping = false
    const stop = () => {
      if (stopping) process.exit(EXIT.failed) // asked twice: at once
      stopping = true
      engines.stop().then(resolve, reject)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    onOrphaned(() => {
      if (!stopping) stop()
    })
    // Half of them is of no use to anybody; the reason is on standard error already.
    void engines.failed.then(async () => {
      await engines.stop()
      reject(new CliError('One of the two engines is gone for good; the other has been stopped.', EXIT.failed))
    })
  })
  process.exit(EXIT.ok)
}

export const enginesCommand: Subcommand = (program) => {
  program
    .command('engines')
    .summary('start the two embedded engines alone')
    .description(
      'Serves the embedded event log (EventStoreDB protocol) and document store (MongoDB protocol) on loopback until ' +
        'SIGTERM or Ctrl-C, and prints their URLs as the two settings that a server takes.',
    )
    .option('--data <dir>', 'folder of both engines', process.env.DATA_DIR || './data')
    .option('--eventstore-port <port>', 'TCP port of the event log; 0 takes any free one', wholeNumber(0, 65_535), 0)
    .option('--mongodb-port <port>', 'TCP port of the document store; 0 takes any free one', wholeNumber(0, 65_535), 0)
    .option(
      '--test-mode',
      'allow faults to be injected: POST /test/faults at the event log, configureFailPoint at the document store',
      false,
    )
    .action(run)
}
