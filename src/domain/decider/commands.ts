// What can be asked of one customer, and the facts that each asking begins with.
import type * as v from 'valibot'
import { CHANNELS, type Channel } from '../channels/index.ts'
import { type Consent, consentOf } from '../customer/consents.ts'
import type { Draft } from '../customer/draft.ts'
import { lastActivityAt } from '../customer/idle.ts'
import { mergeProfile, NO_PROFILE, type ProfilePatch, profileFault, type Said } from '../customer/profile.ts'
import { newsOf } from '../customer/said.ts'
import type { LoyaltyRef, TrackedReferral } from '../customer/tracking.ts'
import { isInternalEventType } from '../internalEvents.ts'
import type { LoyaltyCommand } from '../loyalty/asked.ts'
import { closeCards, performLoyalty } from '../loyalty/commands.ts'
import { giveBackPoints, isRefundable, spendPoints } from '../loyalty/payments.ts'
import { type OrderDesk, type SaveOrder, saveOrder } from '../orders/save.ts'
import { type Desk, type PointsDesk, performRedemptions, type RedemptionCommand } from '../redemption/redeem.ts'
import { performReferrals, type ReferralCommand } from '../referrals/commands.ts'
import { isRefused, type Refused, refuse, refuseNotFound } from '../refusal.ts'
import { metadataFaults, personalProperties } from '../rulebook/eventSchema.ts'
import { metadataRefused } from '../rulebook/metadataSchema.ts'
import { performVouchers, type VoucherCommand } from '../vouchers/publish.ts'

export interface TrackEvent {
  readonly type: 'TrackEvent'
  readonly event: string
  readonly occurredAt: number
  /** True when the caller gave no time: it is happening now. */
  readonly undated?: boolean
  readonly metadata: Readonly<Record<string, unknown>>
  readonly profile: ProfilePatch
  /** True when the caller named the customer by `source_id`: then an unknown one is created. */
  readonly mayCreate: boolean
  readonly mode: 'strict' | 'lenient'
  readonly referral?: v.InferOutput<typeof TrackedReferral>
  readonly loyalty?: v.InferOutput<typeof LoyaltyRef>
  /** True when `profile` is for a customer who is made by this: one who is known stays as they are. */
  readonly onlyNew?: boolean
  /** Events older than this many ms trigger no messages. */
  readonly triggerHorizonMs: number
}

export interface SaveCustomer {
  readonly type: 'SaveCustomer'
  readonly profile: ProfilePatch
  readonly mayCreate: boolean
  /** True when `profile` is for a customer who is made by this: one who is known stays as they are. */
  readonly onlyNew?: boolean
}

/** What the customer says of being written to, by channel; null takes it back to not having been asked. */
export interface SaveConsents {
  readonly type: 'SaveConsents'
  readonly consents: Readonly<Partial<Record<Channel, Consent>>>
  readonly source?: string
  /** Who records it. */
  readonly by: string
}

export interface DeleteCustomer {
  readonly type: 'DeleteCustomer'
  readonly permanently: boolean
  /** Nothing is done when something was done by or about the customer after it, ms. */
  readonly unlessActiveAfter?: number
}

/** An order of this customer, with what is said of the profile. */
export interface SaveCustomersOrder extends SaveOrder {
  readonly profile: ProfilePatch
  readonly mayCreate: boolean
}

/** Nothing new has happened: record what became true by the passing of time or by a change of definitions. */
export interface AdvanceClock {
  readonly type: 'AdvanceClock'
}

/** Points this stream, named by a `source_id`, at the customer who got that `source_id` later. */
export interface LinkCustomer {
  readonly type: 'LinkCustomer'
  readonly to: string
}

export type CustomerCommand =
  | TrackEvent
  | SaveCustomer
  | SaveConsents
  | DeleteCustomer
  | AdvanceClock
  | LinkCustomer
  | LoyaltyCommand
  | VoucherCommand
  | ReferralCommand
  | RedemptionCommand
  | SaveCustomersOrder

/** What a fact of the profile keeps of a saying, where it is not as old as the fact itself or says something again. */
const saidOf = (at: number, again: readonly string[], now: number): { readonly said?: Said } =>
  at === now && again.length === 0 ? {} : { said: { at, ...(again.length > 0 ? { names: [...again] } : {}) } }

/**
 * Makes the customer, or merges what is new of a profile that holds from `at` on (ms); refuses a change of an immutable
 * `source_id`. Answers what it says again of a later time, where no fact of the profile takes that up.
 */
const mergeSaid = (
  draft: Draft,
  patch: ProfilePatch,
  mayCreate: boolean,
  onlyNew: boolean,
  at: number,
): Refused | Said | undefined => {
  const when = { at, isNow: at === draft.now }
  const { state } = draft
  if (state.status === 'linked')
    return refuse('invalid_customer', `Customer ${state.id} is linked to ${state.linkedTo}`)
  if (state.status !== 'active') {
    if (!mayCreate) return refuseNotFound('customer', state.id)
    const { changes: profile = {}, again } = newsOf({ profile: NO_PROFILE, saidAt: {} }, patch, when)
    const fault = profileFault(NO_PROFILE, mergeProfile(NO_PROFILE, profile))
    if (fault !== undefined) return refuse('invalid_customer', fault)
    const unfit = metadataRefused(draft.rulebook.definitions, 'customer', profile.metadata)
    if (unfit) return unfit
    draft.emit('CustomerCreated', { id: state.id, profile, occurredAt: draft.now, ...saidOf(at, again, draft.now) })
    return undefined
  }
  if (onlyNew) return undefined
  const { source_id: sourceId } = state.profile
  if (sourceId !== undefined && patch.source_id !== undefined && patch.source_id !== sourceId)
    return refuse('invalid_customer', 'source_id cannot be changed once it is set', {
      resource: { type: 'customer', id: state.id },
    })
  const { changes, again } = newsOf(state, patch, when)
  if (!changes) return again.length > 0 ? { at, names: [...again] } : undefined
  const fault = profileFault(state.profile, mergeProfile(state.profile, changes))
  if (fault !== undefined) return refuse('invalid_customer', fault, { resource: { type: 'customer', id: state.id } })
  const unfit = metadataRefused(draft.rulebook.definitions, 'customer', changes.metadata, { isNew: false })
  if (unfit) return unfit
  draft.emit('CustomerUpdated', { changes, occurredAt: draft.now, ...saidOf(at, again, draft.now) })
  return undefined
}

/** What is said by hand holds from now on, unless it is said of an earlier time; where it changes nothing, nothing is recorded. */
const saveProfile = (
  draft: Draft,
  patch: ProfilePatch,
  mayCreate: boolean,
  onlyNew = false,
  at = draft.now,
): Refused | undefined => {
  const saved = mergeSaid(draft, patch, mayCreate, onlyNew, at)
  return saved && isRefused(saved) ? saved : undefined
}

/** What comes with an order that is new holds from the time at which that was made: who moves old orders in brings what was true then. */
const saidWithOrder = (draft: Draft, { order, known, createdAt = draft.now }: SaveCustomersOrder): number =>
  known || ordersOf(draft).known(order) ? draft.now : Math.min(createdAt, draft.now)

const track = (draft: Draft, command: TrackEvent): Refused | undefined => {
  const schema = draft.rulebook.schemaOf(command.event)
  const faults = schema
    ? metadataFaults(schema.definition, command.metadata)
    : [`event: no event schema is defined for '${command.event}'`]
  if (faults.length > 0 && command.mode === 'strict')
    return refuse('metadata_validation_failed', faults.join('; '), {
      resource: { type: 'custom_event_schema', ...(schema ? { id: schema.id } : {}) },
    })
  const personal = schema ? personalProperties(schema.definition, command.metadata) : []
  const { profile, mayCreate, onlyNew = false, undated, occurredAt } = command
  // Clocks differ: what is said of times ahead must not outlast what is said until then.
  const at = undated ? draft.now : Math.min(occurredAt, draft.now)
  const said = mergeSaid(draft, profile, mayCreate, onlyNew, at)
  if (said && isRefused(said)) return said
  draft.emit('CustomEventTracked', {
    event: command.event,
    occurredAt: command.occurredAt,
    metadata: { ...command.metadata },
    ...(personal.length > 0 ? { personal: [...personal] } : {}),
    ...(schema ? { schema: { id: schema.id, name: schema.definition.name } } : {}),
    ...(command.referral ? { referral: command.referral } : {}),
    ...(command.loyalty ? { loyalty: command.loyalty } : {}),
    ...(faults.length > 0 ? { faults: [...faults] } : {}),
    ...(said ? { said } : {}),
    ...(isHistorical(command, draft.now) ? { historical: true } : {}),
  })
  return undefined
}

/** Whether a command is about a time beyond the trigger horizon, so that it counts but sends nothing. */
export const isHistorical = (command: CustomerCommand, now: number): boolean =>
  command.type === 'TrackEvent'
    ? now - command.occurredAt > command.triggerHorizonMs
    : command.type === 'SaveOrder' &&
      (command.by === 'import' || now - (command.createdAt ?? now) > command.triggerHorizonMs)

/** Records what differs. A refusal is an opt-out of the profile as well, which messages under way respect; agreeing ends it. */
const saveConsents = (draft: Draft, { consents, source, by }: SaveConsents): Refused | undefined => {
  if (draft.state.status !== 'active') return refuseNotFound('customer', draft.state.id)
  const unsubscribed = new Set(draft.state.profile.unsubscribed)
  for (const channel of CHANNELS) {
    const consent = consents[channel]
    if (consent === undefined) continue
    if (consent === 'refused') unsubscribed.add(channel)
    else unsubscribed.delete(channel)
    if (consent === consentOf(draft.state.consents, channel)) continue
    const said = source === undefined ? {} : { source }
    draft.emit('ConsentChanged', { channel, consent, ...said, by, occurredAt: draft.now })
  }
  return saveProfile(draft, { unsubscribed: CHANNELS.filter((channel) => unsubscribed.has(channel)) }, false)
}

/** Leaves every segment, closes the cards and ends the customer, of whom the stream keeps what was. */
const remove = (draft: Draft, { permanently = false } = {}): Refused | undefined => {
  if (draft.state.status !== 'active') return refuseNotFound('customer', draft.state.id)
  for (const [id, { definition, name }] of Object.entries(draft.state.segments))
    draft.emit('SegmentLeft', {
      segment: { id, name },
      occurredAt: draft.now,
      cause: 'event',
      triggers: false,
      definition,
    })
  closeCards(draft)
  draft.emit('CustomerDeleted', { occurredAt: draft.now, ...(permanently ? { permanently } : {}) })
  return undefined
}

/** The same, and what was kept of the person goes as well; one who was deleted before can still be erased, and once is enough. */
const erase = (draft: Draft): Refused | undefined => {
  const { status, id, segments, occurrences, orders } = draft.state
  if (status === 'erased') return undefined
  if (status !== 'active' && status !== 'deleted') return refuseNotFound('customer', id)
  const counts = Object.entries(occurrences).map(([type, { count }]) => ({
    type,
    isOwn: !isInternalEventType(type),
    count,
  }))
  const sum = (some: typeof counts) => some.reduce((n, { count }) => n + count, 0)
  const held = {
    events: sum(counts),
    customerEvents: sum(counts.filter(({ isOwn }) => isOwn)),
    segments: Object.keys(segments).length,
    orders: orders.sums.all,
    orderEvents: sum(counts.filter(({ type }) => type.startsWith('customer.order.'))),
  }
  if (status === 'active') remove(draft, { permanently: true })
  draft.emit('CustomerErased', { ...held, occurredAt: draft.now })
  return undefined
}

const ordersOf = (draft: Draft): OrderDesk => ({
  now: draft.now,
  known: (id) => (Object.hasOwn(draft.state.orders.kept, id) ? draft.state.orders.kept[id] : undefined),
  emit: (type, data) => draft.emit(type, data),
})

/** The customer's cards, as redemptions pay with them. */
const pointsOf = (draft: Draft): PointsDesk => ({
  pay: (redemption, paid, more) => spendPoints(draft, redemption, paid, more),
  isRefundable: (redemption, { card }) => isRefundable(draft, { card, redemption }),
  giveBack: (redemption, { card }, more) => giveBackPoints(draft, { type: 'RefundPoints', card, redemption, ...more }),
})

/** The customer's side of a redemption. */
const deskOf = (draft: Draft): Desk => ({
  redemptions: draft.state.redemptions,
  customer: draft.state,
  orders: ordersOf(draft),
  points: pointsOf(draft),
  rulebook: draft.rulebook,
  now: draft.now,
  emit: (type, data) => draft.emit(type, data),
})

/** Emits the command's own facts into the draft, or says why not; emitting nothing is success: it already holds. */
export const perform = (draft: Draft, command: CustomerCommand): Refused | undefined => {
  switch (command.type) {
    case 'TrackEvent':
      return track(draft, command)
    case 'SaveCustomer':
      return saveProfile(draft, command.profile, command.mayCreate, command.onlyNew)
    case 'SaveConsents':
      return saveConsents(draft, command)
    case 'DeleteCustomer':
      if (command.unlessActiveAfter !== undefined && lastActivityAt(draft.state) > command.unlessActiveAfter)
        return undefined
      return command.permanently ? erase(draft) : remove(draft)
    case 'LinkCustomer':
      if (draft.state.status === 'linked' && draft.state.linkedTo === command.to) return undefined
      if (draft.state.status !== 'none')
        return refuse('duplicate_found', 'Another customer has this source_id', {
          resource: { type: 'customer', id: draft.state.linkedTo ?? draft.state.id },
        })
      draft.emit('CustomerLinked', { to: command.to, occurredAt: draft.now })
      return undefined
    case 'AdvanceClock':
      return undefined
    case 'IssueLoyaltyCard':
      return saveProfile(draft, command.profile, command.mayCreate) ?? performLoyalty(draft, command)
    case 'PublishVoucher':
      return saveProfile(draft, command.profile, command.mayCreate) ?? performVouchers(draft, command)
    case 'ReplaceVoucherCode':
    case 'GiveUpClaim':
      return performVouchers(draft, command)
    case 'RedeemVouchers':
      return saveProfile(draft, command.profile, command.mayCreate) ?? performRedemptions(deskOf(draft), command)
    case 'RecordFailedRedemption':
    case 'AbandonRedemption':
    case 'RollBackRedemptions':
    case 'RecordFailedRollback':
      return performRedemptions(deskOf(draft), command)
    case 'SaveOrder':
      return (
        saveProfile(draft, command.profile, command.mayCreate, false, saidWithOrder(draft, command)) ??
        saveOrder(ordersOf(draft), command)
      )
    case 'CreditReferrer':
    case 'NoteReferralHolder':
      return performReferrals(draft, command)
    default:
      return performLoyalty(draft, command)
  }
}
