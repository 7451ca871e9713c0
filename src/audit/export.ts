// Export and import of the log as NDJSON: a line for each event, in the order of the log.

import * as v from 'valibot'
import { customerStream } from '../domain/ids.ts'
import { issuePath } from '../domain/path.ts'
import { sortable } from '../domain/position.ts'
import type { RawRecord } from '../eventstore/codec.ts'
import type { AppendResult, EventStore } from '../eventstore/index.ts'
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

const PROJECT_OPENED = 'ProjectOpened'

/** The last line of an export that is whole. */
const End = v.object({ end: v.object({ events: v.number() }) })

/**
 * The project's own key stays where it is: customers' ids, unissued codes and the webhooks' signing secret follow from it. Who
 * restores an export brings it along.
 */
const withoutKey = ({ type, data }: RawRecord): unknown => {
  if (type !== PROJECT_OPENED || typeof data !== 'object' || data === null || !('customerKey' in data)) return data
  const { customerKey: _, ...rest } = data
  return rest
}

const lineOf = (record: RawRecord): Line => ({
  stream: record.stream,
  revision: String(record.revision),
  position: sortable(record.position),
  id: record.id,
  type: record.type,
  created: new Date(record.created).toISOString(),
  data: withoutKey(record),
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

/** A line as the store is to have it; undefined for want of the project's key. */
const withKey = (line: Line, projectKey: string | undefined): Line | undefined => {
  const { type, data } = line
  if (type !== PROJECT_OPENED || typeof data !== 'object' || data === null || 'customerKey' in data) return line
  if (projectKey === undefined) return undefined
  // Where it was written: what is sealed is the text.
  const fields = Object.entries(data)
  return { ...line, data: Object.fromEntries([...fields.slice(0, 1), ['customerKey', projectKey], ...fields.slice(1)]) }
}

/** How many events of one stream, and how many bytes of them, go into one append. */
const MAX_EVENTS = 500
const MAX_BYTES = 500_000

/** Appends, and bytes of them, that are sent before the first of them is answered. */
const IN_FLIGHT = { appends: 200, bytes: 8_000_000 }

interface Pending {
  /** The line of the first. */
  readonly line: number
  readonly stream: string
  readonly first: bigint
  readonly lines: Line[]
  bytes: number
}

/** An append on its way. */
interface Sent {
  readonly pending: Pending
  readonly result: Promise<AppendResult>
}

/**
 * Appends the lines of an export to the store with the ids and revisions that they had, in the order of the export. A line that
 * is there already under its id and revision is passed over, so an interrupted import can be run again. Throws `ImportRefused` for
 * anything else. Gives the number of events appended. Exports do not hold the project's key: `projectKey` puts it back.
 *
 * Customers act at the same time, so two lines in a row are seldom of one stream, and an append is for one stream: they are sent
 * one after the other without waiting for answers, which the store writes in that order. Where trouble made it another order the
 * positions say so, and the import is refused.
 */
export const importLines = async (
  store: EventStore,
  lines: AsyncIterable<string>,
  projectKey?: string,
): Promise<number> => {
  const before = (await store.head()) ?? -1n
  let number = 0
  let appended = 0
  let pending: Pending | undefined
  const sent: Sent[] = []
  let bytes = 0
  let last = -1n

  const settleFirst = async (): Promise<void> => {
    const { pending: batch, result: answer } = sent.shift()!
    bytes -= batch.bytes
    const { line, stream, first, lines: facts } = batch
    const result = await answer
    if (result.kind === 'conflict')
      throw new ImportRefused(line, `${stream}@${first} does not follow what the store holds (at ${result.actual})`)
    if (result.position < last)
      throw new ImportRefused(line, `${stream}@${first} was written out of order: begin again with an empty store`)
    last = result.position
    // What was there already is answered with its old position.
    if (result.position > before) appended += facts.length
  }

  const flush = async (): Promise<void> => {
    if (!pending) return
    const { stream, first, lines: batch } = pending
    const result = store.appendRecords(
      stream,
      batch.map(({ id, type, data, metadata }) => ({ id, type, data, metadata: metadata as never })),
      first === 0n ? 'no_stream' : first - 1n,
    )
    // It is looked at in its turn.
    result.catch(() => undefined)
    sent.push({ pending, result })
    bytes += pending.bytes
    pending = undefined
    // Before the first answer there may be no connection yet that keeps an order.
    while (sent.length > 0 && (last < 0n || sent.length > IN_FLIGHT.appends || bytes > IN_FLIGHT.bytes))
      await settleFirst()
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
      throw new ImportRefused(number, parsed.issues.map((i) => `${issuePath(i) || 'line'}: ${i.message}`).join('; '))
    const line = withKey(parsed.output, projectKey)
    if (line === undefined) throw new ImportRefused(number, "the project's key is missing")
    const revision = BigInt(line.revision)
    const follows =
      pending !== undefined &&
      pending.stream === line.stream &&
      pending.first + BigInt(pending.lines.length) === revision &&
      pending.lines.length < MAX_EVENTS &&
      pending.bytes < MAX_BYTES
    if (!follows) {
      await flush()
      pending = { line: number, stream: line.stream, first: revision, lines: [], bytes: 0 }
    }
    pending!.lines.push(line)
    pending!.bytes += text.length
  }
  await flush()
  while (sent.length > 0) await settleFirst()
  return appended
}
