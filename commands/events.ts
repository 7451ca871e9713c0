// Tracking custom events: one at a time from servers and browsers, in batches, and again after a refusal was mended.
import * as v from 'valibot'
import { contextOf } from '../src/api/context.ts'
import { fresh } from '../src/api/fresh.ts'
import { EventAnswer } from '../src/api/presenters/events.ts'
import { readRejectedEvent } from '../src/api/presenters/rejectedEvents.ts'
import { dryRunFault, reachOf } from '../src/api/reach.ts'
import { callerKey } from '../src/domain/callerKeys.ts'
import { MAX_BATCH_BYTES } from '../src/domain/size.ts'
import { fail, isFailure, notFound, shownFrom } from '../src/http/errors.ts'
import { queryFlag } from '../src/http/fields.ts'
import { describeIssues } from '../src/http/issues.ts'
import { type Call, type Outcome, REPLAYED, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { BatchAnswer, BatchBody, MAX_BATCH, trackBatch } from './eventBatches.ts'
import { checkTrackBody, keyOf, record, TrackBody, type Tracked, type Untracked } from './eventRecording.ts'

export const TrackQuery = v.object({ dry_run: v.optional(queryFlag, 'false') })

type TrackCall = Call<TrackBody, v.InferOutput<typeof TrackQuery>, unknown>

const outcomeOf = (tracked: Tracked | Untracked): Outcome => {
  if ('failure' in tracked) {
    const { failure, position } = tracked
    return shownFrom(failure, position)
  }
  const { answer, position, isRepeat } = tracked
  return {
    body: answer,
    headers: isRepeat ? REPLAYED : undefined,
    consistencyToken: position,
  }
}

const track = async (services: Services, call: TrackCall): Promise<Outcome> => {
  const { body, query } = call
  const reach = await reachOf(services, call, body.customer)
  if (isFailure(reach)) return reach
  const fault = dryRunFault(reach, query.dry_run)
  if (fault) return fault
  const key = keyOf(call, body) ?? call.idempotencyKey
  return outcomeOf(await record(services, call, body, { key, dryRun: query.dry_run, keeps: true, reach }))
}

const ResendParams = v.object({ id: v.string() })

/** Sends a kept event again as it came, with the time it had, under a key of its own: it goes in once. */
const resend = async (services: Services, call: Call<unknown, unknown, { id: string }>): Promise<Outcome> => {
  const kept = await readRejectedEvent(services, call.params.id)
  if (!kept) return notFound('rejected_event', call.params.id)
  // It may have been kept by a time that asked less of it.
  const checked = checkTrackBody(kept.body)
  if ('issues' in checked) return fail('invalid_payload', describeIssues(checked.issues))
  const body = checked.value
  const key = kept.key ?? (body.id === undefined ? `resend:${kept._id}` : callerKey(call.key, body.id))
  const naming = { key, ...(kept.print ? { print: kept.print } : {}), keeps: false }
  const tracked = await record(services, call, body, naming)
  if ('failure' in tracked) return tracked.failure
  const position = await services.rejected.resent(kept._id, tracked.customer, contextOf(call, services))
  return position === undefined ? outcomeOf(tracked) : { ...outcomeOf(tracked), consistencyToken: position }
}

export const eventCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/events',
    also: ['/client/v1/events'],
    summary: 'Track a custom event',
    description:
      'Checks the metadata against the event schema, makes or merges the customer, and records the event with all that ' +
      'follows from it. `id` names the event for its customer, within the space of the API key: sending it again answers as ' +
      'before and records nothing; another event under it is refused with 409 `duplicate_event_id`. A browser ' +
      "without the customer's token says what happened, not who somebody is: a known profile stays as it is, and the answer " +
      'tells nothing.',
    tag: 'Events',
    permission: 'events.write',
    ability: 'track',
    query: TrackQuery,
    body: TrackBody,
    response: EventAnswer,
    remembers: true,
    handler: (call) => track(services, call),
  }),
  route({
    method: 'post',
    path: '/v1/events/batch',
    summary: `Track up to ${MAX_BATCH} custom events`,
    description:
      'One result for each event, in the order sent; one that is refused does not keep the others out. Events that there was ' +
      'no time for are refused as `not_tried`, with `Retry-After`: send them again.',
    tag: 'Events',
    permission: 'events.write',
    query: TrackQuery,
    body: BatchBody,
    each: 'events',
    bodyLimit: MAX_BATCH_BYTES,
    response: BatchAnswer,
    isMany: true,
    handler: (call) => trackBatch(services, call),
  }),
  route({
    method: 'post',
    path: '/v1/events/rejected/{id}/resend',
    summary: 'Send a refused event again',
    description: 'After its schema was mended. The event keeps the time at which it first arrived.',
    tag: 'Events',
    permission: 'events.write',
    params: ResendParams,
    response: EventAnswer,
    handler: fresh(services, (call) => resend(services, call)),
  }),
]
