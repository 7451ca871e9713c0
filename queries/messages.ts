// Reading messages: what was asked for or skipped and why, what became of it, and every try.

import * as v from 'valibot'
import type { OutboxDocument } from '../projections/outbox.ts'
import { inBackground } from '../src/api/background.ts'
import { allOf } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { Range, rangeFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { MessageFilter, MessageObject, outboxFilter, STATES, showMessage } from '../src/api/presenters/messages.ts'
import { ById, isoOrNull } from '../src/api/shapes.ts'
import { LEASES, type LeaseDocument } from '../src/delivery/leases.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { LOG_ORDER } from './events.ts'

/** Which of these messages somebody works on now. */
const sendingAmong = async (
  { readModel }: Pick<Services, 'readModel'>,
  documents: readonly OutboxDocument[],
): Promise<ReadonlySet<string>> => {
  const due = documents.filter((document) => document.due_at !== undefined).map((document) => document._id)
  if (due.length === 0) return new Set()
  const leases = await readModel
    .plain<LeaseDocument>(LEASES)
    .find({ _id: { $in: due }, until: { $gte: new Date() } }, { limit: due.length })
  return new Set(leases.map((lease) => lease._id))
}

const ListQuery = v.object({
  ...MessageFilter,
  state: v.optional(v.picklist(STATES)),
  created_at: Range,
  updated_at: Range,
  ...pagedById,
  order: orderOf(['created_at'], '-created_at'),
})

/** No more than this is worked on at once by all dispatchers together, as far as the filter `sending` looks. */
const MAX_SENDING = 1_000

const list = async (services: Services, query: v.InferOutput<typeof ListQuery>): Promise<Outcome> => {
  const collection = services.readModel.collection<OutboxDocument>('outbox')
  const filter = await outboxFilter(services, query)
  if (filter === null) return notFound('customer', query.customer ?? '')
  const state = query.state === 'sending' ? undefined : query.state
  const held =
    query.state === 'sending'
      ? await services.readModel
          .plain<LeaseDocument>(LEASES)
          .find({ until: { $gte: new Date() } }, { limit: MAX_SENDING })
      : undefined
  const source = documents(
    collection,
    allOf(
      filter,
      held
        ? { _id: { $in: held.map((lease) => lease._id) }, due_at: { $exists: true } }
        : state === undefined
          ? {}
          : { state },
      rangeFilter('updated_at', query.updated_at, services.rulebook.current().project.timeZone),
      rangeFilter('created_at', query.created_at, services.rulebook.current().project.timeZone),
    ),
  )
  const page = await pageOf(source, LOG_ORDER, query)
  if (isFailure(page)) return page
  const sending = await sendingAmong(services, page.entries)
  const shown = page.entries.map((document) => showMessage(document, sending))
  return { body: listBody('data', page, shown, { id: ({ _id }) => _id }) }
}

export const messageQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/messages',
    summary: 'List messages, newest first',
    description: 'Sent, still to be sent, given up, and those that were not sent with the reason why.',
    tag: 'Messages',
    permission: 'messages.read',
    query: ListQuery,
    response: listOf('data', MessageObject),
    handler: (call) => list(services, call.query),
  }),
  ...inBackground(services, (background) => [
    route({
      method: 'get',
      path: '/v1/messages/bulkheads',
      summary: 'Channels and hosts that this node sends through now',
      description:
        'One bulkhead for each channel and host. After failures in a row that say that the other end is down it is `paused` until ' +
        '`paused_until`; then it is `testing` with one message at a time until one gets through. Bulkheads at rest are left out.',
      tag: 'Messages',
      permission: 'messages.read',
      response: listOf(
        'data',
        answerOf('message_bulkhead', {
          channel: v.string(),
          host: v.string(),
          state: v.string(),
          sending: v.number(),
          waiting: v.number(),
          failures: v.number(),
          paused_until: v.optional(v.nullable(v.string())),
        }),
      ),
      handler: (): Outcome => {
        const bulkheads = background.delivery?.bulkheads() ?? []
        return {
          body: {
            object: 'list',
            data_ref: 'data',
            data: bulkheads.map(({ bulkhead, state, busy, waiting, failures, restsUntil }) => {
              const colon = bulkhead.indexOf(':')
              return {
                channel: bulkhead.slice(0, colon),
                host: bulkhead.slice(colon + 1),
                state,
                sending: busy,
                waiting,
                failures,
                paused_until: isoOrNull(restsUntil),
                object: 'message_bulkhead',
              }
            }),
            total: bulkheads.length,
          },
        }
      },
    }),
  ]),
  route({
    method: 'get',
    path: '/v1/messages/{id}',
    summary: 'Get a message with its tries',
    tag: 'Messages',
    permission: 'messages.read',
    params: ById,
    response: MessageObject,
    handler: async (call): Promise<Outcome> => {
      const found = await services.readModel.collection<OutboxDocument>('outbox').findOne({ _id: call.params.id })
      return found
        ? { body: showMessage(found, await sendingAmong(services, [found])) }
        : notFound('message', call.params.id)
    },
  }),
]
