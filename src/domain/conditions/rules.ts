// The public validation-rule format: numbered rules joined by a logic text, nested rules, a message for each failure.

import { isRecord } from '../isRecord.ts'
import { at } from '../path.ts'
import type { Condition, Quantifier } from './ast.ts'
import { ANY, type Environment, propertyOfSome, type ValueShape } from './environment.ts'
import { type Parsed, type Reading, shown, startReading } from './faults.ts'
import { parseMembership } from './filter.ts'
import { type Logic, parseLogic } from './logic.ts'
import { parseTests } from './operators.ts'
import { sourceOf } from './sources.ts'

type Fields = Readonly<Record<string, unknown>>

interface Place {
  readonly path: string
  readonly level: number
  /** The number of the rule, nested ones as in `2.1`; of a list, that of the rule around it; empty at the top. */
  readonly rule: string
  /** Whether a rule around it speaks of single items of the order. */
  readonly inItems: boolean
}

/** Names that ask something of the order's items by rules nested in them. */
const QUANTIFIERS: Readonly<Record<string, Quantifier>> = {
  'order.items.any': 'any',
  'order.items.every': 'every',
  'order.items.none': 'none',
  'order.items.cheapest': 'cheapest',
  'order.items.most_expensive': 'most_expensive',
}

/** Names that ask one thing of any or each item of the order: the quantifier and the thing asked. */
const ITEM_NAMES: Readonly<Record<string, readonly [Quantifier, string]>> = {
  'order.items.price_any': ['any', 'order.items.price'],
  'order.items.price_each': ['every', 'order.items.price'],
  'order.items.metadata_any': ['any', 'order.items.metadata'],
  'order.items.metadata_each': ['every', 'order.items.metadata'],
  'product.id': ['any', 'product.id'],
  'sku.id': ['any', 'sku.id'],
  'product.metadata': ['any', 'product.metadata'],
  'product.metadata.match_all': ['every', 'product.metadata'],
}

const CUSTOMER_SEGMENT: ReadonlySet<string> = new Set(['customer.segment', 'customer_segment'])

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (isRecord(value) && Object.keys(value).length === 0)

/** Conditions may name products by `{ "id": … }`: only the id matters. */
const withIds = (conditions: unknown): unknown =>
  isRecord(conditions)
    ? Object.fromEntries(
        Object.entries(conditions).map(([operator, value]) => [
          operator,
          Array.isArray(value)
            ? value.map((one) => (isRecord(one) && 'id' in one ? one.id : one))
            : isRecord(value) && 'id' in value
              ? value.id
              : value,
        ]),
      )
    : conditions

const messageOf = (error: unknown, path: string, reading: Reading): string | undefined => {
  if (error === undefined || error === null) return undefined
  if (!isRecord(error)) return reading.fault(path, 'must be an object with a message')
  const { message } = error
  if (message === undefined || message === null) return undefined
  return typeof message === 'string' ? message : reading.fault(at(path, 'message'), 'must be a string')
}

interface Parser {
  readonly environment: Environment
  readonly reading: Reading
}

const propertyName = (rule: Fields, path: string, reading: Reading): string | undefined =>
  typeof rule.property === 'string' && rule.property !== ''
    ? rule.property
    : reading.fault(at(path, 'property'), `rule '${String(rule.name)}' must name a property`)

const testsOf = (
  rule: Fields,
  place: Place,
  { environment, reading }: Parser,
  shape: ValueShape,
  clock = false,
  conditions: unknown = rule.conditions,
) =>
  parseTests(conditions, at(place.path, 'conditions'), {
    shape,
    what: `rule '${String(rule.name)}'`,
    reading,
    timeZone: environment.timeZone,
    clock,
  })

/** A rule on the customer or on the event in context. */
const parseCustomerRule = (name: string, rule: Fields, place: Place, parser: Parser): Condition | null | undefined => {
  const { environment, reading } = parser
  if (CUSTOMER_SEGMENT.has(name))
    return parseMembership(withIds(rule.conditions), at(place.path, 'conditions'), environment, reading)
  if (name !== 'customer.metadata' && name !== 'custom_event.metadata') return null
  const property = propertyName(rule, place.path, reading)
  if (property === undefined) return undefined
  if (name === 'customer.metadata') {
    const tests = testsOf(rule, place, parser, ANY)
    return tests && { kind: 'attribute', attribute: `metadata.${property}`, type: 'any', tests }
  }
  const shape = propertyOfSome(environment, property)
  if (!shape) return reading.fault(at(place.path, 'property'), `unknown property ${shown(property)} of custom events`)
  const tests = testsOf(rule, place, parser, shape)
  return tests && { kind: 'property', property, type: shape.type, tests }
}

/** A leaf on a source of the context. */
const parseSource = (
  name: string,
  rule: Fields,
  place: Place,
  parser: Parser,
  conditions?: unknown,
): Condition | undefined => {
  const source = sourceOf(name)
  if (!source) return parser.reading.fault(at(place.path, 'name'), `unknown rule ${shown(name)}`)
  const property = source.property ? propertyName(rule, place.path, parser.reading) : null
  const tests = testsOf(rule, place, parser, source.shape, source.clock, conditions)
  if (property === undefined || !tests) return undefined
  return { kind: 'context', name, type: source.shape.type, tests, ...(property === null ? {} : { property }) }
}

/** Nested rules, undefined with a fault; null when there are none. */
const parseNested = (rule: Fields, place: Place, parser: Parser): Condition | null | undefined => {
  if (isEmpty(rule.rules)) return null
  return parseRuleList(rule.rules, { ...place, path: at(place.path, 'rules'), level: place.level + 1 }, parser)
}

const both = (first: Condition, second: Condition | null): Condition =>
  second === null ? first : { kind: 'all', of: [first, second] }

const ALWAYS: Condition = { kind: 'all', of: [] }

/** A rule on the items of the order: its conditions say which products, its nested rules what must be so of them. */
const parseItemsRule = (quantifier: Quantifier, rule: Fields, place: Place, parser: Parser): Condition | undefined => {
  const among = isEmpty(rule.conditions)
    ? null
    : parseSource('order.items.product_id', rule, place, parser, withIds(rule.conditions))
  const nested = parseNested(rule, { ...place, inItems: true }, parser)
  if (among === undefined || nested === undefined) return undefined
  return { kind: 'items', quantifier, of: nested ?? ALWAYS, ...(among === null ? {} : { among }) }
}

/** A rule that asks one thing of the items; rules nested in it speak of the items that have it. */
const parseItemRule = (
  name: string,
  [quantifier, asked]: readonly [Quantifier, string],
  rule: Fields,
  place: Place,
  parser: Parser,
): Condition | undefined => {
  const of = parseSource(asked, rule, place, parser, withIds(rule.conditions))
  const nested = parseNested(rule, { ...place, inItems: true }, parser)
  if (of === undefined || nested === undefined) return undefined
  // Inside a rule on single items it is this item that is meant.
  if (place.inItems && name === asked) return both(of, nested)
  if (nested === null || quantifier === 'every') return both({ kind: 'items', quantifier, of }, nested)
  return { kind: 'items', quantifier, among: of, of: nested }
}

const parseMeaning = (name: string, rule: Fields, place: Place, parser: Parser): Condition | undefined => {
  const quantifier = Object.hasOwn(QUANTIFIERS, name) ? QUANTIFIERS[name] : undefined
  if (quantifier) return parseItemsRule(quantifier, rule, place, parser)
  const asked = Object.hasOwn(ITEM_NAMES, name) ? ITEM_NAMES[name] : undefined
  if (asked) return parseItemRule(name, asked, rule, place, parser)
  const customer = parseCustomerRule(name, rule, place, parser)
  const source = customer === null ? sourceOf(name) : undefined
  if (customer === null && source?.inItems && !place.inItems)
    return parser.reading.fault(at(place.path, 'name'), `rule '${name}' must stand inside a rule on items of the order`)
  const own = customer === null ? parseSource(name, rule, place, parser) : customer
  const nested = parseNested(rule, place, parser)
  return own === undefined || nested === undefined ? undefined : both(own, nested)
}

const parseRule = (input: unknown, place: Place, parser: Parser): Condition | undefined => {
  const { reading } = parser
  if (!reading.enter(place.path, place.level)) return undefined
  if (!isRecord(input)) return reading.fault(place.path, 'must be an object')
  const { name } = input
  if (typeof name !== 'string' || name === '')
    return reading.fault(at(place.path, 'name'), 'must be the name of a rule')
  const message = messageOf(input.error, at(place.path, 'error'), reading)
  const of = parseMeaning(name, input, place, parser)
  return of && { kind: 'rule', rule: place.rule, name, of, message }
}

/** The logic's joins with the rules in their places. A rule that is named again counts again. */
const assemble = (
  logic: Logic,
  rules: ReadonlyMap<string, Condition | undefined>,
  path: string,
  level: number,
  reading: Reading,
): Condition | undefined => {
  const named = new Set<string>()
  const visit = (part: Logic): Condition | undefined => {
    if (part.kind !== 'rule') {
      const of = part.of.map(visit)
      const read = of.filter((one) => one !== undefined)
      return read.length === of.length ? { kind: part.kind, of: read } : undefined
    }
    if (!rules.has(part.rule)) return reading.fault(path, `names rule ${part.rule}, which is not there`)
    if (named.has(part.rule) && !reading.enter(path, level)) return undefined
    named.add(part.rule)
    return rules.get(part.rule)
  }
  return visit(logic)
}

const byNumber = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })

/** Numbered rules with their logic; without logic all of them must hold. */
const parseRuleList = (input: unknown, place: Place, parser: Parser): Condition | undefined => {
  const { reading } = parser
  if (!isRecord(input)) return reading.fault(place.path, 'must be an object of numbered rules')
  const { logic: text = '' } = input
  const rules = new Map<string, Condition | undefined>()
  const numbers = Object.keys(input)
    .filter((key) => key !== 'logic')
    .sort(byNumber)
  for (const number of numbers)
    rules.set(
      number,
      parseRule(input[number], { ...place, path: at(place.path, number), rule: at(place.rule, number) }, parser),
    )
  if (text !== null && typeof text !== 'string') return reading.fault(at(place.path, 'logic'), 'must be a string')
  if (text === null || text.trim() === '') {
    const of = [...rules.values()].filter((rule) => rule !== undefined)
    return of.length === rules.size ? { kind: 'all', of } : undefined
  }
  const parsed = parseLogic(text)
  const path = at(place.path, 'logic')
  return parsed.ok ? assemble(parsed.logic, rules, path, place.level, reading) : reading.fault(path, parsed.message)
}

/**
 * Reads a validation rule's `rules` with its fallback `error`. Without any rule it always holds. Paths of faults begin with
 * `rules` or `error`. Never throws.
 */
export const parseRules = (
  definition: { readonly rules: unknown; readonly error?: unknown },
  environment: Environment,
): Parsed => {
  const reading = startReading()
  const message = messageOf(definition.error, 'error', reading)
  const of = parseRuleList(
    definition.rules,
    { path: 'rules', level: 1, rule: '', inItems: false },
    { environment, reading },
  )
  return reading.finish(of && { kind: 'ruleset', of, message })
}
