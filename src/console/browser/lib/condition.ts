// Conditions as the builder edits them: groups and leaves. What it has no form for stays as the JSON it is, so that nothing is
// lost by opening it.
import type { Fields, Property } from './shapes.ts'

export interface Test {
  readonly operator: string
  readonly value: string
}

export interface Where extends Test {
  readonly property: string
}

export interface EventLeaf {
  readonly kind: 'event'
  readonly event: string
  readonly ask: 'any' | 'count' | 'sum'
  readonly property: string
  readonly test: Test
  readonly within: string
  readonly where: readonly Where[]
}

export type Node =
  | { readonly kind: 'group'; readonly join: 'all' | 'any' | 'not'; readonly of: readonly Node[] }
  | EventLeaf
  | { readonly kind: 'attribute'; readonly attribute: string; readonly test: Test }
  | { readonly kind: 'segment'; readonly segment: string }
  | { readonly kind: 'json'; readonly value: unknown }

export const OPERATORS: readonly (readonly [string, string])[] = [
  ['$is', 'is'],
  ['$is_not', 'is not'],
  ['$more_than', 'more than'],
  ['$more_than_equal', 'at least'],
  ['$less_than', 'less than'],
  ['$less_than_equal', 'at most'],
  ['$contains', 'contains'],
  ['$starts_with', 'starts with'],
  ['$in', 'is one of'],
  ['$has_value', 'is known'],
  ['$is_unknown', 'is not known'],
  ['$after', 'after'],
  ['$before', 'before'],
  ['$more_than_ago', 'longer ago than'],
  ['$less_than_ago', 'not longer ago than'],
]

export const NUMBER_OPERATORS = OPERATORS.filter(([one]) =>
  /^\$(?:is|more_than|more_than_equal|less_than|less_than_equal)$/.test(one),
)

/** Operators that compare with nothing. */
export const isBare = (operator: string): boolean => operator === '$has_value' || operator === '$is_unknown'

export const WINDOWS: readonly (readonly [string, string])[] = [
  ['', 'ever'],
  ['P1D', 'within 1 day'],
  ['P7D', 'within 7 days'],
  ['P30D', 'within 30 days'],
  ['P60D', 'within 60 days'],
  ['P90D', 'within 90 days'],
  ['P180D', 'within 180 days'],
  ['P365D', 'within 365 days'],
]

export const newEvent = (event: string): EventLeaf => ({
  kind: 'event',
  event,
  ask: 'any',
  property: '',
  test: { operator: '$more_than_equal', value: '1' },
  within: '',
  where: [],
})

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOf = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(', ') : String(value))

/** The only operator of a leaf; undefined when it has none or several. */
const testIn = (fields: Fields): Test | undefined => {
  const found = Object.entries(fields).filter(([name]) => name.startsWith('$'))
  const [only] = found
  if (found.length !== 1 || only === undefined) return undefined
  const [operator, value] = only
  if (!OPERATORS.some(([one]) => one === operator) || isFields(value)) return undefined
  return { operator, value: textOf(value) }
}

const KNOWN_EVENT = new Set(['event', 'count', 'sum', 'within', 'where'])

const eventIn = (fields: Fields): EventLeaf | undefined => {
  const { event, count, sum, within, where = [] } = fields
  if (typeof event !== 'string' || Object.keys(fields).some((name) => !KNOWN_EVENT.has(name))) return undefined
  if (count !== undefined && sum !== undefined) return undefined
  if (within !== undefined && typeof within !== 'string') return undefined
  const asked = count ?? sum
  const test = isFields(asked) ? testIn(asked) : undefined
  if (asked !== undefined && test === undefined) return undefined
  if (!Array.isArray(where)) return undefined
  const selected = where.map((one: unknown) => {
    const inner = isFields(one) ? testIn(one) : undefined
    return isFields(one) && inner && typeof one.property === 'string' ? { property: one.property, ...inner } : undefined
  })
  if (selected.includes(undefined)) return undefined
  return {
    ...newEvent(event),
    ask: count !== undefined ? 'count' : sum !== undefined ? 'sum' : 'any',
    property: isFields(sum) ? String(sum.property ?? '') : '',
    ...(test ? { test } : {}),
    within: within ?? '',
    where: selected as readonly Where[],
  }
}

/** A condition as the API has it, as the builder edits it. */
export const nodeOf = (value: unknown): Node => {
  const raw: Node = { kind: 'json', value }
  if (!isFields(value)) return raw
  const keys = Object.keys(value)
  for (const join of ['all', 'any'] as const)
    if (keys.length === 1 && Array.isArray(value[join]))
      return { kind: 'group', join, of: (value[join] as unknown[]).map(nodeOf) }
  if (keys.length === 1 && 'not' in value) {
    const inner = nodeOf(value.not)
    return { kind: 'group', join: 'not', of: inner.kind === 'group' && inner.join === 'any' ? inner.of : [inner] }
  }
  if ('event' in value) return eventIn(value) ?? raw
  if (typeof value.segment === 'string' && keys.length === 1) return { kind: 'segment', segment: value.segment }
  if (typeof value.attribute === 'string') {
    const test = testIn(value)
    if (test && keys.length === 2) return { kind: 'attribute', attribute: value.attribute, test }
  }
  return raw
}

const scalar = (text: string): unknown => {
  const trimmed = text.trim()
  if (trimmed === 'true') return true
  if (trimmed === 'false') return false
  return trimmed !== '' && /^-?\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed
}

const readValue = ({ operator, value }: Test, type?: Property['type']): unknown => {
  if (isBare(operator)) return true
  const read = type === 'string' ? (text: string): unknown => text.trim() : scalar
  return operator === '$in' ? value.split(',').map(read) : read(value)
}

/** What the builder made, as the API has it. `typeOf` tells the type of an event's property, where it is known. */
export const conditionOf = (
  node: Node,
  typeOf: (event: string, property: string) => Property['type'] | undefined,
): unknown => {
  switch (node.kind) {
    case 'group': {
      const of = node.of.map((one) => conditionOf(one, typeOf))
      if (node.join !== 'not') return { [node.join]: of }
      return { not: of.length === 1 ? of[0] : { any: of } }
    }
    case 'event': {
      const { event, ask, property, test, within, where } = node
      return {
        event,
        ...(ask === 'count' ? { count: { [test.operator]: readValue(test) } } : {}),
        ...(ask === 'sum' ? { sum: { property, [test.operator]: readValue(test) } } : {}),
        ...(within === '' ? {} : { within }),
        ...(where.length === 0
          ? {}
          : {
              where: where.map((one) => ({
                property: one.property,
                [one.operator]: readValue(one, typeOf(event, one.property)),
              })),
            }),
      }
    }
    case 'attribute':
      return { attribute: node.attribute, [node.test.operator]: readValue(node.test) }
    case 'segment':
      return { segment: node.segment }
    case 'json':
      return node.value
    default:
      return node satisfies never
  }
}

/** What a condition from the forms still lacks before it can be asked, in words; undefined where nothing is. */
export const lackOf = (node: Node): string | undefined => {
  switch (node.kind) {
    case 'group':
      return node.of.map(lackOf).find((lack) => lack !== undefined)
    case 'event':
      if (node.event === '') return 'an event'
      return (node.ask === 'sum' && node.property === '') || node.where.some(({ property }) => property === '')
        ? `a property of ${node.event}`
        : undefined
    case 'attribute':
      return node.attribute.trim() === '' ? 'an attribute' : undefined
    case 'segment':
      return node.segment === '' ? 'a segment' : undefined
    case 'json':
      return undefined
    default:
      return node satisfies never
  }
}
