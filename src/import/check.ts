// What is looked at before the first event is sent: that there is an event schema, and that not all would be refused.
import * as v from 'valibot'
import { type Client, type Connection, reasonIn } from './client.ts'
import { CheckError, InputError } from './errors.ts'
import { type Mapping, schemaOf } from './mapping.ts'
import type { SourceRecord } from './records.ts'
import { type BatchResult, type Item, MAX_EVENTS_BYTES, sendOnce, unexpected } from './send.ts'

/** So many records are tried before the first is sent: when all of them are refused, the mapping is wrong, not a line. */
export const CHECKED = 100

const SchemaList = v.object({ data: v.array(v.object({ name: v.string() })) })

/** Makes the event schema of the mapping unless there is one of its name; says which it was. */
export const createSchema = async (client: Client, connection: Connection, mapping: Mapping): Promise<string> => {
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

/**
 * Asks the node, recording nothing, about the first records: a wrong key, event name or mapping shows before any harm. `leavesSchema`:
 * this would have made the event schema, had it not been a dry run.
 */
export const checkFirst = async (
  client: Client,
  connection: Connection,
  mapping: Mapping,
  records: readonly SourceRecord[],
  items: readonly Item[],
  faults: readonly string[],
  leavesSchema: boolean,
): Promise<void> => {
  if (records.length === 0) return
  const reasons = [...faults]
  if (items.length > 0) {
    const answer = await sendOnce(client, { connection, dryRun: true }, withinBatch(items))
    if (!answer.taken) return // one of them spoils the whole: it is found when they are sent
    if (typeof mapping.event === 'string' && answer.results.some(isUnknownEvent))
      throw new CheckError(
        `There is no event schema "${mapping.event}", so that every event would be refused. Nothing was sent.\n` +
          (leavesSchema
            ? 'A dry run makes none: make the schema first, or leave out --dry-run.'
            : 'Make the schema first, or let --create-schema make it from the columns (needs an admin key).'),
      )
    for (const { status, error } of answer.results) if (status === 'refused') reasons.push(reasonIn(error) ?? 'refused')
  }
  if (records.length >= CHECKED && reasons.length >= records.length)
    throw new CheckError(
      `All of the first ${records.length} events would be refused. Nothing was sent.\n${mostOften(reasons)}`,
    )
}

/** The first records of a source, as many as one batch may have, and all of them again. */
export const peek = async (
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
