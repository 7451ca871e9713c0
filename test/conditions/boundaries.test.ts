// Edges that no story comes upon: how far a place may be, how many a segment may list, when a number's answer cannot change.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { calendarOf } from '../../src/domain/calendar.ts'
import type { Test } from '../../src/domain/conditions/ast.ts'
import { askInstant } from '../../src/domain/conditions/dates.ts'
import { MAX_CONDITION_NESTING, shown, startReading } from '../../src/domain/conditions/faults.ts'
import { parseFilter } from '../../src/domain/conditions/filter.ts'
import { isClockTest, isTimed } from '../../src/domain/conditions/operators.ts'
import { parseRules } from '../../src/domain/conditions/rules.ts'
import { listSteps, pairSteps, sizeOf, spend, weightOf } from '../../src/domain/conditions/steps.ts'
import { numberTest, prepareTests } from '../../src/domain/conditions/tests.ts'
import { Segment } from '../../src/domain/rulebook/segment.ts'
import fc from '../fc.ts'
import { compiled, environment, nobody } from './fixtures.ts'

const isPlace = (text: string): boolean =>
  !('faults' in parseFilter({ junction: 'and', 'metadata.at': { conditions: { $in_location: [text] } } }, environment))

test('a circle lies on the earth, its edges with it, and is larger than a point', () => {
  for (const place of ['90,180,1', '-90,-180,0.5', '0,0,1']) assert.ok(isPlace(place), place)
  for (const place of ['90.001,0,1', '-90.001,0,1', '0,180.001,1', '0,-180.001,1', '0,0,0', '0,0,-1', '0,0', 'x,0,1'])
    assert.not.ok(isPlace(place), place)
})

test('a segment lists 20,000 customers and no more', () => {
  const listing = (n: number) =>
    v.safeParse(Segment, { name: 's', type: 'static', customers: Array.from({ length: n }, (_, i) => `c${i}`) }).success
  assert.equal([listing(20_000), listing(20_001)], [true, false])
})

test('a bound answers alike on an interval exactly when no number in it is on the other side', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('lt', 'lte', 'gt', 'gte'),
      fc.integer({ min: -4, max: 4 }),
      fc.integer({ min: -6, max: 6 }),
      fc.nat(5),
      (op, value, low, width) => {
        const asked = numberTest([{ op, value }])
        const ends = [asked.holds(low), asked.holds(low + width)]
        assert.is(asked.isConstantOn(low, low + width), ends[0] === ends[1])
        for (let n = asked.cap; n < asked.cap + 3; n++) assert.is(asked.holds(n), asked.holds(asked.cap))
      },
    ),
  )
})

const SPAN = { years: 0, months: 0, days: 1, ms: 0 }
const HERE = { latitude: 0, longitude: 0, metres: 1 }
/** One test of each operator. */
const EACH: readonly Test[] = [
  ...(['in', 'not_in', 'includes', 'not_differ'] as const).map((op): Test => ({ op, values: [1] })),
  ...(['contains', 'not_contain', 'starts_with', 'ends_with'] as const).map((op): Test => ({ op, values: ['a'] })),
  { op: 'has_value' },
  { op: 'is_unknown' },
  ...(['lt', 'lte', 'gt', 'gte'] as const).map((op): Test => ({ op, value: 1 })),
  { op: 'size', compare: 'eq', value: 1 },
  ...(['after', 'before', 'after_equal', 'before_equal'] as const).map((op): Test => ({ op, at: 0 })),
  ...(['older', 'newer', 'later', 'sooner'] as const).map((op): Test => ({ op, by: SPAN })),
  { op: 'on_day', shift: 0, yearly: false },
  { op: 'in_period', unit: 'week', shift: 0, yearly: false },
  { op: 'anniversary', direction: 'ago', compare: 'more', days: 1 },
  { op: 'years_ago', years: 1 },
  { op: 'part', part: 'weekday', values: [1] },
  { op: 'recurring', start: 0, every: SPAN, lasting: SPAN },
  { op: 'between', from: 0, to: 1 },
  { op: 'daily', from: 0, to: 1, days: [1] },
  ...(['near', 'not_near'] as const).map((op): Test => ({ op, circles: [HERE] })),
]
const opsThat = (are: (one: Test) => boolean): readonly string[] => EACH.filter(are).map(({ op }) => op)

test('which operators change with time, ask for a time, or may be asked of a count', () => {
  assert.equal(opsThat(isTimed), [
    'older',
    'newer',
    'later',
    'sooner',
    'on_day',
    'in_period',
    'anniversary',
    'years_ago',
  ])
  assert.equal(opsThat(isClockTest), ['part', 'recurring', 'between', 'daily'])
  assert.not(isClockTest({ op: 'part', part: 'month', values: [1] }), 'a month is one of a date')
})

test('each operator costs by what it compares', () => {
  const costs = (type: 'any' | 'date' | 'datetime') =>
    Object.fromEntries(EACH.map((one) => [one.op, weightOf([one], type)]))
  const cheap = Object.fromEntries(opsThat(() => true).map((op) => [op, 2]))
  const dates = Object.fromEntries(
    opsThat((one) => isTimed(one) || isClockTest(one) || /^(after|before)/.test(one.op)).map((op) => [op, 21]),
  )
  const ofAny = { ...cheap, ...dates, near: 5, not_near: 5 }
  assert.equal(costs('any'), ofAny)
  const ofDates = { ...ofAny, in: 21, not_in: 21, includes: 21, not_differ: 21 }
  assert.equal([costs('date'), costs('datetime')], [ofDates, ofDates])
  assert.equal(
    [
      weightOf([], 'any'),
      weightOf([{ op: 'includes', values: [1, 2, 3] }], 'any'),
      weightOf([{ op: 'contains', values: ['a', 'b'] }, { op: 'has_value' }], 'any'),
      weightOf([{ op: 'near', circles: [HERE, HERE] }], 'any'),
    ],
    [1, 4, 4, 9],
  )
  assert.equal(
    ['', 'x'.repeat(63), 'x'.repeat(64), 5, null, [], [1, 'x'.repeat(64)], ['x'.repeat(63)]].map(sizeOf),
    [1, 1, 2, 1, 1, 1, 4, 2],
  )
  assert.equal([listSteps(8), listSteps(9), pairSteps(4), pairSteps(5)], [1, 2, 1, 2])
  const steps = { left: 2 }
  spend(steps, 2)
  assert.is(steps.left, 0)
  assert.throws(() => spend(steps, 1))
})

test('operators take whole numbers from their least to their most', () => {
  const takes = (operator: string, value: unknown) =>
    !('faults' in parseFilter({ junction: 'and', 'metadata.at': { conditions: { [operator]: value } } }, environment))
  const bounds: readonly (readonly [string, number, number])[] = [
    ['$is_years_ago', 0, 1_000],
    ['$is_day_of_month', 1, 31],
    ['$is_month', 1, 12],
    ['$is_year', 1, 9_999],
    ['$dow', 0, 6],
    ['$is_day', 0, 6],
    ['$count', 0, 1_000_000_000],
    ['$is_days_ago', 0, 366_000],
    ['$is_days_in_future_md', 0, 366],
    ['$is_less_days_ago_md', 0, 366],
  ]
  for (const [operator, least, most] of bounds)
    assert.equal(
      [least - 1, least, most, most + 1].map((n) => takes(operator, n)),
      [false, true, true, false],
      operator,
    )
  const many = (n: number) => Array.from({ length: n }, (_, i) => `${i}`)
  assert.equal([takes('$is', many(1_000)), takes('$is', many(1_001))], [true, false])
})

test('a definition has twenty levels and five hundred conditions, and is told of a hundred faults', () => {
  const levels = startReading()
  assert.equal([levels.enter('p', 20), levels.enter('p', 21)], [true, false])
  const nodes = startReading()
  const entered = Array.from({ length: 503 }, () => nodes.enter('p', 1))
  assert.equal([entered.indexOf(false), entered.lastIndexOf(true)], [500, 499])
  const faultsOf = (parsed: ReturnType<typeof nodes.finish>) => ('faults' in parsed ? parsed.faults : [])
  assert.is(faultsOf(nodes.finish({ kind: 'all', of: [] })).length, 1, 'too many is said once')
  const many = startReading()
  for (let n = 0; n < 101; n++) many.fault('p', `${n}`)
  const told = faultsOf(many.finish(undefined))
  assert.equal([told.length, told[99]?.message], [100, '99'])
  assert.equal(faultsOf(startReading().finish(undefined)), [{ path: '', message: 'must be a condition' }])
  assert.equal(startReading().finish({ kind: 'all', of: [] }), { ok: true, condition: { kind: 'all', of: [] } })
  assert.is(MAX_CONDITION_NESTING, 64)
  const quoted = (n: number) => shown('x'.repeat(n))
  assert.equal([quoted(78), quoted(79)], [`'${'x'.repeat(78)}'`, `'${'x'.repeat(79)}…`])
  assert.equal([shown(undefined), shown({ a: 1 })], ['undefined', '{"a":1}'])
})

test('a distance is one over the globe', () => {
  const isNear = (from: readonly [number, number], to: string, metres: number) =>
    prepareTests([{ op: 'near', circles: [{ latitude: from[0], longitude: from[1], metres }] }], 'any', 'UTC')(to, 0)
      .holds
  // A degree along a meridian and along the sixtieth parallel, both at once, and half around.
  const cases: readonly (readonly [readonly [number, number], string, number])[] = [
    [[0, 0], '1,0', 111_195],
    [[0, 0], '0,-1', 111_195],
    [[60, 0], '60,1', 55_597],
    [[60, 0], '61,1', 123_942],
    [[0, 0], '0,180', 20_015_114],
  ]
  for (const [from, to, metres] of cases)
    assert.equal([isNear(from, to, metres - 1), isNear(from, to, metres + 1)], [false, true], to)
  assert.ok(isNear([1, 1], '1,1', 0.001))
})

test('a number is compared as it is kept, and from where on all are alike', () => {
  const sum = (one: Test) => numberTest([one], 1_000_000).holds
  assert.ok(sum({ op: 'lte', value: 1.005 })(1_005_000))
  assert.ok(sum({ op: 'in', values: [1.005] })(1_005_000))
  assert.ok(sum({ op: 'size', compare: 'eq', value: 2 })(2), 'a number of values is no sum')
  const cap = (...tests: Test[]) => numberTest(tests).cap
  assert.equal(
    [
      cap({ op: 'gte', value: 2 }),
      cap({ op: 'lt', value: 1.5 }),
      cap({ op: 'gt', value: 2 }),
      cap({ op: 'lte', value: 1.5 }),
      cap({ op: 'in', values: [2, 5, 3] }),
      cap({ op: 'not_in', values: [1.5] }),
      cap({ op: 'gt', value: -3 }),
      cap({ op: 'gte', value: 3 }, { op: 'lt', value: 7 }),
      cap({ op: 'size', compare: 'eq', value: 4 }),
      cap({ op: 'size', compare: 'lt', value: 4 }),
      cap({ op: 'size', compare: 'gt', value: 4 }),
      cap({ op: 'has_value' }),
      cap({ op: 'is_unknown' }),
    ],
    [2, 2, 3, 2, 6, 2, 0, 7, 5, 4, 5, 0, 0],
  )
  const { isConstantOn, holds } = numberTest([{ op: 'in', values: [2, 5] }])
  assert.equal(
    [isConstantOn(2, 2), isConstantOn(1, 2), isConstantOn(2, 3), isConstantOn(3, 4), isConstantOn(0, 9)],
    [true, false, false, true, false],
  )
  assert.equal([holds(2), holds(3), numberTest([{ op: 'not_in', values: [2] }]).holds(2)], [true, false, false])
  const both = numberTest([
    { op: 'gte', value: 3 },
    { op: 'lt', value: 7 },
  ])
  assert.equal([both.isConstantOn(3, 6), both.isConstantOn(2, 6), both.isConstantOn(3, 7)], [true, false, false])
  const size = (compare: 'eq' | 'lt' | 'gt', value: number) =>
    numberTest([{ op: 'size', compare, value: 2 }]).holds(value)
  assert.equal(
    [size('eq', 2), size('lt', 2), size('gt', 2), size('lt', 1), size('gt', 3)],
    [true, false, false, true, true],
  )
  // How far counts are told apart: a sum in millionths by as many, a number of elements as it is.
  const far: readonly (readonly [Test, cap: number])[] = [
    [{ op: 'has_value' }, 0],
    [{ op: 'is_unknown' }, 0],
    [{ op: 'lt', value: 3 }, 3],
    [{ op: 'gte', value: 2.5 }, 3],
    [{ op: 'lte', value: 3 }, 4],
    [{ op: 'gt', value: -5 }, 0],
    [{ op: 'lt', value: -5 }, 0],
    [{ op: 'in', values: [1, 4] }, 5],
    [{ op: 'not_in', values: [-3] }, 0],
    [{ op: 'size', compare: 'eq', value: 2 }, 3],
  ]
  for (const [one, cap] of far) assert.is(numberTest([one]).cap, cap, JSON.stringify(one))
  assert.is(numberTest(far.map(([one]) => one)).cap, 5)
  const three = numberTest([{ op: 'in', values: [3] }])
  assert.equal([three.isConstantOn(3, 3), three.isConstantOn(2, 3), three.isConstantOn(4, 5)], [true, false, true])
  assert.equal([3, 2].map(numberTest([{ op: 'gt', value: 2.5 }]).holds), [true, false])
  const millionths = (one: Test, value: number) => numberTest([one], 1_000_000).holds(value)
  const two = { op: 'in', values: [2] } as const
  assert.equal([millionths(two, 2_000_000), millionths(two, 2)], [true, false])
  assert.equal(
    [millionths({ ...two, op: 'not_in' }, 2_000_000), millionths({ op: 'gt', value: 0.5 }, 500_001)],
    [false, true],
  )
  assert.equal(millionths({ op: 'size', compare: 'eq', value: 2 }, 2), true)
  const [known, unknown] = [numberTest([{ op: 'has_value' }]), numberTest([{ op: 'is_unknown' }])]
  assert.equal([known.holds(0), unknown.holds(0)], [true, false])
  assert.equal([known.isConstantOn(0, 9), unknown.isConstantOn(0, 9)], [true, true])
})

test('hours of a day begin at their first instant, end before their last, and may run into the next day', () => {
  const HOUR = 3_600_000
  const DAY = 24 * HOUR
  const monday = Date.UTC(2026, 0, 5)
  const ask = (from: number, to: number, days: readonly number[], at: number) => {
    const test = { op: 'daily', from: from * HOUR, to: to * HOUR, days } as const
    const { holds, until } = askInstant(calendarOf('UTC'), test, monday + at)
    return [holds, until - monday]
  }
  for (const [at, holds, until] of [
    [9 * HOUR - 1, false, 9 * HOUR],
    [9 * HOUR, true, 17 * HOUR],
    [17 * HOUR - 1, true, 17 * HOUR],
    [17 * HOUR, false, 7 * DAY + 9 * HOUR],
  ] as const)
    assert.equal(ask(9, 17, [1], at), [holds, until], `day ${at}`)
  for (const [at, holds, until] of [
    [-HOUR, false, 22 * HOUR],
    [22 * HOUR, true, DAY + 6 * HOUR],
    [DAY + 6 * HOUR - 1, true, DAY + 6 * HOUR],
    [DAY + 6 * HOUR, false, 7 * DAY + 22 * HOUR],
  ] as const)
    assert.equal(ask(22, 6, [1], at), [holds, until], `night ${at}`)
  assert.equal(ask(0, 0, [1], 0), [true, DAY])
  assert.equal(ask(9, 17, [], 0), [false, Number.POSITIVE_INFINITY])
  // The half hour before three is no time at all on the day on which the clocks skip it: the next one is a week later.
  const skipped = { op: 'daily', from: 2.5 * HOUR, to: 3 * HOUR, days: [0] } as const
  for (const at of ['2026-03-01T08:00:00Z', '2026-03-06T17:00:00Z', '2026-03-07T17:00:00Z', '2026-03-08T12:00:00Z']) {
    const told = askInstant(calendarOf('America/New_York'), skipped, Date.parse(at))
    assert.equal(told, { holds: false, until: Date.parse('2026-03-15T06:30:00Z') }, at)
  }
})

test('an item is worth its amount, else its price by its quantity, else nothing', () => {
  const amount = (item: object, value: number) => {
    const rule = {
      name: 'order.items.any',
      conditions: {},
      rules: { 1: { name: 'order.items.amount', conditions: { $is: value } } },
    }
    const condition = compiled(parseRules({ rules: { 1: rule } }, environment))
    return condition.evaluate(nobody, { order: { items: [{ product_id: 'p', ...item }] } }, 0).holds
  }
  for (const [item, worth] of [
    [{ amount: 7, price: 3, quantity: 2 }, 7],
    [{ price: 3, quantity: 2 }, 6],
    [{ price: 3 }, 3],
    [{ quantity: 2 }, 0],
  ] as const)
    assert.equal([amount(item, worth), amount(item, worth + 1)], [true, false], JSON.stringify(item))
})

test.run()
