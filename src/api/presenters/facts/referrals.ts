// How facts about codes and referrals show in the activity log.
import { activityId } from '../../../domain/customer/activity.ts'
import type { ReferralFact } from '../../../domain/customer/referrals/facts.ts'
import { eventOf, roleOf } from '../../../domain/customer/referrals/happening.ts'
import { type VoucherFact, type VoucherRef, voucherFacts } from '../../../domain/customer/vouchers/facts.ts'
import { REDEMPTION_EVENT } from '../../../domain/rulebook/referralProgram.ts'
import type { Activity } from './entry.ts'

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

/** The entry that a code that was given makes in the activity log; undefined for facts that are only bookkeeping. */
export const voucherActivity = (fact: VoucherFact): Activity | undefined => {
  if (fact.type !== 'VoucherPublished') return undefined
  const { campaign, voucher, publication, by } = fact.data
  return {
    type: voucherFacts.VoucherPublished.event ?? '',
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
export const referralActivity = (fact: ReferralFact): Activity | undefined => {
  const type = eventOf(fact)
  if (type === undefined) return undefined
  switch (fact.type) {
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
