// A naive answer to conditions: looks at every event of the customer at the very instant, with no memory and no shortcuts.
import { DateTime } from 'luxon'
import type { Condition, EventLeaf, Test, Window } from '../../src/domain/conditions/ast.ts'
import type { Occurrence } from '../../src/domain/conditions/subject.ts'

export interface History {
  readonly events: readonly Occurrence[]
  readonly attributes: Readonly<Record<string, string | number>>
  readonly segments: readonly string[]
}

type Unit = 'day' | 'week' | 'month' | 'quarter' | 'year'

const starts = new Map<string, number>()

/** The start of the period that holds an instant, or of one `shift` periods later. */
const startOf = (at: number, unit: Unit, zone: string, shift = 0): number => {
  const key = `${at} ${unit} ${zone} ${shift}`
  const known = starts.get(key)
  if (known !== undefined) return known
  const start = DateTime.fromMillis(at, { zone })
    .startOf(unit)
    .plus({ [`${unit}s`]: shift })
    .toMillis()
  if (starts.size > 100_000) starts.clear()
  starts.set(key, start)
  return start
}

const passesNumber = (value: number, test: Test): boolean => {
  switch (test.op) {
    case 'lt':
      return value < test.value
    case 'lte':
      return value <= test.value
    case 'gt':
      return value > test.value
    case 'gte':
      return value >= test.value
    case 'in':
      return test.values.map(Number).includes(value)
    case 'not_in':
      return !test.values.map(Number).includes(value)
    default:
      throw new Error(`the oracle does not know ${test.op} of a number`)
  }
}

const isInWindow = (at: number, window: Window | undefined, now: number, zone: string): boolean => {
  if (at > now) return false
  switch (window?.kind) {
    case undefined:
      return true
    case 'rolling':
      return at > now - window.ms
    case 'range':
      return (window.from === null || at >= window.from) && (window.to === null || at < window.to)
    case 'period':
      return startOf(at, window.unit, zone) === startOf(now, window.unit, zone, window.shift)
    default:
      return window satisfies never
  }
}

const passesDate = (at: number | undefined, test: Test, now: number, zone: string): boolean => {
  if (at === undefined) return test.op === 'is_unknown'
  switch (test.op) {
    case 'has_value':
      return true
    case 'is_unknown':
      return false
    case 'older':
      return at <= now - test.by.days * 86_400_000
    case 'newer':
      return at <= now && at > now - test.by.days * 86_400_000
    case 'after':
      return at > test.at
    case 'before':
      return at < test.at
    case 'on_day':
      return startOf(at, 'day', zone) === startOf(now, 'day', zone, test.shift)
    case 'in_period':
      return startOf(at, test.unit, zone) === startOf(now, test.unit, zone, test.shift)
    default:
      throw new Error(`the oracle does not know ${test.op} of a date`)
  }
}

const askEvent = (leaf: EventLeaf, { events }: History, now: number, zone: string): boolean => {
  const counting = events.filter(
    (event) =>
      event.type === leaf.event &&
      isInWindow(event.occurredAt, leaf.window, now, zone) &&
      (!leaf.where || askOracle(leaf.where, { events: [event], attributes: {}, segments: [] }, now, zone)),
  )
  const { aggregate } = leaf
  const times = counting.map((event) => event.occurredAt).sort((a, b) => a - b)
  if (aggregate.of === 'first') return leaf.tests.every((test) => passesDate(times[0], test, now, zone))
  if (aggregate.of === 'last') return leaf.tests.every((test) => passesDate(times.at(-1), test, now, zone))
  // Cents are added as whole numbers, so that the order of addition does not matter.
  const value =
    aggregate.of === 'count'
      ? counting.length
      : counting.reduce((sum, event) => sum + Math.round(Number(event.metadata[aggregate.property]) * 100), 0) / 100
  return leaf.tests.every((test) => passesNumber(value, test))
}

/** Whether a condition holds at an instant (ms). */
export const askOracle = (condition: Condition, history: History, now: number, zone: string): boolean => {
  switch (condition.kind) {
    case 'all':
      return condition.of.every((part) => askOracle(part, history, now, zone))
    case 'any':
      return condition.of.some((part) => askOracle(part, history, now, zone))
    case 'not':
      return !askOracle(condition.of, history, now, zone)
    case 'event':
      return askEvent(condition, history, now, zone)
    case 'segment':
      return history.segments.includes(condition.segment)
    case 'property': {
      const value = history.events[0]!.metadata[condition.property]
      return condition.tests.every((test) =>
        test.op === 'in' && typeof value === 'string' ? test.values.includes(value) : passesNumber(Number(value), test),
      )
    }
    case 'attribute': {
      const at = DateTime.fromISO(String(history.attributes[condition.attribute]), { zone }).toMillis()
      return condition.tests.every((test) => passesDate(at, test, now, zone))
    }
    default:
      throw new Error(`the oracle does not know ${condition.kind}`)
  }
}

/** Every instant after `from` at which the oracle's answer could change, in order. */
export const changePoints = (condition: Condition, history: History, from: number, zone: string): readonly number[] => {
  const points = new Set<number>()
  const add = (at: number) => {
    if (at > from) points.add(at)
  }
  const periods = new Set<Unit>()
  const lengths = new Set<number>()
  const instants = history.events.map((event) => event.occurredAt)
  const visit = (node: Condition): void => {
    if (node.kind === 'all' || node.kind === 'any') node.of.forEach(visit)
    if (node.kind === 'not') visit(node.of)
    if (node.kind === 'event' && node.window?.kind === 'rolling') lengths.add(node.window.ms)
    if (node.kind === 'event' && node.window?.kind === 'period') periods.add(node.window.unit)
    if (node.kind === 'attribute')
      instants.push(DateTime.fromISO(String(history.attributes[node.attribute]), { zone }).toMillis())
    if (node.kind === 'event' || node.kind === 'attribute')
      for (const test of node.tests) {
        if (test.op === 'older' || test.op === 'newer') lengths.add(test.by.days * 86_400_000)
        if (test.op === 'on_day') periods.add('day')
        if (test.op === 'in_period') periods.add(test.unit)
      }
  }
  visit(condition)
  for (const at of instants) {
    add(at)
    for (const length of lengths) add(at + length)
    for (const unit of periods) for (let shift = -8; shift <= 8; shift++) add(startOf(at, unit, zone, shift))
  }
  return [...points].sort((a, b) => a - b)
}
