// The public filter format of segments: fields with operators, joined by one junction.

import { isRecord } from '../isRecord.ts'
import { at } from '../path.ts'
import type { Condition } from './ast.ts'
import { attributeOf } from './attributes.ts'
import { campaignOf, type Environment, type ValueShape } from './environment.ts'
import { type Parsed, type Reading, shown, startReading } from './faults.ts'
import { parseEventName, parseSegment } from './native.ts'
import { parseTests } from './operators.ts'

const EVENT_FIELD = /^events\.(.+)\.(count|last|first|last_occurred|first_occurred)$/s
const POINTS_FIELD = /^loyalty_points\.campaigns\.(.+)\.points$/s
const NUMBER: ValueShape = { type: 'number', array: false }
const TIME: ValueShape = { type: 'datetime', array: false }

const parseField = (
  field: string,
  input: unknown,
  environment: Environment,
  reading: Reading,
): Condition | undefined => {
  if (!isRecord(input) || !isRecord(input.conditions))
    return reading.fault(field, `must be an object with 'conditions' (is ${shown(input)})`)
  for (const key of Object.keys(input)) if (key !== 'conditions') reading.fault(at(field, key), 'unknown key')
  const path = at(field, 'conditions')
  const tests = (shape: ValueShape, what: string) =>
    parseTests(input.conditions, path, { shape, what, reading, timeZone: environment.timeZone })

  const event = EVENT_FIELD.exec(field)
  if (event) {
    const name = parseEventName(event[1], field, environment, reading)
    if (name === undefined) return undefined
    const of = event[2] === 'count' ? 'count' : event[2]!.startsWith('last') ? 'last' : 'first'
    const asked = of === 'count' ? tests(NUMBER, 'a count') : tests(TIME, 'a time of occurrence')
    return asked && { kind: 'event', event: name, aggregate: { of }, tests: asked }
  }
  const points = POINTS_FIELD.exec(field)
  if (points) {
    const campaign = campaignOf(environment, points[1]!)
    if (campaign === undefined) return reading.fault(field, `unknown campaign ${shown(points[1])}`)
    const asked = tests(NUMBER, 'a balance of points')
    return asked && { kind: 'points', campaign, tests: asked }
  }
  if (field === 'segment') return parseMembership(input.conditions, path, environment, reading)
  const attribute = attributeOf(field)
  if (!attribute) return reading.fault(field, `unknown field ${shown(field)}`)
  const asked = tests(attribute.shape, `field '${field}'`)
  return asked && { kind: 'attribute', attribute: field, type: attribute.shape.type, tests: asked }
}

/** `$is`, `$in` (in any of them) and `$is_not`, `$not_in` (in none) with ids of segments. */
export const parseMembership = (
  conditions: unknown,
  path: string,
  environment: Environment,
  reading: Reading,
): Condition | undefined => {
  if (!isRecord(conditions)) return reading.fault(path, 'must be an object of operators')
  const names = Object.keys(conditions)
  if (names.length === 0) return reading.fault(path, 'must have at least one operator')
  const parts = names.map((operator): Condition | undefined => {
    const where = at(path, operator)
    const isNegative = operator === '$is_not' || operator === '$not_in'
    if (!isNegative && operator !== '$is' && operator !== '$in')
      return reading.fault(where, `operator '${operator}' cannot be used with a segment`)
    const value = conditions[operator]
    const ids = Array.isArray(value) ? value : [value]
    if (ids.length === 0) return reading.fault(where, 'must have at least one value')
    const members = ids.map((id) => parseSegment(id, where, environment, reading)).filter((part) => part !== undefined)
    if (members.length < ids.length) return undefined
    const [only] = members
    const inAny: Condition = only && members.length === 1 ? only : { kind: 'any', of: members }
    return isNegative ? { kind: 'not', of: inAny } : inAny
  })
  const read = parts.filter((part) => part !== undefined)
  if (read.length < parts.length) return undefined
  return read.length === 1 ? read[0] : { kind: 'all', of: read }
}

/**
 * Reads a filter `{ "junction": "and" | "or", "<field>": { "conditions": { "<operator>": value } } }`. Several operators of one
 * field must all pass. Paths of faults begin with the field. Never throws.
 */
export const parseFilter = (input: unknown, environment: Environment): Parsed => {
  const reading = startReading()
  if (!isRecord(input)) {
    reading.fault('', 'must be an object')
    return reading.finish(undefined)
  }
  const junction = typeof input.junction === 'string' ? input.junction.toLowerCase() : input.junction
  if (junction !== undefined && junction !== 'and' && junction !== 'or')
    reading.fault('junction', `must be 'and' or 'or' (is ${shown(input.junction)})`)
  const fields = Object.keys(input).filter((key) => key !== 'junction')
  if (fields.length === 0) reading.fault('', 'must have at least one field')
  const parts: Condition[] = []
  for (const field of fields) {
    if (!reading.enter(field, 1)) break
    const part = parseField(field, input[field], environment, reading)
    if (part) parts.push(part)
  }
  const [only] = parts
  return reading.finish(only && parts.length === 1 ? only : { kind: junction === 'or' ? 'any' : 'all', of: parts })
}
