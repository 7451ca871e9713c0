// How facts show in the activity log: public event type, category and data, as the HTTP contract names them.

import type { CustomerFact } from './facts.ts'
import { isLoyaltyFact } from './loyalty/facts.ts'
import { loyaltyActivity } from './loyalty/show.ts'
import { isOrderFact } from './orders/facts.ts'
import { orderActivity } from './orders/show.ts'
import { isRedemptionFact } from './redemptions/facts.ts'
import { redemptionActivity } from './redemptions/show.ts'
import { isReferralFact } from './referrals/facts.ts'
import { referralActivity, referralRefShown } from './referrals/show.ts'
import { isVoucherFact } from './vouchers/facts.ts'

/** ACTION: somebody did something. EFFECT: it followed from something by a rule. */
export type ActivityCategory = 'ACTION' | 'EFFECT'

export interface Activity {
  readonly type: string
  readonly category: ActivityCategory
  /** Beside `customer`, which the read side adds. */
  readonly data: Readonly<Record<string, unknown>>
}

/** The public id of a fact in the activity log. */
export const activityId = (factId: string): string => `evcus_${factId.replaceAll('-', '')}`

/** The fact id behind a public activity id; undefined when it has not that form. */
export const factIdOf = (id: string): string | undefined => {
  const m = /^evcus_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id)
  return m ? m.slice(1).join('-') : undefined
}

/** The data of an entry with the customer whose stream it is of where its order names him. */
export const orderedBy = (
  data: Readonly<Record<string, unknown>>,
  customer: string,
): Readonly<Record<string, unknown>> =>
  typeof data.order === 'object' && data.order !== null
    ? { ...data, order: { ...data.order, customer_id: customer } }
    : data

const iso = (ms: number): string => new Date(ms).toISOString()

/** The entry that a fact makes in the activity log; undefined for facts that are only bookkeeping. */
export const activityOf = (id: string, fact: CustomerFact): Activity | undefined => {
  if (isLoyaltyFact(fact)) return loyaltyActivity(fact)
  if (isVoucherFact(fact) || isReferralFact(fact)) return referralActivity(fact)
  if (isRedemptionFact(fact)) return redemptionActivity(fact)
  if (isOrderFact(fact)) return orderActivity(fact)
  switch (fact.type) {
    case 'CustomEventTracked':
      return {
        type: 'customer.custom_event',
        category: 'ACTION',
        data: {
          event: {
            id: activityId(id),
            object: 'event',
            type: fact.data.event,
            metadata: fact.data.metadata,
            referral: referralRefShown(fact.data.referral),
            loyalty: fact.data.loyalty ?? null,
            created_at: iso(fact.data.occurredAt),
          },
          event_schema: fact.data.schema ?? null,
          referral: null,
          loyalty: null,
          ...(fact.data.faults ? { faults: fact.data.faults } : {}),
        },
      }
    case 'CustomerCreated':
      return { type: 'customer.created', category: 'ACTION', data: {} }
    case 'CustomerUpdated':
      return { type: 'customer.updated', category: 'ACTION', data: { changes: fact.data.changes } }
    case 'ConsentChanged':
      return {
        type: fact.data.consent === 'given' ? 'customer.consents.given' : 'customer.consents.revoked',
        category: 'ACTION',
        data: { channel: fact.data.channel, consent: fact.data.consent, source: fact.data.source ?? null },
      }
    case 'CustomerDeleted':
      return { type: 'customer.deleted', category: 'ACTION', data: {} }
    case 'SegmentEntered':
    case 'SegmentLeft':
      return fact.data.triggers
        ? {
            type: fact.type === 'SegmentEntered' ? 'customer.segment.entered' : 'customer.segment.left',
            category: 'EFFECT',
            data: {
              segment: { ...fact.data.segment, object: 'segment' },
              cause: fact.data.cause,
              became_true_at: iso(fact.data.occurredAt),
              because: fact.data.because ?? null,
            },
          }
        : undefined
    case 'MessageRequested':
    case 'MessageSkipped':
      return {
        type: fact.type === 'MessageRequested' ? 'customer.message.requested' : 'customer.message.skipped',
        category: 'EFFECT',
        data: {
          message: { id: fact.data.id, object: 'message', channel: fact.data.channel },
          distribution: { id: fact.data.distribution.id, name: fact.data.distribution.name, object: 'distribution' },
          ...(fact.type === 'MessageSkipped' ? { reason: fact.data.reason } : {}),
        },
      }
    case 'CustomerErased':
    case 'CustomerLinked':
    case 'CascadeHalted':
    case 'DeadlineMoved':
      return undefined
    default:
      return fact satisfies never
  }
}
