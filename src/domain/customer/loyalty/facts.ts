// Facts of a customer's loyalty cards: each change of points says how much, on which card, why, and what the balance became.
import * as v from 'valibot'
import { wholeFields } from '../../personal.ts'
import { CardTraits } from '../../rulebook/voucherSpec.ts'
import { type DataIn, type FactIn, type FactRow, rowsOf } from '../factRow.ts'
import { type Card, heldTier, recentSpends, rezoned, without } from './state.ts'

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

const RewardRef = v.object({ id: v.string(), name: v.string(), type: v.string(), revision: v.string() })
export type RewardRef = v.InferOutput<typeof RewardRef>

const redemption = {
  redemption: v.string(),
  reward: RewardRef,
  assignment: v.string(),
  /** The fact by which one of the stock was reserved for it; absent for rewards without a bound. */
  reservation: v.optional(v.string()),
}

/** The values that a rule compared. */
const truthTable = wholeFields({ 'because.rule': undefined })

/** What a change of a balance is called by the contract as a transaction, and what it does to a card. */
interface Movement {
  readonly type: string
  readonly sign: 1 | -1
  /** What it counts in the card's sums, times its points. */
  readonly total: 1 | 0 | -1
  readonly redeemed: 1 | 0 | -1
  readonly expired: 1 | 0
}

/** Rows change the card that the fact is of; issuing and closing one are of `evolveCard`. */
const fact = rowsOf<Card>()

/** A row of a change of a balance: lots, balance and sums follow from the movement. */
const moving = <const M extends Movement, S extends v.GenericSchema>(
  movement: M,
  schema: S,
  row: Partial<Omit<FactRow<Card, S>, 'schema'>>,
) => ({ ...fact(schema, row), movement })

const GIVEN = { sign: 1, total: 1, redeemed: 0, expired: 0 } as const
const TAKEN = { sign: -1, total: -1, redeemed: 0, expired: 0 } as const

/** What somebody asked for; the rest follows from rules, from time or from what another customer did. */
const category = 'ACTION'
const POINTS_CHANGED = 'customer.voucher.loyalty_card.points_added'
const TRANSFERRED = 'customer.voucher.loyalty_card.points_transferred'
const PENDING = 'customer.voucher.loyalty_card.pending_points'

const arrived = (card: Card, { transfer }: { readonly transfer: string }): Card => ({
  ...card,
  transit: without(card.transit, transfer),
})

const joined = (
  card: Card,
  {
    to,
    occurredAt,
    until,
  }: { readonly to: v.InferOutput<typeof Ref>; readonly occurredAt: number; readonly until: number | null },
): Card => ({ ...card, tier: heldTier(to, occurredAt, until) })

const noMorePending = (card: Card, id: string): Card => ({
  ...card,
  pending: card.pending.filter((one) => one.id !== id),
})

const switched =
  (active: boolean) =>
  (card: Card, { occurredAt }: { readonly occurredAt: number }): Card => ({ ...card, active, updatedAt: occurredAt })

export const loyaltyFacts = {
  LoyaltyCardIssued: fact(
    v.object({
      card: CardRef,
      campaign: Ref,
      /** `rule`: a rule called for it, and the code is reserved only now; `request`: its code was reserved before. */
      by: v.picklist(['rule', 'request']),
      metadata: v.optional(v.record(v.string(), v.unknown())),
      source: v.optional(v.string()),
      /** The request that gave it out. */
      publication: v.optional(v.string()),
      /** The caller's own name of the publication. */
      sourceId: v.optional(v.string()),
      /** What its code said of itself before anybody had it. */
      own: v.optional(CardTraits),
      occurredAt: At,
    }),
    { personal: wholeFields({ metadata: undefined }), event: 'customer.publication.succeeded' },
  ),
  /** The code that a rule had given was another's already. */
  LoyaltyCardCodeReplaced: fact(
    v.object({ card: CardRef, campaign: Ref, before: v.string(), attempt: Whole, occurredAt: At }),
    { evolve: (card, data) => ({ ...card, code: data.card.code, updatedAt: data.occurredAt }) },
  ),
  LoyaltyCardEnabled: fact(v.object({ card: CardRef, campaign: Ref, occurredAt: At }), { evolve: switched(true) }),
  LoyaltyCardDisabled: fact(v.object({ card: CardRef, campaign: Ref, occurredAt: At }), { evolve: switched(false) }),
  /** The customer is gone, and with the customer what was on the card. */
  LoyaltyCardClosed: fact(v.object({ card: CardRef, campaign: Ref, balance: Whole, occurredAt: At })),
  PointsEarned: moving({ type: 'POINTS_ACCRUAL', ...GIVEN }, v.object({ ...movement, ...earning }), {
    personal: truthTable,
    event: 'customer.rewarded.loyalty_points',
  }),
  PointsAdded: moving({ type: 'POINTS_ADDITION', ...GIVEN }, v.object({ ...movement, ...request }), {
    event: POINTS_CHANGED,
    category,
  }),
  PointsRemoved: moving({ type: 'POINTS_REMOVAL', ...TAKEN }, v.object({ ...movement, ...request }), {
    event: POINTS_CHANGED,
    category,
  }),
  /** An order that had paid points was cancelled: those of them that are still there are gone. */
  PointsTakenBack: moving(
    { type: 'POINTS_REMOVAL', ...TAKEN },
    v.object({
      ...movement,
      order: v.string(),
      /** The transaction that gave them, and how many it gave: fewer are left where some were spent. */
      related: v.string(),
      given: Whole,
    }),
    { event: POINTS_CHANGED },
  ),
  PointsExpired: moving(
    { type: 'POINTS_EXPIRATION', sign: -1, total: 0, redeemed: 0, expired: 1 },
    v.object(movement),
    { event: 'customer.voucher.loyalty_card.points_expired' },
  ),
  /** Points left for another card. When that card cannot take them they come back. */
  PointsTransferredOut: moving(
    { type: 'POINTS_TRANSFER_OUT', ...TAKEN },
    v.object({ ...movement, ...request, transfer: v.string(), to: Counterpart, related: v.string() }),
    {
      event: TRANSFERRED,
      category,
      evolve: (card, { transfer, points, lots, transaction }) => ({
        ...card,
        transit: { ...card.transit, [transfer]: { points, lots, transaction } },
      }),
    },
  ),
  PointsTransferredIn: moving(
    { type: 'POINTS_TRANSFER_IN', ...GIVEN },
    v.object({ ...movement, ...request, transfer: v.string(), from: Counterpart, related: v.string() }),
    { event: TRANSFERRED },
  ),
  /** The other card could not take them: the same points are back under their old dates. */
  PointsTransferReturned: moving(
    { type: 'POINTS_TRANSFER_IN', ...GIVEN },
    v.object({ ...movement, transfer: v.string(), to: Counterpart, related: v.string(), reason: v.string() }),
    { event: TRANSFERRED, evolve: arrived },
  ),
  /** The transfer reached its card: nothing is under way any more. */
  PointsTransferSettled: fact(v.object({ card: CardRef, campaign: Ref, transfer: v.string(), occurredAt: At }), {
    evolve: arrived,
  }),
  /** This card cannot take what was sent to it, and why. */
  PointsTransferRejected: fact(
    v.object({
      card: CardRef,
      transfer: v.string(),
      from: Counterpart,
      key: v.string(),
      reason: v.string(),
      occurredAt: At,
    }),
  ),
  PointsSpent: moving(
    { type: 'POINTS_REDEMPTION', sign: -1, total: 0, redeemed: 1, expired: 0 },
    v.object({ ...movement, ...request, ...redemption }),
    {
      event: 'customer.reward_redemptions.completed',
      category,
      evolve: (card, { redemption, points, lots, reward, assignment, reservation, occurredAt }) => {
        const kept = reservation === undefined ? {} : { reservation }
        const spend = { at: occurredAt, points, lots, reward, assignment, ...kept }
        const spends = { ...recentSpends(card.spends, occurredAt), [redemption]: spend }
        return { ...card, payments: card.payments + 1, spends }
      },
    },
  ),
  PointsRefunded: moving(
    { type: 'POINTS_REFUND', sign: 1, total: 0, redeemed: -1, expired: 0 },
    v.object({ ...movement, ...request, ...redemption }),
    {
      event: 'customer.reward_redemptions.rolledback',
      category,
      evolve: (card, { redemption }) => ({
        ...card,
        payments: card.payments - 1,
        spends: without(card.spends, redemption),
      }),
    },
  ),
  /** The stock was reserved, but the card could not pay. */
  RewardDeclined: fact(
    v.object({ ...redemption, card: v.string(), key: v.string(), reason: v.string(), occurredAt: At }),
    { event: 'customer.redemption.failed' },
  ),
  PendingPointsAdded: fact(v.object({ card: CardRef, campaign: Ref, pending: Pending, ...earning, occurredAt: At }), {
    personal: truthTable,
    event: `${PENDING}.added`,
    evolve: (card, { pending, rule, cause: { fact, type, order }, occurredAt }) => {
      const cause = { fact, type, ...(order === undefined ? {} : { order }) }
      return { ...card, pending: [...card.pending, { ...pending, rule: rule.id, cause, createdAt: occurredAt }] }
    },
  }),
  PendingPointsUpdated: fact(
    v.object({ card: CardRef, campaign: Ref, pending: Pending, before: Whole, ...request, occurredAt: At }),
    {
      event: `${PENDING}.updated`,
      category,
      evolve: (card, { pending: { id, points } }) => ({
        ...card,
        pending: card.pending.map((one) => (one.id === id ? { ...one, points } : one)),
      }),
    },
  ),
  PendingPointsCanceled: fact(
    v.object({ card: CardRef, campaign: Ref, pending: Pending, ...request, occurredAt: At }),
    { event: `${PENDING}.canceled`, category, evolve: (card, { pending }) => noMorePending(card, pending.id) },
  ),
  PendingPointsActivated: moving(
    { type: 'PENDING_POINTS_ACTIVATION', ...GIVEN },
    v.object({
      ...movement,
      pending: v.string(),
      rule: v.optional(v.string()),
      /** The order that they were earned by. */
      order: v.optional(v.string()),
    }),
    { event: `${PENDING}.activated`, evolve: (card, { pending }) => noMorePending(card, pending) },
  ),
  LoyaltyTierJoined: fact(v.object({ ...tierChange, to: Ref }), {
    event: 'customer.loyalty.tier.joined',
    evolve: joined,
  }),
  LoyaltyTierLeft: fact(v.object({ ...tierChange, from: Ref }), {
    event: 'customer.loyalty.tier.left',
    evolve: (card) => ({ ...card, tier: null }),
  }),
  LoyaltyTierUpgraded: fact(v.object({ ...tierChange, from: Ref, to: Ref }), {
    event: 'customer.loyalty.tier.upgraded',
    evolve: joined,
  }),
  LoyaltyTierDowngraded: fact(v.object({ ...tierChange, from: Ref, to: Ref }), {
    event: 'customer.loyalty.tier.downgraded',
    evolve: joined,
  }),
  /** The project's time zone changed: what ended with a day ends with that day in the new one, and what is counted by days too. */
  CardRezoned: fact(
    v.object({
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
    { evolve: (card, { expiries }) => rezoned(card, new Map(expiries.map(({ before, after }) => [before, after]))) },
  ),
  LoyaltyTierProlonged: fact(v.object({ ...tierChange, to: Ref }), {
    event: 'customer.loyalty.tier.prolonged',
    evolve: (card, { to, occurredAt, until }) => ({
      ...card,
      tier: heldTier(to, card.tier?.since ?? occurredAt, until),
    }),
  }),
} as const

type Registry = typeof loyaltyFacts
export type LoyaltyFactType = keyof Registry
export type LoyaltyFactData<T extends LoyaltyFactType> = DataIn<Registry, T>
export type LoyaltyFact = FactIn<Registry>

export const isLoyaltyFact = <F extends { readonly type: string }>(fact: F): fact is Extract<F, LoyaltyFact> =>
  Object.hasOwn(loyaltyFacts, fact.type)

export type MovementType = {
  [T in LoyaltyFactType]: Registry[T] extends { readonly movement: Movement } ? T : never
}[LoyaltyFactType]
export type MovementFact = Extract<LoyaltyFact, { readonly type: MovementType }>

/** The changes of a balance, by the fact's type. */
export const MOVEMENTS = Object.fromEntries(
  Object.entries(loyaltyFacts).flatMap(([type, row]) => ('movement' in row ? [[type, row.movement]] : [])),
) as { readonly [T in MovementType]: Registry[T]['movement'] }

export const isMovement = <F extends { readonly type: string }>(fact: F): fact is Extract<F, MovementFact> =>
  Object.hasOwn(MOVEMENTS, fact.type)
