// What asking conditions may cost: the steps that a decision has, what each test takes of them, and a definition's worst case.
import type { Condition, Test, ValueType } from './ast.ts'
import { MAX_ORDER_ITEMS } from './subject.ts'

/** The steps that are left to a decision; counted down in place. A step is up to 200 ns. */
export interface Steps {
  left: number
}

/**
 * Steps of one decision, whatever it asks: the largest order (500 items) and a rule of a few hundred parts stay below it, and
 * spending all of it takes some tens of milliseconds.
 */
export const MAX_STEPS = 250_000

export const startSteps = (): Steps => ({ left: MAX_STEPS })

/** Thrown where the steps are used up, and caught where the evaluation began. */
const USED_UP = new Error('the steps of a decision are used up')

/** Takes steps away, where they are counted. Only within `whileAffordable`. */
export const spend = (steps: Steps | undefined, count: number): void => {
  if (!steps) return
  steps.left -= count
  if (steps.left < 0) throw USED_UP
}

/** What the work gives; undefined when it ran out of steps. */
export const whileAffordable = <T extends object | number>(work: () => T): T | undefined => {
  try {
    return work()
  } catch (error) {
    if (error === USED_UP) return undefined
    throw error
  }
}

/** Reading a date or a time is work for the calendar. */
const DATE_STEPS = 20
/** Characters that are searched in one step. */
const CHARACTERS = 64

const weightOfTest = (test: Test, type: ValueType): number => {
  const perValue = type === 'date' || type === 'datetime' ? DATE_STEPS : 1
  switch (test.op) {
    case 'includes':
    case 'not_differ':
      return perValue * test.values.length
    case 'contains':
    case 'not_contain':
    case 'starts_with':
    case 'ends_with':
      return test.values.length
    case 'near':
    case 'not_near':
      return 4 * test.circles.length
    case 'in':
    case 'not_in':
      return perValue
    case 'has_value':
    case 'is_unknown':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
    case 'size':
      return 1
    default:
      return DATE_STEPS
  }
}

/** The steps that tests take for a single short value. */
export const weightOf = (tests: readonly Test[], type: ValueType): number =>
  tests.reduce((sum, test) => sum + weightOfTest(test, type), 1)

/** How many short values a value comes to: the elements of a list, the stretches of a long text. */
export const sizeOf = (value: unknown): number => {
  if (typeof value === 'string') return 1 + Math.floor(value.length / CHARACTERS)
  if (!Array.isArray(value)) return 1
  let size = 1
  for (const element of value) size += typeof element === 'string' ? 1 + Math.floor(element.length / CHARACTERS) : 1
  return size
}

/** Steps of going once through so many items, and of summing so many that belong together. */
export const listSteps = (items: number): number => Math.ceil(items / 8)
export const pairSteps = (items: number): number => Math.ceil(items / 4)

/** What a part costs for each item that it is asked of, and once for a list of items whoever asks. */
interface Cost {
  readonly each: number
  readonly once: number
  /** Whether each item of the list is compared with all of it, which is done once for a list. */
  readonly pairs: boolean
}

const ONE_STEP: Cost = { each: 1, once: 0, pairs: false }

const together = (a: Cost, b: Cost): Cost => ({
  each: a.each + b.each,
  once: a.once + b.once,
  pairs: a.pairs || b.pairs,
})

const ofList = ({ each, once, pairs }: Cost): number =>
  MAX_ORDER_ITEMS * (1 + each + (pairs ? pairSteps(MAX_ORDER_ITEMS) : 0)) + once

type ReachOf = (name: string) => 'one' | 'list' | 'pairs'

const costOf = (condition: Condition, reachOf: ReachOf): Cost => {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.map((part) => costOf(part, reachOf)).reduce(together, ONE_STEP)
    case 'not':
    case 'rule':
    case 'ruleset':
      return costOf(condition.of, reachOf)
    case 'items': {
      // Asked once for a list, however many of the items around it ask again: see `buildItems`.
      const among = condition.among ? ofList(costOf(condition.among, reachOf)) : 0
      return { ...ONE_STEP, once: among + ofList(costOf(condition.of, reachOf)) }
    }
    case 'context': {
      const reach = reachOf(condition.name)
      const each = 1 + weightOf(condition.tests, condition.type) + (reach === 'list' ? listSteps(MAX_ORDER_ITEMS) : 0)
      return { each, once: 0, pairs: reach === 'pairs' }
    }
    case 'attribute':
    case 'property':
      return { ...ONE_STEP, each: 1 + weightOf(condition.tests, condition.type) }
    case 'event':
    case 'points':
    case 'segment':
      return ONE_STEP
    default:
      return condition satisfies never
  }
}

/**
 * The most steps that a condition can take, with the largest order and single short values; what it takes beyond that shows when
 * it is asked. `reachOf`: how many items are looked at to find what a name stands for.
 */
export const worstCase = (condition: Condition, reachOf: ReachOf): number => {
  const { each, once } = costOf(condition, reachOf)
  return each + once
}
