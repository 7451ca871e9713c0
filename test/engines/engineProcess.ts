// One embedded engine as a process of its own, so that a test can kill it: `events|documents DIR PORT [SEED]`. Prints its
// URL. With a seed it answers as servers in trouble do, at random.
import { startDocumentStore } from '../../src/engines/documents/index.ts'
import { createFaults, startEventLog } from '../../src/engines/eventlog/index.ts'
import { APPEND_AND_SUBSCRIPTION_CHANCES, failAtRandom } from './randomFaults.ts'

const [kind, dir, port, seed] = process.argv.slice(2)
if (dir === undefined || port === undefined) throw new Error('usage: events|documents DIR PORT [SEED]')

const startEvents = () => {
  const faults = createFaults()
  if (seed !== undefined) faults.random({ seed: Number(seed), chances: APPEND_AND_SUBSCRIPTION_CHANCES, delayMs: 150 })
  return startEventLog({ access: 'open', dir, port: Number(port), faults })
}
const startDocuments = async () => {
  const store = await startDocumentStore({ access: 'open', dir, port: Number(port), enableTestCommands: true })
  if (seed !== undefined) void failAtRandom(store.url, Number(seed))
  return store
}

const engine = await (kind === 'events' ? startEvents() : startDocuments())
// A test that dies takes its engines with it.
process.stdout.on('error', () => process.exit(0))
process.stdout.write(`${engine.url}\n`)
process.stdin.on('end', () => process.exit(0)).resume()
