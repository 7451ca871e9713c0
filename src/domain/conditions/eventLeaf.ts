// Conditions on past events: which accumulator each needs, and how it is answered exactly in time.
import { createHash } from 'node:crypto'
import { byText } from '../byText.ts'
import { calendarOf } from '../calendar.ts'
import {
  type AccumulatorSpec,
  type AccumulatorState,
  type Intake,
  type PeriodTally,
  periodSpec,
  rollingSpec,
  SUM_SCALE,
  tallySpec,
} from './accumulate.ts'
import { type Answer, answer } from './answer.ts'
import type { EventLeaf, Window } from './ast.ts'
import { askWindow, endsWithin, type Series, seriesOf, sumWithin } from './series.ts'
import type { Occurrence, Subject } from './subject.ts'
import { NOTHING_SEEN, readTally, type Tally, type TallyReading } from './tally.ts'
import { type NumberTest, numberTest, prepareTests } from './tests.ts'

/** A leaf on past events, prepared. */
export interface PreparedEventLeaf {
  readonly accumulators: readonly AccumulatorSpec[]
  readonly ask: (subject: Subject, now: number) => Answer
  /** The count (`3 or more` where more are not told apart), the sum or the time (ISO 8601) that is compared; null for none. */
  readonly value: (subject: Subject, now: number) => number | string | null
}

/** Whether an event passes a `where`; given by the compiler, which knows how to ask conditions. */
export type Where = (occurrence: Occurrence) => boolean

/** A text that is equal for conditions that mean the same, whatever the order of their parts and keys. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  const isJoin = 'kind' in value && (value.kind === 'all' || value.kind === 'any')
  return `{${entries
    .map(([key, inner]) => [
      key,
      isJoin && key === 'of' && Array.isArray(inner) ? `[${inner.map(canonical).sort().join()}]` : canonical(inner),
    ])
    .sort(([a], [b]) => byText(a!, b!))
    .map(([key, text]) => `${JSON.stringify(key)}:${text}`)
    .join()}}`
}

/** Readable at its beginning, and safe as a field's name in any store. */
const keyOf = ({ event, window: over, where, aggregate }: EventLeaf, timeZone: string, needs: string): string => {
  const window = over?.kind === 'rolling' ? { kind: 'rolling', ms: over.ms } : over
  const property = aggregate.of === 'sum' ? aggregate.property : undefined
  const meaning = canonical({ event, where, window, property, timeZone, needs })
  const digest = createHash('sha256').update(meaning).digest('base64url')
  return `${event.replace(/[^A-Za-z0-9]+/g, '_').slice(0, 40)}-${digest.slice(0, 16)}`
}

/** Amounts beyond this count as this, so that no sum ever leaves the numbers that JSON can hold. */
const MAX_AMOUNT = 1e15

const amountOf =
  (property: string) =>
  ({ metadata }: Occurrence): number => {
    const value = Object.hasOwn(metadata, property) ? metadata[property] : undefined
    const one = (amount: unknown) =>
      typeof amount === 'number' && Number.isFinite(amount)
        ? Math.round(Math.max(-MAX_AMOUNT, Math.min(MAX_AMOUNT, amount)) * SUM_SCALE)
        : 0
    return Array.isArray(value) ? value.reduce<number>((sum, amount) => sum + one(amount), 0) : one(value)
  }

const intakeOf = (leaf: EventLeaf, timeZone: string, needs: string, where: Where | undefined): Intake => {
  const { window, aggregate, event } = leaf
  const from = (window?.kind === 'range' ? window.from : null) ?? Number.NEGATIVE_INFINITY
  const to = (window?.kind === 'range' ? window.to : null) ?? Number.POSITIVE_INFINITY
  return {
    key: keyOf(leaf, timeZone, needs),
    type: event,
    takes: (occurrence) =>
      occurrence.occurredAt >= from && occurrence.occurredAt < to && (where === undefined || where(occurrence)),
    ...(aggregate.of === 'sum' ? { amount: amountOf(aggregate.property) } : {}),
  }
}

/** What is known at an instant, and when it is no longer so. */
type Read = (subject: Subject, now: number) => TallyReading

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

/** The exact instant at which a number that a reading gives stops, or begins, to pass. */
const firstChange = (
  read: (at: number) => TallyReading,
  of: 'count' | 'sum',
  test: NumberTest,
  now: number,
): Answer => {
  let reading = read(now)
  const holds = test.holds(reading[of])
  while (reading.next < Number.POSITIVE_INFINITY) {
    const at = reading.next
    reading = read(at)
    if (test.holds(reading[of]) !== holds) return answer(holds, at)
  }
  return answer(holds)
}

/** Puts a way of reading and the leaf's tests together. */
const askedBy = (
  leaf: EventLeaf,
  timeZone: string,
  accumulators: readonly AccumulatorSpec[],
  read: Read,
): PreparedEventLeaf => {
  const { of } = leaf.aggregate
  if (of === 'count' || of === 'sum') {
    const test = numberTest(leaf.tests, of === 'sum' ? SUM_SCALE : 1)
    return {
      accumulators,
      ask: (subject, now) => firstChange((at) => read(subject, at), of, test, now),
      value: (subject, now) => read(subject, now)[of] / (of === 'sum' ? SUM_SCALE : 1),
    }
  }
  const test = prepareTests(leaf.tests, 'datetime', timeZone)
  return {
    accumulators,
    ask: (subject, now) => {
      const reading = read(subject, now)
      const { holds, until } = test(reading[of], now)
      return answer(holds, Math.min(until, reading.next))
    },
    value: (subject, now) => {
      const at = read(subject, now)[of]
      return at === undefined ? null : new Date(at).toISOString()
    },
  }
}

const allTime = (leaf: EventLeaf, timeZone: string, where: Where | undefined): PreparedEventLeaf => {
  if (!leaf.window && !where && leaf.aggregate.of !== 'sum')
    return askedBy(leaf, timeZone, [], (subject, now) => readTally(own(subject.occurrences, leaf.event), now))
  const spec = tallySpec(intakeOf(leaf, timeZone, 'tally', where))
  const stateOf = (state: AccumulatorState | undefined): Tally | undefined =>
    state?.kind === 'tally' ? state : undefined
  return askedBy(leaf, timeZone, [spec], (subject, now) => readTally(stateOf(own(subject.accumulators, spec.key)), now))
}

const rolling = (
  leaf: EventLeaf,
  { ms }: Extract<Window, { kind: 'rolling' }>,
  timeZone: string,
  where: Where | undefined,
): PreparedEventLeaf => {
  const { of } = leaf.aggregate
  const test = numberTest(leaf.tests, of === 'sum' ? SUM_SCALE : 1)
  const most = of === 'count' ? Math.max(1, test.cap) : of === 'last' ? 1 : undefined
  // The newest event alone decides: the statistics that every customer has are enough.
  const fromStats = most === 1 && !where
  const spec = fromStats ? undefined : rollingSpec(intakeOf(leaf, timeZone, `newest ${most ?? 'all'}`, where), ms, most)
  const seriesFor = (subject: Subject): Series => {
    if (spec) {
      const state = own(subject.accumulators, spec.key)
      return state?.kind === 'series' ? state.series : []
    }
    const stats = own(subject.occurrences, leaf.event)
    return stats ? seriesOf(stats.recent ?? [stats.last]) : []
  }
  const accumulators = spec ? [spec] : []
  if (of === 'first' || of === 'last')
    return askedBy(leaf, timeZone, accumulators, (subject, now) => ({
      ...NOTHING_SEEN,
      ...endsWithin(seriesFor(subject), ms, now),
    }))
  return {
    accumulators,
    ask: (subject, now) => askWindow(seriesFor(subject), ms, now, test),
    value: (subject, now) => {
      const sum = sumWithin(seriesFor(subject), ms, now)
      if (of === 'sum') return sum / SUM_SCALE
      return most !== undefined && sum >= most ? `${most} or more` : sum
    },
  }
}

const calendarPeriod = (
  leaf: EventLeaf,
  { unit, shift }: Extract<Window, { kind: 'period' }>,
  timeZone: string,
  where: Where | undefined,
): PreparedEventLeaf => {
  const spec = periodSpec(intakeOf(leaf, timeZone, 'periods', where), unit, shift, timeZone)
  const calendar = calendarOf(timeZone)
  const read: Read = (subject, now) => {
    const state = own(subject.accumulators, spec.key)
    const periods: readonly PeriodTally[] = state?.kind === 'periods' ? state.periods : []
    const { from } = calendar.period(unit, now, shift)
    const reading = readTally(periods.find((period) => period.from === from)?.tally, now)
    // Once the period is over it counts for nothing; where nothing is in it or after it, nothing will change.
    if (reading === NOTHING_SEEN && !periods.some((period) => period.from > from)) return reading
    return { ...reading, next: Math.min(reading.next, calendar.period(unit, now).to) }
  }
  return askedBy(leaf, timeZone, [spec], read)
}

/** Prepares a leaf on past events; `where` is its prepared predicate. */
export const prepareEventLeaf = (leaf: EventLeaf, timeZone: string, where: Where | undefined): PreparedEventLeaf => {
  switch (leaf.window?.kind) {
    case 'rolling':
      return rolling(leaf, leaf.window, timeZone, where)
    case 'period':
      return calendarPeriod(leaf, leaf.window, timeZone, where)
    case 'range':
    case undefined:
      return allTime(leaf, timeZone, where)
    default:
      return leaf.window satisfies never
  }
}
