// The activity log: one document for each thing that happened to a customer, custom events and internal ones.
import { activityOf, isShown } from '../src/api/presenters/facts/activity.ts'
import { deliveryActivityOf } from '../src/api/presenters/facts/delivery.ts'
import type { Activity } from '../src/api/presenters/facts/entry.ts'
import { type ActivityCategory, activityId } from '../src/domain/customer/activity.ts'
import { type CustomerFactType, customerFacts } from '../src/domain/customer/facts.ts'
import { type DeliveryFact, deliveryFacts } from '../src/domain/distributions/delivery.ts'
import { customerOfStream, firstFactIds } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import { decidedAt, type RecordedFact } from '../src/domain/recorded.ts'
import type { LedgerFactData } from '../src/domain/redemption/ledger.ts'
import type { CodeFactData } from '../src/domain/vouchers/code.ts'
import { erasing, projection, type RecordedOf, toEach } from './projection.ts'

export interface ActivityDocument {
  readonly _id: string
  readonly customer: string
  readonly type: string
  readonly category: ActivityCategory
  /** The custom event's name; absent for internal events. */
  readonly event?: string
  readonly data: Readonly<Record<string, unknown>>
  /** When it was decided. */
  readonly created_at: Date
  /** When it was recorded: later than `created_at` where an instant was caught up with. */
  readonly recorded_at: Date
  /** When the customer acted. */
  readonly occurred_at: Date
  /** The request that it belongs to. */
  readonly group_id: string
  /** The place in the log, as sortable text: the order of things that happened in the same instant. */
  readonly position: string
}

/** The entry of the first fact that a command about a customer recorded under a key, where it shows. */
export const firstEntryOf = (customer: string, key: string) => {
  const { least, greatest } = firstFactIds(customer, key)
  return { _id: { $gte: activityId(least), $lte: activityId(greatest) }, customer }
}

type Recorded = {
  readonly [K in keyof ActivityDocument as Exclude<K, '_id' | 'customer' | 'event'>]: ActivityDocument[K]
}

/** The document of an entry; `occurredAt` is when the customer acted. */
const entry = (shown: Activity, fact: RecordedFact, occurredAt: number): Recorded => ({
  ...shown,
  created_at: new Date(decidedAt(fact)),
  recorded_at: new Date(fact.created),
  occurred_at: new Date(occurredAt),
  group_id: fact.metadata.$correlationId,
  position: sortable(fact.position),
})

/** Deleting a voucher is no matter of its holder's stream, yet shows there. */
const voucherDeleted = ({ code, voucher: id, campaign }: CodeFactData<'VoucherDeleted'>): Activity => ({
  type: 'customer.voucher.deleted',
  category: 'ACTION',
  data: { voucher: { id, code, campaign_id: campaign ?? null, object: 'voucher' } },
})

/** Nor is a change of a gift voucher's credits. */
const creditsChanged = (data: LedgerFactData<'GiftCreditsChanged'>): Activity => {
  const { code, voucher: id, campaign, amount, balance, reason, transaction } = data
  return {
    type: 'customer.voucher.gift.balance_added',
    category: 'ACTION',
    data: {
      voucher: { id, code, campaign: campaign?.name ?? null, campaign_id: campaign?.id ?? null, object: 'voucher' },
      balance: { type: 'gift_voucher', amount, balance, object: 'balance', related_object: { type: 'voucher', id } },
      transaction: { id: transaction },
      reason: reason ?? null,
    },
  }
}

/** Who holds the code, if anybody does. */
const keyIfHeld = ({ id, data }: RecordedOf<'VoucherDeleted' | 'GiftCreditsChanged'>): string | undefined =>
  data.customer === undefined ? undefined : activityId(id)

export const activity = projection<ActivityDocument, string | null>({
  name: 'activity',
  version: 4,
  insertOnly: true,
  indexes: [{ key: { position: 1 } }, { key: { customer: 1, position: 1 } }, { key: { event: 1, position: 1 } }],
  streams: (stream) => customerOfStream(stream) ?? null,
  on: {
    ...toEach<ActivityDocument, CustomerFactType, string | null>(
      Object.keys(customerFacts) as CustomerFactType[],
      (fact, owner) => (owner !== null && isShown(fact) ? activityId(fact.id) : undefined),
      (before, fact, { key, owner }) => {
        const shown = activityOf(fact.id, fact)
        if (owner === null || !shown) return before
        const event = fact.type === 'CustomEventTracked' ? fact.data.event : undefined
        return { _id: key, customer: owner, event, ...entry(shown, fact, fact.data.occurredAt) }
      },
    ),
    ...toEach<ActivityDocument, DeliveryFact['type'], string | null>(
      Object.keys(deliveryFacts) as DeliveryFact['type'][],
      (fact) => (deliveryActivityOf(fact) ? activityId(fact.id) : undefined),
      (before, fact, { key }) => {
        const shown = deliveryActivityOf(fact)
        if (!shown) return before
        return { _id: key, customer: fact.data.customer, ...entry(shown, fact, fact.data.occurredAt) }
      },
    ),
    VoucherDeleted: [
      keyIfHeld,
      (before, fact, { key }) => {
        const { customer, occurredAt } = fact.data
        if (customer === undefined) return before
        return { _id: key, customer, ...entry(voucherDeleted(fact.data), fact, occurredAt) }
      },
    ],
    GiftCreditsChanged: [
      keyIfHeld,
      (before, fact, { key }) => {
        const { customer, occurredAt } = fact.data
        if (customer === undefined) return before
        return { _id: key, customer, ...entry(creditsChanged(fact.data), fact, occurredAt) }
      },
    ],
    ...erasing('activity'),
  },
})
