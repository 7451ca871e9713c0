// The activity log as it grows: server-sent events, for pages and consoles that watch.
import * as v from 'valibot'
import type { ActivityDocument } from '../projections/activity.ts'
import type { CustomerDocument } from '../projections/customers.ts'
import { showActivity } from '../src/api/presenters/activity.ts'
import { readCustomer } from '../src/api/presenters/customers.ts'
import { notFound, unavailable } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const StreamQuery = v.object({
  customer: v.optional(v.pipe(v.string(), v.description('Only of this customer, by id or `source_id`'))),
  event: v.optional(v.pipe(v.string(), v.description('Only custom events of this name'))),
  type: v.optional(v.pipe(v.string(), v.description('Only entries of this type, such as `customer.segment.entered`'))),
  category: v.optional(v.picklist(['ACTION', 'EFFECT'])),
})

type StreamQuery = v.InferOutput<typeof StreamQuery>

/** A stream ends then and is asked for again, so that a key or session that has ended sees no more; ms. */
const LASTS_MS = 5 * 60_000

/** A sign of life, for proxies that close what is silent; ms. */
const SIGN_MS = 15_000

/** What waits for a reader that is slower than the log, in chunks; past it entries are left out. */
const MAX_WAITING = 32

const fulfils =
  ({ event, type, category }: StreamQuery, customer: string | undefined) =>
  (one: ActivityDocument) =>
    (customer === undefined || one.customer === customer) &&
    (event === undefined || one.event === event) &&
    (type === undefined || one.type === type) &&
    (category === undefined || one.category === category)

const stream = async (services: Services, query: StreamQuery): Promise<Outcome> => {
  const of = query.customer === undefined ? undefined : await readCustomer(services, query.customer)
  if (of === null) return notFound('customer', query.customer!)
  const wanted = fulfils(query, of?._id)
  const customers = services.readModel.collection<CustomerDocument>('customers')
  const encoder = new TextEncoder()
  let isMissing = false
  let end = (): void => {}

  const textOf = async (entries: readonly ActivityDocument[]): Promise<string> => {
    const ids = [...new Set(entries.map(({ customer }) => customer))]
    const found = await customers.find({ _id: { $in: ids } }, { limit: ids.length })
    const byId = new Map(found.map((one) => [one._id, one]))
    return entries
      .flatMap((entry) => {
        const customer = byId.get(entry.customer)
        if (customer === undefined) return []
        return [`id: ${entry._id}\nevent: activity\ndata: ${JSON.stringify(showActivity(entry, customer))}\n\n`]
      })
      .join('')
  }

  /** In the order in which they came, though each looks up its customers. */
  let last: Promise<void> = Promise.resolve()
  const content = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: string): void => {
          if (text !== '') controller.enqueue(encoder.encode(text))
        }
        const timers = [setInterval(() => send(': still here\n\n'), SIGN_MS), setTimeout(() => end(), LASTS_MS)]
        const unwatch = services.activityFeed.watch({
          take(entries, skipped) {
            const chosen = entries.filter(wanted)
            isMissing ||= skipped
            if (chosen.length === 0) return
            if ((controller.desiredSize ?? 0) < -MAX_WAITING) {
              isMissing = true
              return
            }
            last = last.then(async () => {
              const text = await textOf(chosen)
              send(isMissing ? `event: skipped\ndata: {}\n\n${text}` : text)
              isMissing = false
            })
            // A reader that is gone, or customers that cannot be read: the stream ends and is asked for again.
            last.catch(() => end())
          },
          end: () => end(),
        })
        end = () => {
          end = () => {}
          unwatch?.()
          for (const timer of timers) clearTimeout(timer)
          try {
            controller.close()
          } catch {
            // Its reader was faster.
          }
        }
        send('retry: 2000\n\n')
        // Another took the last place meanwhile.
        if (unwatch === undefined) end()
      },
      cancel: () => end(),
    },
    { highWaterMark: 1 },
  )
  return {
    raw: { contentType: 'text/event-stream', content },
    headers: { 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
  }
}

export const activityStreamQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/activity/stream',
    summary: 'Watch the activity log of all customers as it grows',
    description:
      'Server-sent events (`text/event-stream`) from now on: `activity` with an entry as the activity log of a customer shows it, ' +
      '`skipped` where more came in than could be sent. It shows what happens and is no record: a stream ends after five minutes ' +
      'and is asked for again, as browsers do by themselves. A node has 100 at most, then it answers 503.',
    tag: 'Customers',
    permission: 'customers.read',
    query: StreamQuery,
    response: v.string(),
    contentType: 'text/event-stream',
    handler: async (call): Promise<Outcome> =>
      services.activityFeed.isFull() ? unavailable('Too many are watching already', 30) : stream(services, call.query),
  }),
]
