// How facts about codes and referrals show: as internal events for conditions and triggers, and in the activity log.
import { REDEMPTION_EVENT } from '../../rulebook/referralProgram.ts'
import { type Activity, activityId } from '../activity.ts'
import type { Happening } from '../factRow.ts'
import { type VoucherFact, type VoucherRef, voucherFacts } from '../vouchers/facts.ts'
import { type ReferralFact, referralFacts } from './facts.ts'

const FACTS = { ...referralFacts, ...voucherFacts }

/** The contract's event type of each fact; undefined for those that are only bookkeeping. */
const eventOf = ({ type }: ReferralFact | VoucherFact): string | undefined => FACTS[type].event

/** Which side of the referral the fact's own customer is on. */
const roleOf = (fact: ReferralFact): 'REFEREE' | 'REFERRER' =>
  fact.type === 'ReferralCredited'
    ? 'REFERRER'
    : fact.type === 'ReferralRewarded' || fact.type === 'ReferralRewardWithheld'
      ? fact.data.role
      : 'REFEREE'

/** What conditions may ask of a fact's event: the campaign, the code, the customer's role, the reward. */
export const referralHappening = (fact: ReferralFact | VoucherFact): Happening | undefined => {
  const type = eventOf(fact)
  if (type === undefined || fact.type === 'VoucherCodeReplaced' || fact.type === 'ClaimGivenUp') return undefined
  const { campaign, voucher } = fact.data
  return {
    type,
    metadata: {
      ...(campaign ? { campaign: campaign.id, campaign_name: campaign.name } : {}),
      code: voucher.code,
      ...(fact.type === 'VoucherPublished' ? {} : { role: roleOf(fact) }),
      ...(fact.type === 'ReferralCredited' ? { number: fact.data.number } : {}),
      ...(fact.type === 'ReferralRewarded'
        ? { reward_type: fact.data.reward.type, amount: fact.data.reward.amount ?? 0 }
        : {}),
    },
  }
}

const customerShown = (id: string) => ({ id, object: 'customer' })

const campaignShown = ({ id, name }: { readonly id: string; readonly name: string }, type = 'REFERRAL_PROGRAM') => ({
  id,
  name,
  campaign_type: type,
  object: 'campaign',
})

const voucherShown = (
  { id, code }: VoucherRef,
  campaign: { readonly id: string; readonly name: string } | undefined,
) => ({
  id,
  code,
  campaign: campaign?.name ?? null,
  campaign_id: campaign?.id ?? null,
  object: 'voucher',
})

/** What converted: a custom event, or the redemption of the code. */
const causeShown = ({ fact, event }: { readonly fact: string; readonly event: string }) => ({
  custom_event: event === REDEMPTION_EVENT ? null : { id: activityId(fact), type: event, object: 'event' },
  redemption: event === REDEMPTION_EVENT ? { related_object_id: activityId(fact), object: 'redemption' } : null,
})

const rewardShown = (fact: Extract<ReferralFact, { type: 'ReferralRewarded' }>) => {
  const { reward, given, tier, role } = fact.data
  return {
    role,
    reward: {
      type: reward.type,
      amount: reward.amount ?? null,
      related_object_parent: { id: given.campaign.id, name: given.campaign.name, object: 'campaign' },
      related_object_id: given.id,
      related_object_type: 'voucher',
    },
    holder: customerShown(role === 'REFEREE' ? fact.data.referee : fact.data.referrer),
    reward_voucher: voucherShown(given, given.campaign),
    referral_tier: tier === undefined ? null : { from: tier, object: 'referral_tier' },
    balance:
      given.balance === undefined
        ? null
        : {
            type: 'loyalty_card',
            points: reward.amount ?? null,
            balance: given.balance,
            object: 'balance',
            related_object: { type: 'voucher', id: given.id },
          },
  }
}

const voucherActivity = (type: string, fact: Extract<VoucherFact, { type: 'VoucherPublished' }>): Activity => {
  const { campaign, voucher, publication, by } = fact.data
  return {
    type,
    category: by === 'rule' ? 'EFFECT' : 'ACTION',
    data: {
      campaign: campaign ? campaignShown(campaign, campaign.type) : null,
      voucher: voucherShown(voucher, campaign),
      publication: {
        id: publication.id,
        source_id: publication.sourceId ?? null,
        channel: publication.channel ?? null,
        metadata: publication.metadata ?? {},
        object: 'publication',
      },
    },
  }
}

/** The entry that a fact makes in the activity log; undefined for facts that are only bookkeeping. */
export const referralActivity = (fact: ReferralFact | VoucherFact): Activity | undefined => {
  const type = eventOf(fact)
  if (type === undefined) return undefined
  switch (fact.type) {
    case 'VoucherPublished':
      return voucherActivity(type, fact)
    case 'ReferralConverted':
    case 'ReferralCredited':
      return {
        type,
        category: 'EFFECT',
        data: {
          role: roleOf(fact),
          referrer: customerShown(fact.data.referrer),
          ...(fact.type === 'ReferralCredited'
            ? { referee: customerShown(fact.data.referee), number: fact.data.number }
            : {}),
          campaign: campaignShown(fact.data.campaign),
          voucher: voucherShown(fact.data.voucher, fact.data.campaign),
          ...causeShown(fact.data.cause),
          ...('because' in fact.data ? { because: fact.data.because } : {}),
        },
      }
    case 'ReferralRewarded':
      return {
        type,
        category: 'EFFECT',
        data: {
          campaign: campaignShown(fact.data.campaign),
          voucher: voucherShown(fact.data.voucher, fact.data.campaign),
          referrer: customerShown(fact.data.referrer),
          referee: customerShown(fact.data.referee),
          ...rewardShown(fact),
          ...causeShown({ fact: fact.data.conversion, event: fact.data.event }),
        },
      }
    case 'ReferralHolderAssigned':
    case 'ReferralHolderRemoved':
      return {
        type,
        category: 'ACTION',
        data: {
          holder: { id: fact.data.holder, holder_role: 'REFEREE', object: 'redeemable_holder' },
          campaign: campaignShown(fact.data.campaign),
          voucher: voucherShown(fact.data.voucher, fact.data.campaign),
        },
      }
    default:
      return undefined
  }
}
