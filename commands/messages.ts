// Asking for messages to be tried again: one, or all that a filter names.

import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import type { OutboxDocument } from '../projections/outbox.ts'
import { MessageFilter, outboxFilter } from '../src/api/presenters/messages.ts'
import { ById } from '../src/api/shapes.ts'
import { messageStream, RETRIED_STATES } from '../src/domain/distributions/delivery.ts'
import { answerOf } from '../src/http/answers.ts'
import { fail, notFound, unavailable } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

type AnyCall = Call<unknown, unknown, unknown>

/** Records the asking, unless the message has moved on since it was read; gives the position, or undefined. */
const askAgain = async (
  { store, settings }: Services,
  call: AnyCall,
  { _id, customer, distribution, channel, revision }: OutboxDocument,
): Promise<bigint | undefined> => {
  const newest = BigInt(revision)
  const result = await store.append(
    messageStream(_id),
    [
      {
        id: randomUUID(),
        type: 'MessageRetryRequested',
        data: { message: _id, customer, distribution, channel, occurredAt: call.now },
        metadata: {
          $correlationId: call.requestId,
          actor: { name: call.key.name, role: call.key.role },
          now: call.now,
        },
      },
    ],
    newest < 0n ? 'no_stream' : newest,
    { deadline: call.now + settings.requestLimitMs },
  )
  return result.kind === 'appended' ? result.position : undefined
}

const retryOne = async (services: Services, call: Call<unknown, unknown, { id: string }>): Promise<Outcome> => {
  const { id } = call.params
  const message = await services.readModel.collection<OutboxDocument>('outbox').findOne({ _id: id })
  if (!message) return notFound('message', id)
  if (!message.requested || !RETRIED_STATES.includes(message.state))
    return fail(
      'invalid_payload',
      message.requested
        ? `A message that is ${message.state} cannot be retried`
        : `A message that was not asked for (${message.reason}) cannot be retried`,
      { resourceType: 'message', resourceId: id },
    )
  const position = await askAgain(services, call, message)
  if (position === undefined) return unavailable('The message is being worked on; look again')
  return { body: { id, object: 'message', state: 'requested' }, consistencyToken: position }
}

const RetryBody = v.object({
  ...MessageFilter,
  state: v.optional(v.picklist(RETRIED_STATES as readonly ['failed', 'parked', 'skipped']), 'parked'),
  /** How many at most; ask again for the rest. */
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 100),
})

const AT_ONCE = 16

const retryMany = async (services: Services, call: Call<v.InferOutput<typeof RetryBody>, unknown, unknown>) => {
  const filter = await outboxFilter(services, call.body)
  if (filter === null) return notFound('customer', call.body.customer ?? '')
  const found = await services.readModel
    .collection<OutboxDocument>('outbox')
    .find({ ...filter, requested: true, state: call.body.state }, { sort: { position: 1 }, limit: call.body.limit + 1 })
  const chosen = found.slice(0, call.body.limit)
  let count = 0
  let token: bigint | undefined
  for (let i = 0; i < chosen.length; i += AT_ONCE) {
    const positions = await Promise.all(
      chosen.slice(i, i + AT_ONCE).map((message) => askAgain(services, call, message)),
    )
    for (const position of positions) {
      if (position === undefined) continue
      count++
      if (token === undefined || position > token) token = position
    }
  }
  return {
    body: { object: 'message_retry', count, has_more: found.length > chosen.length },
    consistencyToken: token,
  }
}

export const messageCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/messages/{id}/retry',
    summary: 'Try a message again, now',
    description:
      'One that failed, was given up, or was dropped after it was asked for. The count of tries begins anew.',
    tag: 'Messages',
    permission: 'messages.write',
    params: ById,
    response: answerOf('message', { id: v.string(), state: v.string() }),
    handler: (call) => retryOne(services, call),
  }),
  route({
    method: 'post',
    path: '/v1/messages/retry',
    summary: 'Try all messages again that a filter names',
    tag: 'Messages',
    permission: 'messages.write',
    body: RetryBody,
    response: answerOf('message_retry', { count: v.number(), has_more: v.boolean() }),
    handler: (call) => retryMany(services, call),
  }),
]
