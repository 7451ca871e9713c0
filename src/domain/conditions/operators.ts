// Every operator of the public formats: its name, what it may be asked of, and the test that it becomes.

import { calendarOf, type Unit } from '../calendar.ts'
import { isRecord } from '../isRecord.ts'
import { at } from '../path.ts'
import type { Test, ValueType } from './ast.ts'
import type { ValueShape } from './environment.ts'
import type { Reading } from './faults.ts'
import {
  anniversary,
  between,
  daily,
  date,
  dayOrWeekday,
  distance,
  equality,
  flag,
  from,
  near,
  onDay,
  order,
  part,
  type Reader,
  recurring,
  size,
  text,
  yearsAgo,
} from './operands.ts'

/** The kinds of values that operators are asked of. */
export const KINDS = ['string', 'number', 'boolean', 'date', 'datetime', 'any', 'array'] as const satisfies readonly (
  | ValueType
  | 'array'
)[]
type Kind = ValueType | 'array'

interface Operator {
  readonly on: readonly Kind[]
  readonly make: Reader
}

const TEXT: readonly Kind[] = ['string', 'any', 'array']
const NUMBER: readonly Kind[] = ['number', 'any']
const DATE: readonly Kind[] = ['date', 'datetime', 'any']
const EVERY: readonly Kind[] = ['string', 'number', 'boolean', 'date', 'datetime', 'any', 'array']
const LIST: readonly Kind[] = ['array', 'any']
const today = (shift: number, { yearly = false } = {}) => flag({ op: 'on_day', shift, yearly })
const period = (unit: Unit, shift: number, { yearly = false } = {}) => flag({ op: 'in_period', unit, shift, yearly })
/** The day and month alone, whatever the year: names with `_md`. */
const YEARLY = { yearly: true }

const atLeast: Operator = { on: NUMBER, make: order('gte') }
const atMost: Operator = { on: NUMBER, make: order('lte') }

/** One row an operator. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  $is: { on: EVERY, make: equality('in') },
  $is_not: { on: EVERY, make: equality('not_in') },
  $in: { on: EVERY, make: equality('in') },
  $not_in: { on: EVERY, make: equality('not_in') },
  $includes: { on: LIST, make: equality('includes') },
  $intersects: { on: LIST, make: equality('in') },
  $not_intersect: { on: LIST, make: equality('not_in') },
  $not_differ: { on: LIST, make: equality('not_differ') },
  $has_value: { on: EVERY, make: flag({ op: 'has_value' }) },
  $is_unknown: { on: EVERY, make: flag({ op: 'is_unknown' }) },
  $contains: { on: TEXT, make: text('contains') },
  $not_contain: { on: TEXT, make: text('not_contain') },
  $starts_with: { on: ['string', 'any'], make: text('starts_with') },
  $ends_with: { on: ['string', 'any'], make: text('ends_with') },
  $more_than: { on: NUMBER, make: order('gt') },
  $less_than: { on: NUMBER, make: order('lt') },
  $more_than_equal: atLeast,
  $more_than_or_equal: atLeast,
  $greater_than_or_equal: atLeast,
  $less_than_equal: atMost,
  $less_than_or_equal: atMost,
  $from: { on: ['number', ...DATE], make: from },
  $after: { on: DATE, make: date('after') },
  $after_equal: { on: DATE, make: date('after_equal') },
  $before: { on: DATE, make: date('before') },
  $before_equal: { on: DATE, make: date('before_equal') },
  $more_than_ago: { on: DATE, make: distance('older') },
  $less_than_ago: { on: DATE, make: distance('newer') },
  $more_than_future: { on: DATE, make: distance('later') },
  $less_than_future: { on: DATE, make: distance('sooner') },
  $is_days_ago: { on: DATE, make: onDay(-1) },
  $is_days_in_future: { on: DATE, make: onDay(1) },
  $is_days_ago_md: { on: DATE, make: onDay(-1, YEARLY) },
  $is_days_in_future_md: { on: DATE, make: onDay(1, YEARLY) },
  $today: { on: DATE, make: today(0) },
  $tomorrow: { on: DATE, make: today(1) },
  $yesterday: { on: DATE, make: today(-1) },
  $today_md: { on: DATE, make: today(0, YEARLY) },
  $tomorrow_md: { on: DATE, make: today(1, YEARLY) },
  $yesterday_md: { on: DATE, make: today(-1, YEARLY) },
  $this_week: { on: DATE, make: period('week', 0) },
  $last_week: { on: DATE, make: period('week', -1) },
  $next_week: { on: DATE, make: period('week', 1) },
  $this_month: { on: DATE, make: period('month', 0) },
  $last_month: { on: DATE, make: period('month', -1) },
  $next_month: { on: DATE, make: period('month', 1) },
  $this_year: { on: DATE, make: period('year', 0) },
  $last_year: { on: DATE, make: period('year', -1) },
  $next_year: { on: DATE, make: period('year', 1) },
  $this_week_md: { on: DATE, make: period('week', 0, YEARLY) },
  $last_week_md: { on: DATE, make: period('week', -1, YEARLY) },
  $next_week_md: { on: DATE, make: period('week', 1, YEARLY) },
  $this_month_md: { on: DATE, make: period('month', 0, YEARLY) },
  $last_month_md: { on: DATE, make: period('month', -1, YEARLY) },
  $next_month_md: { on: DATE, make: period('month', 1, YEARLY) },
  $is_less_days_ago_md: { on: DATE, make: anniversary('ago', 'at_most') },
  $is_more_days_ago_md: { on: DATE, make: anniversary('ago', 'more') },
  $is_less_days_in_future_md: { on: DATE, make: anniversary('ahead', 'at_most') },
  $is_more_days_in_future_md: { on: DATE, make: anniversary('ahead', 'more') },
  $is_years_ago: { on: DATE, make: yearsAgo },
  $is_day_of_month: { on: DATE, make: part('day', 1, 31) },
  $is_day: { on: DATE, make: dayOrWeekday },
  $is_month: { on: DATE, make: part('month', 1, 12) },
  $is_year: { on: DATE, make: part('year', 1, 9999) },
  $dow: { on: DATE, make: part('weekday', 0, 6) },
  $timeframe: { on: DATE, make: recurring },
  $timeframe_absolute: { on: DATE, make: between },
  $timeframe_daily_hours: { on: DATE, make: daily },
  $count: { on: ['number', ...LIST], make: size('eq') },
  $count_less: { on: ['number', ...LIST], make: size('lt') },
  $count_more: { on: ['number', ...LIST], make: size('gt') },
  $in_location: { on: ['string', 'any'], make: near('near') },
  $not_in_location: { on: ['string', 'any'], make: near('not_near') },
}

/** The operators that may be asked of values of a kind. */
export const operatorsOn = (kind: Kind): readonly string[] =>
  Object.keys(OPERATORS).filter((name) => OPERATORS[name]!.on.includes(kind))

/** Operators that ask for the state of a campaign or code: there is nothing of a customer that they could be asked of. */
const STATUS: ReadonlySet<string> = new Set([
  '$active',
  '$failed',
  '$in_progress',
  '$expired',
  '$before_start',
  '$enabled',
  '$disabled',
  '$redeemed',
  '$redeemable',
])

const WORDS: Readonly<Record<Kind, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'a boolean',
  date: 'a date',
  datetime: 'a date and time',
  any: 'a value of any type',
  array: 'a list',
}

export interface TestSetting {
  readonly shape: ValueShape
  readonly timeZone: string
  readonly reading: Reading
  /** What the tests are asked of, for faults: `property 'stars'`. */
  readonly what: string
  /** Operators of times that are asked of the present instant, not of the value. */
  readonly clock?: boolean
}

const CLOCK: ReadonlySet<string> = new Set(['$dow', '$timeframe', '$timeframe_absolute', '$timeframe_daily_hours'])

/** One operator and its operand as a test; undefined with a fault where that cannot be. */
const parseTest = (
  name: string,
  value: unknown,
  path: string,
  { shape, timeZone, reading, what, clock }: TestSetting,
): Test | undefined => {
  const fault = (message: string) => reading.fault(path, message)
  const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined
  if (!operator)
    return STATUS.has(name)
      ? fault(`operator '${name}' asks for the state of a campaign or code, which ${what} does not have`)
      : fault(`unknown operator '${name}'`)
  const kind: Kind = shape.array === true ? 'array' : shape.type
  if (!(clock && CLOCK.has(name)) && !operator.on.includes(kind))
    return fault(`operator '${name}' cannot be used with ${what}, which is ${WORDS[kind]}`)
  return operator.make({ value, shape, path, calendar: calendarOf(timeZone), fault })
}

/** All operators of an object of conditions; undefined, with faults, unless every one can be read and there is one. */
export const parseTests = (conditions: unknown, path: string, setting: TestSetting): readonly Test[] | undefined => {
  if (!isRecord(conditions)) return setting.reading.fault(path, 'must be an object of operators')
  const names = Object.keys(conditions)
  if (names.length === 0) return setting.reading.fault(path, 'must have at least one operator')
  const tests: Test[] = []
  for (const name of names) {
    const test = parseTest(name, conditions[name], at(path, name), setting)
    if (test) tests.push(test)
  }
  return tests.length === names.length ? tests : undefined
}

/** Whether a test's answer can change with time alone. */
export const isTimed = ({ op }: Test): boolean =>
  op === 'older' ||
  op === 'newer' ||
  op === 'later' ||
  op === 'sooner' ||
  op === 'on_day' ||
  op === 'in_period' ||
  op === 'anniversary' ||
  op === 'years_ago'

/** Whether a test asks for a time, so that with a budget it is the present that is meant. */
export const isClockTest = ({ op, ...rest }: Test): boolean =>
  op === 'recurring' ||
  op === 'between' ||
  op === 'daily' ||
  (op === 'part' && 'part' in rest && rest.part === 'weekday')
