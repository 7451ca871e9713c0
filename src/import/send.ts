// What is sent to the node: events in batches, or one thing by itself, and how each was answered.
import * as v from 'valibot'
import { MAX_BATCH_BYTES } from '../domain/size.ts'
import type { Alone } from './alone.ts'
import { type Client, type Connection, reasonIn } from './client.ts'
import { ServerError } from './errors.ts'
import type { KeyedItem } from './keyedBatches.ts'
import type { SourceRecord } from './records.ts'

/** Bytes of the events of one batch; the rest is left for what surrounds them. */
export const MAX_EVENTS_BYTES = MAX_BATCH_BYTES - 1024
/** What is made of a record. */
export interface Item extends KeyedItem {
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
export type BatchResult = v.InferOutput<typeof BatchAnswer>['data'][number]

/** What an item of a batch is refused with although sending it again may help. */
const LATER = new Set([408, 429, 502, 503, 504, 507])

/** Of conflicts only that with another writer passes: what is there already stays there. */
export const mayPass = ({ code, key = 'conflict' }: v.InferOutput<typeof ItemError>): boolean =>
  code === 409 ? key === 'conflict' : LATER.has(code)

const bodyOf = (items: readonly Item[]): string => `{"events":[${items.map(({ json }) => json).join(',')}]}`

/** An answer that no Tributary gives. */
export const unexpected = (connection: Connection, status: number, body: unknown): ServerError =>
  new ServerError(`${connection.url} answered ${status} ${reasonIn(body) ?? '(is it a Tributary server?)'}`.trim())

/** Where it is sent, and whether only asked what would be recorded. */
interface Where {
  readonly connection: Connection
  readonly dryRun: boolean
}

/** How a batch went. */
export type Sent =
  | { readonly taken: true; readonly results: readonly BatchResult[]; readonly unclear: boolean }
  | { readonly taken: false; readonly reason: string }

/** Sends what goes alone. */
export const sendAlone = async (
  client: Client,
  alone: Alone,
  { connection, dryRun }: Where,
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
export const sendOnce = async (
  client: Client,
  { connection, dryRun }: Where,
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
