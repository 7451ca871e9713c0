// One import from file to report: check first, then send in batches that keep each customer's order, and count what came of it.
import { stat } from 'node:fs/promises'
import * as v from 'valibot'
import { MAX_BATCH_BYTES } from '../domain/size.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import type { Alone } from './alone.ts'
import { type Client, type Connection, createClient, reasonIn } from './client.ts'
import { CheckError, InputError, Interrupted, ServerError } from './errors.ts'
import { createKeyedBatches, type KeyedItem } from './keyedBatches.ts'
import { completeMapping, type Mapping, schemaOf } from './mapping.ts'
import type { MappingFile } from './mappingFile.ts'
import { mapRecord } from './mapRecord.ts'
import { spellSeconds } from './progress.ts'
import { type FileFormat, openRecords, type SourceRecord } from './records.ts'
import { createRefusedFile } from './refused.ts'

export interface ImportOptions {
  readonly file: string
  readonly format: FileFormat
  readonly delimiter: string
  readonly mapping: MappingFile
  readonly connection: Connection
  /** With it the event schema is made from the mapping where there is none; needs an admin key. */
  readonly schemaConnection: Connection | undefined
  /** Ask what would be recorded and record nothing. */
  readonly dryRun: boolean
  /** The records are no events: customers, codes or cards. */
  readonly alone?: Alone | undefined
  readonly refusedPath: string
  /** Batches in flight, and events in one (the API takes 1,000). */
  readonly inFlight: number
  readonly batchSize: number
  /** How long a node that does not answer is waited for, ms. */
  readonly retryForMs: number
  /** Asks for an orderly end: what is in flight is finished, nothing more is sent. */
  readonly signal: AbortSignal
  readonly onProgress?: (progress: Progress) => void
  readonly onNote?: (note: string) => void
}

export interface Counts {
  readonly recorded: number
  /** Were there already, under the same id. */
  readonly repeated: number
  readonly refused: number
  /** Of the repeated: answered only after a try without an answer, so perhaps recorded by this very run. */
  readonly unclear: number
}

export interface Progress extends Counts {
  /** Bytes of the file that are dealt with, and all of them. */
  readonly bytes: number
  readonly total: number
}

export interface Report extends Counts {
  /** What the events are called, as the mapping says it; undefined for lines that are no events. */
  readonly event: Mapping['event'] | undefined
  readonly seconds: number
  /** The line from which on the file cannot be read; undefined when it was read to its end. */
  readonly unreadableFrom: number | undefined
  /** Where the refused lines are; undefined when there are none. */
  readonly refusedFile: string | undefined
  readonly ended:
    | { readonly kind: 'complete' }
    | { readonly kind: 'interrupted' }
    | { readonly kind: 'failed'; readonly error: Error }
}

/** Bytes of the events of one batch; the rest is left for what surrounds them. */
const MAX_EVENTS_BYTES = MAX_BATCH_BYTES - 1024
/** So many records are tried before the first is sent: when all of them are refused, the mapping is wrong, not a line. */
const CHECKED = 100

/** What goes one by one: so many at a time. */
const ALONE_AT_ONCE = 16

interface Item extends KeyedItem {
  readonly record: SourceRecord
  readonly id: string
  readonly json: string
}

const ItemError = v.object({
  code: v.number(),
  key: v.optional(v.string()),
  message: v.optional(v.string()),
  details: v.optional(v.string()),
  resource_type: v.optional(v.string()),
  resource_id: v.optional(v.string()),
})

const BatchAnswer = v.object({
  data: v.array(
    v.object({
      index: v.pipe(v.number(), v.integer(), v.minValue(0)),
      status: v.picklist(['recorded', 'repeated', 'refused']),
      error: v.optional(ItemError),
    }),
  ),
})
type BatchResult = v.InferOutput<typeof BatchAnswer>['data'][number]

/** What an item of a batch is refused with although sending it again may help. */
const LATER = new Set([408, 429, 502, 503, 504, 507])

/** Of conflicts only that with another writer passes: what is there already stays there. */
export const mayPass = ({ code, key = 'conflict' }: v.InferOutput<typeof ItemError>): boolean =>
  code === 409 ? key === 'conflict' : LATER.has(code)

const bodyOf = (items: readonly Item[]): string => `{"events":[${items.map(({ json }) => json).join(',')}]}`

const unexpected = (connection: Connection, status: number, body: unknown): ServerError =>
  new ServerError(`${connection.url} answered ${status} ${reasonIn(body) ?? '(is it a Tributary server?)'}`.trim())

type Sent =
  | { readonly taken: true; readonly results: readonly BatchResult[]; readonly unclear: boolean }
  | { readonly taken: false; readonly reason: string }

/** Sends what goes alone. */
const sendAlone = async (
  client: Client,
  alone: Alone,
  { connection, dryRun }: Pick<ImportOptions, 'connection' | 'dryRun'>,
  { id, json }: Item,
): Promise<Sent> => {
  if (dryRun) return { taken: true, results: [{ index: 0, status: 'recorded' }], unclear: false }
  const outcome = await alone.send(client, json, id)
  if (outcome.status !== 'refused')
    return { taken: true, results: [{ index: 0, status: outcome.status }], unclear: outcome.unclear }
  const { status, body, unclear } = outcome.answer
  const error = v.safeParse(ItemError, body)
  if (!error.success) throw unexpected(connection, status, body)
  return { taken: true, results: [{ index: 0, status: 'refused', error: error.output }], unclear }
}

/** The results of one batch in the order sent; undefined when the node would not take the batch as a whole. */
const sendOnce = async (
  client: Client,
  { connection, dryRun }: Pick<ImportOptions, 'connection' | 'dryRun'>,
  items: readonly Item[],
): Promise<Sent> => {
  const answer = await client.send('POST', `/v1/events/batch${dryRun ? '?dry_run=true' : ''}`, bodyOf(items))
  if (answer.status === 400 || answer.status === 413)
    return { taken: false, reason: reasonIn(answer.body) ?? `answered ${answer.status}` }
  const parsed = answer.status === 200 ? v.safeParse(BatchAnswer, answer.body) : undefined
  if (!parsed?.success || parsed.output.data.length !== items.length)
    throw unexpected(connection, answer.status, answer.body)
  return { taken: true, results: parsed.output.data, unclear: answer.unclear }
}

const SchemaList = v.object({ data: v.array(v.object({ name: v.string() })) })

/** Makes the event schema of the mapping unless there is one of its name; says which it was. */
const createSchema = async (client: Client, connection: Connection, mapping: Mapping): Promise<string> => {
  const listed = await client.send('GET', '/v1/event-schemas')
  const known = v.safeParse(SchemaList, listed.body)
  if (listed.status !== 200 || !known.success) throw unexpected(connection, listed.status, listed.body)
  if (typeof mapping.event === 'object')
    throw new InputError('--create-schema makes one event schema: give its name with --event')
  const there = `The event schema "${mapping.event}" is there already and stays as it is`
  if (known.output.data.some(({ name }) => name === mapping.event)) return there
  const schema = schemaOf(mapping.event, mapping)
  const made = await client.send('POST', '/v1/event-schemas', JSON.stringify(schema))
  if (made.status === 200 || made.status === 201)
    return `Made the event schema "${mapping.event}" with ${Object.keys(schema.schema.properties).length} properties`
  if (made.status === 409 || made.unclear) return there
  throw new InputError(`The event schema "${mapping.event}" is refused: ${reasonIn(made.body) ?? made.status}`)
}

const sizeOf = async (file: string): Promise<number> => {
  try {
    const stats = await stat(file)
    if (!stats.isFile()) throw new InputError(`${file} is not a file`)
    return stats.size
  } catch (error) {
    if (error instanceof InputError) throw error
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw new InputError(missing ? `There is no file ${file}` : `${file} cannot be read: ${String(error)}`)
  }
}

/** The reasons met most often, at most five, with how often. */
const mostOften = (reasons: readonly string[]): string => {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 5)
    .map(([reason, n]) => `  ${n} × ${reason}`)
    .join('\n')
}

const isUnknownEvent = ({ error }: BatchResult): boolean =>
  error?.resource_type === 'custom_event_schema' && error.resource_id === undefined

/** As many of the items, from the first on, as one batch may hold. */
const withinBatch = (items: readonly Item[]): readonly Item[] => {
  let bytes = 0
  const over = items.findIndex(({ size }) => {
    bytes += size
    return bytes > MAX_EVENTS_BYTES
  })
  return over < 0 ? items : items.slice(0, Math.max(1, over))
}

/** Asks the node, recording nothing, about the first records: a wrong key, event name or mapping shows before any harm. */
const checkFirst = async (
  client: Client,
  options: ImportOptions,
  mapping: Mapping,
  records: readonly SourceRecord[],
  items: readonly Item[],
  faults: readonly string[],
): Promise<void> => {
  if (records.length === 0) return
  const reasons = [...faults]
  if (items.length > 0) {
    const answer = await sendOnce(client, { connection: options.connection, dryRun: true }, withinBatch(items))
    if (!answer.taken) return // one of them spoils the whole: it is found when they are sent
    if (typeof mapping.event === 'string' && answer.results.some(isUnknownEvent))
      throw new CheckError(
        `There is no event schema "${mapping.event}", so that every event would be refused. Nothing was sent.\n` +
          'Make the schema first, or let --create-schema make it from the columns (needs an admin key).',
      )
    for (const { status, error } of answer.results) if (status === 'refused') reasons.push(reasonIn(error) ?? 'refused')
  }
  if (records.length >= CHECKED && reasons.length >= records.length)
    throw new CheckError(
      `All of the first ${records.length} events would be refused. Nothing was sent.\n${mostOften(reasons)}`,
    )
}

/** The first records of a source, as many as one batch may have, and all of them again. */
const peek = async (
  source: AsyncIterable<SourceRecord>,
  count: number,
): Promise<{ readonly first: readonly SourceRecord[]; readonly all: AsyncIterable<SourceRecord> }> => {
  const iterator = source[Symbol.asyncIterator]()
  const first: SourceRecord[] = []
  for (let bytes = 0; first.length < count && bytes < MAX_EVENTS_BYTES; ) {
    const next = await iterator.next()
    if (next.done) break
    first.push(next.value)
    bytes += next.value.bytes
  }
  async function* all(): AsyncGenerator<SourceRecord> {
    try {
      yield* first
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  return { first, all: all() }
}

/**
 * Imports a file. What goes wrong before the first event is sent is thrown (`InputError`, `ServerError`, `KeyError`,
 * `CheckError`, `Interrupted`); what ends it later is in the report, beside the counts so far. Running the same import
 * again records only what is missing: every event has an id that follows from the file.
 */
export const runImport = async (options: ImportOptions): Promise<Report> => {
  const { connection, signal, onProgress, onNote } = options
  const total = await sizeOf(options.file)
  const file = await openRecords(options.file, options)
  const { alone } = options
  const mapping = completeMapping(alone ? alone.mapping(options.mapping, file.columns) : options.mapping, file.columns)
  const patience = spellSeconds(options.retryForMs / 1000)
  /** Why it waits, as was said last: a log that nobody looks at is not filled with it. */
  let waits: string | undefined
  const onRetry = (reason: string) => {
    if (reason !== waits) onNote?.(`waiting for ${connection.url}, for up to ${patience}: ${reason}`)
    waits = reason
  }
  const clientOf = (to: Connection) => createClient({ connection: to, retryForMs: options.retryForMs, signal, onRetry })
  const client = clientOf(connection)
  if (options.schemaConnection && !options.dryRun) {
    const made = await createSchema(clientOf(options.schemaConnection), options.schemaConnection, mapping)
    onNote?.(made)
  }

  const itemOf = (record: SourceRecord): Item | { readonly faults: readonly string[] } => {
    const mapped = mapRecord(mapping, record)
    if (!mapped.ok) return mapped
    const json = JSON.stringify(alone ? alone.bodyOf(mapped.body) : mapped.body)
    return { record, json, id: mapped.body.id, key: mapped.body.customer.source_id, size: Buffer.byteLength(json) + 1 }
  }

  const { first: head, all } = await peek(file.records, CHECKED)
  const tried = head.map(itemOf)
  const good = tried.flatMap((item) => ('faults' in item ? [] : [item]))
  const bad = tried.flatMap((item) => ('faults' in item ? [item.faults.join('; ')] : []))
  if (!alone) await checkFirst(client, options, mapping, head, good, bad)

  const refusedFile = createRefusedFile(options.refusedPath)
  const counts = { recorded: 0, repeated: 0, refused: 0, unclear: 0 }
  let bytes = 0
  let unreadableFrom: number | undefined
  const started = performance.now()
  const settled = (record: SourceRecord) => {
    bytes += record.bytes
  }
  const report = () => {
    waits = undefined
    onProgress?.({ ...counts, bytes, total })
  }

  const refuse = async (record: SourceRecord, reason: string, id?: string): Promise<void> => {
    counts.refused++
    settled(record)
    await refusedFile.write({
      line: record.line,
      reason,
      id,
      record: record.fields ?? record.content,
    })
    if (counts.refused % 1_000 === 0) report()
  }

  /** Notes the results of a batch; answers with what should be sent again. */
  const note = async (items: readonly Item[], results: readonly BatchResult[], unclear: boolean): Promise<Item[]> => {
    const again: Item[] = []
    for (const [i, item] of items.entries()) {
      const { status, error } = results[i]!
      if (status === 'refused') {
        if (error && mayPass(error)) again.push(item)
        else await refuse(item.record, reasonIn(error) ?? 'refused without a reason', item.id)
        continue
      }
      counts[status]++
      if (status === 'repeated' && unclear) counts.unclear++
      settled(item.record)
    }
    return again
  }

  const send = async (batch: readonly Item[]): Promise<void> => {
    const since = performance.now()
    let items = batch
    let unclear = false
    for (let attempt = 1; items.length > 0; attempt++) {
      const answer = alone ? await sendAlone(client, alone, options, items[0]!) : await sendOnce(client, options, items)
      if (!answer.taken) {
        // One event spoils the batch (a forbidden key, too many bytes): halve until it stands alone.
        if (items.length === 1) return refuse(items[0]!.record, answer.reason, items[0]!.id)
        const middle = Math.ceil(items.length / 2)
        await send(items.slice(0, middle))
        return send(items.slice(middle))
      }
      unclear ||= answer.unclear
      items = await note(items, answer.results, unclear)
      report()
      if (items.length === 0) return
      if (signal.aborted) throw new Interrupted()
      if (performance.now() - since > options.retryForMs)
        throw new ServerError(
          `${connection.url} could not take ${items.length} events for ${options.retryForMs / 1000} s`,
        )
      await sleep(backoffMs(attempt, { baseMs: 100, maxMs: 5_000 }))
    }
  }

  const batches = createKeyedBatches<Item>({
    atOnce: alone ? ALONE_AT_ONCE : options.inFlight,
    maxItems: alone ? 1 : options.batchSize,
    maxBytes: MAX_EVENTS_BYTES,
    send,
  })

  let ended: Report['ended'] = { kind: 'complete' }
  try {
    for await (const record of all) {
      if (signal.aborted) throw new Interrupted()
      if (record.isLast) unreadableFrom = record.line
      const item = itemOf(record)
      if ('faults' in item) await refuse(record, item.faults.join('; '))
      else await batches.offer(item)
    }
    await batches.finish()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    await batches.settle()
    ended = error instanceof Interrupted ? { kind: 'interrupted' } : { kind: 'failed', error }
  }
  await refusedFile.close()
  report()
  return {
    ...counts,
    event: alone ? undefined : mapping.event,
    seconds: (performance.now() - started) / 1000,
    unreadableFrom,
    refusedFile: counts.refused > 0 ? refusedFile.path : undefined,
    ended,
  }
}
