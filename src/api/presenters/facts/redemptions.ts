// How facts about redemptions show in the activity log.
import * as v from 'valibot'
import { type RedemptionFact, redemptionFacts } from '../../../domain/customer/redemptions/facts.ts'
import { orderId, RecordedOrder } from '../../../domain/order.ts'
import type { Activity } from './entry.ts'
import { showOrder } from './orders.ts'

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
  const taken = points ?? credits
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
    amount: taken === undefined ? undefined : isRollback ? -taken : taken,
    gift: credits === undefined ? undefined : { amount: credits },
    loyalty_card: points === undefined ? undefined : { points },
    ...('applied' in data && data.applied !== undefined ? { discount_amount: data.applied } : {}),
    tracking_id: data.trackingId ?? null,
    channel: data.channel,
    metadata: data.metadata ?? {},
    related_object_type: data.promotion ? 'promotion_tier' : 'voucher',
    related_object_id: data.voucher.id,
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
            id: voucher.id,
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
