// A node that knows how long its event loop stands: the processor time that its main thread had between two turns, so that it does
// not count what else a machine does. Says `{ url }` when it is ready, and answers `ask` with the longest turn since it was last
// asked, ms.
import { closeSync, openSync, readSync } from 'node:fs'
import { loadConfig } from '../../src/config.ts'
import { createLogger } from '../../src/log.ts'
import { startNode } from '../../src/node.ts'

const buffer = Buffer.alloc(64)
/** Processor time of the main thread so far, ms. */
const used = (): number => {
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  try {
    return Number(buffer.toString('latin1', 0, readSync(file, buffer, 0, 64, 0)).split(' ')[0]) / 1e6
  } finally {
    closeSync(file)
  }
}

const node = await startNode(loadConfig(process.env), createLogger('fatal'))

let last = used()
let longest = 0
const turn = (): void => {
  const now = used()
  longest = Math.max(longest, now - last)
  last = now
  setImmediate(turn)
}

process.on('message', () => {
  process.send?.({ longest })
  longest = 0
})
process.once('SIGTERM', () => void node.stop().then(() => process.exit(0)))
turn()
process.send?.({ url: node.url })
