// The customer's state after a fact: total, pure, and without any rule: facts are never judged again.

import type { Occurrence } from '../conditions/subject.ts'
import { countOccurrence } from '../conditions/tally.ts'
import { evolveConsents } from './consents.ts'
import { type CustomerFact, isCustomerFact } from './facts.ts'
import { isLoyaltyFact } from './loyalty/facts.ts'
import { evolveLoyalty } from './loyalty/state.ts'
import { evolveMessages } from './messages.ts'
import { occurrenceOf } from './occurrence.ts'
import { isOrderFact } from './orders/facts.ts'
import { evolveOrders, noteEarned } from './orders/state.ts'
import { mergeProfile } from './profile.ts'
import { isRedemptionFact } from './redemptions/facts.ts'
import { evolveRedemptions } from './redemptions/state.ts'
import { isReferralFact } from './referrals/facts.ts'
import { afterDeletion, evolveReferrals } from './referrals/state.ts'
import { noteSaid } from './said.ts'
import { type CustomerState, type Membership, newCustomer } from './state.ts'
import { isVoucherFact } from './vouchers/facts.ts'
import { evolveVouchers } from './vouchers/state.ts'

/** What evolve needs of a fact beside type and data. */
export interface FactContext {
  readonly id: string
  /** The instant of the decision, ms. */
  readonly now: number
  readonly rulebook: string
  readonly nextDueAt: number | null
}

const seen = (
  occurrences: CustomerState['occurrences'],
  { type, occurredAt, recordedAt }: Occurrence,
): CustomerState['occurrences'] => ({
  ...occurrences,
  [type]: countOccurrence(Object.hasOwn(occurrences, type) ? occurrences[type] : undefined, occurredAt, recordedAt),
})

const without = (segments: Readonly<Record<string, Membership>>, id: string): Record<string, Membership> => {
  const { [id]: _, ...rest } = segments
  return rest
}

const applied = (state: CustomerState, fact: CustomerFact): CustomerState => {
  if (isLoyaltyFact(fact))
    return { ...state, loyalty: evolveLoyalty(state.loyalty, fact), orders: noteEarned(state.orders, fact) }
  if (isOrderFact(fact)) return { ...state, orders: evolveOrders(state.orders, fact) }
  if (isVoucherFact(fact)) return { ...state, vouchers: evolveVouchers(state.vouchers, fact) }
  if (isReferralFact(fact)) return { ...state, referrals: evolveReferrals(state.referrals, fact) }
  if (isRedemptionFact(fact)) return { ...state, redemptions: evolveRedemptions(state.redemptions, fact) }
  switch (fact.type) {
    case 'CustomerCreated':
      return {
        ...state,
        status: 'active',
        erasure: undefined,
        id: fact.data.id,
        profile: mergeProfile(state.profile, fact.data.profile),
        saidAt: noteSaid(state.saidAt, fact.data.profile, fact.data.said, fact.data.occurredAt),
        createdAt: fact.data.occurredAt,
        updatedAt: fact.data.occurredAt,
      }
    case 'CustomerUpdated':
      return {
        ...state,
        profile: mergeProfile(state.profile, fact.data.changes),
        saidAt: noteSaid(state.saidAt, fact.data.changes, fact.data.said, fact.data.occurredAt),
        updatedAt: fact.data.occurredAt,
      }
    case 'ConsentChanged':
      return { ...state, consents: evolveConsents(state.consents, fact.data) }
    case 'CustomerDeleted':
      // The stream keeps what was; whoever comes back under the same source id begins anew.
      return {
        ...newCustomer(state.id),
        status: 'deleted',
        now: state.now,
        rulebook: state.rulebook,
        referrals: afterDeletion(state.referrals),
      }
    case 'CustomerErased':
      return { ...state, status: 'erased', erasure: fact.data }
    case 'CustomerLinked':
      return { ...state, status: 'linked', linkedTo: fact.data.to }
    case 'SegmentEntered':
      return {
        ...state,
        segments: {
          ...state.segments,
          [fact.data.segment.id]: {
            since: fact.data.occurredAt,
            name: fact.data.segment.name,
            definition: fact.data.definition,
          },
        },
      }
    case 'SegmentLeft':
      return { ...state, segments: without(state.segments, fact.data.segment.id) }
    case 'MessageRequested':
      return { ...state, messages: evolveMessages(state.messages, fact.data) }
    case 'CustomEventTracked': {
      const { said, occurredAt } = fact.data
      return said ? { ...state, saidAt: noteSaid(state.saidAt, {}, said, occurredAt) } : state
    }
    case 'MessageSkipped':
    case 'CascadeHalted':
    case 'DeadlineMoved':
      return state
    default:
      return fact satisfies never
  }
}

/** The state after one fact of the customer's stream; a type it does not know changes nothing but the bookkeeping. */
export const evolve = (
  state: CustomerState,
  fact: { readonly type: string; readonly data: unknown },
  context: FactContext,
): CustomerState => {
  const noted: CustomerState = {
    ...state,
    now: Math.max(state.now, context.now),
    rulebook: context.rulebook,
    nextDueAt: context.nextDueAt,
  }
  if (!isCustomerFact(fact)) return noted
  const next = applied(noted, fact)
  const occurrence = occurrenceOf(context.id, fact, context.now)
  return occurrence ? { ...next, occurrences: seen(next.occurrences, occurrence) } : next
}
