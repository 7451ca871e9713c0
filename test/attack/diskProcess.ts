// A store of an engine on a small disk, as a process of its own so that its end shows: `events|documents DIR`. A file takes the
// room away, down to each number of pages; every write is then either done or refused as a whole. Prints what it found.
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openStorage } from '../../src/engines/documents/storage.ts'
import { createIdCache } from '../../src/engines/eventlog/log/idCache.ts'
import { createReader } from '../../src/engines/eventlog/log/reader.ts'
import { streamOf } from '../../src/engines/eventlog/log/record.ts'
import { openStore } from '../../src/engines/eventlog/log/store.ts'
import { createStreams } from '../../src/engines/eventlog/log/streams.ts'
import { createWriter } from '../../src/engines/eventlog/log/writer.ts'

const [kind, disk] = process.argv.slice(2)
if (disk === undefined) throw new Error('usage: events|documents DIR')
const dir = join(disk, 'data')
mkdirSync(dir)

interface Writes {
  /** Writes rows of so many bytes in one commit; gives why it was refused, or nothing. */
  write(names: readonly string[], bytes: number): Promise<readonly (string | undefined)[]>
  /** The names of the rows that are there. */
  read(): ReadonlySet<string>
}

const events = (): Writes => {
  const store = openStore({ dir }, randomUUID)
  const streams = createStreams(store)
  const reader = createReader({ store, streams, now: Date.now })
  const writer = createWriter({ store, streams, ids: createIdCache(), reader, now: Date.now })
  const one = (stream: string, bytes: number) =>
    new Promise<string | undefined>((resolve) => {
      const data = Buffer.alloc(bytes, 7)
      const event = { id: randomUUID(), type: 't', json: false, metadata: Buffer.alloc(0), data }
      writer.submit({ kind: 'append', stream, expected: 'any', events: [event], bytes: 1 }, (outcome) =>
        resolve(outcome.kind === 'written' ? undefined : 'reason' in outcome ? outcome.reason : outcome.kind),
      )
    })
  return {
    write: (names, bytes) => Promise.all(names.map((name) => one(name, bytes))),
    read: () => {
      const found = new Set<string>()
      for (let from = 0; ; ) {
        const { rows, atEnd } = store.records(from, { limit: 500, maxBytes: 1_000_000 })
        for (const { record } of rows) found.add(streamOf(record))
        const last = rows.at(-1)
        if (atEnd || last === undefined) return found
        from = last.position + 1
      }
    },
  }
}

const documents = (): Writes => {
  const storage = openStorage(
    dir,
    { isSealed: () => true, damaged: () => new Error() as never },
    { committed() {}, failed() {} },
  )
  const SPACE = 9
  return {
    write: (names, bytes) =>
      Promise.all(
        names.map((name) =>
          storage
            .write((_view, changes) => changes.put(SPACE, name, Buffer.alloc(bytes, 5)))
            .then(
              () => undefined,
              (error: Error) => error.message,
            ),
        ),
      ),
    read: () => new Set([...storage.range(SPACE, '', undefined)].map(([key]) => key)),
  }
}

const room = () => {
  const { bavail, bsize } = statfsSync(disk)
  return bavail * bsize
}
const ballast = join(disk, 'ballast')
const leaveOnly = (bytes: number) => {
  const fd = openSync(ballast, 'w')
  const block = Buffer.alloc(64 * 1024)
  for (let rest = room() - bytes; rest > 0; ) rest -= writeSync(fd, block, 0, Math.min(rest, block.length))
  closeSync(fd)
}

const PAGE = 4_096
const { write, read } = kind === 'events' ? events() : documents()
const acknowledged = new Set<string>()
const refused = new Set<string>()
const reasons = new Set<string>()
let serial = 0
const writeSome = async (rows: number, bytes: number): Promise<boolean> => {
  const names = Array.from({ length: rows }, () => `row-${serial++}`)
  const outcomes = await write(names, bytes)
  for (const [i, reason] of outcomes.entries()) {
    if (reason === undefined) acknowledged.add(names[i]!)
    else {
      refused.add(names[i]!)
      reasons.add(reason)
    }
  }
  return outcomes.every((reason) => reason === undefined)
}

await writeSome(20, 1_000)
let afterwards = 0
// Small rows and large ones, which LMDB writes before the commit, each with every small room.
for (const [rows, bytes] of [
  [1, 100],
  [50, 300],
  [200, 3_000],
  [20, 100_000],
  [3, 800_000],
] as const)
  for (let pages = 0; pages < 70; pages += pages < 6 ? 1 : 9) {
    leaveOnly(pages * PAGE)
    await writeSome(rows, bytes)
    rmSync(ballast)
    // With room again it goes on by itself.
    if (room() > 2_000_000 && !(await writeSome(1, 100))) afterwards++
  }
const found = read()
process.stdout.write(
  JSON.stringify({
    written: acknowledged.size,
    refused: refused.size,
    lost: [...acknowledged].filter((name) => !found.has(name)).length,
    halfDone: [...refused].filter((name) => found.has(name)).length,
    afterwards,
    reasons: [...reasons].map((reason) => reason.replace(disk, 'DISK')),
  }),
  () => process.exit(0),
)
