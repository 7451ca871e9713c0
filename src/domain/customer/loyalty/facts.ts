// Facts of a customer's loyalty cards: each change of points says how much, on which card, why, and what the balance became.
import * as v from 'valibot'
import { wholeFields } from '../../personal.ts'

const At = v.pipe(v.number(), v.integer())
const Whole = v.pipe(v.number(), v.integer(), v.minValue(0))

export const Ref = v.object({ id: v.string(), name: v.string() })
export const CardRef = v.object({ id: v.string(), code: v.string() })
export type CardRef = v.InferOutput<typeof CardRef>

/** Points put into, or taken out of, the bucket of one expiry. */
const Lot = v.object({ bucket: v.string(), points: Whole, expiresAt: v.nullable(At) })
export type Lot = v.InferOutput<typeof Lot>

/** What every change of a balance says. */
const movement = {
  /** Public id of the transaction. */
  transaction: v.string(),
  card: CardRef,
  campaign: Ref,
  /** How many; the fact's type says in which direction. */
  points: Whole,
  balance: v.object({ before: Whole, after: Whole }),
  /** Points ever given less those taken away, after this change. */
  total: Whole,
  lots: v.array(Lot),
  occurredAt: At,
}

/** Who asked for it, and in which words. */
const request = {
  reason: v.optional(v.string()),
  sourceId: v.optional(v.string()),
  /** The caller's channel. */
  source: v.optional(v.string()),
}

/** The other card of a transfer. */
const Counterpart = v.object({ customer: v.string(), card: CardRef, campaign: Ref })
export type Counterpart = v.InferOutput<typeof Counterpart>

/** The rule that paid, the event it paid for, and how the amount came about. */
const earning = {
  rule: v.object({ id: v.string(), revision: v.string(), banner: v.optional(v.string()) }),
  cause: v.object({
    fact: v.string(),
    /** The event's public type, or its own name for a custom event. */
    type: v.string(),
    schema: v.optional(v.string()),
    segment: v.optional(Ref),
    /** The order that was paid. */
    order: v.optional(v.string()),
  }),
  /** The day, in the project's time zone, on which the customer acted, and the instant: what bounds per period count by. */
  day: v.string(),
  at: At,
  tier: v.optional(Ref),
  /** The number that a proportional rule was applied to, the points before tier and bounds, and the gate's truth table. */
  because: v.object({ value: v.optional(v.number()), points: Whole, rule: v.optional(v.unknown()) }),
}

const Pending = v.object({ id: v.string(), points: Whole, activatesAt: At })
const tierChange = {
  card: CardRef,
  campaign: Ref,
  /** What was held against the tiers' ranges. */
  points: Whole,
  /** When it is to be looked at again although nothing happens: the end of the qualification period. */
  until: v.nullable(At),
  occurredAt: At,
}

const redemption = {
  redemption: v.string(),
  reward: v.object({ id: v.string(), name: v.string(), type: v.string(), revision: v.string() }),
  assignment: v.string(),
  /** The fact by which one of the stock was reserved for it; absent for rewards without a bound. */
  reservation: v.optional(v.string()),
}

/** The values that a rule compared. */
const truthTable = wholeFields({ 'because.rule': undefined })

export const loyaltyFacts = {
  LoyaltyCardIssued: {
    version: 1,
    personal: wholeFields({ metadata: undefined }),
    schema: v.object({
      card: CardRef,
      campaign: Ref,
      /** `rule`: a rule called for it, and the code is reserved only now; `request`: its code was reserved before. */
      by: v.picklist(['rule', 'request']),
      metadata: v.optional(v.record(v.string(), v.unknown())),
      source: v.optional(v.string()),
      occurredAt: At,
    }),
  },
  /** The code that a rule had given was another's already. */
  LoyaltyCardCodeReplaced: {
    version: 1,
    schema: v.object({ card: CardRef, campaign: Ref, before: v.string(), attempt: Whole, occurredAt: At }),
  },
  LoyaltyCardEnabled: { version: 1, schema: v.object({ card: CardRef, campaign: Ref, occurredAt: At }) },
  LoyaltyCardDisabled: { version: 1, schema: v.object({ card: CardRef, campaign: Ref, occurredAt: At }) },
  /** The customer is gone, and with the customer what was on the card. */
  LoyaltyCardClosed: {
    version: 1,
    schema: v.object({ card: CardRef, campaign: Ref, balance: Whole, occurredAt: At }),
  },
  PointsEarned: { version: 1, schema: v.object({ ...movement, ...earning }), personal: truthTable },
  PointsAdded: { version: 1, schema: v.object({ ...movement, ...request }) },
  PointsRemoved: { version: 1, schema: v.object({ ...movement, ...request }) },
  /** An order that had paid points was cancelled: those of them that are still there are gone. */
  PointsTakenBack: {
    version: 1,
    schema: v.object({
      ...movement,
      order: v.string(),
      /** The transaction that gave them, and how many it gave: fewer are left where some were spent. */
      related: v.string(),
      given: Whole,
    }),
  },
  PointsExpired: { version: 1, schema: v.object(movement) },
  /** Points left for another card. When that card cannot take them they come back. */
  PointsTransferredOut: {
    version: 1,
    schema: v.object({ ...movement, ...request, transfer: v.string(), to: Counterpart, related: v.string() }),
  },
  PointsTransferredIn: {
    version: 1,
    schema: v.object({ ...movement, ...request, transfer: v.string(), from: Counterpart, related: v.string() }),
  },
  /** The other card could not take them: the same points are back under their old dates. */
  PointsTransferReturned: {
    version: 1,
    schema: v.object({ ...movement, transfer: v.string(), to: Counterpart, related: v.string(), reason: v.string() }),
  },
  /** The transfer reached its card: nothing is under way any more. */
  PointsTransferSettled: {
    version: 1,
    schema: v.object({ card: CardRef, campaign: Ref, transfer: v.string(), occurredAt: At }),
  },
  /** This card cannot take what was sent to it, and why. */
  PointsTransferRejected: {
    version: 1,
    schema: v.object({
      card: CardRef,
      transfer: v.string(),
      from: Counterpart,
      key: v.string(),
      reason: v.string(),
      occurredAt: At,
    }),
  },
  PointsSpent: { version: 1, schema: v.object({ ...movement, ...request, ...redemption }) },
  PointsRefunded: { version: 1, schema: v.object({ ...movement, ...request, ...redemption }) },
  /** The stock was reserved, but the card could not pay. */
  RewardDeclined: {
    version: 1,
    schema: v.object({ ...redemption, card: v.string(), key: v.string(), reason: v.string(), occurredAt: At }),
  },
  PendingPointsAdded: {
    version: 1,
    personal: truthTable,
    schema: v.object({ card: CardRef, campaign: Ref, pending: Pending, ...earning, occurredAt: At }),
  },
  PendingPointsUpdated: {
    version: 1,
    schema: v.object({ card: CardRef, campaign: Ref, pending: Pending, before: Whole, ...request, occurredAt: At }),
  },
  PendingPointsCanceled: {
    version: 1,
    schema: v.object({ card: CardRef, campaign: Ref, pending: Pending, ...request, occurredAt: At }),
  },
  PendingPointsActivated: {
    version: 1,
    schema: v.object({
      ...movement,
      pending: v.string(),
      rule: v.optional(v.string()),
      /** The order that they were earned by. */
      order: v.optional(v.string()),
    }),
  },
  LoyaltyTierJoined: { version: 1, schema: v.object({ ...tierChange, to: Ref }) },
  LoyaltyTierLeft: { version: 1, schema: v.object({ ...tierChange, from: Ref }) },
  LoyaltyTierUpgraded: { version: 1, schema: v.object({ ...tierChange, from: Ref, to: Ref }) },
  LoyaltyTierDowngraded: { version: 1, schema: v.object({ ...tierChange, from: Ref, to: Ref }) },
  /** The project's time zone changed: what ended with a day ends with that day in the new one, and what is counted by days too. */
  CardRezoned: {
    version: 1,
    schema: v.object({
      card: CardRef,
      campaign: Ref,
      zone: v.object({ before: v.string(), after: v.string() }),
      /** Ends of days at which points of the card expire, or would if they came back. */
      expiries: v.array(v.object({ before: At, after: At })),
      /** What rules and programs have paid the customer for one day and now count for another; with the first card only. */
      paid: v.optional(
        v.array(v.object({ by: v.string(), before: v.string(), after: v.string(), points: Whole, times: Whole })),
      ),
      occurredAt: At,
    }),
  },
  LoyaltyTierProlonged: { version: 1, schema: v.object({ ...tierChange, to: Ref }) },
} as const

type Registry = typeof loyaltyFacts
export type LoyaltyFactType = keyof Registry
export type LoyaltyFactData<T extends LoyaltyFactType> = v.InferOutput<Registry[T]['schema']>
export type LoyaltyFact = {
  [T in LoyaltyFactType]: { readonly type: T; readonly data: LoyaltyFactData<T> }
}[LoyaltyFactType]

export const isLoyaltyFact = <F extends { readonly type: string }>(fact: F): fact is Extract<F, LoyaltyFact> =>
  Object.hasOwn(loyaltyFacts, fact.type)

/** The changes of a balance: the fact's type, the contract's type of transaction, and what it does to a card. */
export const MOVEMENTS = {
  PointsEarned: { type: 'POINTS_ACCRUAL', sign: 1, total: 1, redeemed: 0, expired: 0 },
  PointsAdded: { type: 'POINTS_ADDITION', sign: 1, total: 1, redeemed: 0, expired: 0 },
  PointsRemoved: { type: 'POINTS_REMOVAL', sign: -1, total: -1, redeemed: 0, expired: 0 },
  PointsTakenBack: { type: 'POINTS_REMOVAL', sign: -1, total: -1, redeemed: 0, expired: 0 },
  PointsExpired: { type: 'POINTS_EXPIRATION', sign: -1, total: 0, redeemed: 0, expired: 1 },
  PointsTransferredOut: { type: 'POINTS_TRANSFER_OUT', sign: -1, total: -1, redeemed: 0, expired: 0 },
  PointsTransferredIn: { type: 'POINTS_TRANSFER_IN', sign: 1, total: 1, redeemed: 0, expired: 0 },
  PointsTransferReturned: { type: 'POINTS_TRANSFER_IN', sign: 1, total: 1, redeemed: 0, expired: 0 },
  PointsSpent: { type: 'POINTS_REDEMPTION', sign: -1, total: 0, redeemed: 1, expired: 0 },
  PointsRefunded: { type: 'POINTS_REFUND', sign: 1, total: 0, redeemed: -1, expired: 0 },
  PendingPointsActivated: { type: 'PENDING_POINTS_ACTIVATION', sign: 1, total: 1, redeemed: 0, expired: 0 },
} as const

export type MovementType = keyof typeof MOVEMENTS
export type MovementFact = Extract<LoyaltyFact, { readonly type: MovementType }>

export const isMovement = <F extends { readonly type: string }>(fact: F): fact is Extract<F, MovementFact> =>
  Object.hasOwn(MOVEMENTS, fact.type)
