// Sending a project webhook events again.

import * as v from 'valibot'
import type { ActivityDocument } from '../projections/activity.ts'
import { webhooks } from '../src/api/definitions/projectWebhook.ts'
import { FEEDS, type FeedDocument, HELD, type HeldDocument, START } from '../src/delivery/feed.ts'
import { answerOf } from '../src/http/answers.ts'
import { fail, notFound } from '../src/http/errors.ts'
import { instant } from '../src/http/fields.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const ReplayBody = v.pipe(
  v.object({
    /** From the first event at or after this instant. */
    from: v.optional(instant),
    /** From the event after this activity entry. */
    after_event_id: v.optional(v.string()),
    /** From the very first event there is. */
    from_start: v.optional(v.literal(true)),
  }),
  v.check(
    (body) => Object.values(body).filter((value) => value !== undefined).length === 1,
    'must have exactly one of from, after_event_id and from_start',
  ),
)
type ReplayBody = v.InferOutput<typeof ReplayBody>

/** The place after which the feed is to go on; undefined when the event is not there. */
const placeOf = async ({ readModel }: Services, body: ReplayBody): Promise<string | undefined> => {
  const activity = readModel.collection<ActivityDocument>('activity')
  if (body.after_event_id !== undefined)
    return (await activity.findOne({ _id: body.after_event_id }, { projection: { position: 1 } }))?.position
  if (body.from === undefined) return START
  const before = await activity.find(
    { created_at: { $lt: new Date(body.from) } },
    { sort: { position: -1 }, limit: 1, projection: { position: 1 } },
  )
  return before[0]?.position ?? START
}

const replay = async (services: Services, call: Call<ReplayBody, unknown, { id: string }>): Promise<Outcome> => {
  const { id } = call.params
  if (!services.rulebook.current().entries('projectWebhook').has(id)) return notFound('webhook', id)
  const position = await placeOf(services, call.body)
  if (position === undefined) return fail('invalid_payload', `No event has the id ${call.body.after_event_id}`)
  // Whoever works on the feed now loses it by the changed number, and goes on from the new place.
  await services.readModel.plain<FeedDocument>(FEEDS).updateOne(
    { _id: id },
    {
      $set: { position, replayed_at: new Date(call.now) },
      $inc: { seq: 1 },
      $setOnInsert: { node: '', until: new Date(0) },
    },
    { upsert: true },
  )
  await services.readModel.plain<HeldDocument>(HELD).deleteMany({ webhook: id })
  return { body: { id, object: 'webhook', position: position === START ? null : position } }
}

export const webhookCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/webhooks/{id}/replay',
    summary: 'Send events again from a place on',
    description: 'Under the same ids as the first time; customers that were held back are let go.',
    tag: webhooks.tag,
    permission: 'webhooks.write',
    body: ReplayBody,
    response: answerOf('webhook', { id: v.string(), position: v.nullable(v.string()) }),
    handler: (call) => replay(services, call),
  }),
]
