// How facts about redemptions show: as internal events for conditions and triggers, and in the activity log.
import type { Occurrence } from '../conditions/subject.ts'
import type { Activity } from '../customer/activity.ts'
import type { RedemptionFact, RedemptionFactType } from './facts.ts'

/** The contract's event type of each fact; undefined for those that are only bookkeeping. */
const EVENT_TYPES: Readonly<Record<RedemptionFactType, string | undefined>> = {
  RedemptionSucceeded: 'customer.redemption.succeeded',
  RedemptionFailed: 'customer.redemption.failed',
  RedemptionAbandoned: undefined,
  RedemptionRolledBack: 'customer.redemption.rollback.succeeded',
  RedemptionRollbackFailed: 'customer.redemption.rollback.failed',
}

/** What conditions may ask of a redemption's event: the request's own metadata, and beside it the names that are listed here. */
export const redemptionOccurrence = (id: string, fact: RedemptionFact, recordedAt: number): Occurrence | undefined => {
  const type = EVENT_TYPES[fact.type]
  if (type === undefined || fact.type === 'RedemptionAbandoned') return undefined
  const { data } = fact
  return {
    id,
    type,
    occurredAt: data.occurredAt,
    recordedAt,
    metadata: {
      ...data.metadata,
      code: data.voucher.code,
      ...(data.campaign ? { campaign: data.campaign.id, campaign_name: data.campaign.name } : {}),
      ...('order' in data && data.order?.amount !== undefined ? { order_amount: data.order.amount } : {}),
      ...('applied' in data ? { discount_amount: data.applied ?? 0 } : {}),
      ...('credits' in data && data.credits !== undefined ? { credits: data.credits } : {}),
      ...('reason' in data && data.reason !== undefined ? { reason: data.reason } : {}),
    },
  }
}

/** The entry that a fact makes in the activity log; undefined for facts that are only bookkeeping. */
export const redemptionActivity = (fact: RedemptionFact): Activity | undefined => {
  const type = EVENT_TYPES[fact.type]
  if (type === undefined || fact.type === 'RedemptionAbandoned') return undefined
  const { data } = fact
  const { voucher, campaign } = data
  return {
    type,
    category: 'ACTION',
    data: {
      redemption: {
        id: 'rollback' in data ? data.rollback : data.redemption,
        object: 'rollback' in data ? 'redemption_rollback' : 'redemption',
        ...('rollback' in data ? { redemption: data.redemption } : {}),
        result: fact.type === 'RedemptionSucceeded' || fact.type === 'RedemptionRolledBack' ? 'SUCCESS' : 'FAILURE',
        ...('details' in data ? { failure_code: data.reason, failure_message: data.details } : {}),
        ...('reason' in data && fact.type === 'RedemptionRolledBack' ? { reason: data.reason } : {}),
        tracking_id: data.trackingId ?? null,
        metadata: data.metadata ?? {},
        related_object_type: 'voucher',
        ...(voucher.id === undefined ? {} : { related_object_id: voucher.id }),
      },
      voucher: {
        ...(voucher.id === undefined ? {} : { id: voucher.id }),
        code: voucher.code,
        campaign: campaign?.name ?? null,
        campaign_id: campaign?.id ?? null,
        object: 'voucher',
      },
      campaign: campaign
        ? { id: campaign.id, name: campaign.name, campaign_type: campaign.type, object: 'campaign' }
        : null,
      promotion_tier: null,
      order: 'order' in data ? (data.order ?? null) : null,
      ...('because' in data && data.because ? { because: data.because } : {}),
    },
  }
}
