// A node that knows how long its event loop stands: the processor time that its main thread had between two turns, so that it does
// not count what else a machine does. Says `{ url }` when it is ready, and answers `ask` with the longest turn since it was last
// asked, ms.
import { openSync, readSync } from 'node:fs'
import { loadConfig } from '../../src/config.ts'
import { createLogger } from '../../src/log.ts'
import { startNode } from '../../src/node.ts'

/** Between two looks at the time used, ms: turns that come to an end within it are counted as one. */
const LOOK_MS = 2

const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
const buffer = Buffer.alloc(64)
/** Processor time of the main thread so far, ms. */
const used = (): number => Number(buffer.toString('latin1', 0, readSync(file, buffer, 0, 64, 0)).split(' ')[0]) / 1e6

const node = await startNode(loadConfig(process.env), createLogger('fatal'))

let last = used()
let longest = 0
const look = (): void => {
  const now = used()
  longest = Math.max(longest, now - last)
  last = now
}

process.on('message', () => {
  look()
  process.send?.({ longest })
  longest = 0
})
process.once('SIGTERM', () => void node.stop().then(() => process.exit(0)))
// A timer is seen to once a turn at most; one that asked in each turn would keep a processor busy with nothing.
setInterval(look, LOOK_MS).unref()
process.send?.({ url: node.url })
