// How facts about redemptions show: as internal events for conditions and triggers, and in the activity log.
import * as v from 'valibot'
import { orderId, RecordedOrder, showOrder } from '../../order.ts'
import type { Activity } from '../activity.ts'
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

const iso = (ms: number): string => new Date(ms).toISOString()

type Shown = Exclude<RedemptionFact, { readonly type: 'RedemptionAbandoned' }>

const orderShown = (fact: Shown) => {
  if (!('order' in fact.data)) return null
  const read = v.safeParse(RecordedOrder, fact.data.order)
  if (!read.success) return null
  const status = fact.type === 'RedemptionRolledBack' ? 'CANCELED' : (read.output.status ?? 'PAID')
  const made = fact.type === 'RedemptionFailed' ? {} : { id: orderId(read.output, fact.data.request) }
  return showOrder(read.output, { ...made, status, created_at: iso(fact.data.occurredAt) })
}

/** The redemption or rollback itself, under the names of the HTTP contract. */
const redemptionShown = (fact: Shown) => {
  const { data } = fact
  const isRollback = 'rollback' in data
  const went = fact.type === 'RedemptionSucceeded' || fact.type === 'RedemptionRolledBack'
  const credits = 'credits' in data ? data.credits : undefined
  const points = 'paid' in data ? data.paid?.points : undefined
  return {
    id: isRollback ? data.rollback : data.redemption,
    object: isRollback ? 'redemption_rollback' : 'redemption',
    date: iso(data.occurredAt),
    redemption: isRollback ? data.redemption : data.request,
    result: went ? 'SUCCESS' : 'FAILURE',
    status: went ? 'SUCCEEDED' : 'FAILED',
    ...('details' in data ? { failure_code: data.reason, failure_message: data.details } : {}),
    ...('message' in data && data.message !== undefined ? { error: { message: data.message } } : {}),
    ...(fact.type === 'RedemptionRolledBack' ? { reason: fact.data.reason ?? null } : {}),
    ...(credits === undefined ? {} : { amount: isRollback ? -credits : credits, gift: { amount: credits } }),
    ...(points === undefined ? {} : { amount: isRollback ? -points : points, loyalty_card: { points } }),
    ...('applied' in data && data.applied !== undefined ? { discount_amount: data.applied } : {}),
    tracking_id: data.trackingId ?? null,
    channel: data.channel,
    metadata: data.metadata ?? {},
    related_object_type: data.promotion ? 'promotion_tier' : 'voucher',
    ...(data.voucher.id === undefined ? {} : { related_object_id: data.voucher.id }),
  }
}

/** The entry that a fact makes in the activity log; undefined for facts that are only bookkeeping. */
export const redemptionActivity = (fact: RedemptionFact): Activity | undefined => {
  const type = redemptionFacts[fact.type].event
  if (type === undefined || fact.type === 'RedemptionAbandoned') return undefined
  const { data } = fact
  const { voucher, campaign, promotion } = data
  const discount = 'discount' in data && data.discount ? { discount: data.discount } : {}
  const holder = 'holder' in voucher ? voucher.holder : undefined
  return {
    type,
    category: 'ACTION',
    data: {
      redemption: redemptionShown(fact),
      voucher: promotion
        ? null
        : {
            ...(voucher.id === undefined ? {} : { id: voucher.id }),
            code: voucher.code,
            ...('type' in voucher ? { type: voucher.type } : {}),
            ...discount,
            campaign: campaign?.name ?? null,
            campaign_id: campaign?.id ?? null,
            object: 'voucher',
          },
      campaign: campaign
        ? { id: campaign.id, name: campaign.name, campaign_type: campaign.type, object: 'campaign' }
        : null,
      promotion_tier: promotion
        ? { ...promotion, action: discount, campaign_id: campaign?.id ?? null, object: 'promotion_tier' }
        : null,
      promotion_stack: null,
      order: orderShown(fact),
      holder: holder === undefined ? null : { id: holder, object: 'customer' },
      ...('because' in data && data.because ? { because: data.because } : {}),
    },
  }
}
