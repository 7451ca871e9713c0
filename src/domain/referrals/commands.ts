// What processes ask of a customer about referrals: to be credited for one, or to know of a place among a code's referees.
import type { Draft } from '../customer/draft.ts'
import type { ReferralFactData } from '../customer/referrals/facts.ts'
import type { Refused } from '../refusal.ts'
import { referrerRewardFor } from '../rulebook/referralProgram.ts'

/** Credits a referrer for a conversion that the referee's stream holds. Its key is that fact's id: it counts once. */
export interface CreditReferrer {
  readonly type: 'CreditReferrer'
  readonly conversion: Pick<
    ReferralFactData<'ReferralCredited'>,
    'conversion' | 'campaign' | 'voucher' | 'referee' | 'cause' | 'promise' | 'convertedAt'
  >
}

export interface NoteReferralHolder {
  readonly type: 'NoteReferralHolder'
  readonly assigned: boolean
  readonly holder: Omit<ReferralFactData<'ReferralHolderAssigned'>, 'occurredAt'>
}

export type ReferralCommand = CreditReferrer | NoteReferralHolder

const credit = (draft: Draft, { conversion }: CreditReferrer): undefined => {
  const { state, now } = draft
  const { cause, promise, convertedAt, ...parties } = conversion
  const base = { ...parties, referrer: state.id, occurredAt: now }
  if (state.status === 'active') {
    const number = (state.referrals.credited[conversion.campaign.id] ?? 0) + 1
    draft.emit('ReferralCredited', { ...base, cause, promise, number, convertedAt })
    return undefined
  }
  // Nobody is there to be rewarded: the stream says so, or the conversion would stay open for ever.
  const due = referrerRewardFor(promise.referrer, promise.tiers ?? [], 1)
  if (due)
    draft.emit('ReferralRewardWithheld', {
      ...base,
      event: cause.event,
      role: 'REFERRER',
      reward: due.reward,
      reason: 'the referrer is not there any more',
    })
  return undefined
}

const noteHolder = (draft: Draft, { assigned, holder }: NoteReferralHolder): undefined => {
  if (draft.state.status !== 'active') return undefined
  const { metadata, ...rest } = holder
  if (assigned)
    draft.emit('ReferralHolderAssigned', { ...rest, ...(metadata ? { metadata } : {}), occurredAt: draft.now })
  else draft.emit('ReferralHolderRemoved', { ...rest, occurredAt: draft.now })
  return undefined
}

export const performReferrals = (draft: Draft, command: ReferralCommand): Refused | undefined => {
  switch (command.type) {
    case 'CreditReferrer':
      return credit(draft, command)
    case 'NoteReferralHolder':
      return noteHolder(draft, command)
    default:
      return command satisfies never
  }
}
