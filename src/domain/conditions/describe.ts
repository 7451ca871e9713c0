// Conditions in a few words, for truth tables and logs.
import type { Condition, EventLeaf, Leaf, Span, Test, Window } from './ast.ts'

const iso = (at: number): string => new Date(at).toISOString()

const days = ({ years, months, days, ms }: Span): string => {
  const date = `${years ? `${years}Y` : ''}${months ? `${months}M` : ''}${days ? `${days}D` : ''}`
  return `P${date || (ms ? '' : '0D')}${ms ? `T${ms / 1000}S` : ''}`
}

const values = (list: readonly unknown[]): string =>
  list.length > 5 ? `${list.slice(0, 5).join(', ')} and ${list.length - 5} more` : list.join(', ')

const test = (one: Test): string => {
  switch (one.op) {
    case 'lt':
      return `< ${one.value}`
    case 'lte':
      return `<= ${one.value}`
    case 'gt':
      return `> ${one.value}`
    case 'gte':
      return `>= ${one.value}`
    case 'size':
      return `number of values ${one.compare} ${one.value}`
    case 'after':
    case 'before':
    case 'after_equal':
    case 'before_equal':
      return `${one.op} ${iso(one.at)}`
    case 'between':
      return `between ${iso(one.from)} and ${iso(one.to)}`
    case 'older':
      return `at least ${days(one.by)} ago`
    case 'newer':
      return `less than ${days(one.by)} ago`
    case 'later':
      return `at least ${days(one.by)} ahead`
    case 'sooner':
      return `less than ${days(one.by)} ahead`
    case 'on_day':
      return `on day ${one.shift} from today${one.yearly ? ', any year' : ''}`
    case 'in_period':
      return `in ${one.unit} ${one.shift} from this${one.yearly ? ', any year' : ''}`
    case 'anniversary':
      return `anniversary ${one.compare} ${one.days} days ${one.direction}`
    case 'years_ago':
      return `${one.years} years ago today`
    case 'part':
      return `${one.part} in ${values(one.values)}`
    case 'recurring':
      return `in a recurring time from ${iso(one.start)}`
    case 'daily':
      return `daily from ${one.from / 60_000} to ${one.to / 60_000} minutes past midnight`
    case 'near':
    case 'not_near':
      return `${one.op} ${one.circles.length} points`
    case 'has_value':
    case 'is_unknown':
      return one.op
    default:
      return `${one.op} ${values(one.values)}`
  }
}

const window = (one: Window): string => {
  switch (one.kind) {
    case 'rolling':
      return ` within ${one.text}`
    case 'range':
      return `${one.from === null ? '' : ` from ${iso(one.from)}`}${one.to === null ? '' : ` until ${iso(one.to)}`}`
    case 'period':
      return ` in ${one.shift === 0 ? 'this' : 'last'} ${one.unit}`
    default:
      return one satisfies never
  }
}

const event = ({ event: name, aggregate, window: over, where }: EventLeaf): string =>
  `${aggregate.of}${aggregate.of === 'sum' ? ` of ${aggregate.property}` : ''} of ${name}${over ? window(over) : ''}${
    where ? ` where ${describe(where)}` : ''
  }`

const subjectOf = (leaf: Leaf): string => {
  switch (leaf.kind) {
    case 'event':
      return event(leaf)
    case 'attribute':
      return leaf.attribute
    case 'segment':
      return `in segment ${leaf.segment}`
    case 'points':
      return `points in ${leaf.campaign}`
    case 'property':
      return leaf.property
    case 'context':
      return `${leaf.name}${leaf.property === undefined ? '' : ` ${leaf.property}`}`
    default:
      return leaf satisfies never
  }
}

/** A condition in words. */
export const describe = (condition: Condition): string => {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return `(${condition.of.map(describe).join(condition.kind === 'all' ? ' and ' : ' or ')})`
    case 'not':
      return `not ${describe(condition.of)}`
    case 'rule':
    case 'ruleset':
      return describe(condition.of)
    case 'items':
      return `${condition.quantifier} of the order's items${condition.among ? ` with ${describe(condition.among)}` : ''}: ${describe(condition.of)}`
    default:
      return 'tests' in condition
        ? `${subjectOf(condition)} ${condition.tests.map(test).join(' and ')}`
        : subjectOf(condition)
  }
}
