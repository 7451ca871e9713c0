// The native JSON form of conditions: nesting, negation, windows, predicates on metadata, sums, first and last occurrence.

import { calendarOf, type Unit } from '../calendar.ts'
import { CUSTOM_EVENT_TYPE } from '../internalEvents.ts'
import { isRecord } from '../isRecord.ts'
import { at } from '../path.ts'
import type { Aggregate, Condition, Test, Window } from './ast.ts'
import { attributeOf } from './attributes.ts'
import {
  campaignOf,
  type Environment,
  isKnownEvent,
  propertyOf,
  propertyOfSome,
  type ValueShape,
} from './environment.ts'
import { type Parsed, type Reading, shown, startReading } from './faults.ts'
import { isTimed, parseTests, type TestSetting } from './operators.ts'
import { sourceOf } from './sources.ts'
import { DAY_MS, fixedLength, parseSpan } from './span.ts'

/** The longest rolling window: five years of 365 days (ms). */
export const MAX_WINDOW_MS = 5 * 365 * DAY_MS

const NUMBER: ValueShape = { type: 'number', array: false }
const TIME: ValueShape = { type: 'datetime', array: false }
const ONCE: readonly Test[] = [{ op: 'gte', value: 1 }]

type Fields = Readonly<Record<string, unknown>>

interface Parser {
  readonly environment: Environment
  readonly reading: Reading
}

const setting = ({ environment, reading }: Parser, shape: ValueShape, what: string): TestSetting => ({
  shape,
  what,
  reading,
  timeZone: environment.timeZone,
})

/** Faults for every key that is neither named nor, where operators may stand, an operator. */
const onlyKeys = (
  input: Fields,
  path: string,
  { reading }: Parser,
  allowed: readonly string[],
  { operators = false } = {},
) => {
  for (const key of Object.keys(input))
    if (!allowed.includes(key) && !(operators && key.startsWith('$')))
      reading.fault(at(path, key), `unknown key; known here are ${allowed.join(', ')}`)
}

const operatorsOf = (input: Fields): Fields =>
  Object.fromEntries(Object.entries(input).filter(([key]) => key.startsWith('$')))

/** An event name that exists; undefined with a fault. */
export const parseEventName = (name: unknown, path: string, environment: Environment, reading: Reading) => {
  if (typeof name !== 'string') return reading.fault(path, 'must be the name of an event')
  if (name === CUSTOM_EVENT_TYPE) return reading.fault(path, 'name the custom event itself')
  return isKnownEvent(environment, name) ? name : reading.fault(path, `unknown event ${shown(name)}`)
}

/** A length up to five years, in ms; undefined with a fault. */
const parseWithin = (value: unknown, path: string, reading: Reading): Window | undefined => {
  const span = typeof value === 'string' ? parseSpan(value) : undefined
  if (!span || typeof value !== 'string')
    return reading.fault(path, `must be an ISO 8601 duration such as P30D (is ${shown(value)})`)
  const ms = fixedLength(span)
  if (ms <= 0) return reading.fault(path, 'must be longer than zero')
  if (ms > MAX_WINDOW_MS) return reading.fault(path, 'must NOT be longer than five years (P5Y, 1825 days)')
  return { kind: 'rolling', ms, text: value }
}

const PERIOD = /^(this|last)_(day|week|month|quarter|year)$/
const isUnit = (text: string | undefined): text is Unit =>
  text === 'day' || text === 'week' || text === 'month' || text === 'quarter' || text === 'year'

const parsePeriod = (value: unknown, path: string, reading: Reading): Window | undefined => {
  const [, which, unit] = (typeof value === 'string' ? PERIOD.exec(value) : null) ?? []
  return isUnit(unit)
    ? { kind: 'period', unit, shift: which === 'this' ? 0 : -1 }
    : reading.fault(path, `must be this_ or last_ and day, week, month, quarter or year (is ${shown(value)})`)
}

const parseRange = (input: Fields, path: string, { environment, reading }: Parser): Window | undefined => {
  const calendar = calendarOf(environment.timeZone)
  const end = (key: 'from' | 'to'): number | null | undefined => {
    const value = input[key]
    if (value === undefined || value === null) return null
    const found = typeof value === 'string' ? calendar.parse(value) : undefined
    return found ?? reading.fault(at(path, key), `must be an ISO 8601 date or time (is ${shown(value)})`)
  }
  const from = end('from')
  const to = end('to')
  if (from === undefined || to === undefined) return undefined
  if (from !== null && to !== null && from >= to) return reading.fault(at(path, 'to'), 'must be later than from')
  return { kind: 'range', from, to }
}

/** The window of an event leaf; null for all time, undefined with a fault. */
const parseWindow = (input: Fields, path: string, parser: Parser): Window | null | undefined => {
  const { reading } = parser
  const kinds = ['within', 'period', 'from', 'to'].filter((key) => input[key] !== undefined)
  if (kinds.length === 0) return null
  if (kinds.length > 1 && kinds.some((key) => key === 'within' || key === 'period'))
    return reading.fault(at(path, kinds[1]!), `only one kind of window can be given (there is also ${kinds[0]})`)
  if (input.within !== undefined) return parseWithin(input.within, at(path, 'within'), reading)
  if (input.period !== undefined) return parsePeriod(input.period, at(path, 'period'), reading)
  return parseRange(input, path, parser)
}

interface Aggregated {
  readonly aggregate: Aggregate
  readonly tests: readonly Test[]
}

const parseSum = (event: string, value: unknown, path: string, parser: Parser): Aggregated | undefined => {
  const { environment, reading } = parser
  if (!isRecord(value)) return reading.fault(path, 'must be an object with a property and operators')
  onlyKeys(value, path, parser, ['property'], { operators: true })
  const { property } = value
  if (typeof property !== 'string') return reading.fault(at(path, 'property'), 'must be the name of a property')
  const shape = propertyOf(environment, event, property)
  if (!shape) return reading.fault(at(path, 'property'), `unknown property ${shown(property)} of event '${event}'`)
  if (shape.type !== 'number' && shape.type !== 'any')
    return reading.fault(at(path, 'property'), `property '${property}' is of type ${shape.type}; a sum needs a number`)
  const tests = parseTests(operatorsOf(value), path, setting(parser, NUMBER, 'a sum'))
  return tests && { aggregate: { of: 'sum', property }, tests }
}

/** What is asked of the events of a leaf: how many (at least one when nothing is said), how much, when first or last. */
const parseAggregate = (event: string, input: Fields, path: string, parser: Parser): Aggregated | undefined => {
  const named = (['count', 'sum', 'first', 'last'] as const).filter((key) => input[key] !== undefined)
  if (named.length > 1)
    return parser.reading.fault(at(path, named[1]!), `only one of count, sum, first and last can be asked`)
  const [of] = named
  if (of === undefined) return { aggregate: { of: 'count' }, tests: ONCE }
  if (of === 'sum') return parseSum(event, input.sum, at(path, 'sum'), parser)
  const [shape, what] = of === 'count' ? [NUMBER, 'a count'] : [TIME, 'a time of occurrence']
  const tests = parseTests(input[of], at(path, of), setting(parser, shape, what))
  return tests && { aggregate: { of }, tests }
}

const parseEvent = (input: Fields, path: string, level: number, parser: Parser): Condition | undefined => {
  const { environment, reading } = parser
  onlyKeys(input, path, parser, ['event', 'count', 'sum', 'first', 'last', 'within', 'period', 'from', 'to', 'where'])
  const event = parseEventName(input.event, at(path, 'event'), environment, reading)
  if (event === undefined) return undefined
  const aggregated = parseAggregate(event, input, path, parser)
  const window = parseWindow(input, path, parser)
  const where = input.where === undefined ? null : parseWhere(event, input.where, at(path, 'where'), level + 1, parser)
  if (!aggregated || window === undefined || where === undefined) return undefined
  return {
    kind: 'event',
    event,
    ...aggregated,
    ...(window === null ? {} : { window }),
    ...(where === null ? {} : { where }),
  }
}

/** A condition on the metadata of the event itself; an array means all of it. */
const parseWhere = (
  event: string,
  input: unknown,
  path: string,
  level: number,
  parser: Parser,
): Condition | undefined => {
  const { reading, environment } = parser
  const visit = (value: unknown, where: string, depth: number): Condition | undefined => {
    if (!reading.enter(where, depth)) return undefined
    if (Array.isArray(value)) return parseJoin('all', value, where, depth, parser, visit)
    if (!isRecord(value)) return reading.fault(where, 'must be an object or a list of objects')
    const join = parseJoins(value, where, depth, parser, visit)
    if (join !== null) return join
    onlyKeys(value, where, parser, ['property', 'all', 'any', 'not'], { operators: true })
    const { property } = value
    if (typeof property !== 'string') return reading.fault(at(where, 'property'), 'must be the name of a property')
    const shape = propertyOf(environment, event, property)
    if (!shape) return reading.fault(at(where, 'property'), `unknown property ${shown(property)} of event '${event}'`)
    const tests = parseTests(operatorsOf(value), where, setting(parser, shape, `property '${property}'`))
    if (!tests) return undefined
    const timed = tests.findIndex(isTimed)
    if (timed >= 0)
      return reading.fault(
        at(where, Object.keys(operatorsOf(value))[timed]!),
        'depends on the present and cannot select past events; use a window, or a date that stays',
      )
    return { kind: 'property', property, type: shape.type, tests }
  }
  return visit(input, path, level)
}

type Visit = (input: unknown, path: string, level: number) => Condition | undefined

const parseJoin = (
  kind: 'all' | 'any',
  parts: unknown,
  path: string,
  level: number,
  { reading }: Parser,
  visit: Visit,
): Condition | undefined => {
  if (!Array.isArray(parts)) return reading.fault(path, 'must be a list of conditions')
  const of = parts.map((part, i) => visit(part, at(path, i), level + 1))
  const read = of.filter((part) => part !== undefined)
  return read.length === of.length ? { kind, of: read } : undefined
}

/** A join, undefined with a fault, or null when the input is none. */
const parseJoins = (
  input: Fields,
  path: string,
  level: number,
  parser: Parser,
  visit: Visit,
): Condition | null | undefined => {
  const named = (['all', 'any', 'not'] as const).filter((key) => Object.hasOwn(input, key))
  const [kind] = named
  if (kind === undefined) return null
  if (Object.keys(input).length > 1) {
    const other = Object.keys(input).find((key) => key !== kind)!
    return parser.reading.fault(at(path, other), `cannot stand beside '${kind}'`)
  }
  if (kind !== 'not') return parseJoin(kind, input[kind], at(path, kind), level, parser, visit)
  const of = visit(input.not, at(path, 'not'), level + 1)
  return of && { kind: 'not', of }
}

const LEAVES = 'all, any, not, event, attribute, segment, points, property, context'

const parseLeaf = (input: Fields, path: string, level: number, parser: Parser): Condition | undefined => {
  const { environment, reading } = parser
  const tests = (shape: ValueShape, what: string) => parseTests(operatorsOf(input), path, setting(parser, shape, what))
  if (input.event !== undefined) return parseEvent(input, path, level, parser)
  if (input.attribute !== undefined) {
    onlyKeys(input, path, parser, ['attribute'], { operators: true })
    const { attribute } = input
    const found = typeof attribute === 'string' ? attributeOf(attribute) : undefined
    if (!found || typeof attribute !== 'string')
      return reading.fault(at(path, 'attribute'), `unknown attribute ${shown(attribute)}`)
    const asked = tests(found.shape, `attribute '${attribute}'`)
    return asked && { kind: 'attribute', attribute, type: found.shape.type, tests: asked }
  }
  if (input.segment !== undefined) {
    onlyKeys(input, path, parser, ['segment'])
    return parseSegment(input.segment, at(path, 'segment'), environment, reading)
  }
  if (input.points !== undefined) {
    onlyKeys(input, path, parser, ['points'], { operators: true })
    const campaign = typeof input.points === 'string' ? campaignOf(environment, input.points) : undefined
    if (campaign === undefined) return reading.fault(at(path, 'points'), `unknown campaign ${shown(input.points)}`)
    const asked = tests(NUMBER, 'a balance of points')
    return asked && { kind: 'points', campaign, tests: asked }
  }
  if (input.context !== undefined) return parseContext(input, path, parser)
  if (input.property !== undefined) {
    onlyKeys(input, path, parser, ['property'], { operators: true })
    const { property } = input
    const shape = typeof property === 'string' ? propertyOfSome(environment, property) : undefined
    if (!shape || typeof property !== 'string')
      return reading.fault(at(path, 'property'), `unknown property ${shown(property)}`)
    const asked = tests(shape, `property '${property}'`)
    return asked && { kind: 'property', property, type: shape.type, tests: asked }
  }
  return reading.fault(path, `must have one of ${LEAVES}`)
}

const parseContext = (input: Fields, path: string, parser: Parser): Condition | undefined => {
  const { reading } = parser
  onlyKeys(input, path, parser, ['context', 'property'], { operators: true })
  const { context: name, property } = input
  const source = typeof name === 'string' ? sourceOf(name) : undefined
  if (!source || typeof name !== 'string' || source.inItems)
    return reading.fault(at(path, 'context'), `unknown name ${shown(name)}`)
  if (source.property !== (typeof property === 'string'))
    return reading.fault(
      at(path, 'property'),
      source.property ? 'must be the name of a property' : `'${name}' has none`,
    )
  const tests = parseTests(operatorsOf(input), path, {
    ...setting(parser, source.shape, `'${name}'`),
    clock: source.clock,
  })
  if (!tests) return undefined
  return {
    kind: 'context',
    name,
    type: source.shape.type,
    tests,
    ...(typeof property === 'string' ? { property } : {}),
  }
}

/** Membership of a segment that exists; undefined with a fault. */
export const parseSegment = (
  id: unknown,
  path: string,
  environment: Environment,
  reading: Reading,
): Condition | undefined =>
  typeof id === 'string' && environment.segments.has(id)
    ? { kind: 'segment', segment: id }
    : reading.fault(path, `unknown segment ${shown(id)}`)

/**
 * Reads a condition in the native form:
 * `{ "all" | "any": [ … ] }`, `{ "not": … }`,
 * `{ "event": name, "count" | "sum" | "first" | "last": …, "within" | "period" | "from", "to": …, "where": … }`,
 * `{ "attribute": name, … }`, `{ "segment": id }`, `{ "points": campaign, … }`, `{ "property": name, … }` of the event in
 * context, `{ "context": name, "property": …, … }` with the names of validation rules. Never throws.
 */
export const parseNative = (input: unknown, environment: Environment): Parsed => {
  const reading = startReading()
  const parser: Parser = { environment, reading }
  const visit: Visit = (value, path, level) => {
    if (!reading.enter(path, level)) return undefined
    if (!isRecord(value)) return reading.fault(path, 'must be an object')
    const join = parseJoins(value, path, level, parser, visit)
    return join === null ? parseLeaf(value, path, level, parser) : join
  }
  return reading.finish(visit(input, '', 1))
}
