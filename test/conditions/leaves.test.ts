// What single questions stand on: where each attribute of a customer is found, and under which name what happened is remembered.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { EventLeaf } from '../../src/domain/conditions/ast.ts'
import { attributeOf } from '../../src/domain/conditions/attributes.ts'
import { canonical, prepareEventLeaf } from '../../src/domain/conditions/eventLeaf.ts'
import { nobody } from './fixtures.ts'

test('each attribute has its type and its place, and nothing else is one', () => {
  const subject = {
    ...nobody,
    profile: {
      source_id: 'src',
      name: 'Ann',
      description: 'd',
      email: 'ann@shop.test',
      phone: '+1',
      birthdate: '1990-01-02',
      unsubscribed: ['email'],
      address: { city: 'Oslo', postal_code: '0150' },
      metadata: { tier: 'gold', shop: { city: 'Bergen' } },
    },
    createdAt: 5,
    updatedAt: 6,
    summary: { orders: { total_count: 3, last_order_date: 7 }, redemptions: { gift: { redeemed_amount: 9 } } },
  } as never
  const cases: readonly (readonly [string, string, boolean, unknown])[] = [
    ['source_id', 'string', false, 'src'],
    ['name', 'string', false, 'Ann'],
    ['description', 'string', false, 'd'],
    ['email', 'string', false, 'ann@shop.test'],
    ['phone', 'string', false, '+1'],
    ['birthdate', 'date', false, '1990-01-02'],
    ['birthday', 'date', false, '1990-01-02'],
    ['unsubscribed', 'string', true, ['email']],
    ['created_at', 'datetime', false, 5],
    ['updated_at', 'datetime', false, 6],
    ['address.city', 'string', false, 'Oslo'],
    ['address.state', 'string', false, undefined],
    ['metadata.tier', 'any', false, 'gold'],
    ['summary.orders.total_count', 'number', false, 3],
    ['summary.orders.last_order_date', 'datetime', false, 7],
    ['summary.redemptions.gift.redeemed_amount', 'number', false, 9],
    ['summary.redemptions.total_failed', 'number', false, undefined],
    ['summary.redemptions.loyalty_card.points_to_go', 'number', false, undefined],
  ]
  for (const [name, type, array, value] of cases) {
    const { shape, read } = attributeOf(name)!
    assert.equal([shape.type, shape.array === true, read(subject)], [type, array, value], name)
  }
  for (const none of [
    '',
    'nothing',
    'address',
    'address.',
    'address.toString',
    'metadata',
    'metadata.',
    'summary.x',
    'names.city',
  ])
    assert.is(attributeOf(none), undefined, none)
  assert.is(attributeOf('address.city')!.read(nobody), undefined)
  assert.is(attributeOf('summary.orders.total_count')!.read(nobody), undefined)
})

const leaf = (more: Partial<EventLeaf> = {}): EventLeaf => ({
  kind: 'event',
  event: 'shop.visit',
  aggregate: { of: 'sum', property: 'amount' },
  tests: [{ op: 'gte', value: 2 }],
  ...more,
})
const keyOf = (more: Partial<EventLeaf> = {}, zone = 'UTC') =>
  prepareEventLeaf(leaf(more), zone, more.where && (() => true)).accumulators[0]!.key

test('conditions that mean the same remember the same, and others something else', () => {
  const property = (name: string) => ({ kind: 'property', property: name, type: 'any', tests: [] }) as const
  const where = (...names: string[]) => ({ kind: 'all', of: names.map(property) }) as const
  assert.match(keyOf(), /^shop_visit-[\w-]{16}$/)
  assert.match(keyOf({ event: 'x'.repeat(41) }), new RegExp(`^${'x'.repeat(40)}-[\\w-]{16}$`))
  assert.is(keyOf({ tests: [{ op: 'lt', value: 9 }] }), keyOf(), 'what is asked of it makes no difference')
  assert.is(keyOf({ where: where('a', 'b') }), keyOf({ where: where('b', 'a') }))
  const rolling = (text: string, ms: number) => keyOf({ window: { kind: 'rolling', ms, text } })
  assert.is(rolling('P1D', 1_000), rolling('PT24H', 1_000))
  const others = [
    keyOf(),
    keyOf({ event: 'shop-visit' }),
    keyOf({}, 'Europe/Oslo'),
    keyOf({ aggregate: { of: 'sum', property: 'other' } }),
    keyOf({ where: where('a', 'b') }),
    keyOf({ where: { ...where('a', 'b'), kind: 'any' } }),
    rolling('P1D', 1_000),
    rolling('P1D', 1_001),
    keyOf({ window: { kind: 'period', unit: 'week', shift: 0 } }),
    keyOf({ window: { kind: 'period', unit: 'week', shift: -1 } }),
  ]
  assert.is(new Set(others).size, others.length)
  assert.equal(
    [canonical({ b: 1, a: [null, 'x'], c: undefined }), canonical(undefined), canonical({ kind: 'list', of: [2, 1] })],
    ['{"a":[null,"x"],"b":1}', 'null', '{"kind":"list","of":[2,1]}'],
  )
  assert.is(canonical({ kind: 'any', of: [2, 1] }), '{"kind":"any","of":[1,2]}')
})

test('a sum takes in numbers to six decimals, alone or in lists, and no more than a number can hold', () => {
  const summed = (amount: unknown, more: Partial<EventLeaf> = {}) => {
    const prepared = prepareEventLeaf(leaf(more), 'UTC', undefined)
    const [spec] = prepared.accumulators
    const event = { id: 'e', type: 'shop.visit', occurredAt: 5, metadata: { amount } }
    const subject = { ...nobody, accumulators: { [spec!.key]: spec!.add(spec!.initial(), event) } }
    return prepared.value(subject, 5)
  }
  const none = ['5', null, Number.NaN, Number.POSITIVE_INFINITY, {}, []]
  for (const value of none) assert.is(summed(value), 0, String(value))
  assert.equal([summed(1.0000006), summed([1, '2', 3.5]), summed(2e15), summed(-2e15)], [1.000001, 4.5, 1e15, -1e15])
  const within = (from: number | null, to: number | null) => summed(1, { window: { kind: 'range', from, to } })
  assert.equal([within(5, 6), within(6, null), within(null, 5), within(null, null)], [1, 0, 0, 1])
})

test('a count says how far it tells counts apart, a time is one or none', () => {
  const asked = (more: Partial<EventLeaf>, times: readonly number[], now: number) => {
    const prepared = prepareEventLeaf(leaf(more), 'UTC', undefined)
    const events = times.map((occurredAt, i) => ({ id: `${i}`, type: 'shop.visit', occurredAt, metadata: {} }))
    const accumulators = Object.fromEntries(
      prepared.accumulators.map((spec) => [spec.key, events.reduce(spec.add, spec.initial())]),
    )
    return prepared.value({ ...nobody, accumulators }, now)
  }
  const count = { aggregate: { of: 'count' }, window: { kind: 'rolling', ms: 10, text: 'x' } } as const
  assert.equal(
    [asked(count, [1], 5), asked(count, [1, 2], 5), asked(count, [1, 2, 3], 5), asked(count, [1, 2], 11)],
    [1, '2 or more', '2 or more', 1],
  )
  const first = { ...count, aggregate: { of: 'first' }, tests: [] } as const
  assert.equal(
    [asked(first, [1, 2], 5), asked(first, [1, 2], 11), asked(first, [1], 11)],
    ['1970-01-01T00:00:00.001Z', '1970-01-01T00:00:00.002Z', null],
  )
})

test.run()
