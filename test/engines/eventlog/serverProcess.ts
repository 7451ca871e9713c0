// An event log in a process of its own, for tests that kill it: `serverProcess.ts DIR PORT [MAX_BYTES]` says its URL.
import { startEventLog } from '../../../src/engines/eventlog/index.ts'

const [dir = '', port = '0', maxBytes] = process.argv.slice(2)
const log = await startEventLog({
  access: 'open',
  dir,
  port: Number(port),
  ...(maxBytes === undefined ? {} : { maxBytes: Number(maxBytes) }),
}).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
process.stdout.write(`${log.url}\n`)
// Without the test that started it there is nothing to live for.
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
process.on('SIGTERM', () => void log.stop().then(() => process.exit(0)))
