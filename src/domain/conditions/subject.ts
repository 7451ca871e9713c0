// What conditions may ask: the customer's side (subject) and the side of what is being decided (context).
import type { AccumulatorState } from './accumulate.ts'
import type { Steps } from './steps.ts'

export type { AccumulatorState } from './accumulate.ts'

/** One event of a customer, custom or internal, under its public type. */
export interface Occurrence {
  readonly id: string
  readonly type: string
  /** When the customer acted, ms. At most `AHEAD_MS` after it was recorded. */
  readonly occurredAt: number
  readonly metadata: Readonly<Record<string, unknown>>
  /**
   * When it was recorded, ms, where that is known: accumulators then keep less. No condition is evaluated for an instant
   * before it.
   */
  readonly recordedAt?: number
}

/** How far the time of an event may lie ahead of its recording (ms): it does not count before that time has come. */
export const AHEAD_MS = 300_000

/** How often an event type was seen, and when first and last by the time at which the customer acted (ms). */
export interface OccurrenceStats {
  readonly count: number
  readonly first: number
  readonly last: number
  /**
   * Kept by `countOccurrence` while something may lie ahead of now: the newest times in order, from the last that had come.
   * Without it no more than one event is taken to lie ahead.
   */
  readonly recent?: readonly number[]
}

/** A customer's own attributes; what was never given is absent. */
export interface SubjectProfile {
  readonly source_id?: string
  readonly name?: string
  readonly description?: string
  readonly email?: string
  readonly phone?: string
  /** A day, `YYYY-MM-DD`, or a time. */
  readonly birthdate?: string
  readonly address?: Readonly<Record<string, string>>
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly unsubscribed?: readonly string[]
}

/** A customer as conditions see it. */
export interface Subject {
  readonly profile: SubjectProfile
  /** Instants in ms. */
  readonly createdAt: number
  readonly updatedAt?: number
  readonly occurrences: Readonly<Record<string, OccurrenceStats>>
  /** By the key of the accumulator's spec; one that is missing is taken to have seen nothing. */
  readonly accumulators: Readonly<Record<string, AccumulatorState>>
  readonly segments: Readonly<Record<string, { readonly since: number }>>
  /** The spendable points in a campaign, by id or name; undefined without a card. */
  readonly points: (campaign: string) => number | undefined
  /** Totals of orders and redemptions, as the customer object of the HTTP contract holds them. */
  readonly summary?: Readonly<Record<string, unknown>>
}

/** Items that the order of a request may have. */
export const MAX_ORDER_ITEMS = 500

/** An item of an order, as far as rules ask; amounts in minor units. */
export interface OrderItem {
  readonly product_id?: string
  readonly sku_id?: string
  readonly source_id?: string
  readonly quantity?: number
  readonly price?: number
  readonly amount?: number
  readonly product?: Readonly<Record<string, unknown>>
  readonly sku?: Readonly<Record<string, unknown>>
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** An order, as far as rules ask; amounts in minor units. */
export interface Order {
  readonly amount?: number
  readonly total_amount?: number
  readonly initial_amount?: number
  readonly items?: readonly OrderItem[]
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** The redemption that is being decided, as far as rules ask. */
export interface Redemption {
  readonly metadata?: Readonly<Record<string, unknown>>
  /** The name of the API key that asks. */
  readonly api_key?: string
  readonly user?: string
  /** Gift credits to be taken, minor units. */
  readonly gift_amount?: number
  /** Points to be paid for a reward. */
  readonly points_used?: number
  /** Whether the customer is the one to whom the code was given. */
  readonly linked_customer?: boolean
}

/** What is being decided, beside the customer. What is absent makes conditions on it fail. */
export interface Context {
  readonly event?: Pick<Occurrence, 'type' | 'metadata' | 'occurredAt'>
  readonly order?: Order
  readonly redemption?: Redemption
  /**
   * Counters of budgets by the rule's name (`redemption.count.per_customer`, `campaign.orders.amount`, …), the decided
   * redemption included; undefined where there is none, `'skip'` where the budget is not to be judged: the rule then holds.
   */
  readonly measures?: (name: string) => number | 'skip' | undefined
  /** What all evaluations of one decision may cost together; without it each has as much for itself. */
  readonly steps?: Steps
}

/** The context while the items of an order are asked one by one. */
export interface ItemContext extends Context {
  readonly item?: OrderItem
  /** The items among which `item` is looked at. */
  readonly items?: readonly OrderItem[]
}

export const NO_CONTEXT: Context = {}
