// Tests of single values, prepared once: what an operator means for a value of each type, for lists and for no value.

import { type Calendar, calendarOf } from '../calendar.ts'
import { isRecord } from '../isRecord.ts'
import { type Answer, allOf, anyOf, FAILS, HOLDS, negated } from './answer.ts'
import type { Circle, Scalar, Test, ValueType } from './ast.ts'
import { askDate, askInstant, dateValue } from './dates.ts'
import { toNumber } from './operands.ts'
import { isClockTest } from './operators.ts'

/** Asks a value at an instant (ms). */
export type ValueTest = (value: unknown, now: number) => Answer

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)

/** Whether a value equals one of these, by the rules of its type; a day equals every instant on it. */
const equalTo = (values: readonly Scalar[], type: ValueType, calendar: Calendar): ((value: unknown) => boolean) => {
  if (type === 'date' || type === 'datetime') {
    const instants = new Set<number>()
    const days = new Set<number>()
    const dateOf = (value: unknown) => dateValue(value, calendar, { fromNumber: true })
    for (const value of values) {
      const date = dateOf(value)
      if (date) (date.isDay ? days : instants).add(date.at)
    }
    return (value) => {
      const date = dateOf(value)
      return date !== undefined && (instants.has(date.at) || days.has(calendar.period('day', date.at).from))
    }
  }
  const numbers = new Set(values.map(toNumber))
  if (type === 'number')
    return (value) => {
      const number = toNumber(value)
      return number !== undefined && numbers.has(number)
    }
  const texts = new Set(values.map(String))
  return (value) => (typeof value === 'number' ? numbers.has(value) : isScalarText(value) && texts.has(String(value)))
}

const isScalarText = (value: unknown): value is string | boolean =>
  typeof value === 'string' || typeof value === 'boolean'

/** Asks each element of a list; one is enough. */
const some =
  (ask: (value: unknown, now: number) => Answer): ValueTest =>
  (value, now) =>
    Array.isArray(value) ? anyOf(value, (element) => ask(element, now)) : ask(value, now)

const always =
  (ask: (value: unknown) => boolean): ValueTest =>
  (value) =>
    ask(value) ? HOLDS : FAILS

/** Only what is a text, a number or a truth has a text: an object or `null` is not searched for how it would be written. */
const textOf = (value: unknown): string | undefined =>
  isScalarText(value) || typeof value === 'number' ? String(value) : undefined

const asText =
  (ask: (text: string) => boolean) =>
  (value: unknown): boolean => {
    const text = textOf(value)
    return text !== undefined && ask(text)
  }

const someText = (ask: (text: string) => boolean): ValueTest => some(always(asText(ask)))

const not =
  (ask: ValueTest): ValueTest =>
  (value, now) =>
    negated(ask(value, now))

const EARTH_RADIUS_METRES = 6_371_008.8

const metresBetween = (a: Omit<Circle, 'metres'>, b: Omit<Circle, 'metres'>): number => {
  const radians = (degrees: number) => (degrees * Math.PI) / 180
  const h =
    Math.sin(radians(b.latitude - a.latitude) / 2) ** 2 +
    Math.cos(radians(a.latitude)) *
      Math.cos(radians(b.latitude)) *
      Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.min(1, Math.sqrt(h)))
}

/** A point is written `latitude,longitude`, or as an object with these names. */
const pointOf = (value: unknown): Omit<Circle, 'metres'> | undefined => {
  const [latitude, longitude] = isRecord(value)
    ? [toNumber(value.latitude), toNumber(value.longitude)]
    : typeof value === 'string'
      ? value.split(',').map(toNumber)
      : []
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude }
}

const near = (circles: readonly Circle[]): ValueTest =>
  some(
    always((value) => {
      const point = pointOf(value)
      return point !== undefined && circles.some((circle) => metresBetween(circle, point) <= circle.metres)
    }),
  )

const contains = (values: readonly string[]): ValueTest => {
  const listed = new Set(values)
  const isListed = asText((text) => listed.has(text))
  const isPart = asText((text) => text !== '' && values.some((part) => text.includes(part)))
  return always((value) => (Array.isArray(value) ? value.some(isListed) : isPart(value)))
}

/** Prepares one test for values of a type. A value that is missing or of another type fails, except where the test is negative. */
const prepare = (test: Test, type: ValueType, calendar: Calendar): ValueTest => {
  switch (test.op) {
    case 'in':
      return some(always(equalTo(test.values, type, calendar)))
    case 'not_in':
      return not(some(always(equalTo(test.values, type, calendar))))
    case 'includes': {
      const each = test.values.map((value) => equalTo([value], type, calendar))
      return always((value) => {
        const elements = Array.isArray(value) ? value : [value]
        return each.every((equal) => elements.some(equal))
      })
    }
    case 'not_differ': {
      const each = test.values.map((value) => equalTo([value], type, calendar))
      const one = equalTo(test.values, type, calendar)
      return always((value) => {
        const elements = Array.isArray(value) ? value : [value]
        return elements.every(one) && each.every((equal) => elements.some(equal))
      })
    }
    case 'contains':
      return contains(test.values)
    case 'not_contain':
      return not(contains(test.values))
    case 'starts_with':
      return someText((text) => test.values.some((start) => text.startsWith(start)))
    case 'ends_with':
      return someText((text) => test.values.some((end) => text.endsWith(end)))
    case 'has_value':
      return always((value) => !isNothing(value))
    case 'is_unknown':
      return always(isNothing)
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
    case 'size': {
      const { holds } = numberTest([test])
      return test.op === 'size'
        ? always((value) => holds(Array.isArray(value) ? value.length : isNothing(value) ? 0 : 1))
        : some(
            always((value) => {
              const number = toNumber(value)
              return number !== undefined && holds(number)
            }),
          )
    }
    case 'near':
      return near(test.circles)
    case 'not_near':
      return not(near(test.circles))
    default: {
      const fromNumber = type === 'datetime'
      return some((value, now) => {
        const date = dateValue(value, calendar, { fromNumber })
        return date ? askDate(calendar, test, date, now) : FAILS
      })
    }
  }
}

/** All tests of a leaf as one; tests of times are asked of the present where `clock` says so. */
export const prepareTests = (tests: readonly Test[], type: ValueType, timeZone: string, clock = false): ValueTest => {
  const calendar = calendarOf(timeZone)
  const prepared = tests.map((test) => (clock ? clockTest(test, calendar) : undefined) ?? prepare(test, type, calendar))
  const [only] = prepared
  if (only && prepared.length === 1) return only
  return (value, now) => allOf(prepared, (ask) => ask(value, now))
}

const clockTest = (test: Test, calendar: Calendar): ValueTest | undefined =>
  isClockTest(test) && (test.op === 'recurring' || test.op === 'between' || test.op === 'daily' || test.op === 'part')
    ? (_, now) => askInstant(calendar, test, now)
    : undefined

/** Tests of a number that is only ever known now, such as a count: with what a walk over its changes needs to skip ahead. */
export interface NumberTest {
  readonly holds: (value: number) => boolean
  /** True only when the answer is the same for every value of the closed interval. */
  readonly isConstantOn: (low: number, high: number) => boolean
  /** Every whole number from this one on is answered alike. */
  readonly cap: number
}

const EVERYTHING: NumberTest = { holds: () => true, isConstantOn: () => true, cap: 0 }

const onePart = (test: Test): NumberTest => {
  switch (test.op) {
    case 'lt':
    case 'gte':
      return threshold(test.value, test.op === 'gte')
    case 'lte':
      return past(test.value, false)
    case 'gt':
      return past(test.value, true)
    case 'size':
      return test.compare === 'eq'
        ? points([test.value], true)
        : test.compare === 'lt'
          ? threshold(test.value, false)
          : past(test.value, true)
    case 'in':
      return points(test.values.map(Number), true)
    case 'not_in':
      return points(test.values.map(Number), false)
    case 'has_value':
      return EVERYTHING
    default:
      return { holds: () => false, isConstantOn: () => true, cap: 0 }
  }
}

/** Changes from below `at` to `at` and above. */
const threshold = (at: number, above: boolean): NumberTest => ({
  holds: (value) => value >= at === above,
  isConstantOn: (low, high) => high < at || low >= at,
  cap: Math.max(0, Math.ceil(at)),
})

/** Changes from `at` and below to above `at`. */
const past = (at: number, above: boolean): NumberTest => ({
  holds: (value) => value > at === above,
  isConstantOn: (low, high) => high <= at || low > at,
  cap: Math.max(0, Math.floor(at) + 1),
})

const points = (values: readonly number[], included: boolean): NumberTest => {
  const set = new Set(values)
  return {
    holds: (value) => set.has(value) === included,
    isConstantOn: (low, high) => (low === high ? true : !values.some((value) => value >= low && value <= high)),
    cap: Math.max(0, ...values.map((value) => Math.floor(value) + 1)),
  }
}

export const numberTest = (tests: readonly Test[], scale = 1): NumberTest => {
  const parts = tests.map((test) => onePart(scaled(test, scale)))
  return {
    holds: (value) => parts.every((part) => part.holds(value)),
    isConstantOn: (low, high) => parts.every((part) => part.isConstantOn(low, high)),
    cap: Math.max(0, ...parts.map((part) => part.cap)),
  }
}

const scaled = (test: Test, scale: number): Test => {
  if (scale === 1) return test
  if ('value' in test && test.op !== 'size') return { op: test.op, value: Math.round(test.value * scale) }
  if (test.op === 'in' || test.op === 'not_in')
    return { op: test.op, values: test.values.map((value) => Math.round(Number(value) * scale)) }
  return test
}
