// Conditions of segments, rules, earning rules and distributions, in the forms that the API takes, checked by the compiler.
import type { OperandOf, OperatorOn } from './operations.gen.ts'

type Scalar = string | number | boolean
/** A number; public formats write it as a text too. */
type Amount = number | `${number}`
/** A day, `2026-01-31`, or a time. */
type Instant = string

/** How operands are written, by the names that `OperandOf` has for it; values are of type `T`. */
interface Written<T> {
  readonly values: T | readonly T[]
  readonly true: true
  readonly amount: Amount
  readonly amounts: Amount | readonly Amount[]
  readonly 'amount or instant': Amount | Instant
  readonly instant: Instant
  readonly 'instant or amounts': Instant | Amount | readonly Amount[]
  /** Days, or an ISO 8601 duration such as `P1M`. */
  readonly distance: Amount | string
  readonly circle:
    | `${number},${number},${number}`
    | { readonly latitude: number; readonly longitude: number; readonly metres: number }
  readonly text: string
}

/** At least one of the operators of a kind of values; all that are named must pass. */
type TestsOn<K extends keyof OperatorOn, T> = { readonly [O in OperatorOn[K]]?: Written<T>[OperandOf[O]] }

export type TextTests = TestsOn<'string', string>
export type NumberTests = TestsOn<'number', Amount>
export type BooleanTests = TestsOn<'boolean', boolean | 'true' | 'false'>
export type DateTests = TestsOn<'date', Instant>
export type TimeTests = TestsOn<'datetime', Instant>
export type ListTests = TestsOn<'array', Scalar>
/** Of what may be anything, such as metadata. */
export type AnyTests = TestsOn<'any', Scalar>

type TextAttribute = 'source_id' | 'name' | 'description' | 'email' | 'phone' | `address.${string}`
interface AttributeTests {
  readonly birthdate: DateTests
  readonly birthday: DateTests
  readonly created_at: TimeTests
  readonly updated_at: TimeTests
  readonly unsubscribed: ListTests
  readonly 'summary.orders.last_order_date': TimeTests
}
/** The operators for an attribute, by its name. */
type TestsFor<A extends string> = A extends keyof AttributeTests
  ? AttributeTests[A]
  : A extends TextAttribute
    ? TextTests
    : A extends `summary.${string}`
      ? NumberTests
      : AnyTests

export type AttributeName = TextAttribute | keyof AttributeTests | `summary.${string}` | `metadata.${string}`

/** A condition in the native form. */
export type Condition = Readonly<Record<string, unknown>>

/** Which events count: over a length of time, a period of the calendar, or from one instant to another; all when nothing is said. */
export type EventWindow =
  | { readonly within?: never; readonly period?: never; readonly from?: Instant; readonly to?: Instant }
  | { readonly within: `P${string}`; readonly period?: never; readonly from?: never; readonly to?: never }
  | { readonly within?: never; readonly period: Period; readonly from?: never; readonly to?: never }
export type Period = `${'this' | 'last'}_${'day' | 'week' | 'month' | 'quarter' | 'year'}`

/** What is asked of them: how many (at least one when nothing is said), how much, when first or last. */
export type EventQuestion =
  | { readonly count?: NumberTests; readonly sum?: never; readonly first?: never; readonly last?: never }
  | {
      readonly count?: never
      readonly sum: NumberTests & { readonly property: string }
      readonly first?: never
      readonly last?: never
    }
  | { readonly count?: never; readonly sum?: never; readonly first: TimeTests; readonly last?: never }
  | { readonly count?: never; readonly sum?: never; readonly first?: never; readonly last: TimeTests }

/** All of them hold. */
export const all = (...conditions: readonly Condition[]): Condition => ({ all: conditions })
/** One of them holds at least. */
export const any = (...conditions: readonly Condition[]): Condition => ({ any: conditions })
export const not = (condition: Condition): Condition => ({ not: condition })

/** Events of the customer; `where` selects among them by their own metadata: see `property`. */
export const event = (
  name: string,
  asked: EventQuestion & EventWindow & { readonly where?: Condition | readonly Condition[] } = {},
): Condition => ({ event: name, ...asked })

/** What is known of the customer. */
export const attribute = <A extends AttributeName>(name: A, tests: TestsFor<A>): Condition => ({
  attribute: name,
  ...tests,
})

/** The customer is in a segment. */
export const segment = (id: string): Condition => ({ segment: id })

/** The balance of the customer's card in a program, by its id or name. */
export const points = (campaign: string, tests: NumberTests): Condition => ({ points: campaign, ...tests })

/** Metadata of an event: of the one being decided, or in `where` of those that are counted. */
export const property = (name: string, tests: AnyTests): Condition => ({ property: name, ...tests })

/** The order, the redemption or a budget, by the names of validation rules; `of` names a property of metadata. */
export const context = (name: string, tests: AnyTests, of?: string): Condition => ({
  context: name,
  ...(of === undefined ? {} : { property: of }),
  ...tests,
})

/** Fields of the public filter form, with their operators. */
type FilterFields = { readonly [F in AttributeName]?: TestsFor<F> } & {
  readonly [count in `events.${string}.count`]?: NumberTests
} & { readonly [time in `events.${string}.${'last' | 'first' | 'last_occurred' | 'first_occurred'}`]?: TimeTests } & {
  readonly [points in `loyalty_points.campaigns.${string}.points`]?: NumberTests
} & { readonly segment?: Pick<TextTests, '$is' | '$is_not' | '$in' | '$not_in'> }

/** A segment's `filter` in the public form: fields joined by one junction. */
export const filter = (junction: 'and' | 'or', fields: FilterFields): Readonly<Record<string, unknown>> => ({
  junction,
  ...Object.fromEntries(Object.entries(fields).map(([field, conditions]) => [field, { conditions }])),
})

/** One rule of a validation rule, or several joined. */
export type Rule =
  | { readonly is: 'rule'; readonly rule: Readonly<Record<string, unknown>> }
  | { readonly is: 'and' | 'or'; readonly of: readonly Rule[] }

export interface RuleOptions {
  /** The property that is asked, of names that end in `metadata`. */
  readonly property?: string
  /** Rules on the items that this one finds. */
  readonly rules?: Rule
  /** What is said when this rule fails. */
  readonly message?: string
}

/** A rule by its name in the public form, such as `order.amount` or `customer.segment`. */
export const rule = (
  name: string,
  conditions: AnyTests,
  { property: of, rules: inner, message }: RuleOptions = {},
): Rule => ({
  is: 'rule',
  rule: {
    name,
    property: of ?? null,
    conditions,
    rules: inner === undefined ? {} : rules(inner),
    ...(message === undefined ? {} : { error: { message } }),
  },
})
export const and = (...of: readonly Rule[]): Rule => ({ is: 'and', of })
export const or = (...of: readonly Rule[]): Rule => ({ is: 'or', of })

/** The `rules` of a validation rule: numbered, with the logic that joins them. */
export const rules = (tree: Rule): Readonly<Record<string, unknown>> => {
  const numbered: Record<string, unknown> = {}
  const logicOf = (node: Rule, { isTop = false } = {}): string => {
    if (node.is === 'rule') {
      const number = String(Object.keys(numbered).length + 1)
      numbered[number] = node.rule
      return number
    }
    if (node.of.length === 0) throw new TypeError(`${node.is}() needs a rule`)
    const parts = node.of.map((one) => logicOf(one))
    const joined = parts.join(` ${node.is} `)
    return isTop || parts.length === 1 ? joined : `(${joined})`
  }
  const logic = logicOf(tree, { isTop: true })
  return { ...numbered, logic }
}
