// The entries that facts of customers make in the activity log. Pure: read models keep what is made here.
import { activityId } from '../../../domain/customer/activity.ts'
import {
  type CustomerFact,
  type CustomerFactType,
  customerFacts,
  type FactData,
} from '../../../domain/customer/facts.ts'
import { loyaltyFacts } from '../../../domain/customer/loyalty/facts.ts'
import { orderFacts } from '../../../domain/customer/orders/facts.ts'
import { redemptionFacts } from '../../../domain/customer/redemptions/facts.ts'
import { referralFacts } from '../../../domain/customer/referrals/facts.ts'
import type { ReferralRef } from '../../../domain/customer/tracking.ts'
import { voucherFacts } from '../../../domain/customer/vouchers/facts.ts'
import { CUSTOM_EVENT_TYPE } from '../../../domain/internalEvents.ts'
import type { Activity } from './entry.ts'
import { loyaltyActivity } from './loyalty.ts'
import { orderActivity } from './orders.ts'
import { redemptionActivity } from './redemptions.ts'
import { referralActivity, voucherActivity } from './referrals.ts'

/** How facts of one type show; undefined: not at all. */
type Shown<T extends CustomerFactType> = (data: FactData<T>, id: string) => Activity | undefined

/** What an event said about a referral, without what was found under the code. */
const referralShown = (referral: ReferralRef | undefined): ReferralRef | null =>
  referral ? { code: referral.code, referrer_id: referral.referrer_id } : null

const tracked: Shown<'CustomEventTracked'> = (
  { event, metadata, referral, loyalty, occurredAt, schema, faults },
  id,
) => ({
  type: CUSTOM_EVENT_TYPE,
  category: 'ACTION',
  data: {
    event: {
      id: activityId(id),
      object: 'event',
      type: event,
      metadata,
      referral: referralShown(referral),
      loyalty: loyalty ?? null,
      created_at: new Date(occurredAt).toISOString(),
    },
    event_schema: schema ?? null,
    referral: null,
    loyalty: null,
    faults,
  },
})

/** A passive segment changes membership in silence. */
const segment =
  (type: string): Shown<'SegmentEntered' | 'SegmentLeft'> =>
  ({ triggers, segment, cause, occurredAt, because }) =>
    triggers
      ? {
          type,
          category: 'EFFECT',
          data: {
            segment: { ...segment, object: 'segment' },
            cause,
            became_true_at: new Date(occurredAt).toISOString(),
            because: because ?? null,
          },
        }
      : undefined

const message = (
  type: string,
  { id, channel, distribution }: FactData<'MessageRequested' | 'MessageSkipped'>,
  reason?: string,
): Activity => ({
  type,
  category: 'EFFECT',
  data: {
    message: { id, object: 'message', channel },
    distribution: { id: distribution.id, name: distribution.name, object: 'distribution' },
    reason,
  },
})

/** What all facts of a table show as. */
const all = <T extends CustomerFactType>(
  facts: { readonly [K in T]: unknown },
  shown: (fact: Extract<CustomerFact, { readonly type: T }>) => Activity | undefined,
): { readonly [K in T]: Shown<K> } =>
  Object.fromEntries(
    Object.keys(facts).map((type) => [type, (data: unknown) => shown({ type, data } as Parameters<typeof shown>[0])]),
  ) as unknown as { readonly [K in T]: Shown<K> }

const SHOWN: { readonly [T in CustomerFactType]?: Shown<T> } = {
  CustomerCreated: () => ({ type: 'customer.created', category: 'ACTION', data: {} }),
  CustomerUpdated: ({ changes }) => ({ type: 'customer.updated', category: 'ACTION', data: { changes } }),
  CustomerDeleted: () => ({ type: 'customer.deleted', category: 'ACTION', data: {} }),
  ConsentChanged: ({ channel, consent, source }) => ({
    type: consent === 'given' ? 'customer.consents.given' : 'customer.consents.revoked',
    category: 'ACTION',
    data: { channel, consent, source: source ?? null },
  }),
  CustomEventTracked: tracked,
  SegmentEntered: segment('customer.segment.entered'),
  SegmentLeft: segment('customer.segment.left'),
  MessageRequested: (data) => message('customer.message.requested', data),
  MessageSkipped: (data) => message('customer.message.skipped', data, data.reason),
  ...all(loyaltyFacts, loyaltyActivity),
  ...all(voucherFacts, voucherActivity),
  ...all(referralFacts, referralActivity),
  ...all(redemptionFacts, redemptionActivity),
  ...all(orderFacts, orderActivity),
}

/** The entry that a fact makes in the activity log; undefined for facts that are only bookkeeping. */
export const activityOf = (id: string, { type, data }: CustomerFact): Activity | undefined =>
  (SHOWN[type] as Shown<CustomerFactType> | undefined)?.(data, id)

/** Whether a fact makes such an entry: where its row says so, without making it. */
export const isShown = (fact: CustomerFact): boolean => {
  const row: { readonly event?: string } = customerFacts[fact.type]
  return row.event !== undefined || activityOf('', fact) !== undefined
}
