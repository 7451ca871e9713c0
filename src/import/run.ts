// One import from file to report: check first, then send in batches that keep each customer's order, and count what came of it.
import { stat } from 'node:fs/promises'
import { backoffMs, sleep } from '../line/backoff.ts'
import type { Alone } from './alone.ts'
import { CHECKED, checkFirst, createSchema, peek } from './check.ts'
import { type Connection, createClient, reasonIn } from './client.ts'
import { InputError, Interrupted, ServerError } from './errors.ts'
import { createKeyedBatches } from './keyedBatches.ts'
import { completeMapping, type Mapping } from './mapping.ts'
import type { MappingFile } from './mappingFile.ts'
import { mapRecord } from './mapRecord.ts'
import { spellSeconds } from './progress.ts'
import { type FileFormat, openRecords, type SourceRecord } from './records.ts'
import { createRefusedFile } from './refused.ts'
import { type BatchResult, type Item, MAX_EVENTS_BYTES, mayPass, sendAlone, sendOnce } from './send.ts'

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

/** What goes one by one: so many at a time. */
const ALONE_AT_ONCE = 16

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
  const leavesSchema = options.dryRun && options.schemaConnection !== undefined
  if (!alone) await checkFirst(client, connection, mapping, head, good, bad, leavesSchema)

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
