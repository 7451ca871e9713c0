// Facts of redemptions, in the stream of the customer who redeems; of those without a customer in a stream of the request's own.
import * as v from 'valibot'
import { wholeFields } from '../../personal.ts'
import { Discount, VoucherType } from '../../rulebook/voucherSpec.ts'
import { ReferralOffer } from '../referrals/offer.ts'
import { Share } from './share.ts'

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
const personal = wholeFields({ order: undefined, metadata: undefined, because: undefined })

export const redemptionFacts = {
  /** One for each redeemable of a request, in one append. */
  RedemptionSucceeded: {
    version: 1,
    personal,
    schema: v.object({
      redemption: v.string(),
      ...asked,
      /** Its place among the redeemables of the request, from 0, and how many these are. */
      place: v.number(),
      of: v.number(),
      voucher: RedeemedVoucher,
      campaign: v.optional(Campaign),
      discount: v.optional(Discount),
      /** Gift credits taken, minor units. */
      credits: v.optional(Amount),
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
      /** The truth tables of the rules that held. */
      because: v.optional(v.array(v.object({ rule: v.string(), because: v.unknown() }))),
      occurredAt: At,
    }),
  },
  /** A request was refused, with the first redeemable that was at fault. */
  RedemptionFailed: {
    version: 1,
    personal,
    schema: v.object({
      redemption: v.string(),
      ...asked,
      voucher: v.object({ id: v.optional(v.string()), code: v.string() }),
      campaign: v.optional(Campaign),
      order: v.optional(v.looseObject({ amount: v.optional(v.number()) })),
      reason: v.string(),
      details: v.string(),
      /** The text that the author of the rule wrote for its failure. */
      message: v.optional(v.string()),
      occurredAt: At,
    }),
  },
  /** Whoever asked was not heard of again in time: the request cannot come about any more. */
  RedemptionAbandoned: { version: 1, schema: v.object({ request: v.string(), occurredAt: At }) },
  RedemptionRolledBack: {
    version: 1,
    personal,
    schema: v.object({
      rollback: v.string(),
      /** The request for the rollback: those of one redemption request come about together. */
      parent: v.string(),
      redemption: v.string(),
      ...asked,
      /** The redemption's place among the redeemables of its request. */
      place: v.number(),
      voucher: RedeemedVoucher,
      campaign: v.optional(Campaign),
      order: v.optional(v.looseObject({ amount: v.optional(v.number()) })),
      credits: v.optional(Amount),
      applied: v.optional(Amount),
      reason: v.optional(v.string()),
      ordered: v.optional(v.boolean()),
      share: Share,
      ledgers: Ledgers,
      occurredAt: At,
    }),
  },
  RedemptionRollbackFailed: {
    version: 1,
    personal,
    schema: v.object({
      rollback: v.string(),
      redemption: v.string(),
      ...asked,
      voucher: v.object({ id: v.optional(v.string()), code: v.string() }),
      campaign: v.optional(Campaign),
      reason: v.string(),
      details: v.string(),
      occurredAt: At,
    }),
  },
} as const

type Registry = typeof redemptionFacts
export type RedemptionFactType = keyof Registry
export type RedemptionFactData<T extends RedemptionFactType> = v.InferOutput<Registry[T]['schema']>
export type RedemptionFact = {
  [T in RedemptionFactType]: { readonly type: T; readonly data: RedemptionFactData<T> }
}[RedemptionFactType]

export const isRedemptionFact = (fact: { readonly type: string; readonly data: unknown }): fact is RedemptionFact =>
  Object.hasOwn(redemptionFacts, fact.type)

const STREAM = 'redemption-'
/** The stream that decides a request without a customer. */
export const redemptionStream = (request: string): string => `${STREAM}${request}`
export const requestOfStream = (stream: string): string | undefined =>
  stream.startsWith(STREAM) ? stream.slice(STREAM.length) : undefined
