// Redemptions: one document for each that came about, each that was refused, and each rollback.
import {
  type PaidWithPoints,
  type Promotion,
  type RedemptionFact,
  requestOfStream,
} from '../src/domain/customer/redemptions/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import type { Discount } from '../src/domain/rulebook/voucherSpec.ts'
import { erasing, projection, type RecordedOf, toEach } from './projection.ts'

export interface RedemptionDocument {
  readonly _id: string
  readonly kind: 'redemption' | 'rollback'
  readonly result: 'SUCCESS' | 'FAILURE'
  /** The redemption that a rollback is about; its own id for a redemption. */
  readonly redemption: string
  /** The request that it came about by, with others or alone. */
  readonly parent: string
  /** The request whose order it is: that of the redemption, also for its rollback. */
  readonly request: string
  /** Its place among the redeemables of the request, from 0. */
  readonly place: number
  /** Null for a redemption without a customer. */
  readonly customer: string | null
  readonly voucher: { readonly id: string | null; readonly code: string; readonly type: string | null }
  /** The customer to whom the code was given. */
  readonly holder: string | null
  readonly campaign: { readonly id: string; readonly name: string; readonly type: string } | null
  /** The promotion tier, where it was no code that was redeemed: `voucher` has its id as id and code then. */
  readonly promotion?: Promotion
  readonly discount: Discount | null
  /** Gift credits, and what came off the order in all; minor units, null where there is none. */
  readonly credits: number | null
  readonly applied: number | null
  /** What points of a loyalty card paid for. */
  readonly paid: PaidWithPoints | null
  /** The items are with the first redemption of a request only. */
  readonly order: Readonly<Record<string, unknown>> | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tracking_id: string | null
  readonly channel: string
  readonly failure: { readonly key: string; readonly details: string; readonly message: string | null } | null
  /** Why it was rolled back. */
  readonly reason: string | null
  readonly rolled_back: { readonly id: string; readonly at: Date } | null
  readonly created_at: Date
  /** The place in the log, as sortable text. */
  readonly position: string
}

type Shown = Exclude<RedemptionFact, { readonly type: 'RedemptionAbandoned' }>

/** What all kinds have; the rest as if there were nothing more. */
const common = ({ data }: Shown, customer: string | null, position: string) => ({
  customer,
  voucher: {
    id: data.voucher.id ?? null,
    code: data.voucher.code,
    type: 'type' in data.voucher ? data.voucher.type : null,
  },
  holder: 'holder' in data.voucher ? (data.voucher.holder ?? null) : null,
  campaign: data.campaign ?? null,
  ...(data.promotion ? { promotion: data.promotion } : {}),
  discount: null,
  credits: 'credits' in data ? (data.credits ?? null) : null,
  applied: 'applied' in data ? (data.applied ?? null) : null,
  paid: 'paid' in data ? (data.paid ?? null) : null,
  order: 'order' in data ? (data.order ?? null) : null,
  metadata: data.metadata ?? {},
  tracking_id: data.trackingId ?? null,
  channel: data.channel,
  failure: null,
  reason: null,
  rolled_back: null,
  created_at: new Date(data.occurredAt),
  position,
})

type Result = RedemptionDocument['result']

const redeemed = (id: string, result: Result, request: string) =>
  ({ _id: id, kind: 'redemption', result, redemption: id, parent: request, request, place: 0 }) as const

const undone = (id: string, result: Result, of: Pick<RedemptionDocument, 'redemption' | 'parent' | 'request'>) =>
  ({ _id: id, kind: 'rollback', result, ...of, place: 0 }) as const

/** The document that a fact makes. */
export const redemptionOf = (fact: Shown, customer: string | null, position: string): RedemptionDocument => {
  const base = common(fact, customer, position)
  switch (fact.type) {
    case 'RedemptionSucceeded': {
      const { redemption, request, place, discount = null } = fact.data
      return { ...base, ...redeemed(redemption, 'SUCCESS', request), place, discount }
    }
    case 'RedemptionFailed': {
      const { redemption, request, reason: key, details, message = null } = fact.data
      return { ...base, ...redeemed(redemption, 'FAILURE', request), failure: { key, details, message } }
    }
    case 'RedemptionRolledBack': {
      const { rollback, redemption, parent, request, place, reason = null } = fact.data
      return { ...base, ...undone(rollback, 'SUCCESS', { redemption, parent, request }), place, reason }
    }
    case 'RedemptionRollbackFailed': {
      const { rollback, redemption, request, reason: key, details } = fact.data
      const failure = { key, details, message: null }
      return { ...base, ...undone(rollback, 'FAILURE', { redemption, parent: request, request }), failure }
    }
    default:
      return fact satisfies never
  }
}

/** What is left of a redemption whose customer was deleted: it still counts, for the code, the campaign and the money. */
const anonymous = (before: RedemptionDocument): RedemptionDocument => ({
  ...before,
  customer: null,
  holder: null,
  order: before.order && {
    amount: before.order.amount ?? null,
    discount_amount: before.order.discount_amount ?? null,
    total_amount: before.order.total_amount ?? null,
  },
  metadata: {},
  tracking_id: null,
  reason: null,
})

const made = (
  _: RedemptionDocument | null,
  fact: RecordedOf<Shown['type']>,
  { owner }: { readonly owner: string | null },
): RedemptionDocument => redemptionOf(fact, owner, sortable(fact.position))

/** Redemptions are in the streams of customers, those without a customer in streams of their own. */
export const redemptions = projection<RedemptionDocument, string | null>({
  name: 'redemptions',
  version: 5,
  indexes: [
    { key: { created_at: 1, position: 1 } },
    { key: { customer: 1, created_at: 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
    { key: { 'campaign.id': 1, created_at: 1, position: 1 } },
    { key: { 'voucher.code': 1, created_at: 1, position: 1 } },
    { key: { result: 1, created_at: 1, position: 1 } },
    { key: { tracking_id: 1, created_at: 1, position: 1 } },
    { key: { parent: 1, place: 1 } },
  ],
  streams: (stream) => customerOfStream(stream) ?? (requestOfStream(stream) === undefined ? undefined : null),
  on: {
    ...toEach(['RedemptionSucceeded', 'RedemptionFailed'], ({ data }) => data.redemption, made),
    RedemptionRolledBack: [
      ({ data }) => [data.rollback, data.redemption],
      (before, fact, at) => {
        const { rollback, redemption, occurredAt } = fact.data
        if (at.key !== redemption) return made(before, fact, at)
        return before && { ...before, rolled_back: { id: rollback, at: new Date(occurredAt) } }
      },
    ],
    RedemptionRollbackFailed: [({ data }) => data.rollback, made],
    ...erasing('redemptions', anonymous),
  },
})
