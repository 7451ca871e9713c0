// Conditions in a few words: each kind of question and of window as truth tables and logs show it.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Condition, EventLeaf, Test } from '../../src/domain/conditions/ast.ts'
import { describe } from '../../src/domain/conditions/describe.ts'

const AT = Date.parse('2026-03-02T12:00:00Z')
const span = (more: object = {}) => ({ years: 0, months: 0, days: 0, ms: 0, ...more })
const asking = (...tests: Test[]) => describe({ kind: 'attribute', attribute: 'name', type: 'any', tests })
const segment = { kind: 'segment', segment: 'seg_1' } as const
const event = (more: Partial<EventLeaf> = {}) =>
  describe({ kind: 'event', event: 'bought', aggregate: { of: 'count' }, tests: [{ op: 'gt', value: 2 }], ...more })

test('each question about a value', () => {
  const cases: readonly (readonly [Test, string])[] = [
    [{ op: 'lt', value: 2 }, '< 2'],
    [{ op: 'lte', value: 2 }, '<= 2'],
    [{ op: 'gt', value: 2 }, '> 2'],
    [{ op: 'gte', value: 2 }, '>= 2'],
    [{ op: 'size', compare: 'eq', value: 2 }, 'number of values eq 2'],
    [{ op: 'after', at: AT }, 'after 2026-03-02T12:00:00.000Z'],
    [{ op: 'before_equal', at: AT }, 'before_equal 2026-03-02T12:00:00.000Z'],
    [{ op: 'between', from: AT, to: AT + 1 }, 'between 2026-03-02T12:00:00.000Z and 2026-03-02T12:00:00.001Z'],
    [{ op: 'older', by: span({ years: 1, months: 2, days: 3 }) }, 'at least P1Y2M3D ago'],
    [{ op: 'newer', by: span() }, 'less than P0D ago'],
    [{ op: 'later', by: span({ ms: 90_000 }) }, 'at least PT90S ahead'],
    [{ op: 'sooner', by: span({ days: 1, ms: 1_000 }) }, 'less than P1DT1S ahead'],
    [{ op: 'on_day', shift: -1, yearly: true }, 'on day -1 from today, any year'],
    [{ op: 'on_day', shift: 0, yearly: false }, 'on day 0 from today'],
    [{ op: 'in_period', unit: 'week', shift: 1, yearly: false }, 'in week 1 from this'],
    [{ op: 'in_period', unit: 'month', shift: 0, yearly: true }, 'in month 0 from this, any year'],
    [{ op: 'anniversary', direction: 'ago', compare: 'at_most', days: 3 }, 'anniversary at_most 3 days ago'],
    [{ op: 'years_ago', years: 18 }, '18 years ago today'],
    [{ op: 'part', part: 'weekday', values: [0, 6] }, 'weekday in 0, 6'],
    [
      { op: 'recurring', start: AT, every: span({ days: 7 }), lasting: span({ days: 1 }) },
      'in a recurring time from 2026-03-02T12:00:00.000Z',
    ],
    [{ op: 'daily', from: 3_600_000, to: 5_400_000, days: [1] }, 'daily from 60 to 90 minutes past midnight'],
    [{ op: 'near', circles: [{ latitude: 0, longitude: 0, metres: 1 }] }, 'near 1 points'],
    [{ op: 'has_value' }, 'has_value'],
    [{ op: 'is_unknown' }, 'is_unknown'],
    [{ op: 'in', values: [1, 2, 3, 4, 5] }, 'in 1, 2, 3, 4, 5'],
    [{ op: 'contains', values: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }, 'contains a, b, c, d, e and 2 more'],
  ]
  for (const [one, said] of cases) assert.is(asking(one), `name ${said}`)
  assert.is(asking({ op: 'gt', value: 1 }, { op: 'lt', value: 3 }), 'name > 1 and < 3')
})

test('each window of events, and what is asked of them', () => {
  assert.is(event(), 'count of bought > 2')
  assert.is(event({ aggregate: { of: 'sum', property: 'amount' } }), 'sum of amount of bought > 2')
  assert.is(event({ window: { kind: 'rolling', ms: 1, text: 'P9D' } }), 'count of bought within P9D > 2')
  const range = (from: number | null, to: number | null) => event({ window: { kind: 'range', from, to } })
  assert.is(range(AT, null), 'count of bought from 2026-03-02T12:00:00.000Z > 2')
  assert.is(range(null, AT), 'count of bought until 2026-03-02T12:00:00.000Z > 2')
  const period = (shift: 0 | -1) => event({ window: { kind: 'period', unit: 'month', shift } })
  assert.equal([period(0), period(-1)], ['count of bought in this month > 2', 'count of bought in last month > 2'])
  const where: Condition = { kind: 'property', property: 'shop', type: 'any', tests: [{ op: 'has_value' }] }
  assert.is(event({ where }), 'count of bought where shop has_value > 2')
})

test('each thing that is asked, and how they are joined', () => {
  const context = { kind: 'context', name: 'order.metadata', type: 'any', tests: [{ op: 'has_value' }] } as const
  const points = { kind: 'points', campaign: 'camp_1', tests: [{ op: 'gte', value: 5 }] } as const
  const cases: readonly (readonly [Condition, string])[] = [
    [segment, 'in segment seg_1'],
    [points, 'points in camp_1 >= 5'],
    [context, 'order.metadata has_value'],
    [{ ...context, property: 'gift' }, 'order.metadata gift has_value'],
    [{ kind: 'all', of: [segment, points] }, '(in segment seg_1 and points in camp_1 >= 5)'],
    [{ kind: 'any', of: [segment, points] }, '(in segment seg_1 or points in camp_1 >= 5)'],
    [{ kind: 'not', of: segment }, 'not in segment seg_1'],
    [{ kind: 'rule', rule: '1', name: 'segment', of: segment }, 'in segment seg_1'],
    [{ kind: 'ruleset', of: segment }, 'in segment seg_1'],
    [{ kind: 'items', quantifier: 'every', of: context }, "every of the order's items: order.metadata has_value"],
    [
      { kind: 'items', quantifier: 'any', among: segment, of: context },
      "any of the order's items with in segment seg_1: order.metadata has_value",
    ],
  ]
  for (const [condition, said] of cases) assert.is(describe(condition), said)
})

test.run()
