// One embedded engine as a process of its own, so that a test can kill it: `events|documents DIR PORT`. Prints its URL.
import { startDocumentStore } from '../../src/engines/documents/index.ts'
import { startEventLog } from '../../src/engines/eventlog/index.ts'

const [kind, dir, port] = process.argv.slice(2)
if (dir === undefined || port === undefined) throw new Error('usage: events|documents DIR PORT')
const start = kind === 'events' ? startEventLog : startDocumentStore
const engine = await start({ dir, port: Number(port) })
process.stdout.write(`${engine.url}\n`)
// A test that dies takes its engines with it.
process.stdin.on('end', () => process.exit(0)).resume()
