// The condition language as data: what every public format is turned into.
import type { Unit } from '../calendar.ts'

export type Scalar = string | number | boolean

/** What kind of value a test meets; `any` where no schema says. */
export type ValueType = 'string' | 'number' | 'boolean' | 'date' | 'datetime' | 'any'

/** A length of time: calendar years and months, and a fixed rest (ms). */
export interface Span {
  readonly years: number
  readonly months: number
  readonly days: number
  readonly ms: number
}

/**
 * A question about one value. Dates: `older` means at least that long ago, `newer` less long ago but not ahead, `later` at
 * least that long ahead, `sooner` less long ahead but not past. `yearly` compares month and day only, as for birthdays.
 */
export type Test =
  | { readonly op: 'in' | 'not_in' | 'includes' | 'not_differ'; readonly values: readonly Scalar[] }
  | {
      readonly op: 'contains' | 'not_contain' | 'starts_with' | 'ends_with'
      readonly values: readonly string[]
    }
  | { readonly op: 'has_value' | 'is_unknown' }
  | { readonly op: 'lt' | 'lte' | 'gt' | 'gte'; readonly value: number }
  | { readonly op: 'size'; readonly compare: 'eq' | 'lt' | 'gt'; readonly value: number }
  | { readonly op: 'after' | 'before' | 'after_equal' | 'before_equal'; readonly at: number }
  | { readonly op: 'older' | 'newer' | 'later' | 'sooner'; readonly by: Span }
  /** The value's day is today moved by so many days; negative is past. */
  | { readonly op: 'on_day'; readonly shift: number; readonly yearly: boolean }
  | { readonly op: 'in_period'; readonly unit: Unit; readonly shift: number; readonly yearly: boolean }
  /** Days since the last (`ago`) or until the next (`ahead`) anniversary; the day itself is 0. */
  | {
      readonly op: 'anniversary'
      readonly direction: 'ago' | 'ahead'
      readonly compare: 'at_most' | 'more'
      readonly days: number
    }
  /** Today is the value's day after so many years. */
  | { readonly op: 'years_ago'; readonly years: number }
  | { readonly op: 'part'; readonly part: 'day' | 'weekday' | 'month' | 'year'; readonly values: readonly number[] }
  /** Inside a stretch of `lasting` that begins at `start` and again after every `every`. */
  | { readonly op: 'recurring'; readonly start: number; readonly every: Span; readonly lasting: Span }
  | { readonly op: 'between'; readonly from: number; readonly to: number }
  /** Between two times of day, `[from, to)` in ms, on given days of the week (0 is Sunday); past midnight when `to <= from`. */
  | { readonly op: 'daily'; readonly from: number; readonly to: number; readonly days: readonly number[] }
  /** Within so many metres of a point. */
  | { readonly op: 'near' | 'not_near'; readonly circles: readonly Circle[] }

export interface Circle {
  readonly latitude: number
  readonly longitude: number
  readonly metres: number
}

/**
 * Which events count. `rolling`: an event at t counts from t until just before t + `ms`. `range`: events in `[from, to)`.
 * `period`: the calendar period in the project's time zone that holds now, moved by `shift` periods.
 */
export type Window =
  | { readonly kind: 'rolling'; readonly ms: number; readonly text: string }
  | { readonly kind: 'range'; readonly from: number | null; readonly to: number | null }
  | { readonly kind: 'period'; readonly unit: Unit; readonly shift: 0 | -1 }

export type Aggregate =
  | { readonly of: 'count' }
  /** Values count to six decimals; what is no number counts nothing. */
  | { readonly of: 'sum'; readonly property: string }
  | { readonly of: 'first' }
  | { readonly of: 'last' }

export interface EventLeaf {
  readonly kind: 'event'
  readonly event: string
  readonly aggregate: Aggregate
  readonly tests: readonly Test[]
  readonly window?: Window
  /** A condition on the event's own metadata: joins and `property` leaves with tests that do not depend on now. */
  readonly where?: Condition
}

export interface AttributeLeaf {
  readonly kind: 'attribute'
  /** Dotted, as in the HTTP contract: `address.city`, `metadata.tier`, `created_at`. */
  readonly attribute: string
  readonly type: ValueType
  readonly tests: readonly Test[]
}

export interface SegmentLeaf {
  readonly kind: 'segment'
  readonly segment: string
}

export interface PointsLeaf {
  readonly kind: 'points'
  readonly campaign: string
  readonly tests: readonly Test[]
}

/** A property of the event in context, or inside `where` of the event that may count. */
export interface PropertyLeaf {
  readonly kind: 'property'
  readonly property: string
  readonly type: ValueType
  readonly tests: readonly Test[]
}

/** A value of the order, the redemption or a budget that is being decided; names are those of validation rules. */
export interface ContextLeaf {
  readonly kind: 'context'
  readonly name: string
  readonly property?: string
  readonly type: ValueType
  readonly tests: readonly Test[]
}

export type Quantifier = 'any' | 'every' | 'none' | 'cheapest' | 'most_expensive'

/** A question about the items of the order; `of` is asked of each item by itself. */
export interface ItemsLeaf {
  readonly kind: 'items'
  readonly quantifier: Quantifier
  /** Which items are looked at; absent for all. */
  readonly among?: Condition
  readonly of: Condition
}

/** One numbered rule of a validation rule, so that an answer can name it. */
export interface RuleNode {
  readonly kind: 'rule'
  /** Its number; nested ones as in `2.1`. */
  readonly rule: string
  readonly name: string
  readonly message?: string
  readonly of: Condition
}

/** The whole of a validation rule with its fallback message. */
export interface RuleSetNode {
  readonly kind: 'ruleset'
  readonly message?: string
  readonly of: Condition
}

export type Leaf = EventLeaf | AttributeLeaf | SegmentLeaf | PointsLeaf | PropertyLeaf | ContextLeaf

export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | Leaf
  | ItemsLeaf
  | RuleNode
  | RuleSetNode
