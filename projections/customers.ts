// The customers read model: one document a customer, as the last profile fact left it.

import type { Channel } from '../src/domain/channels/index.ts'
import type { Consent } from '../src/domain/customer/consents.ts'
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { isOrderFact } from '../src/domain/customer/orders/facts.ts'
import { evolveOrderSums, NO_ORDER_SUMS, type OrderSums } from '../src/domain/customer/orders/state.ts'
import { emailKey, mergeProfile, type Profile } from '../src/domain/customer/profile.ts'
import { evolveSums, isRedemptionFact } from '../src/domain/customer/redemptions/facts.ts'
import { NO_SUMS, type RedemptionSums } from '../src/domain/customer/redemptions/sums.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import type { Projection } from './projection.ts'

/** How a customer came to be referred: by whom, in which program, by which event. */
export interface ReferralOf {
  readonly campaign: string
  readonly referrer: string
  /** The event's fact. */
  readonly cause: string
  readonly at: Date
}

export interface CustomerDocument {
  readonly _id: string
  readonly profile: Profile
  /** Copies for the indexes of list filters. */
  readonly source_id: string | null
  readonly email: string | null
  readonly created_at: Date
  readonly updated_at: Date | null
  /** Ids of the segments that the customer is in. */
  readonly segments: readonly string[]
  /** By which programs the customer was referred. */
  readonly referrals: readonly ReferralOf[]
  /** How many customers this one referred, by program. */
  readonly referred: Readonly<Record<string, number>>
  readonly sums: RedemptionSums
  /** By channel, what the customer said of being written to; absent in a document of an earlier version. */
  readonly consents?: Readonly<Partial<Record<Channel, Consent>>>
  readonly ordered: OrderSums
}

const emailOf = ({ email }: Profile): string | null => (email === undefined ? null : emailKey(email))

export const customers: Projection<CustomerDocument> = {
  name: 'customers',
  version: 8,
  indexes: [
    { key: { source_id: 1, _id: 1 } },
    { key: { created_at: 1, _id: 1 } },
    { key: { updated_at: 1, _id: 1 } },
    { key: { email: 1, created_at: 1, _id: 1 } },
    { key: { 'profile.name': 1, created_at: 1, _id: 1 } },
    { key: { 'profile.phone': 1, created_at: 1, _id: 1 } },
    { key: { 'profile.address.city': 1, created_at: 1, _id: 1 } },
    { key: { segments: 1, created_at: 1, _id: 1 } },
  ],
  types: [
    'CustomerCreated',
    'CustomerUpdated',
    'CustomerDeleted',
    'ConsentChanged',
    'SegmentEntered',
    'SegmentLeft',
    'ReferralConverted',
    'ReferralCredited',
    'RedemptionSucceeded',
    'RedemptionFailed',
    'RedemptionRolledBack',
    'RedemptionRollbackFailed',
    'OrderCreated',
    'OrderUpdated',
  ],
  keys: (fact) => {
    const customer = customerOfStream(fact.stream)
    return customer === undefined ? [] : [customer]
  },
  evolve: (before, fact, key) => {
    if (!isCustomerFact(fact)) return before
    if (isRedemptionFact(fact)) return before && { ...before, sums: evolveSums(before.sums, fact) }
    if (isOrderFact(fact)) return before && { ...before, ordered: evolveOrderSums(before.ordered, fact) }
    switch (fact.type) {
      case 'CustomerCreated': {
        const profile = mergeProfile({ metadata: {} }, fact.data.profile)
        return {
          _id: key,
          profile,
          source_id: profile.source_id ?? null,
          email: emailOf(profile),
          created_at: new Date(fact.data.occurredAt),
          updated_at: null,
          segments: [],
          referrals: [],
          referred: {},
          sums: NO_SUMS,
          consents: {},
          ordered: NO_ORDER_SUMS,
        }
      }
      case 'CustomerUpdated': {
        if (!before) return null
        const profile = mergeProfile(before.profile, fact.data.changes)
        return {
          ...before,
          profile,
          source_id: profile.source_id ?? null,
          email: emailOf(profile),
          updated_at: new Date(fact.data.occurredAt),
        }
      }
      case 'ConsentChanged': {
        const { channel, consent } = fact.data
        return before && { ...before, consents: { ...before.consents, [channel]: consent } }
      }
      case 'CustomerDeleted':
        return null
      case 'SegmentEntered':
        return (
          before && {
            ...before,
            segments: [...before.segments.filter((s) => s !== fact.data.segment.id), fact.data.segment.id],
          }
        )
      case 'SegmentLeft':
        return before && { ...before, segments: before.segments.filter((s) => s !== fact.data.segment.id) }
      case 'ReferralConverted': {
        const { campaign, referrer, cause, occurredAt } = fact.data
        const referral = { campaign: campaign.id, referrer, cause: cause.fact, at: new Date(occurredAt) }
        return before && { ...before, referrals: [...before.referrals, referral] }
      }
      case 'ReferralCredited': {
        const { campaign, number } = fact.data
        return before && { ...before, referred: { ...before.referred, [campaign.id]: number } }
      }
      default:
        return before
    }
  },
}
