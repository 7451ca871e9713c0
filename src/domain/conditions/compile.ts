// Conditions as closures: compiled once, then asked of a customer at an instant for a truth, its end and its reasons.
import type { AccumulatorSpec } from './accumulate.ts'
import { type Answer, allOf, answer, anyOf, FAILS, HOLDS, negated } from './answer.ts'
import type { Condition, ItemsLeaf, Leaf } from './ast.ts'
import { attributeOf } from './attributes.ts'
import { describe } from './describe.ts'
import type { Environment } from './environment.ts'
import { prepareEventLeaf, type Where } from './eventLeaf.ts'
import { type References, referencesOf } from './references.ts'
import { ABSENT, SKIPPED, sourceOf } from './sources.ts'
import type { Context, ItemContext, OrderItem, Subject } from './subject.ts'
import { numberTest, prepareTests } from './tests.ts'

export type { References as Listens } from './references.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The truth table of one evaluation: each leaf in words with the value compared, each join with its parts. */
export type Because =
  | { readonly is: string; readonly value?: Json; readonly holds: boolean }
  | { readonly all: readonly Because[]; readonly holds: boolean }
  | { readonly any: readonly Because[]; readonly holds: boolean }
  | { readonly not: Because; readonly holds: boolean }
  | { readonly rule: string; readonly of: Because; readonly holds: boolean }

/** The first rule of a validation rule that failed, and the text that its author wrote for that. */
export interface FailedRule {
  /** Its number; nested ones as in `2.1`. */
  readonly rule: string
  readonly name: string
  readonly message?: string
}

export interface Evaluation {
  readonly holds: boolean
  /** The instant, ms, at which the truth changes with nothing new happening; null for never. Never later than that. */
  readonly until: number | null
  readonly because: Because
  /** Of a validation rule that does not hold. */
  readonly failed: FailedRule | undefined
}

export interface Compiled {
  readonly accumulators: readonly AccumulatorSpec[]
  readonly listens: References
  /**
   * Asks a customer at an instant (ms), no earlier than anything that its accumulators took in was recorded. `until` and
   * `because` are worked out when they are read: read them before the answer is kept for long.
   */
  readonly evaluate: (subject: Subject, context: Context, now: number) => Evaluation
}

interface Node {
  readonly ask: (subject: Subject, context: ItemContext, now: number) => Answer
  readonly explain: (subject: Subject, context: ItemContext, now: number, limit: Limit) => Because
  readonly failed?: (subject: Subject, context: ItemContext, now: number) => FailedRule | undefined
}

/** How much of a truth table may still be written. */
interface Limit {
  left: number
}

/** Leaves of one truth table; it is kept with facts. */
const MAX_EXPLAINED = 60
const MAX_WORDS = 200
/** How many instants that change nothing are passed over in search of the one that does. */
const MAX_PASSED_OVER = 64

interface Build {
  readonly environment: Environment
  readonly accumulators: Map<string, AccumulatorSpec>
}

const short = (text: string): string => (text.length > MAX_WORDS ? `${text.slice(0, MAX_WORDS)}…` : text)

const jsonOf = (value: unknown): Json => {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' || typeof value === 'boolean') return value
  return short(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
}

const own = (record: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(record, key) ? record[key] : undefined

const leafNode = (
  leaf: Leaf,
  ask: Node['ask'],
  value: (subject: Subject, context: ItemContext, now: number) => unknown,
): Node => {
  const words = short(describe(leaf))
  return {
    ask,
    explain: (subject, context, now, limit) => {
      limit.left--
      return { is: words, value: jsonOf(value(subject, context, now)), holds: ask(subject, context, now).holds }
    },
  }
}

const buildLeaf = (leaf: Leaf, build: Build): Node => {
  const { timeZone } = build.environment
  switch (leaf.kind) {
    case 'event': {
      const where = leaf.where === undefined ? undefined : whereOf(buildNode(leaf.where, build))
      const prepared = prepareEventLeaf(leaf, timeZone, where)
      for (const spec of prepared.accumulators) build.accumulators.set(spec.key, spec)
      return leafNode(
        leaf,
        (subject, _, now) => prepared.ask(subject, now),
        (subject, _, now) => prepared.value(subject, now),
      )
    }
    case 'attribute': {
      const read = attributeOf(leaf.attribute)?.read ?? (() => undefined)
      const test = prepareTests(leaf.tests, leaf.type, timeZone)
      return leafNode(leaf, (subject, _, now) => test(read(subject), now), read)
    }
    case 'segment':
      return leafNode(
        leaf,
        (subject) => (Object.hasOwn(subject.segments, leaf.segment) ? HOLDS : FAILS),
        (subject) => Object.hasOwn(subject.segments, leaf.segment),
      )
    case 'points': {
      const test = numberTest(leaf.tests)
      const read = (subject: Subject) => subject.points(leaf.campaign)
      return leafNode(leaf, (subject) => answer(test.holds(read(subject) ?? 0)), read)
    }
    case 'property': {
      const test = prepareTests(leaf.tests, leaf.type, timeZone)
      return leafNode(
        leaf,
        (_, { event }, now) => (event ? test(own(event.metadata, leaf.property), now) : FAILS),
        (_, { event }) => event && own(event.metadata, leaf.property),
      )
    }
    case 'context': {
      const source = sourceOf(leaf.name)
      const test = prepareTests(leaf.tests, leaf.type, timeZone, source?.clock)
      const read = (context: ItemContext) => (source ? source.read(context, leaf.property ?? '') : ABSENT)
      return leafNode(
        leaf,
        (_, context, now) => {
          const value = read(context)
          return value === ABSENT ? FAILS : value === SKIPPED ? HOLDS : test(value, now)
        },
        (_, context) => {
          const value = read(context)
          return value === ABSENT || value === SKIPPED ? null : value
        },
      )
    }
    default:
      return leaf satisfies never
  }
}

const NOBODY: Subject = {
  profile: {},
  createdAt: 0,
  occurrences: {},
  accumulators: {},
  segments: {},
  points: () => undefined,
}

const whereOf =
  (node: Node): Where =>
  (event) =>
    node.ask(NOBODY, { event }, event.occurredAt).holds

const buildJoin = (kind: 'all' | 'any', nodes: readonly Node[]): Node => {
  const join = kind === 'all' ? allOf : anyOf
  const ask: Node['ask'] = (subject, context, now) => join(nodes, (node) => node.ask(subject, context, now))
  return {
    ask,
    explain: (subject, context, now, limit) => {
      const parts: Because[] = []
      for (const node of nodes) {
        if (limit.left <= 0) break
        parts.push(node.explain(subject, context, now, limit))
      }
      const { holds } = ask(subject, context, now)
      return kind === 'all' ? { all: parts, holds } : { any: parts, holds }
    },
    failed: (subject, context, now) =>
      nodes.find((node) => !node.ask(subject, context, now).holds)?.failed?.(subject, context, now),
  }
}

const priceOf = ({ price, amount }: OrderItem): number => price ?? amount ?? 0

const pick = (items: readonly OrderItem[], sign: 1 | -1): readonly OrderItem[] => {
  const [first] = items
  if (!first) return []
  return [items.reduce((best, item) => (sign * (priceOf(item) - priceOf(best)) < 0 ? item : best), first)]
}

const buildItems = (leaf: ItemsLeaf, build: Build): Node => {
  const among = leaf.among === undefined ? undefined : buildNode(leaf.among, build)
  const of = buildNode(leaf.of, build)
  const words = short(describe(leaf))
  const ask: Node['ask'] = (subject, context, now) => {
    const all = context.items ?? context.order?.items
    if (!all) return FAILS
    const selected = among ? all.filter((item) => among.ask(subject, { ...context, item, items: all }, now).holds) : all
    const each = (item: OrderItem) => of.ask(subject, { ...context, item, items: selected }, now)
    switch (leaf.quantifier) {
      case 'any':
        return anyOf(selected, each)
      case 'none':
        return negated(anyOf(selected, each))
      case 'every':
        return selected.length === 0 ? FAILS : allOf(selected, each)
      case 'cheapest':
        return anyOf(pick(selected, 1), each)
      case 'most_expensive':
        return anyOf(pick(selected, -1), each)
      default:
        return leaf.quantifier satisfies never
    }
  }
  return {
    ask,
    explain: (subject, context, now, limit) => {
      limit.left--
      return { is: words, holds: ask(subject, context, now).holds }
    },
  }
}

const buildNode = (condition: Condition, build: Build): Node => {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return buildJoin(
        condition.kind,
        condition.of.map((part) => buildNode(part, build)),
      )
    case 'not': {
      const of = buildNode(condition.of, build)
      return {
        ask: (subject, context, now) => negated(of.ask(subject, context, now)),
        explain: (subject, context, now, limit) => {
          const not = of.explain(subject, context, now, limit)
          return { not, holds: !not.holds }
        },
      }
    }
    case 'items':
      return buildItems(condition, build)
    case 'rule': {
      const of = buildNode(condition.of, build)
      const { rule, name, message } = condition
      return {
        ask: of.ask,
        explain: (subject, context, now, limit) => {
          const inner = of.explain(subject, context, now, limit)
          return { rule, of: inner, holds: inner.holds }
        },
        failed: (subject, context, now) => {
          const inner = of.failed?.(subject, context, now) ?? { rule, name }
          return inner.message === undefined && message !== undefined ? { ...inner, message } : inner
        },
      }
    }
    case 'ruleset': {
      const of = buildNode(condition.of, build)
      const { message } = condition
      return {
        ...of,
        failed: (subject, context, now) => {
          const inner = of.failed?.(subject, context, now)
          return inner && inner.message === undefined && message !== undefined ? { ...inner, message } : inner
        },
      }
    }
    default:
      return buildLeaf(condition, build)
  }
}

/**
 * The exact end of an answer: parts of a condition may change without the whole changing, so such instants are passed over.
 * Past their bound, the instant reached so far: too early, never too late.
 */
const settled = (ask: (at: number) => Answer, first: Answer): number | null => {
  let { until } = first
  for (let n = 0; n < MAX_PASSED_OVER && until < Number.POSITIVE_INFINITY; n++) {
    const next = ask(until)
    if (next.holds !== first.holds) break
    until = next.until
  }
  return until === Number.POSITIVE_INFINITY ? null : until
}

/** Compiles a condition that was parsed in this environment. */
export const compile = (condition: Condition, environment: Environment): Compiled => {
  const build: Build = { environment, accumulators: new Map() }
  const root = buildNode(condition, build)
  return {
    accumulators: [...build.accumulators.values()],
    listens: referencesOf(condition),
    evaluate: (subject, context, now) => {
      const first = root.ask(subject, context, now)
      let end: number | null | undefined
      return {
        holds: first.holds,
        get until() {
          if (end === undefined) end = settled((at) => root.ask(subject, context, at), first)
          return end
        },
        get because() {
          return root.explain(subject, context, now, { left: MAX_EXPLAINED })
        },
        get failed() {
          return first.holds ? undefined : root.failed?.(subject, context, now)
        },
      }
    },
  }
}
