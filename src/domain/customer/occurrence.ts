// Which facts count as events of a customer, custom or internal, under which public type.

import type { Occurrence } from '../conditions/subject.ts'
import type { CustomerFact } from './facts.ts'
import { isLoyaltyFact } from './loyalty/facts.ts'
import { loyaltyOccurrence } from './loyalty/show.ts'
import { isOrderFact } from './orders/facts.ts'
import { orderOccurrence } from './orders/show.ts'
import { isRedemptionFact } from './redemptions/facts.ts'
import { redemptionOccurrence } from './redemptions/show.ts'
import { isReferralFact } from './referrals/facts.ts'
import { referralOccurrence } from './referrals/show.ts'
import { isVoucherFact } from './vouchers/facts.ts'

/**
 * The event that a fact is for conditions, triggers and the activity log: a custom event by its own name, an internal one by
 * the HTTP contract's type; undefined for facts that are only bookkeeping.
 */
export const occurrenceOf = (id: string, fact: CustomerFact, recordedAt: number): Occurrence | undefined => {
  if (isLoyaltyFact(fact)) return loyaltyOccurrence(id, fact, recordedAt)
  if (isVoucherFact(fact) || isReferralFact(fact)) return referralOccurrence(id, fact, recordedAt)
  if (isRedemptionFact(fact)) return redemptionOccurrence(id, fact, recordedAt)
  if (isOrderFact(fact)) return orderOccurrence(id, fact, recordedAt)
  const occurredAt = fact.data.occurredAt
  switch (fact.type) {
    case 'CustomEventTracked':
      return { id, type: fact.data.event, occurredAt, recordedAt, metadata: fact.data.metadata }
    case 'CustomerCreated':
      return { id, type: 'customer.created', occurredAt, recordedAt, metadata: {} }
    case 'CustomerUpdated':
      return { id, type: 'customer.updated', occurredAt, recordedAt, metadata: {} }
    case 'CustomerDeleted':
      return { id, type: 'customer.deleted', occurredAt, recordedAt, metadata: {} }
    case 'SegmentEntered':
    case 'SegmentLeft':
      // A passive segment changes membership in silence.
      return fact.data.triggers
        ? {
            id,
            type: fact.type === 'SegmentEntered' ? 'customer.segment.entered' : 'customer.segment.left',
            occurredAt,
            recordedAt,
            metadata: { segment: fact.data.segment.id, name: fact.data.segment.name },
          }
        : undefined
    case 'MessageRequested':
    case 'MessageSkipped':
    case 'CustomerErased':
    case 'ConsentChanged':
    case 'CustomerLinked':
    case 'CascadeHalted':
    case 'DeadlineMoved':
      return undefined
    default:
      return fact satisfies never
  }
}
