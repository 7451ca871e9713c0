// Conditions as closures: compiled once, then asked of a customer at an instant for a truth, its end and its reasons.
import type { AccumulatorSpec } from './accumulate.ts'
import { type Answer, allOf, answer, anyOf, FAILS, HOLDS, negated } from './answer.ts'
import type { Condition, ItemsLeaf, Leaf, ValueType } from './ast.ts'
import { attributeOf } from './attributes.ts'
import { describe } from './describe.ts'
import type { Environment } from './environment.ts'
import { prepareEventLeaf, type Where } from './eventLeaf.ts'
import { type References, referencesOf } from './references.ts'
import { ABSENT, SKIPPED, sourceOf } from './sources.ts'
import { MAX_STEPS, type Steps, sizeOf, spend, startSteps, weightOf, whileAffordable } from './steps.ts'
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
  /** The steps of the decision did not suffice: nothing is known, so it counts as not holding. */
  readonly tooCostly?: true
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

/** The context of one evaluation, with what it may still cost and what it has found of lists of items. */
interface Asked extends ItemContext {
  readonly steps: Steps
  readonly known: Map<
    ItemsLeaf,
    { readonly items: readonly OrderItem[]; readonly now: number; readonly answer: Answer }
  >
}

interface Node {
  readonly ask: (subject: Subject, context: Asked, now: number) => Answer
  readonly explain: (subject: Subject, context: Asked, now: number, limit: Limit) => Because
  readonly failed?: (subject: Subject, context: Asked, now: number) => FailedRule | undefined
}

/** Tests of a leaf's value that take what they cost off the steps. */
const testsOf = (
  { tests, type }: Pick<Extract<Leaf, { type: ValueType }>, 'tests' | 'type'>,
  timeZone: string,
  clock?: boolean,
): ((value: unknown, context: Asked, now: number) => Answer) => {
  const test = prepareTests(tests, type, timeZone, clock)
  const weight = weightOf(tests, type)
  return (value, { steps }, now) => {
    spend(steps, weight * sizeOf(value))
    return test(value, now)
  }
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
  answerOf: Node['ask'],
  value: (subject: Subject, context: Asked, now: number) => unknown,
): Node => {
  const words = short(describe(leaf))
  const ask: Node['ask'] = (subject, context, now) => {
    spend(context.steps, 1)
    return answerOf(subject, context, now)
  }
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
      const test = testsOf(leaf, timeZone)
      return leafNode(leaf, (subject, context, now) => test(read(subject), context, now), read)
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
      const test = testsOf(leaf, timeZone)
      return leafNode(
        leaf,
        (_, context, now) => (context.event ? test(own(context.event.metadata, leaf.property), context, now) : FAILS),
        (_, { event }) => event && own(event.metadata, leaf.property),
      )
    }
    case 'context': {
      const source = sourceOf(leaf.name)
      const test = testsOf(leaf, timeZone, source?.clock)
      const read = (context: ItemContext) => (source ? source.read(context, leaf.property ?? '') : ABSENT)
      return leafNode(
        leaf,
        (_, context, now) => {
          const value = read(context)
          return value === ABSENT ? FAILS : value === SKIPPED ? HOLDS : test(value, context, now)
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
  (event) => {
    const context: Asked = { event, steps: startSteps(), known: new Map() }
    return whileAffordable(() => node.ask(NOBODY, context, event.occurredAt))?.holds ?? false
  }

const buildJoin = (kind: 'all' | 'any', nodes: readonly Node[]): Node => {
  const join = kind === 'all' ? allOf : anyOf
  const ask: Node['ask'] = (subject, context, now) => {
    spend(context.steps, 1)
    return join(nodes, (node) => node.ask(subject, context, now))
  }
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

/**
 * A question about a list of items. Where it stands inside another such question it is asked again for each item there, of the
 * same list, and which item that is makes no difference to it: so it is answered once for each list.
 */
const buildItems = (leaf: ItemsLeaf, build: Build): Node => {
  const among = leaf.among === undefined ? undefined : buildNode(leaf.among, build)
  const of = buildNode(leaf.of, build)
  const words = short(describe(leaf))
  const answerOf = (all: readonly OrderItem[], subject: Subject, context: Asked, now: number): Answer => {
    spend(context.steps, all.length)
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
  const ask: Node['ask'] = (subject, context, now) => {
    spend(context.steps, 1)
    const items = context.items ?? context.order?.items
    if (!items) return FAILS
    const before = context.known.get(leaf)
    if (before?.items === items && before.now === now) return before.answer
    const found = answerOf(items, subject, context, now)
    context.known.set(leaf, { items, now, answer: found })
    return found
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
 * Past their bound, or out of steps, the instant reached so far: too early, never too late.
 */
const heldUntil = (ask: (at: number) => Answer | undefined, first: Answer): number | null => {
  let { until } = first
  for (let n = 0; n < MAX_PASSED_OVER && until < Number.POSITIVE_INFINITY; n++) {
    const next = ask(until)
    if (next?.holds !== first.holds) break
    until = next.until
  }
  return until === Number.POSITIVE_INFINITY ? null : until
}

/** What is written for an evaluation, or a part of one, that ran out of steps. */
const TOO_COSTLY: Because = {
  is: `not answered: it would take more than the ${MAX_STEPS} steps of a decision`,
  holds: false,
}
const UNANSWERED: Evaluation = { holds: false, until: null, because: TOO_COSTLY, failed: undefined, tooCostly: true }

/** Compiles a condition that was parsed in this environment. */
export const compile = (condition: Condition, environment: Environment): Compiled => {
  const build: Build = { environment, accumulators: new Map() }
  const root = buildNode(condition, build)
  return {
    accumulators: [...build.accumulators.values()],
    listens: referencesOf(condition),
    evaluate: (subject, given, now) => {
      const context: Asked = { ...given, steps: given.steps ?? startSteps(), known: new Map() }
      const first = whileAffordable(() => root.ask(subject, context, now))
      if (!first) return UNANSWERED
      // What explains the answer has steps of its own: it is read later, and never changes what was decided.
      const asideOf = (): Asked => ({ ...context, steps: startSteps() })
      let end: number | null | undefined
      return {
        holds: first.holds,
        get until() {
          if (end === undefined) {
            const aside = asideOf()
            end = heldUntil((at) => whileAffordable(() => root.ask(subject, aside, at)), first)
          }
          return end
        },
        get because() {
          return whileAffordable(() => root.explain(subject, asideOf(), now, { left: MAX_EXPLAINED })) ?? TOO_COSTLY
        },
        get failed() {
          if (first.holds) return undefined
          return root.failed && whileAffordable(() => ({ rule: root.failed?.(subject, asideOf(), now) }))?.rule
        },
      }
    },
  }
}
