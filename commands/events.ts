// Tracking custom events: one at a time from servers and browsers, in batches, and again after a refusal was mended.
import * as v from 'valibot'
import { contextOf, customerOfSource, tooBusy } from '../src/api/context.ts'
import { fresh } from '../src/api/fresh.ts'
import { EventAnswer, showEvent } from '../src/api/presenters/events.ts'
import { readRejectedEvent } from '../src/api/presenters/rejectedEvents.ts'
import { dryRunFault, type Reach, reachOf, sayable, tellable } from '../src/api/reach.ts'
import { callerKey, keyOwner, ownBeginning } from '../src/domain/callerKeys.ts'
import { CodeName } from '../src/domain/codes.ts'
import { CustomerInput } from '../src/domain/customer/profile.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { LoyaltyRef, ReferralRef } from '../src/domain/customer/tracking.ts'
import type { TrackEvent } from '../src/domain/decider/commands.ts'
import { type CustomerId, isCustomerId } from '../src/domain/ids.ts'
import { printOf } from '../src/domain/print.ts'
import type { Refusal } from '../src/domain/refusal.ts'
import { GivenMetadata, MAX_BATCH_BYTES } from '../src/domain/size.ts'
import {
  errorBody,
  type Failure,
  fromRefusal,
  isFailure,
  notFound,
  overloaded,
  refuse,
  unavailable,
} from '../src/http/errors.ts'
import { instant, name300, queryFlag } from '../src/http/fields.ts'
import { describeIssues } from '../src/http/issues.ts'
import { type Call, checkerOf, type Outcome, REPLAYED, route } from '../src/http/route.ts'
import { createTurns } from '../src/line/turns.ts'
import type { CommandContext, Executed } from '../src/runtime/customers.ts'
import { mapError } from '../src/runtime/errors.ts'
import { withOffer } from '../src/runtime/referralOffer.ts'
import type { Services } from '../src/services.ts'
import { duplicateEvent, eventIn, rememberedEvent } from './eventRepeats.ts'

/** How far ahead of this node's clock an event may say it occurred: clocks differ. */
const MAX_AHEAD_MS = 5 * 60_000
const MAX_BATCH = 1_000
/** How much of the time of a request a batch begins events in: the rest is for recording and answering those begun. */
const BATCH_SHARE = 0.5

export const TrackBody = v.pipe(
  v.object({
    event: name300,
    customer: v.pipe(
      CustomerInput,
      v.check(
        (c) => c.id !== undefined || typeof c.source_id === 'string',
        "should have required property 'source_id'",
      ),
    ),
    metadata: v.optional(GivenMetadata, {}),
    referral: v.optional(v.nullable(v.object({ ...ReferralRef.entries, code: CodeName }))),
    loyalty: v.optional(v.nullable(v.object({ ...LoyaltyRef.entries, code: CodeName }))),
    /** The client's own id of the event: repeating it records nothing. */
    id: v.optional(
      v.pipe(
        v.string(),
        v.minLength(1),
        v.maxLength(255),
        v.check(
          (id) => ownBeginning(id) === undefined,
          ({ input }) => `must NOT begin with ${ownBeginning(input)}`,
        ),
      ),
    ),
    /** When it happened; else when it arrived. */
    occurred_at: v.optional(v.nullable(instant)),
  }),
  v.title('TrackEvent'),
)
type TrackBody = v.InferOutput<typeof TrackBody>

const checkTrackBody = checkerOf(TrackBody)

const TrackQuery = v.object({ dry_run: v.optional(queryFlag, 'false') })

interface Target {
  readonly id: CustomerId
  readonly command: TrackEvent
}

/** Whom an event is about and the command that it is, or why it cannot be one. */
const targetOf = (services: Services, body: TrackBody, now: number, reach?: Reach): Target | Failure => {
  const { id: customerId, ...said } = body.customer
  const profile = reach ? sayable(reach, body.customer, said) : said
  const occurredAt = body.occurred_at ?? now
  // Nobody is told that his time is wrong by a clock that is known to be behind.
  if (occurredAt - now > MAX_AHEAD_MS && services.clock.distrust()?.kind === 'behind_log')
    return unavailable('The clock of this node is behind: ask again', 30)
  if (occurredAt - now > MAX_AHEAD_MS)
    return refuse('invalid_payload', 'Property .occurred_at must NOT be more than 5 minutes ahead')
  if (customerId !== undefined && !isCustomerId(customerId)) return notFound('customer', customerId)
  const id = customerId ?? customerOfSource(services, said.source_id!)
  return {
    id,
    command: {
      type: 'TrackEvent',
      event: body.event,
      occurredAt,
      metadata: body.metadata,
      profile,
      mayCreate: customerId === undefined,
      mode: services.settings.mode,
      ...(typeof body.occurred_at === 'number' ? {} : { undated: true }),
      ...(body.referral ? { referral: body.referral } : {}),
      ...(body.loyalty ? { loyalty: body.loyalty } : {}),
      ...(reach && reach.writes !== 'any' ? { onlyNew: true } : {}),
      triggerHorizonMs: services.settings.triggerHorizonMs,
    },
  }
}

/** A refusal for what the event says, not for who says it: such an event is worth keeping. */
const isWorthKeeping = (refusal: Refusal): boolean => refusal.key === 'metadata_validation_failed'

const keep = async (
  services: Services,
  customer: string,
  body: TrackBody,
  refusal: Refusal,
  context: CommandContext,
  channel: string,
): Promise<bigint> => {
  const { occurred_at, ...rest } = body
  const kept = await services.rejected.keep(
    customer,
    {
      event: body.event,
      body: { ...rest, occurred_at: new Date(occurred_at ?? context.now).toISOString() },
      reasons: refusal.details.split('; '),
      occurredAt: context.now,
      channel,
    },
    context,
  )
  return kept.position
}

/** The name under which an event is recorded: that which the caller gave to it. */
const keyOf = (call: AnyCall, { id }: TrackBody): string | undefined =>
  id === undefined ? undefined : callerKey(keyOwner(call), id)

const isCreated = (executed: Executed): boolean =>
  executed.kind === 'done' && executed.facts.some(({ type }) => type === 'CustomerCreated')

/** What an event says, however and by whom it is sent: a repeat says the same. In the order of the print, which saves sorting. */
const printOfEvent = (customer: string, body: TrackBody): string => {
  const { id: _, ...said } = body.customer
  const { event, loyalty, metadata, occurred_at = null, referral } = body
  return printOf({ customer: { id: customer, ...said }, event, loyalty, metadata, occurred_at, referral })
}

type AnyCall = Call<unknown, unknown, unknown>

interface Tracked {
  readonly isRepeat: boolean
  readonly state: CustomerState
  readonly position: bigint | undefined
  readonly answer: ReturnType<typeof showEvent>
}

interface Untracked {
  readonly failure: Failure
  /** Present when the event was kept among the refused ones. */
  readonly position?: bigint
}

interface Naming {
  readonly key: string | undefined
  readonly print?: string
  readonly dryRun?: boolean
  /** Whether a refusal for what the event says is kept. */
  readonly keeps: boolean
  /** How far the request of a client key reaches. */
  readonly reach?: Reach
  /** ms since the epoch: past it the event is not begun. */
  readonly tryUntil?: number
}

/** What a batch's event is answered that there was no time for. */
const notTried = (): Failure =>
  refuse('not_tried', 'The time of the batch was over before it came to this event; send it again', { retryAfter: 1 })

/** Records one event; a repeat is answered with what the first time recorded, and one that says something else is refused. */
const record = async (
  services: Services,
  call: AnyCall,
  body: TrackBody,
  { key, print: given, dryRun = false, keeps, reach, tryUntil }: Naming,
): Promise<Tracked | Untracked> => {
  const target = targetOf(services, body, call.now, reach)
  if (isFailure(target)) return { failure: target }
  const print = given ?? (key === undefined || dryRun ? undefined : printOfEvent(target.id, body))
  const context: CommandContext = {
    ...contextOf(call, services, {
      ...(key === undefined ? {} : { key }),
      ...(print === undefined ? {} : { print }),
      dryRun,
    }),
    ...(tryUntil === undefined ? {} : { tryUntil }),
    ...(dryRun && key !== undefined ? { printIfKnown: () => printOfEvent(target.id, body) } : {}),
  }
  const { client } = call
  // Whether a stranger's customer is new is known afterwards: a read of its own before would cost more than the event.
  const full = reach?.isStranger ? client?.take('newCustomers', 1) : undefined
  const offered = await withOffer(services, target.command)
  const command = full ? { ...offered, mayCreate: false } : offered
  const executed = await services.customers.execute(target.id, command, context)
  if (reach?.isStranger && !full && !isCreated(executed)) client?.giveBack('newCustomers', 1)
  /** Of nobody is anything told to a stranger. */
  const show = ({ id, profile }: CustomerState, facts: Parameters<typeof showEvent>[2]) => {
    const told = reach ? tellable(reach, profile) : profile
    return reach?.isStranger
      ? showEvent(command, { id: target.id, profile: told }, [])
      : showEvent(command, { id, profile: told }, facts)
  }
  switch (executed.kind) {
    case 'busy':
      return { failure: executed.notTried ? notTried() : tooBusy() }
    case 'refused': {
      const { refusal, known, state } = executed
      if (known) {
        const before = reach?.isStranger ? undefined : eventIn(await services.customers.factsOf(state.id, known))
        return { failure: duplicateEvent(body.id, before) }
      }
      if (full && offered.mayCreate && refusal.key === 'not_found') return { failure: full }
      const failure = fromRefusal(refusal)
      return keeps && !dryRun && isWorthKeeping(refusal) && !client?.take('refusedEvents', 1)
        ? { failure, position: await keep(services, target.id, body, refusal, context, call.channel) }
        : { failure }
    }
    case 'done': {
      const { state, position, facts } = executed
      return { isRepeat: false, state, position, answer: show(state, facts) }
    }
    case 'repeated': {
      const { state, position, range } = executed
      const repeat = { isRepeat: true, state, position }
      // The event alone: nothing followed from it, so there is nothing to read.
      if (range.count === 1) return { ...repeat, answer: show(state, []) }
      if (range.count > 0) return { ...repeat, answer: show(state, await services.customers.factsOf(state.id, range)) }
      const remembered = await rememberedEvent(services, state.id, context.key!, command)
      if (remembered && !remembered.isSame) return { failure: duplicateEvent(body.id, remembered.before) }
      const answer = show(state, [])
      return {
        ...repeat,
        answer: reach?.isStranger ? answer : { ...answer, effects: [...(remembered?.effects ?? [])] },
      }
    }
    default:
      return executed satisfies never
  }
}

type TrackCall = Call<TrackBody, v.InferOutput<typeof TrackQuery>, unknown>

const outcomeOf = (tracked: Tracked | Untracked): Outcome => {
  if ('failure' in tracked) {
    const { failure, position } = tracked
    return position === undefined ? failure : { ...failure, headers: { 'Consistency-Token': String(position) } }
  }
  const { answer, position, isRepeat } = tracked
  return {
    body: answer,
    ...(isRepeat ? { headers: REPLAYED } : {}),
    ...(position === undefined ? {} : { consistencyToken: position }),
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

const BatchBody = v.object({
  events: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(MAX_BATCH)),
})

const BatchResult = v.object({
  index: v.number(),
  status: v.picklist(['recorded', 'repeated', 'refused']),
  id: v.optional(v.string()),
  customer_id: v.optional(v.string()),
  error: v.optional(v.unknown()),
})
type BatchResult = v.InferOutput<typeof BatchResult>

const BatchAnswer = v.object({
  object: v.literal('list'),
  data_ref: v.literal('data'),
  data: v.array(BatchResult),
  recorded: v.number(),
  repeated: v.number(),
  refused: v.number(),
})

/** Events of one batch that are under way at a time. */
const AT_ONCE = 128

/** As Promise.all over `map`, with so many under way at a time; begun in order. After a failure, or the signal, none begins. */
const inPieces = async <T, R>(
  items: readonly T[],
  signal: AbortSignal,
  action: (item: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = []
  const entries = items.entries()
  let isOver = false
  const lane = async () => {
    for (const [index, item] of entries) {
      if (isOver || signal.aborted) return
      try {
        results[index] = await action(item, index)
      } catch (error) {
        isOver = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  signal.throwIfAborted()
  return results
}

/** The same as `record`; what is too large to be recorded is this event's fault, and that of no other. */
const recordAlone = async (...args: Parameters<typeof record>): ReturnType<typeof record> => {
  try {
    return await record(...args)
  } catch (error) {
    const failure = mapError(error)
    if (failure?.key === 'payload_too_large') return { failure }
    throw error
  }
}

const trackBatch = async (
  services: Services,
  call: Call<v.InferOutput<typeof BatchBody>, v.InferOutput<typeof TrackQuery>, unknown>,
): Promise<Outcome> => {
  const { events } = call.body
  const turn = await services.load.begin(events.length, Number(call.headers.get('content-length') ?? MAX_BATCH_BYTES))
  if (typeof turn === 'number') return overloaded(turn)
  let position: bigint | undefined
  const dryRun = call.query.dry_run
  const tryUntil = call.now + services.settings.requestLimitMs * BATCH_SHARE
  const turns = createTurns()
  let isCut = false
  const one = async (item: unknown, index: number): Promise<BatchResult> => {
    const refused = (failure: Failure, id?: string): BatchResult => {
      if (failure.key === 'not_tried') isCut = true
      return {
        index,
        status: 'refused',
        ...(id === undefined ? {} : { id }),
        error: errorBody(failure, call.requestId),
      }
    }
    await turns.over()
    const checked = checkTrackBody(item)
    if ('issues' in checked) return refused(refuse('invalid_payload', describeIssues(checked.issues)))
    const body = checked.value
    // The batch's own key names its events by their place, for those that have no id.
    const key = keyOf(call, body) ?? (call.idempotencyKey === undefined ? undefined : `${call.idempotencyKey}/${index}`)
    const place = await turn.next(tryUntil - services.clock.now())
    if (place === undefined) return refused(notTried(), body.id)
    const tracked = await recordAlone(services, call, body, { key, dryRun, keeps: true, tryUntil }).finally(place.leave)
    if ('failure' in tracked) return refused(tracked.failure, body.id)
    const { position: at, isRepeat, state } = tracked
    if (at !== undefined && (position === undefined || at > position)) position = at
    return {
      index,
      status: isRepeat ? 'repeated' : 'recorded',
      ...(body.id === undefined ? {} : { id: body.id }),
      customer_id: state.id,
    }
  }
  let data: readonly BatchResult[]
  try {
    data = await inPieces(events, call.signal, one)
  } finally {
    turn.end()
  }
  const count = (status: BatchResult['status']) => data.filter((r) => r.status === status).length
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data,
      recorded: count('recorded'),
      repeated: count('repeated'),
      refused: count('refused'),
    },
    ...(isCut ? { headers: { 'Retry-After': '1' } } : {}),
    ...(position === undefined ? {} : { consistencyToken: position }),
  }
}

const ResendParams = v.object({ id: v.string() })

/** Sends a kept event again as it came, with the time it had, under a key of its own: it goes in once. */
const resend = async (services: Services, call: Call<unknown, unknown, { id: string }>): Promise<Outcome> => {
  const kept = await readRejectedEvent(services, call.params.id)
  if (!kept) return notFound('rejected_event', call.params.id)
  // It may have been kept by a time that asked less of it.
  const checked = checkTrackBody(kept.body)
  if ('issues' in checked) return refuse('invalid_payload', describeIssues(checked.issues))
  const body = checked.value
  const key = kept.key ?? (body.id === undefined ? `resend:${kept._id}` : callerKey(call.key, body.id))
  const naming = { key, ...(kept.print ? { print: kept.print } : {}), keeps: false }
  const tracked = await record(services, call, body, naming)
  if ('failure' in tracked) return tracked.failure
  const position = await services.rejected.resent(kept._id, tracked.state.id, contextOf(call, services))
  return { ...outcomeOf(tracked), consistencyToken: position }
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
