// Referrals: one document for each customer who came with a code, from assignment or event to the rewards of both sides.
import type { ReferralFactData, RefusalReason } from '../src/domain/customer/referrals/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import type { RecordedFact } from '../src/domain/recorded.ts'
import { type ReferralReward, referrerRewardFor } from '../src/domain/rulebook/referralProgram.ts'
import { projection, type RecordedOf, toEach } from './projection.ts'

export interface RewardView {
  readonly state: 'pending' | 'given' | 'withheld'
  readonly type: ReferralReward['type']
  readonly amount: number | null
  readonly tier: number | null
  readonly given?: { readonly id: string; readonly code: string; readonly campaign: { id: string; name: string } }
  readonly reason?: string
  readonly at?: Date
}

export type ReferralStatus = 'pending' | 'refused' | 'converted' | 'rewarded'

export interface ReferralDocument {
  readonly _id: string
  readonly campaign: { readonly id: string; readonly name: string }
  readonly voucher: { readonly id: string; readonly code: string }
  readonly referrer: string | null
  readonly referee: string
  /** pending: assigned to the code; converted: a reward is outstanding or was withheld; rewarded: all that was promised is given. */
  readonly status: ReferralStatus
  readonly holder: {
    readonly id: string
    readonly metadata: Readonly<Record<string, unknown>>
    readonly at: Date
  } | null
  /** The event that converted, or did not at last: its fact and its name. */
  readonly event: { readonly fact: string; readonly name: string } | null
  readonly converted_at: Date | null
  readonly refused: { readonly reason: RefusalReason; readonly details: string; readonly at: Date } | null
  /** The referrer's stream has taken the conversion in, as the how-manieth. */
  readonly number: number | null
  readonly credited: boolean
  readonly referee_reward: RewardView | null
  readonly referrer_reward: RewardView | null
  readonly created_at: Date
  readonly updated_at: Date
  /** The place in the log of the fact that made it, as sortable text. */
  readonly position: string
}

const keyOf = (voucher: string, referee: string): string => `${voucher}/${referee}`

const pendingReward = ({ type, amount }: ReferralReward, from?: number): RewardView => ({
  state: 'pending',
  type,
  amount: amount ?? null,
  tier: from ?? null,
})

const isSettled = (reward: RewardView | null): boolean => reward === null || reward.state === 'given'

const withStatus = (document: Omit<ReferralDocument, 'status'>): ReferralDocument => ({
  ...document,
  status:
    document.converted_at === null
      ? document.refused
        ? 'refused'
        : 'pending'
      : document.credited && isSettled(document.referee_reward) && isSettled(document.referrer_reward)
        ? 'rewarded'
        : 'converted',
})

const begun = (
  key: string,
  fact: RecordedFact,
  about: Pick<ReferralDocument, 'campaign' | 'voucher' | 'referrer' | 'referee'>,
  at: number,
): ReferralDocument => ({
  _id: key,
  ...about,
  status: 'pending',
  holder: null,
  event: null,
  converted_at: null,
  refused: null,
  number: null,
  credited: false,
  referee_reward: null,
  referrer_reward: null,
  created_at: new Date(at),
  updated_at: new Date(at),
  position: sortable(fact.position),
})

const rewardOf = (
  data: ReferralFactData<'ReferralRewardWithheld'> | ReferralFactData<'ReferralRewarded'>,
): RewardView => ({
  ...pendingReward(data.reward, data.tier),
  ...('given' in data
    ? { state: 'given', given: { id: data.given.id, code: data.given.code, campaign: data.given.campaign } }
    : { state: 'withheld', reason: data.reason }),
  at: new Date(data.occurredAt),
})

/** In the referee's own stream, in the referrer's, and for lists of referees in the code's, which is no customer's. */
const asReferee = ({ data }: RecordedOf<'ReferralConverted' | 'ReferralRefused'>, own: string | null) =>
  own === null ? undefined : keyOf(data.voucher.id, own)
const asReferrer = (
  { data }: RecordedOf<'ReferralCredited' | 'ReferralRewarded' | 'ReferralRewardWithheld'>,
  own: string | null,
) => (own === null ? undefined : keyOf(data.voucher.id, data.referee))

export const referrals = projection<ReferralDocument, string | null>({
  name: 'referrals',
  version: 2,
  indexes: [
    { key: { 'campaign.id': 1, position: 1, _id: 1 } },
    { key: { 'campaign.id': 1, status: 1, position: 1, _id: 1 } },
    { key: { 'campaign.id': 1, referrer: 1, position: 1, _id: 1 } },
    { key: { 'campaign.id': 1, referee: 1, position: 1, _id: 1 } },
    { key: { 'voucher.code': 1, position: 1, _id: 1 } },
  ],
  streams: (stream) => customerOfStream(stream) ?? null,
  on: {
    RefereesAssigned: [
      ({ data }) => data.holders.map(({ customer }) => keyOf(data.voucher, customer)),
      (before, fact, { key }) => {
        const { code, voucher, campaign, referrer, holders, occurredAt } = fact.data
        const found = holders.find(({ customer }) => keyOf(voucher, customer) === key)
        if (!found) return before
        const about = { campaign, voucher: { id: voucher, code }, referrer, referee: found.customer }
        const holder = { id: found.id, metadata: found.metadata ?? {}, at: new Date(occurredAt) }
        return { ...(before ?? begun(key, fact, about, occurredAt)), holder }
      },
    ],
    // A referee who has not come with the code yet leaves nothing behind.
    RefereeRemoved: [
      ({ data }) => keyOf(data.voucher, data.customer),
      (before) => before && (before.event === null ? null : { ...before, holder: null }),
    ],
    ReferralConverted: [
      asReferee,
      (before, fact, { key, owner }) => {
        if (owner === null) return before
        const { campaign, voucher, referrer, cause, promise, occurredAt } = fact.data
        const document = before ?? begun(key, fact, { campaign, voucher, referrer, referee: owner }, occurredAt)
        const first = referrerRewardFor(promise.referrer, promise.tiers ?? [], 1)
        return withStatus({
          ...document,
          event: { fact: cause.fact, name: cause.event },
          converted_at: new Date(occurredAt),
          refused: null,
          referee_reward: promise.referee ? pendingReward(promise.referee) : null,
          referrer_reward: first ? pendingReward(first.reward, first.from) : null,
          updated_at: new Date(occurredAt),
        })
      },
    ],
    ReferralRefused: [
      asReferee,
      (before, fact, { key, owner }) => {
        if (owner === null) return before
        const { campaign, voucher, referrer, cause, reason, details, occurredAt } = fact.data
        const about = { campaign, voucher, referrer: referrer ?? null, referee: owner }
        const document = before ?? begun(key, fact, about, occurredAt)
        // After a conversion the refusal of a second one is only told beside it.
        return withStatus({
          ...document,
          refused: { reason, details, at: new Date(occurredAt) },
          event: document.converted_at === null ? { fact: cause.fact, name: cause.event } : document.event,
          updated_at: new Date(occurredAt),
        })
      },
    ],
    ReferralCredited: [
      asReferrer,
      (before, { data: { promise, number, occurredAt } }) => {
        if (!before) return null
        const due = referrerRewardFor(promise.referrer, promise.tiers ?? [], number)
        return withStatus({
          ...before,
          number,
          credited: true,
          referrer_reward: due ? pendingReward(due.reward, due.from) : null,
          updated_at: new Date(occurredAt),
        })
      },
    ],
    ...toEach(
      ['ReferralRewarded', 'ReferralRewardWithheld'],
      asReferrer,
      (before: ReferralDocument | null, { data }) =>
        before &&
        withStatus({
          ...before,
          [data.role === 'REFEREE' ? 'referee_reward' : 'referrer_reward']: rewardOf(data),
          updated_at: new Date(data.occurredAt),
        }),
    ),
  },
})
