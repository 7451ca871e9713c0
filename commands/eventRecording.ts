// Recording one event: what a body must be, whom it is about, and what comes of it.

import * as v from 'valibot'
import { contextOf, customerOfSource } from '../src/api/context.ts'
import { showEvent } from '../src/api/presenters/events.ts'
import { type Reach, sayable, tellable } from '../src/api/reach.ts'
import { callerKey, keyOwner, ownBeginning } from '../src/domain/callerKeys.ts'
import { CodeName } from '../src/domain/codes.ts'
import { CustomerInput } from '../src/domain/customer/profile.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { LoyaltyRef, ReferralRef } from '../src/domain/customer/tracking.ts'
import type { TrackEvent } from '../src/domain/decider/commands.ts'
import { type CustomerId, isCustomerId } from '../src/domain/ids.ts'
import { name300 } from '../src/domain/name.ts'
import { outsideId } from '../src/domain/outsideIds.ts'
import { printOf } from '../src/domain/print.ts'
import type { Refusal } from '../src/domain/refusal.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { StoreUnavailable } from '../src/eventstore/errors.ts'
import { type Failure, fail, fromRefusal, isFailure, notFound, unavailable } from '../src/http/errors.ts'
import { instant } from '../src/http/fields.ts'
import { type Call, checkerOf } from '../src/http/route.ts'
import type { CommandContext, Executed } from '../src/runtime/customers.ts'
import { mapError } from '../src/runtime/errors.ts'
import { withOffer } from '../src/runtime/referralOffer.ts'
import type { Services } from '../src/services.ts'
import { NotTried, TooBusy } from '../src/trouble.ts'
import { duplicateEvent, eventIn, rememberedEvent } from './eventRepeats.ts'

/** How far ahead of this node's clock an event may say it occurred: clocks differ. */
const MAX_AHEAD_MS = 5 * 60_000

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
        outsideId(255),
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

export type TrackBody = v.InferOutput<typeof TrackBody>

export const checkTrackBody = checkerOf(TrackBody, { isNew: true })

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
    return fail('invalid_payload', 'Property .occurred_at must NOT be more than 5 minutes ahead')
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
export const keyOf = (call: AnyCall, { id }: TrackBody): string | undefined =>
  id === undefined ? undefined : callerKey(keyOwner(call), id)

const isCreated = (executed: Executed): boolean =>
  executed.kind === 'done' && executed.facts.some(({ type }) => type === 'CustomerCreated')

/**
 * The fingerprint of what an event says, by which a repeat is told from another event: the same however it is sent. Its fields are named
 * in alphabetical order, as `printOf` wants them, which saves sorting.
 */
const printOfEvent = (customer: string, body: TrackBody): string => {
  const { id: _, ...said } = body.customer
  const { event, loyalty, metadata, occurred_at = null, referral } = body
  return printOf({ customer: { id: customer, ...said }, event, loyalty, metadata, occurred_at, referral })
}

type AnyCall = Call<unknown, unknown, unknown>

export interface Tracked {
  readonly isRepeat: boolean
  readonly customer: string
  readonly position: bigint | undefined
  /** Absent where nobody wants it. */
  readonly answer?: ReturnType<typeof showEvent>
}

export interface Untracked {
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
  /** Only what became of it is wanted, and not how it shows. */
  readonly isBrief?: boolean
}

/** What recording an event asks of a call that does not go by what a client key uses up. */
type HandedCall = Pick<AnyCall, 'requestId' | 'now' | 'channel'> & {
  readonly key: Pick<AnyCall['key'], 'name' | 'role' | 'appId'>
}

/** An event that one worker asks another to record: plain data. */
export interface Handed {
  readonly call: HandedCall
  readonly body: TrackBody
  readonly naming: Pick<Naming, 'key' | 'print' | 'dryRun' | 'keeps' | 'tryUntil' | 'isBrief'>
}

type HandedBack = { readonly [name in 'tracked' | 'untracked']?: Readonly<Record<string, unknown>> } & {
  readonly position?: string | undefined
}

/**
 * What is too large to be recorded, what others are faster with, and what there was no time for, is said of this event; what else
 * goes wrong is of the node.
 */
export const ownFailure = (error: unknown): Failure | undefined => {
  const failure = mapError(error)
  const isItsOwn = failure?.key === 'payload_too_large' || error instanceof TooBusy || error instanceof NotTried
  return isItsOwn ? failure : undefined
}

/** Records here what another worker hands over. */
export const answerHanded = async (services: Services, { call, body, naming }: Handed): Promise<HandedBack> => {
  const tracked = await recordHere(services, call, body, naming).catch((error: unknown): Untracked => {
    const failure = ownFailure(error)
    if (failure) return { failure }
    throw error
  })
  const { position, ...rest } = tracked
  return { ...('failure' in rest ? { untracked: rest } : { tracked: rest }), position: position?.toString() }
}

/**
 * Records an event where its customer is kept in memory, which may be another worker; undefined: to be done here. One without a name
 * is not done a second time when what became of it is unknown.
 */
const recordElsewhere = async (
  { peers }: Services,
  { requestId, now, channel, key: { name, role, appId } }: AnyCall,
  customer: string,
  body: TrackBody,
  { reach: _, ...naming }: Naming,
): Promise<Tracked | Untracked | undefined> => {
  const ask = peers?.of(customer)
  if (!ask) return undefined
  const handed: Handed = { call: { requestId, now, channel, key: { name, role, appId } }, body, naming }
  const asked = await ask(handed)
  if (asked === 'unable' || (asked === 'lost' && naming.key !== undefined)) return undefined
  if (asked === 'lost') throw new StoreUnavailable('a worker ended before it could say whether an event is recorded')
  const { tracked, untracked, position } = asked.answer as HandedBack
  return { ...(tracked ?? untracked), position: position === undefined ? undefined : BigInt(position) } as
    | Tracked
    | Untracked
}

/** Records one event; a repeat is answered with what the first time recorded, and one that says something else is refused. */
export const record = async (
  services: Services,
  call: AnyCall,
  body: TrackBody,
  naming: Naming,
): Promise<Tracked | Untracked> => {
  // What a client key uses up is counted where its request came in.
  if (services.peers && call.client === undefined) {
    const { id, source_id: sourceId } = body.customer
    const customer = id ?? customerOfSource(services, sourceId!)
    const done = await recordElsewhere(services, call, customer, body, naming)
    if (done) return done
  }
  return recordHere(services, call, body, naming)
}

const recordHere = async (
  services: Services,
  call: HandedCall & { readonly client?: AnyCall['client'] },
  body: TrackBody,
  { key, print: given, dryRun = false, keeps, reach, tryUntil, isBrief = false }: Naming,
): Promise<Tracked | Untracked> => {
  const target = targetOf(services, body, call.now, reach)
  if (isFailure(target)) return { failure: target }
  const print = given ?? (key === undefined || dryRun ? undefined : printOfEvent(target.id, body))
  const context: CommandContext = {
    ...contextOf(call, services, {
      key,
      print,
      dryRun,
    }),
    tryUntil,
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
  const shown = ({ id, profile }: CustomerState, facts: Parameters<typeof showEvent>[2]) => {
    const told = reach ? tellable(reach, profile) : profile
    return reach?.isStranger
      ? showEvent(command, { id: target.id, profile: told }, [])
      : showEvent(command, { id, profile: told }, facts)
  }
  const show = (...of: Parameters<typeof shown>) => (isBrief ? {} : { answer: shown(...of) })
  switch (executed.kind) {
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
      return { isRepeat: false, customer: state.id, position, ...show(state, facts) }
    }
    case 'repeated': {
      const { state, position, range } = executed
      const repeat = { isRepeat: true, customer: state.id, position }
      // The event alone: nothing followed from it, so there is nothing to read.
      if (range.count === 1) return { ...repeat, ...show(state, []) }
      if (range.count > 0) return { ...repeat, ...show(state, await services.customers.factsOf(state.id, range)) }
      const remembered = await rememberedEvent(services, state.id, context.key!, command)
      if (remembered && !remembered.isSame) return { failure: duplicateEvent(body.id, remembered.before) }
      const answer = shown(state, [])
      return {
        ...repeat,
        answer: reach?.isStranger ? answer : { ...answer, effects: [...(remembered?.effects ?? [])] },
      }
    }
    default:
      return executed satisfies never
  }
}
