// An engine that ends by itself when a test says so: the real one, which looks for a file `die` in its directory.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { startDocumentStore } from '../../src/engines/documents/index.ts'
import { startEventLog } from '../../src/engines/eventlog/index.ts'
import { serveHosted } from '../../src/engines/hosted.ts'

const Options = v.object({
  kind: v.picklist(['events', 'documents']),
  dir: v.string(),
  port: v.optional(v.number(), 0),
})

const DEATHS: Readonly<Record<string, () => void>> = {
  // Between the requests that it serves, so that the end comes in the middle of whatever needs memory last.
  memory: () => {
    const held: unknown[] = []
    const more = () => {
      held.push(new Array(500_000).fill(held.length))
      setImmediate(more)
    }
    more()
  },
  throw: () => {
    throw new Error('thrown by the test')
  },
  exit: () => process.exit(0),
  // Neither answers nor ends.
  hang: () => {
    for (;;) {}
  },
}

serveHosted('dying', async (given) => {
  const { kind, dir, port } = v.parse(Options, given)
  const engine = await (kind === 'events'
    ? startEventLog({ dir, access: 'open', port })
    : startDocumentStore({ dir, access: 'open', port }))
  const order = join(dir, 'die')
  setInterval(() => {
    if (!existsSync(order)) return
    const how = readFileSync(order, 'utf8')
    rmSync(order)
    DEATHS[how]?.()
  }, 20)
  return engine
})
