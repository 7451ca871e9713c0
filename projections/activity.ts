// The activity log: one document for each thing that happened to a customer, custom events and internal ones.
import { type Activity, type ActivityCategory, activityId } from '../src/domain/customer/activity.ts'
import { customerFacts, isCustomerFact } from '../src/domain/customer/facts.ts'
import { activityOf } from '../src/domain/customer/occurrence.ts'
import { deliveryActivityOf } from '../src/domain/distributions/activity.ts'
import { deliveryFacts, isDeliveryFact } from '../src/domain/distributions/delivery.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import { decidedAt, type RecordedFact } from '../src/domain/recorded.ts'
import { isLedgerFact, type LedgerFact } from '../src/domain/redemption/ledger.ts'
import { erasedBy, erasedKeys, TRACES_ERASED } from '../src/domain/traces.ts'
import { type CodeFact, isCodeFact } from '../src/domain/vouchers/code.ts'
import type { Projection } from './projection.ts'

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

interface LogEntry {
  readonly customer: string
  readonly shown: Activity
  readonly occurredAt: number
  readonly event?: string
}

/** Asked for the key and again for the document: worked out once. */
const entries = new WeakMap<RecordedFact, { readonly entry: LogEntry | undefined }>()

const entryOf = (fact: RecordedFact): LogEntry | undefined => {
  const known = entries.get(fact)
  if (known) return known.entry
  const entry = entryFrom(fact)
  entries.set(fact, { entry })
  return entry
}

/** Deleting a voucher is no matter of its holder's stream, yet shows there. */
const voucherDeleted = (fact: CodeFact): LogEntry | undefined => {
  if (fact.type !== 'VoucherDeleted' || fact.data.customer === undefined) return undefined
  const { code, voucher: id, campaign, customer, occurredAt } = fact.data
  const data = { voucher: { id, code, campaign_id: campaign ?? null, object: 'voucher' } }
  return { customer, shown: { type: 'customer.voucher.deleted', category: 'ACTION', data }, occurredAt }
}

/** Nor is a change of a gift voucher's credits. */
const creditsChanged = (fact: LedgerFact): LogEntry | undefined => {
  if (fact.type !== 'GiftCreditsChanged' || fact.data.customer === undefined) return undefined
  const { code, voucher: id, campaign, customer, amount, balance, reason, transaction, occurredAt } = fact.data
  const data = {
    voucher: { id, code, campaign: campaign?.name ?? null, campaign_id: campaign?.id ?? null, object: 'voucher' },
    balance: { type: 'gift_voucher', amount, balance, object: 'balance', related_object: { type: 'voucher', id } },
    transaction: { id: transaction },
    reason: reason ?? null,
  }
  return { customer, shown: { type: 'customer.voucher.gift.balance_added', category: 'ACTION', data }, occurredAt }
}

/** What a fact puts into the log: of the customer's own stream, or of a message's that went to the customer. */
const entryFrom = (fact: RecordedFact): LogEntry | undefined => {
  if (isCodeFact(fact)) return voucherDeleted(fact)
  if (isLedgerFact(fact)) return creditsChanged(fact)
  if (isDeliveryFact(fact)) {
    const shown = deliveryActivityOf(fact)
    return shown && { customer: fact.data.customer, shown, occurredAt: fact.data.occurredAt }
  }
  const customer = customerOfStream(fact.stream)
  const { id } = fact
  if (customer === undefined || !isCustomerFact(fact)) return undefined
  const shown = activityOf(id, fact)
  return (
    shown && {
      customer,
      shown,
      occurredAt: fact.data.occurredAt,
      ...(fact.type === 'CustomEventTracked' ? { event: fact.data.event } : {}),
    }
  )
}

export const activity: Projection<ActivityDocument> = {
  name: 'activity',
  version: 4,
  insertOnly: true,
  indexes: [{ key: { position: 1 } }, { key: { customer: 1, position: 1 } }, { key: { event: 1, position: 1 } }],
  types: [
    ...Object.keys(customerFacts),
    ...Object.keys(deliveryFacts),
    'VoucherDeleted',
    'GiftCreditsChanged',
    TRACES_ERASED,
  ],
  keys: (fact) => (entryOf(fact) ? [activityId(fact.id)] : erasedKeys(fact, 'activity')),
  evolve: (before, fact, key) => {
    if (erasedBy(fact)) return null
    const entry = entryOf(fact)
    if (!entry) return before
    return {
      _id: key,
      customer: entry.customer,
      ...entry.shown,
      ...(entry.event === undefined ? {} : { event: entry.event }),
      created_at: new Date(decidedAt(fact)),
      recorded_at: new Date(fact.created),
      occurred_at: new Date(entry.occurredAt),
      group_id: fact.metadata.$correlationId,
      position: sortable(fact.position),
    }
  },
}
