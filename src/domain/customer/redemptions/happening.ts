// How facts about redemptions show as internal events, for conditions and triggers.
import type { Happening } from '../factRow.ts'
import { type RedemptionFact, redemptionFacts } from './facts.ts'

/** What conditions may ask of a redemption's event: the request's own metadata, and beside it the names that are listed here. */
export const redemptionHappening = (fact: RedemptionFact): Happening | undefined => {
  const type = redemptionFacts[fact.type].event
  if (type === undefined || fact.type === 'RedemptionAbandoned') return undefined
  const { data } = fact
  return {
    type,
    metadata: {
      ...data.metadata,
      ...(data.promotion ? { promotion_tier: data.promotion.id } : { code: data.voucher.code }),
      ...(data.campaign ? { campaign: data.campaign.id, campaign_name: data.campaign.name } : {}),
      ...('order' in data && data.order?.amount !== undefined ? { order_amount: data.order.amount } : {}),
      ...('applied' in data ? { discount_amount: data.applied ?? 0 } : {}),
      ...('credits' in data && data.credits !== undefined ? { credits: data.credits } : {}),
      ...('paid' in data && data.paid ? { points: data.paid.points, reward: data.paid.reward.id } : {}),
      ...('reason' in data && data.reason !== undefined ? { reason: data.reason } : {}),
    },
  }
}
