// Facts of redemptions, in the stream of the customer who redeems; of those without a customer in a stream of the request's own.
import * as v from 'valibot'
import { sumsOf, wholeFields } from '../../personal.ts'
import { Discount, VoucherType } from '../../rulebook/voucherSpec.ts'
import { type DataIn, evolveBy, type FactIn, type FactRow } from '../factRow.ts'
import { ReferralOffer } from '../referrals/offer.ts'
import { Share } from './share.ts'
import { counting, MAX_ABANDONED, type RedemptionsState, recent } from './state.ts'
import { type RedemptionSums, withOrder } from './sums.ts'

const At = v.pipe(v.number(), v.integer())
const Amount = v.pipe(v.number(), v.integer(), v.minValue(0))
const Metadata = v.record(v.string(), v.unknown())

const RedeemedVoucher = v.object({
  id: v.string(),
  code: v.string(),
  type: VoucherType,
  /** The customer to whom the code was given. */
  holder: v.optional(v.string()),
})
const Campaign = v.object({ id: v.string(), name: v.string(), type: v.string() })

/** The promotion tier that was redeemed, in the place of a voucher: `voucher` has its id as id and code then. */
const Promotion = v.object({
  id: v.string(),
  name: v.string(),
  hierarchy: v.number(),
  banner: v.optional(v.string()),
})
export type Promotion = v.InferOutput<typeof Promotion>

/** What the points of a loyalty card paid for. */
const PaidWithPoints = v.object({
  /** Id of the card. */
  card: v.string(),
  points: Amount,
  reward: v.object({ id: v.string(), name: v.string(), type: v.string(), revision: v.string() }),
  assignment: v.string(),
  /** The tier of the card, which may have changed the price. */
  tier: v.optional(v.string()),
})
export type PaidWithPoints = v.InferOutput<typeof PaidWithPoints>

/** A redeemable of the request that was left out of what was redeemed: it may not be redeemed, or had no place beside the others. */
const LeftOut = v.object({
  code: v.string(),
  isTier: v.optional(v.boolean()),
  refusal: v.optional(v.object({ key: v.string(), details: v.string(), ruleMessage: v.optional(v.string()) })),
  skipped: v.optional(v.string()),
})
export type LeftOut = v.InferOutput<typeof LeftOut>

/** What a request said of itself, kept with each of its redemptions. */
const asked = {
  /** The request, whose redemptions come about together or not at all. */
  request: v.string(),
  metadata: v.optional(Metadata),
  trackingId: v.optional(v.string()),
  /** `X-Voucherify-Channel`. */
  channel: v.string(),
  /** The name of the API key. */
  apiKey: v.string(),
}

/** The ledgers that keep the redemption's place, by the names of their streams. */
const Ledgers = v.array(v.string())

/** What was bought, what the caller added, and the values that rules compared. */
const personal = wholeFields({ order: undefined, metadata: undefined, because: undefined }, undefined, {
  order: sumsOf,
})

const Succeeded = v.object({
  redemption: v.string(),
  ...asked,
  /** Its place among the redeemables of the request, from 0, and how many these are. */
  place: v.number(),
  of: v.number(),
  voucher: RedeemedVoucher,
  campaign: v.optional(Campaign),
  promotion: v.optional(Promotion),
  discount: v.optional(Discount),
  /** Gift credits taken, minor units. */
  credits: v.optional(Amount),
  /** Points of a loyalty card: what they paid is a fact of the card in the same append. */
  paid: v.optional(PaidWithPoints),
  /** What came off the order by this redeemable, minor units. */
  applied: v.optional(Amount),
  /** The order as it is after all redeemables; its items only with the first of them. */
  order: v.optional(v.looseObject({ amount: v.optional(v.number()) })),
  share: Share,
  ledgers: Ledgers,
  session: v.optional(v.string()),
  /** The order has facts of its own. */
  ordered: v.optional(v.boolean()),
  /** What a referral code says of its holder: the redemption may convert. */
  referral: v.optional(ReferralOffer),
  /** With the first redemption of a request. */
  leftOut: v.optional(v.array(LeftOut)),
  /** The truth tables of the rules that held. */
  because: v.optional(v.array(v.object({ rule: v.string(), because: v.unknown() }))),
  occurredAt: At,
})
export type Succeeded = v.InferOutput<typeof Succeeded>

interface Row<S extends v.GenericSchema> extends FactRow<RedemptionsState, S> {
  /** The sums after the fact; `evolve` leaves them alone. */
  sums?(sums: RedemptionSums, data: v.InferOutput<S>): RedemptionSums
}

const fact = <S extends v.GenericSchema>(schema: S, row: Partial<Omit<Row<S>, 'schema'>>): Row<S> => ({
  version: 1,
  schema,
  ...row,
})

export const redemptionFacts = {
  /** One for each redeemable of a request, in one append. */
  RedemptionSucceeded: fact(Succeeded, {
    personal,
    event: 'customer.redemption.succeeded',
    sums: (sums, data) => ({ ...withOrder(sums, data, 1), succeeded: sums.succeeded + 1 }),
    evolve: (state, data) => ({
      ...state,
      ...counting(state, data, 1),
      made: { ...recent(state.made, data.occurredAt), [data.redemption]: data },
    }),
  }),
  /** A request was refused, with the first redeemable that was at fault. */
  RedemptionFailed: fact(
    v.object({
      redemption: v.string(),
      ...asked,
      voucher: v.object({ id: v.optional(v.string()), code: v.string() }),
      campaign: v.optional(Campaign),
      promotion: v.optional(Promotion),
      order: v.optional(v.looseObject({ amount: v.optional(v.number()) })),
      reason: v.string(),
      details: v.string(),
      /** The text that the author of the rule wrote for its failure. */
      message: v.optional(v.string()),
      occurredAt: At,
    }),
    {
      personal,
      event: 'customer.redemption.failed',
      sums: (sums) => ({ ...sums, failed: sums.failed + 1 }),
    },
  ),
  /** Whoever asked was not heard of again in time: the request cannot come about any more. */
  RedemptionAbandoned: fact(v.object({ request: v.string(), occurredAt: At }), {
    evolve: (state, { request }) => ({
      ...state,
      abandoned: [...state.abandoned.slice(1 - MAX_ABANDONED), request],
    }),
  }),
  RedemptionRolledBack: fact(
    v.object({
      rollback: v.string(),
      /** The request for the rollback: those of one redemption request come about together. */
      parent: v.string(),
      redemption: v.string(),
      ...asked,
      /** The redemption's place among the redeemables of its request. */
      place: v.number(),
      voucher: RedeemedVoucher,
      campaign: v.optional(Campaign),
      promotion: v.optional(Promotion),
      order: v.optional(v.looseObject({ amount: v.optional(v.number()) })),
      credits: v.optional(Amount),
      paid: v.optional(PaidWithPoints),
      applied: v.optional(Amount),
      reason: v.optional(v.string()),
      ordered: v.optional(v.boolean()),
      /** The order is not told of it. */
      orderStays: v.optional(v.boolean()),
      share: Share,
      ledgers: Ledgers,
      occurredAt: At,
    }),
    {
      personal,
      event: 'customer.redemption.rollback.succeeded',
      sums: (sums, data) => ({ ...withOrder(sums, data, -1), rolledBack: sums.rolledBack + 1 }),
      evolve: (state, data) => {
        const one = state.made[data.redemption]
        const made = one ? { ...state.made, [data.redemption]: { ...one, rolledBack: data.rollback } } : state.made
        return { ...state, ...counting(state, data, -1), made }
      },
    },
  ),
  RedemptionRollbackFailed: fact(
    v.object({
      rollback: v.string(),
      redemption: v.string(),
      ...asked,
      voucher: v.object({ id: v.optional(v.string()), code: v.string() }),
      campaign: v.optional(Campaign),
      promotion: v.optional(Promotion),
      reason: v.string(),
      details: v.string(),
      occurredAt: At,
    }),
    {
      personal,
      event: 'customer.redemption.rollback.failed',
      sums: (sums) => ({ ...sums, rollbackFailed: sums.rollbackFailed + 1 }),
    },
  ),
} as const

type Registry = typeof redemptionFacts
export type RedemptionFactType = keyof Registry
export type RedemptionFactData<T extends RedemptionFactType> = DataIn<Registry, T>
export type RedemptionFact = FactIn<Registry>

const evolveRow = evolveBy<RedemptionsState>(redemptionFacts)

export const evolveSums = (sums: RedemptionSums, { type, data }: RedemptionFact): RedemptionSums => {
  const row: Row<v.GenericSchema> = redemptionFacts[type]
  return row.sums?.(sums, data) ?? sums
}

export const evolveRedemptions = (state: RedemptionsState, fact: RedemptionFact): RedemptionsState =>
  evolveRow({ ...state, sums: evolveSums(state.sums, fact) }, fact)

export const isRedemptionFact = (fact: { readonly type: string; readonly data: unknown }): fact is RedemptionFact =>
  Object.hasOwn(redemptionFacts, fact.type)

const STREAM = 'redemption-'
/** The stream that decides a request without a customer. */
export const redemptionStream = (request: string): string => `${STREAM}${request}`
export const requestOfStream = (stream: string): string | undefined =>
  stream.startsWith(STREAM) ? stream.slice(STREAM.length) : undefined
