// The customers read model: one document a customer, as the last profile fact left it.

import type { Channel } from '../src/domain/channels/index.ts'
import type { Consent } from '../src/domain/customer/consents.ts'
import { evolveOrderSums, NO_ORDER_SUMS, type OrderSums } from '../src/domain/customer/orders/state.ts'
import { emailKey, mergeProfile, type Profile } from '../src/domain/customer/profile.ts'
import { evolveSums } from '../src/domain/customer/redemptions/facts.ts'
import { NO_SUMS, type RedemptionSums } from '../src/domain/customer/redemptions/sums.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { type FactType, projection, type Reaction, type RecordedOf, toEach } from './projection.ts'

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

type Counted = 'RedemptionSucceeded' | 'RedemptionFailed' | 'RedemptionRolledBack' | 'RedemptionRollbackFailed'

/** A change of a customer who is there. */
const changed =
  <T extends FactType>(
    change: (before: CustomerDocument, fact: RecordedOf<T>) => Partial<CustomerDocument>,
  ): Reaction<CustomerDocument, T, string>[1] =>
  (before, fact) =>
    before && { ...before, ...change(before, fact) }

const own = (_: unknown, customer: string): string => customer

const withProfile = (profile: Profile) => ({ profile, source_id: profile.source_id ?? null, email: emailOf(profile) })

export const customers = projection<CustomerDocument>({
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
  streams: customerOfStream,
  on: {
    CustomerCreated: [
      own,
      (_, { data }, { key }) => ({
        _id: key,
        ...withProfile(mergeProfile({ metadata: {} }, data.profile)),
        created_at: new Date(data.occurredAt),
        updated_at: null,
        segments: [],
        referrals: [],
        referred: {},
        sums: NO_SUMS,
        consents: {},
        ordered: NO_ORDER_SUMS,
      }),
    ],
    CustomerUpdated: [
      own,
      changed(({ profile }, { data }) => ({
        ...withProfile(mergeProfile(profile, data.changes)),
        updated_at: new Date(data.occurredAt),
      })),
    ],
    CustomerDeleted: [own, () => null],
    ConsentChanged: [
      own,
      changed(({ consents }, { data }) => ({ consents: { ...consents, [data.channel]: data.consent } })),
    ],
    SegmentEntered: [
      own,
      changed(({ segments }, { data: { segment } }) => ({
        segments: [...segments.filter((id) => id !== segment.id), segment.id],
      })),
    ],
    SegmentLeft: [
      own,
      changed(({ segments }, { data: { segment } }) => ({ segments: segments.filter((id) => id !== segment.id) })),
    ],
    ReferralConverted: [
      own,
      changed(({ referrals }, { data: { campaign, referrer, cause, occurredAt } }) => ({
        referrals: [...referrals, { campaign: campaign.id, referrer, cause: cause.fact, at: new Date(occurredAt) }],
      })),
    ],
    ReferralCredited: [
      own,
      changed(({ referred }, { data }) => ({ referred: { ...referred, [data.campaign.id]: data.number } })),
    ],
    ...toEach(
      ['RedemptionSucceeded', 'RedemptionFailed', 'RedemptionRolledBack', 'RedemptionRollbackFailed'],
      own,
      changed<Counted>(({ sums }, fact) => ({ sums: evolveSums(sums, fact) })),
    ),
    ...toEach(
      ['OrderCreated', 'OrderUpdated'],
      own,
      changed<'OrderCreated' | 'OrderUpdated'>(({ ordered }, fact) => ({ ordered: evolveOrderSums(ordered, fact) })),
    ),
  },
})
