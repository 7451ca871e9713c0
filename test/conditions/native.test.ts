// The native form of conditions: what it can say, and every fault with its path.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ANY, propertyOfSome } from '../../src/domain/conditions/environment.ts'
import { parseNative } from '../../src/domain/conditions/native.ts'
import { topologicalOrder } from '../../src/domain/conditions/references.ts'
import { parseSpan } from '../../src/domain/conditions/span.ts'
import type { Occurrence, Subject } from '../../src/domain/conditions/subject.ts'
import { INTERNAL_EVENT_TYPES } from '../../src/domain/internalEvents.ts'
import { after, compiled, environment, faultsOf, holds, nobody } from './fixtures.ts'

const parse = (input: unknown) => parseNative(input, environment)
const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-03-10T16:00:00Z')

const review = (daysAgo: number, metadata: Occurrence['metadata'] = {}): Omit<Occurrence, 'id'> => ({
  type: 'review_left',
  occurredAt: NOW - daysAgo * DAY,
  metadata,
  recordedAt: NOW,
})

const asked = (
  native: object,
  events: readonly Omit<Occurrence, 'id'>[],
  now = NOW,
  subject: Partial<Subject> = {},
) => {
  const condition = compiled(parse(native))
  const { holds: held, until } = condition.evaluate(after(condition, events, subject), {}, now)
  return [held, until]
}

test('at least so many within a rolling window, with a predicate on metadata', () => {
  const native = {
    all: [
      {
        event: 'review_left',
        count: { $more_than_equal: 2 },
        within: 'P30D',
        where: [{ property: 'stars', $more_than_equal: 4 }],
      },
      { not: { attribute: 'metadata.tier', $is: 'Blocked' } },
    ],
  }
  const events = [review(20, { stars: 5 }), review(10, { stars: 3 }), review(5, { stars: 4 })]
  assert.equal(asked(native, events), [true, NOW + 10 * DAY])
  assert.equal(asked(native, events, NOW + 10 * DAY - 1), [true, NOW + 10 * DAY])
  assert.equal(asked(native, events, NOW + 10 * DAY), [false, null])
  assert.equal(asked(native, events, NOW, { profile: { metadata: { tier: 'Blocked' } } }), [false, null])
})

test('an event ahead of now counts from its own time on', () => {
  const ahead = { ...review(0), occurredAt: NOW + 240_000 }
  assert.equal(asked({ event: 'review_left' }, [ahead]), [false, NOW + 240_000])
  assert.equal(asked({ event: 'review_left' }, [ahead], NOW + 240_000), [true, null])
  assert.equal(asked({ event: 'review_left', within: 'PT1M' }, [ahead]), [false, NOW + 240_000])
  assert.equal(asked({ event: 'review_left', count: { $is: 0 } }, [ahead]), [true, NOW + 240_000])
})

test('an entry that depends on nothing happening is found in time', () => {
  const idle = { all: [{ event: 'review_left' }, { not: { event: 'review_left', within: 'P30D' } }] }
  assert.equal(asked(idle, [review(3)]), [false, NOW + 27 * DAY])
  assert.equal(asked(idle, [review(3)], NOW + 27 * DAY), [true, null])
  assert.equal(asked({ event: 'review_left', last: { $more_than_ago: 30 } }, [review(3)]), [false, NOW + 27 * DAY])
})

test('sums: of a window, of a calendar month, exact to the cent in any order', () => {
  const sum = (tests: object, more: object = {}) => ({
    event: 'review_left',
    sum: { property: 'stars', ...tests },
    ...more,
  })
  const events = [
    review(1, { stars: 12.99 }),
    review(2, { stars: 37.01 }),
    review(9, { stars: 0.1 }),
    review(40, { stars: 0.2 }),
  ]
  assert.equal(asked(sum({ $more_than_equal: 50 }, { within: 'P7D' }), events), [true, NOW + 5 * DAY])
  assert.equal(asked(sum({ $more_than: 50 }, { within: 'P7D' }), events), [false, null])
  // The month ends at midnight in New York.
  assert.equal(asked(sum({ $more_than_equal: 50.1 }, { period: 'this_month' }), events), [
    true,
    Date.parse('2026-04-01T04:00:00Z'),
  ])
  assert.equal(asked(sum({ $is: 50.3 }), events), [true, null])
  assert.equal(asked(sum({ $is: 50.3 }), [...events].reverse()), [true, null])
  assert.equal(asked(sum({ $is: 0.2 }, { period: 'last_month' }), events), [false, null])
  assert.equal(asked(sum({ $less_than: 1 }), []), [true, null])
  assert.equal(asked(sum({ $is: 0 }), [review(1, { stars: 'x' }), review(1, {})]), [true, null])
})

test('first and last occurrence, all time and in a window', () => {
  const events = [review(40), review(20), review(2)]
  assert.equal(asked({ event: 'review_left', first: { $more_than_ago: 'P40D' } }, events), [true, null])
  assert.equal(asked({ event: 'review_left', first: { $less_than_ago: 25 }, within: 'P30D' }, events), [
    true,
    NOW + 5 * DAY,
  ])
  assert.equal(asked({ event: 'review_left', last: { $before: '2026-03-01' } }, events), [false, null])
  assert.equal(asked({ event: 'review_left', last: { $is_unknown: true } }, []), [true, null])
})

test('absolute windows hold the start and not the end', () => {
  const range = { event: 'review_left', from: '2026-03-09', to: '2026-03-10T00:00:00' }
  const at = (text: string) => [{ ...review(0), occurredAt: Date.parse(text) }]
  assert.equal(asked(range, at('2026-03-09T04:00:00Z')), [true, null])
  assert.equal(asked(range, at('2026-03-09T03:59:59.999Z')), [false, null])
  assert.equal(asked(range, at('2026-03-10T03:59:59.999Z')), [true, null])
  assert.equal(asked(range, at('2026-03-10T04:00:00Z')), [false, null])
  assert.equal(asked({ event: 'review_left', to: '2026-03-09' }, at('2020-01-01T00:00:00Z')), [true, null])
})

test('segments, points, the event in context and names of validation rules', () => {
  assert.ok(holds(parse({ segment: 'seg_vip' }), { segments: { seg_vip: { since: 1 } } }))
  assert.not(holds(parse({ segment: 'seg_vip' }), {}))
  const points = (n: number | undefined): Partial<Subject> => ({ points: () => n })
  assert.ok(holds(parse({ points: 'Points Club', $more_than: 10, $less_than: 20 }), points(11)))
  assert.not(holds(parse({ points: 'camp_1', $more_than: 10 }), points(undefined)))
  const video = { property: 'review_type', $is: 'video' }
  const event = (review_type: string) => ({ event: { type: 'review_left', occurredAt: 0, metadata: { review_type } } })
  assert.ok(holds(parse(video), {}, event('video')))
  assert.not(holds(parse(video), {}, event('text')))
  assert.not(holds(parse(video), {}))
  assert.ok(holds(parse({ context: 'order.amount', $more_than: 5 }), {}, { order: { amount: 6 } }))
  assert.ok(holds(parse({ context: 'order.metadata', property: 'k', $is: 1 }), {}, { order: { metadata: { k: 1 } } }))
})

test('joins: all of none holds, any of none does not', () => {
  assert.ok(holds(parse({ all: [] }), {}))
  assert.not(holds(parse({ any: [] }), {}))
  assert.ok(holds(parse({ not: { any: [] } }), {}))
})

test('predicates on lists, truths and dates of past events', () => {
  const count = (where: object, metadata: Occurrence['metadata']) =>
    asked({ event: 'review_left', where }, [review(1, metadata)])[0]
  assert.ok(count({ property: 'tags', $contains: 'a' }, { tags: ['a', 'b'] }))
  assert.ok(count({ property: 'tags', $count: 2 }, { tags: ['a', 'b'] }))
  assert.ok(count({ property: 'verified', $is: 'true' }, { verified: true }))
  assert.ok(count({ property: 'visit', $after: '2026-01-01' }, { visit: '2026-01-02' }))
  assert.ok(count({ property: 'visit', $is: '2026-01-02' }, { visit: '2026-01-02' }))
  assert.ok(count({ property: 'sent', $is_month: 1 }, { sent: '2026-02-01T04:59:00Z' }))
  assert.not(count({ any: [{ property: 'visit', $is_unknown: true }] }, { visit: '2026-01-02' }))
})

test('the types of events that the product records itself are known names', () => {
  assert.is(new Set(INTERNAL_EVENT_TYPES).size, 74)
  for (const event of INTERNAL_EVENT_TYPES)
    assert.is(parse({ event, where: { property: 'anything', $is: 1 } }).ok, event !== 'customer.custom_event', event)
})

const event = (more: object) => ({ event: 'review_left', ...more })
const FAULTS: readonly (readonly [string, unknown, string, RegExp])[] = [
  ['no object', 'x', '', /must be an object/],
  ['null', null, '', /must be an object/],
  ['a list', [], '', /must be an object/],
  ['nothing said', {}, '', /must have one of all, any, not, event/],
  ['prototype key', JSON.parse('{"__proto__": {}}'), '', /must have one of/],
  ['a join that is no list', { all: {} }, 'all', /must be a list/],
  ['two joins', { all: [], any: [] }, 'any', /cannot stand beside 'all'/],
  ['a leaf beside a join', { not: event({}), event: 'review_left' }, 'event', /cannot stand beside 'not'/],
  [
    'a fault inside',
    { all: [event({}), { any: [{ not: { event: 'nope' } }] }] },
    'all[1].any[0].not.event',
    /unknown event/,
  ],
  ['event that is no text', { event: 5 }, 'event', /the name of an event/],
  ['inherited event', { event: 'toString' }, 'event', /unknown event/],
  ['all custom events', { event: 'customer.custom_event' }, 'event', /name the custom event itself/],
  ['unknown key of an event', event({ widthin: 'P1D' }), 'widthin', /unknown key/],
  ['operator beside an event', event({ $is: 1 }), '$is', /unknown key/],
  ['two aggregates', event({ count: { $is: 1 }, sum: { property: 'stars', $is: 1 } }), 'sum', /only one of/],
  ['empty count', event({ count: {} }), 'count', /at least one operator/],
  ['count of texts', event({ count: { $starts_with: 'a' } }), 'count.$starts_with', /cannot be used with a count/],
  ['count on weekdays', event({ count: { $dow: [0] } }), 'count.$dow', /cannot be used with a count/],
  ['sum of nothing', event({ sum: { $is: 1 } }), 'sum.property', /name of a property/],
  ['sum without operator', event({ sum: { property: 'stars' } }), 'sum', /at least one operator/],
  [
    'sum of texts',
    event({ sum: { property: 'review_type', $is: 1 } }),
    'sum.property',
    /of type string; a sum needs a number/,
  ],
  ['sum of an unknown property', event({ sum: { property: 'x', $is: 1 } }), 'sum.property', /unknown property 'x'/],
  ['sum with another key', event({ sum: { property: 'stars', of: 1, $is: 1 } }), 'sum.of', /unknown key/],
  ['number for a time', event({ last: { $more_than: 1 } }), 'last.$more_than', /cannot be used with a time/],
  ['window that is no duration', event({ within: '30 days' }), 'within', /ISO 8601 duration/],
  ['window that is a number', event({ within: 30 }), 'within', /ISO 8601 duration/],
  ['window of zero', event({ within: 'P0D' }), 'within', /longer than zero/],
  ['window of zero seconds', event({ within: 'PT0S' }), 'within', /longer than zero/],
  ['window over five years', event({ within: 'P6Y' }), 'within', /five years/],
  ['window a day over five years', event({ within: 'P1826D' }), 'within', /five years/],
  [
    'two windows',
    event({ within: 'P1D', period: 'this_day' }),
    'period',
    /only one kind of window can be given \(there is also within\)/,
  ],
  ['window and range', event({ within: 'P1D', from: '2026-01-01' }), 'from', /only one kind of window/],
  ['unknown period', event({ period: 'next_day' }), 'period', /this_ or last_/],
  ['no date', event({ from: 'x' }), 'from', /ISO 8601/],
  ['range backwards', event({ from: '2026-01-02', to: '2026-01-02' }), 'to', /later than from/],
  ['predicate that is none', event({ where: 'x' }), 'where', /object or a list/],
  ['predicate without property', event({ where: [{ $is: 1 }] }), 'where[0].property', /name of a property/],
  [
    'unknown property',
    event({ where: [{ property: 'nope', $is: 1 }] }),
    'where[0].property',
    /unknown property 'nope'/,
  ],
  [
    'inherited property',
    event({ where: [{ property: 'constructor', $is: 1 }] }),
    'where[0].property',
    /unknown property/,
  ],
  ['deleted property', event({ where: [{ property: 'old', $is: 1 }] }), 'where[0].property', /unknown property 'old'/],
  [
    'type of a property',
    event({ where: { all: [{ property: 'stars', $contains: 1 }] } }),
    'where.all[0].$contains',
    /which is a number/,
  ],
  ['number for a truth', event({ where: { property: 'verified', $is: 1 } }), 'where.$is', /true or false/],
  [
    'operator for a list',
    event({ where: { property: 'tags', $starts_with: 'a' } }),
    'where.$starts_with',
    /which is a list/,
  ],
  [
    'predicate on the present',
    event({ where: { property: 'visit', $today: true } }),
    'where.$today',
    /depends on the present/,
  ],
  ['predicate without operator', event({ where: { property: 'stars' } }), 'where', /at least one operator/],
  [
    'predicate with another key',
    event({ where: { property: 'stars', $is: 1, event: 1 } }),
    'where.event',
    /unknown key/,
  ],
  ['unknown attribute', { attribute: 'shoe', $is: 1 }, 'attribute', /unknown attribute 'shoe'/],
  ['attribute that is no text', { attribute: {}, $is: 1 }, 'attribute', /unknown attribute/],
  ['attribute without operator', { attribute: 'name' }, '', /at least one operator/],
  ['unknown operator', { attribute: 'name', $like: 1 }, '$like', /unknown operator/],
  ['unknown key of an attribute', { attribute: 'name', $is: 'a', x: 1 }, 'x', /unknown key/],
  ['unknown segment', { segment: 'seg_x' }, 'segment', /unknown segment/],
  ['inherited segment', { segment: 'toString' }, 'segment', /unknown segment/],
  ['segment with operator', { segment: 'seg_vip', $is: 1 }, '$is', /unknown key/],
  ['unknown campaign', { points: 'x', $is: 1 }, 'points', /unknown campaign/],
  ['points without operator', { points: 'camp_1' }, '', /at least one operator/],
  ['unknown property of any event', { property: 'nope', $is: 1 }, 'property', /unknown property/],
  ['unknown name in context', { context: 'x', $is: 1 }, 'context', /unknown name/],
  ['name that needs an item', { context: 'order.items.price', $is: 1 }, 'context', /unknown name/],
  ['property missing', { context: 'order.metadata', $is: 1 }, 'property', /name of a property/],
  ['property too many', { context: 'order.amount', property: 'x', $is: 1 }, 'property', /has none/],
]

for (const [name, native, path, message] of FAULTS)
  test(`refused: ${name}`, () => {
    const faults = faultsOf(parse(native))
    assert.is(faults.length, 1, JSON.stringify(faults))
    assert.is(faults[0]!.path, path)
    assert.match(faults[0]!.message, message)
  })

test('windows up to five years are taken', () => {
  for (const within of ['P5Y', 'P60M', 'P1825D', 'PT0.001S', 'P1Y2M3W4DT5H6M7.5S'])
    assert.ok(parse(event({ within })).ok, within)
  for (const text of ['', 'P', 'PT', 'P1', '1D', 'P-1D', 'P1.5D', 'P1DT', 'p1d', 'P1S', ' P1D'])
    assert.is(parseSpan(text), undefined, text)
})

test('a property that events type differently is asked without a type', () => {
  assert.ok(parse({ property: 'stars', $starts_with: '4' }).ok)
  assert.ok(parse({ property: 'stars', $more_than: 4 }).ok)
  const properties = (a: object, b: object) => ({
    ...environment,
    eventSchemas: new Map([
      ['e1', { properties: { p: a } }],
      ['e2', { properties: {} }],
      ['e3', { properties: { p: b } }],
    ]) as typeof environment.eventSchemas,
  })
  for (const [a, b, shape] of [
    [{ type: 'number' }, { type: 'number' }, { type: 'number', array: false }],
    [{ type: 'number' }, { type: 'string' }, ANY],
    [{ type: 'number' }, { type: 'number', array: true }, ANY],
    [
      { type: 'number', deleted: true },
      { type: 'string', array: true },
      { type: 'string', array: true },
    ],
    [{ type: 'number', deleted: true }, { type: 'string', deleted: true }, undefined],
  ] as const)
    assert.equal(propertyOfSome(properties(a, b), 'p'), shape, JSON.stringify([a, b]))
  const reviews = { ...environment, contextEvent: 'review_left' }
  assert.not(parseNative({ property: 'stars', $starts_with: '4' }, reviews).ok)
})

test('more than 20 levels or 500 conditions are refused, however deep', () => {
  const deep = (n: number): object => (n === 1 ? event({}) : { not: deep(n - 1) })
  assert.ok(parse(deep(20)).ok)
  const [fault] = faultsOf(parse(deep(21)))
  assert.match(fault!.message, /deeper than 20 levels/)
  assert.is(fault!.path, Array(20).fill('not').join('.'))
  let bottomless: object = event({})
  for (let n = 0; n < 100_000; n++) bottomless = { all: [bottomless] }
  assert.match(faultsOf(parse(bottomless))[0]!.message, /deeper than 20 levels/)
  const wide = (n: number) => parse({ all: Array.from({ length: n - 1 }, () => event({})) })
  assert.ok(wide(500).ok)
  assert.match(faultsOf(wide(501))[0]!.message, /more than 500 conditions/)
  assert.match(faultsOf(wide(100_000))[0]!.message, /more than 500 conditions/)
  // What stands in a predicate counts too.
  const where = Array.from({ length: 499 }, () => ({ property: 'stars', $is: 1 }))
  assert.match(faultsOf(parse(event({ where })))[0]!.message, /more than 500 conditions/)
})

test('leaves that need the same share what they remember, whatever the order of their parts', () => {
  const leaf = (where: object, n: number) => event({ count: { $more_than_equal: n }, within: 'P30D', where })
  const stars = { property: 'stars', $is: 5 }
  const video = { property: 'review_type', $is: 'video' }
  const key = (native: object) => compiled(parse(native)).accumulators.map((spec) => spec.key)
  assert.equal(key(leaf([stars, video], 2)), key(leaf([video, stars], 2)))
  assert.equal(
    key(leaf([stars, video], 2)),
    key(event({ count: { $less_than: 2 }, within: 'PT720H', where: [video, stars] })),
  )
  assert.not.equal(key(leaf([stars, video], 2)), key(leaf([stars, video], 3)))
  assert.not.equal(key(leaf([stars, video], 2)), key(leaf([stars], 2)))
  assert.is(key({ all: [leaf([stars, video], 2), { not: leaf([video, stars], 2) }] }).length, 1)
})

test('keys are safe as names of fields; amounts beyond all measure leave a number', () => {
  const name = 'a.b$c\u0000 é'.repeat(30)
  const schemas = new Map([[name, { properties: { amount: { type: 'number' as const } } }]])
  const parsed = parseNative(
    { event: name, sum: { property: 'amount', $more_than: 1 } },
    { ...environment, eventSchemas: schemas },
  )
  const [spec] = compiled(parsed).accumulators
  assert.match(spec!.key, /^[A-Za-z0-9_-]{1,60}$/)
  assert.equal(spec!.types, [name])
  let state = spec!.initial()
  for (const amount of [1e308, 1e308, -1e308])
    state = spec!.add(state, { id: '', type: name, occurredAt: 0, metadata: { amount }, recordedAt: 0 })
  assert.equal(JSON.parse(JSON.stringify(state)), state)
})

test('what every customer remembers anyway needs no accumulator', () => {
  for (const native of [
    event({}),
    event({ count: { $more_than: 7 } }),
    event({ last: { $more_than_ago: 3 } }),
    event({ first: { $today: true } }),
    event({ within: 'P30D' }),
    event({ within: 'P30D', count: { $less_than: 1 } }),
  ])
    assert.equal(compiled(parse(native)).accumulators, [])
})

test('listens names all that can change the truth without time passing', () => {
  const { listens } = compiled(
    parse({
      any: [
        event({ where: { property: 'stars', $is: 1 } }),
        { event: 'customer.segment.entered' },
        event({ within: 'P1D' }),
        { attribute: 'metadata.tier', $is: 1 },
        { attribute: 'created_at', $today: true },
        { not: { segment: 'seg_vip' } },
        { points: 'Points Club', $is: 1 },
      ],
    }),
  )
  assert.equal(listens, {
    eventTypes: ['review_left', 'customer.segment.entered'],
    attributes: ['metadata.tier', 'created_at'],
    segments: ['seg_vip'],
    points: ['camp_1'],
    context: false,
    asks: [],
  })
  assert.ok(compiled(parse({ property: 'stars', $is: 1 })).listens.context)
})

test('a truth table is bounded', () => {
  const all = Array.from({ length: 400 }, (_, i) => ({ attribute: `metadata.${'k'.repeat(300)}${i}`, $is: i }))
  const { because } = compiled(parse({ all })).evaluate(nobody, {}, 0)
  assert.ok(JSON.stringify(because).length < 30_000)
})

test('definitions are ordered after those that they refer to; a cycle is named', () => {
  const order = (graph: Record<string, string[]>) => topologicalOrder(new Map(Object.entries(graph)))
  assert.equal(order({ a: ['c'], b: [], c: ['b', 'unknown'] }), { ok: true, order: ['b', 'c', 'a'] })
  assert.equal(order({ a: ['b'], b: ['c'], c: ['b'] }), { ok: false, cycle: ['b', 'c'] })
  assert.equal(order({ a: ['a'] }), { ok: false, cycle: ['a'] })
  assert.equal(order({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }), { ok: true, order: ['d', 'b', 'c', 'a'] })
  const chain = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`s${i}`, [`s${i + 1}`]]))
  assert.is(order(chain).ok, true)
})

test('conditions lie in one another to the twentieth level, in joins and in what is not', () => {
  const leaf = { attribute: 'name', $is: 'x' }
  const within = (depth: number, wrap: (inner: object) => object): object =>
    Array.from({ length: depth }).reduce<object>((inner) => wrap(inner), leaf)
  const ways: readonly ((inner: object) => object)[] = [
    (inner) => ({ all: [inner] }),
    (inner) => ({ any: [leaf, inner] }),
    (inner) => ({ not: inner }),
  ]
  for (const wrap of ways) {
    assert.ok(parse(within(19, wrap)).ok)
    assert.match(faultsOf(parse(within(20, wrap)))[0]?.message ?? '', /deeper than 20 levels/)
  }
})

test.run()
