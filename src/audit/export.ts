// Export and import of the log as NDJSON: a line for each event, in the order of the log.
import * as v from 'valibot'
import { customerStream } from '../domain/ids.ts'
import { sortable } from '../domain/position.ts'
import type { RawRecord } from '../eventstore/codec.ts'
import type { EventStore } from '../eventstore/index.ts'
import { recordsAfter } from './patience.ts'

/** One event as an export holds it. Revisions and positions are decimal text. */
const Line = v.object({
  stream: v.string(),
  revision: v.pipe(v.string(), v.regex(/^\d{1,19}$/)),
  position: v.string(),
  id: v.string(),
  type: v.string(),
  created: v.string(),
  data: v.unknown(),
  metadata: v.unknown(),
})
type Line = v.InferOutput<typeof Line>

/** The last line of an export that is whole. */
const End = v.object({ end: v.object({ events: v.number() }) })

const lineOf = (record: RawRecord): Line => ({
  stream: record.stream,
  revision: String(record.revision),
  position: sortable(record.position),
  id: record.id,
  type: record.type,
  created: new Date(record.created).toISOString(),
  data: record.data,
  metadata: record.metadata,
})

export interface ExportOptions {
  /** Only this customer's stream. */
  readonly customer?: string
  /** After this position: the one that closed an earlier export. */
  readonly after?: bigint
  readonly signal?: AbortSignal
}

/**
 * The lines of an export, without line ends, up to what is the head at its start. A partial export goes on with `after` the
 * position of its last line. The last line, `{"end": {"events": …}}`, says that it is whole.
 */
export async function* exportLines(
  store: EventStore,
  { customer, after, signal }: ExportOptions = {},
): AsyncGenerator<string, void, undefined> {
  const stream = customer === undefined ? undefined : customerStream(customer)
  const head = (await store.head()) ?? -1n
  let events = 0
  for await (const record of recordsAfter(store, after, signal)) {
    if (record.position > head) break
    if (stream !== undefined && record.stream !== stream) continue
    events++
    yield JSON.stringify(lineOf(record))
  }
  yield JSON.stringify({ end: { events } })
}

/** A line that is none, or does not follow what is in the store; the message names the line. */
export class ImportRefused extends Error {
  constructor(line: number, why: string) {
    super(`line ${line}: ${why}`)
    this.name = 'ImportRefused'
  }
}

/** How many events of one stream, and how many bytes of them, go into one append. */
const MAX_EVENTS = 500
const MAX_BYTES = 500_000

interface Pending {
  readonly stream: string
  readonly first: bigint
  readonly lines: Line[]
  bytes: number
}

/**
 * Appends the lines of an export to the store with the ids and revisions that they had. A line that is there already under
 * its id and revision is passed over, so an interrupted import can be run again. Throws `ImportRefused` for anything else.
 * Gives the number of events appended.
 */
export const importLines = async (store: EventStore, lines: AsyncIterable<string>): Promise<number> => {
  const before = (await store.head()) ?? -1n
  let number = 0
  let appended = 0
  let pending: Pending | undefined

  const flush = async (): Promise<void> => {
    if (!pending) return
    const { stream, first, lines: batch } = pending
    pending = undefined
    const result = await store.appendRecords(
      stream,
      batch.map(({ id, type, data, metadata }) => ({ id, type, data, metadata: metadata as never })),
      first === 0n ? 'no_stream' : first - 1n,
    )
    if (result.kind === 'conflict')
      throw new ImportRefused(number, `${stream}@${first} does not follow what the store holds (at ${result.actual})`)
    // What was there already is answered with its old position.
    if (result.position > before) appended += batch.length
  }

  for await (const text of lines) {
    number++
    if (text.trim() === '') continue
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      throw new ImportRefused(number, 'is not JSON')
    }
    if (v.is(End, json)) continue
    const parsed = v.safeParse(Line, json)
    if (!parsed.success)
      throw new ImportRefused(number, parsed.issues.map((i) => `${v.getDotPath(i) ?? 'line'}: ${i.message}`).join('; '))
    const line = parsed.output
    const revision = BigInt(line.revision)
    const follows =
      pending !== undefined &&
      pending.stream === line.stream &&
      pending.first + BigInt(pending.lines.length) === revision &&
      pending.lines.length < MAX_EVENTS &&
      pending.bytes < MAX_BYTES
    if (!follows) {
      await flush()
      pending = { stream: line.stream, first: revision, lines: [], bytes: 0 }
    }
    pending!.lines.push(line)
    pending!.bytes += text.length
  }
  await flush()
  return appended
}
