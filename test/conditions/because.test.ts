// Why a condition holds or does not: the truth table that is kept with facts, within its bounds, and the rule that failed first.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Condition, ItemsLeaf, Quantifier } from '../../src/domain/conditions/ast.ts'
import { type Because, compile } from '../../src/domain/conditions/compile.ts'
import type { Context, OrderItem, Subject } from '../../src/domain/conditions/subject.ts'
import { environment, nobody } from './fixtures.ts'

const evaluated = (condition: Condition, subject: Partial<Subject> = {}, context: Context = {}) =>
  compile(condition, environment).evaluate({ ...nobody, ...subject }, context, 0)
const because = (...given: Parameters<typeof evaluated>): Because => evaluated(...given).because

const vip = { kind: 'segment', segment: 'seg_vip' } as const
const IN_VIP = { segments: { seg_vip: {} } } as unknown as Partial<Subject>
const all = (...of: Condition[]): Condition => ({ kind: 'all', of })
const many = (n: number): readonly Condition[] => Array.from({ length: n }, () => vip)

test('a truth table has sixty leaves, whatever joins they are in', () => {
  const parts = (of: Because): number | readonly unknown[] => ('all' in of ? of.all.map(parts) : 1)
  const leaves = (...of: Condition[]) => [parts(because(all(...of)))].flat(9).length
  assert.equal([leaves(...many(60)), leaves(...many(61))], [60, 60])
  assert.equal(leaves(all(...many(40)), all(...many(40)), vip), 60)
  const item: ItemsLeaf = { kind: 'items', quantifier: 'any', of: vip }
  assert.is(leaves(...Array.from({ length: 61 }, () => item)), 60, 'a question about items is one')
})

test('each leaf is told with its value, each join with its parts', () => {
  const name = { kind: 'attribute', attribute: 'metadata.k', type: 'any', tests: [{ op: 'has_value' }] } as const
  const of = (k: unknown) => because(name, { profile: { metadata: { k } } })
  const leaf = (value: unknown, holds: boolean) => ({ is: 'metadata.k has_value', value, holds })
  assert.equal(
    [of(undefined), of(null), of(0), of(false)],
    [leaf(null, false), leaf(null, false), leaf(0, true), leaf(false, true)],
  )
  assert.equal(
    [of('x'.repeat(200)), of('x'.repeat(201))],
    [leaf('x'.repeat(200), true), leaf(`${'x'.repeat(200)}…`, true)],
  )
  assert.equal(of({ a: 1 }), leaf('{"a":1}', true))
  const yes = { is: 'in segment seg_vip', value: true, holds: true }
  const no = { is: 'in segment seg_vip', value: false, holds: false }
  assert.equal(because({ kind: 'not', of: vip }), { not: no, holds: true })
  assert.equal(because({ kind: 'any', of: [{ kind: 'not', of: vip }, vip] }, IN_VIP), {
    any: [{ not: yes, holds: false }, yes],
    holds: true,
  })
  assert.equal(because(all(vip, { kind: 'not', of: vip }), IN_VIP), {
    all: [yes, { not: yes, holds: false }],
    holds: false,
  })
  assert.equal(because({ kind: 'rule', rule: '1', name: 'n', of: vip }), { rule: '1', of: no, holds: false })
  const long = { ...vip, segment: 's'.repeat(190) }
  assert.equal(because(long), { is: `in segment ${'s'.repeat(189)}…`, value: false, holds: false })
  const points = { kind: 'points', campaign: 'camp_1', tests: [{ op: 'gte', value: 1 }] } as const
  assert.equal(because(points), { is: 'points in camp_1 >= 1', value: null, holds: false })
  assert.equal(because(points, { points: () => 1 }), { is: 'points in camp_1 >= 1', value: 1, holds: true })
})

test('the first rule that failed is named, with the nearest text of its author', () => {
  const rule = (number: string, of: Condition, message?: string): Condition => ({
    kind: 'rule',
    rule: number,
    name: `n${number}`,
    of,
    ...(message === undefined ? {} : { message }),
  })
  const failed = (of: Condition, message?: string) =>
    evaluated({ kind: 'ruleset', of, ...(message === undefined ? {} : { message }) }).failed
  const not: Condition = { kind: 'not', of: vip }
  assert.is(failed(rule('1', not), 'whole'), undefined, 'nothing failed')
  assert.equal(failed(all(rule('1', not), rule('2', vip), rule('3', vip))), { rule: '2', name: 'n2' })
  assert.equal(failed(rule('1', vip, 'own'), 'whole'), { rule: '1', name: 'n1', message: 'own' })
  assert.equal(failed(rule('1', vip), 'whole'), { rule: '1', name: 'n1', message: 'whole' })
  assert.equal(failed(rule('1', all(rule('1.1', not), rule('1.2', vip)), 'outer')), {
    rule: '1.2',
    name: 'n1.2',
    message: 'outer',
  })
  assert.equal(failed(rule('1', all(rule('1.1', vip, 'inner')), 'outer')), {
    rule: '1.1',
    name: 'n1.1',
    message: 'inner',
  })
  assert.is(failed(vip, 'whole'), undefined, 'a part that is no rule has no name')
})

test('each quantifier of items, over those that are looked at', () => {
  const named = (...values: string[]): Condition => ({
    kind: 'context',
    name: 'order.items.product_id',
    type: 'string',
    tests: [{ op: 'in', values }],
  })
  const holds = (quantifier: Quantifier, items: readonly OrderItem[] | undefined, among?: Condition) =>
    evaluated(
      { kind: 'items', quantifier, of: named('a'), ...(among ? { among } : {}) },
      {},
      items ? { order: { items } } : {},
    ).holds
  const item = (product_id: string, more: Partial<OrderItem> = {}): OrderItem => ({ product_id, ...more })
  const [a, b] = [item('a'), item('b')]
  const each = (items: readonly OrderItem[] | undefined, among?: Condition) =>
    (['any', 'none', 'every', 'cheapest', 'most_expensive'] as const).map((one) => holds(one, items, among))
  assert.equal(each(undefined), [false, false, false, false, false])
  assert.equal(each([]), [false, true, false, false, false])
  assert.equal(each([a]), [true, false, true, true, true])
  assert.equal(each([b]), [false, true, false, false, false])
  assert.equal(each([a, b]), [true, false, false, true, true])
  assert.equal(each([a, b], named('b')), [false, true, false, false, false])
  assert.equal(each([a, b], named('a')), [true, false, true, true, true])
  assert.equal(each([item('a', { price: 1 }), item('b', { price: 2 })]), [true, false, false, true, false])
  assert.equal(each([item('b', { price: 1 }), item('a', { price: 2 })]), [true, false, false, false, true])
  // What has no price costs its amount, else nothing; of several that cost the same it is the first.
  assert.equal(each([item('b', { price: 3 }), item('a', { amount: 2 })]), [true, false, false, true, false])
  assert.equal(each([item('a', { price: 3, amount: 9 }), item('b', { price: 4, amount: 1 })]), [
    true,
    false,
    false,
    true,
    false,
  ])
  assert.equal(each([item('b', { price: 1 }), a]), [true, false, false, true, false])
  assert.equal(each([item('a', { price: 1 }), item('b', { price: 1 })]), [true, false, false, true, true])
})

test.run()
