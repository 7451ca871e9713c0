// What conditions may cost: the worst that can be written is answered or refused within the steps of one decision.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Condition } from '../../src/domain/conditions/ast.ts'
import { parseNative } from '../../src/domain/conditions/native.ts'
import { parseRules } from '../../src/domain/conditions/rules.ts'
import { reachOf } from '../../src/domain/conditions/sources.ts'
import { MAX_STEPS, pairSteps, startSteps, worstCase } from '../../src/domain/conditions/steps.ts'
import { type Context, MAX_ORDER_ITEMS, type OrderItem } from '../../src/domain/conditions/subject.ts'
import { compileFaults } from '../../src/domain/rulebook/environment.ts'
import fc from '../fc.ts'
import { compiled, environment, nobody } from './fixtures.ts'

const parse = (rules: unknown) => parseRules({ rules }, environment)
const ofItems = (count: number): Context => ({
  order: {
    items: Array.from({ length: count }, (_, i): OrderItem => ({ product_id: `p${i % 7}`, price: i, quantity: 1 })),
  },
})
const LARGEST = ofItems(MAX_ORDER_ITEMS)
const PRICE = { name: 'order.items.price', conditions: { $more_than: 1_000_000 } }

/** A rule on items that holds rules on items, so many levels deep. */
const nested = (quantifiers: readonly string[], innermost: object): object =>
  quantifiers.reduceRight<object>(
    (inner, quantifier) => ({ name: `order.items.${quantifier}`, conditions: {}, rules: { 1: inner } }),
    innermost,
  )

const spent = (rules: unknown, context: Context) => {
  const steps = startSteps()
  const evaluation = compiled(parse(rules)).evaluate(nobody, { ...context, steps }, 0)
  return { evaluation, steps: MAX_STEPS - steps.left }
}

test('rules on items inside rules on items cost the sum of their levels, not the product', () => {
  const quantifier = fc.constantFrom('any', 'every', 'none', 'cheapest', 'most_expensive')
  fc.assert(
    fc.property(fc.array(quantifier, { minLength: 1, maxLength: 8 }), (quantifiers) => {
      const { evaluation, steps } = spent({ 1: nested(quantifiers, PRICE) }, LARGEST)
      assert.is(evaluation.tooCostly, undefined)
      assert.ok(steps <= quantifiers.length * MAX_ORDER_ITEMS * 10, `${quantifiers}: ${steps} steps`)
      // What explains the answer is there too.
      assert.is(evaluation.because.holds, evaluation.holds)
    }),
    { numRuns: 30 },
  )
})

/** A rule on items as the test writes it: a price to pass, or a question about those among the items that it chooses. */
type Tree =
  | { readonly price: number }
  | {
      readonly of: 'any' | 'every' | 'none'
      readonly ids: readonly string[]
      readonly join: 'and' | 'or'
      readonly parts: readonly [Tree, Tree]
    }

const written = (tree: Tree): object =>
  'price' in tree
    ? { ...PRICE, conditions: { $more_than: tree.price } }
    : {
        name: `order.items.${tree.of}`,
        conditions: tree.ids.length > 0 ? { $is: tree.ids } : {},
        rules: { 1: written(tree.parts[0]), 2: written(tree.parts[1]), logic: `1 ${tree.join} 2` },
      }

/** The same by the meaning of the words, over and over for each item. */
const plainly = (tree: Tree, all: readonly OrderItem[], item?: OrderItem): boolean => {
  if ('price' in tree) return (item?.price ?? 0) > tree.price
  const { of, ids, join, parts } = tree
  const chosen = all.filter(({ product_id = '' }) => ids.length === 0 || ids.includes(product_id))
  const passes = (one: OrderItem) => {
    const [a, b] = parts.map((part) => plainly(part, chosen, one))
    return (join === 'and' ? a && b : a || b) ?? false
  }
  if (of === 'every') return chosen.length > 0 && chosen.every(passes)
  return chosen.some(passes) === (of === 'any')
}

test('what is found once for a list of items is what asking each time would find', () => {
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.record({ price: fc.integer({ min: -1, max: 5 }) }),
      fc.record({
        of: fc.constantFrom('any' as const, 'every' as const, 'none' as const),
        ids: fc.constantFrom([], ['p0', 'p1'], ['p2']),
        join: fc.constantFrom('and' as const, 'or' as const),
        parts: fc.tuple(tie('tree'), tie('tree')),
      }),
    ),
  }))
  fc.assert(
    fc.property(tree, fc.integer({ min: 0, max: 6 }), (part, count) => {
      const whole: Tree = { of: 'any', ids: [], join: 'and', parts: [part, part] }
      const context = ofItems(count)
      const { evaluation } = spent({ 1: written(whole) }, context)
      assert.is(evaluation.holds, plainly(whole, context.order?.items ?? []))
    }),
    { numRuns: 300 },
  )
})

test('sums over the items of a product are those of all that share an id with it', () => {
  const ids = fc.record({
    product_id: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
    source_id: fc.option(fc.constantFrom('a', 's', 't'), { nil: undefined }),
    quantity: fc.integer({ min: 0, max: 5 }),
  }) as fc.Arbitrary<OrderItem>
  fc.assert(
    fc.property(fc.array(ids, { maxLength: 6 }), fc.integer({ min: 0, max: 9 }), (items, asked) => {
      const idsOf = ({ product_id, source_id }: OrderItem) => [product_id, source_id].filter((id) => id !== undefined)
      const sums = items.map((one) =>
        items
          .filter((other) => other === one || idsOf(other).some((id) => idsOf(one).includes(id)))
          .reduce((sum, { quantity = 1 }) => sum + quantity, 0),
      )
      const rule = nested(['any'], { name: 'order.items.aggregated_quantity', conditions: { $is: asked } })
      assert.is(spent({ 1: rule }, { order: { items } }).evaluation.holds, sums.includes(asked))
    }),
  )
})

test('what would take more steps than a decision has is not answered, and counts as not holding in any case', () => {
  const long = 'x'.repeat(300_000)
  const values = Array.from({ length: 1_000 }, (_, i) => `needle ${i}`)
  for (const conditions of [{ $not_contain: values }, { $contains: values }]) {
    const rule = { name: 'customer.metadata', property: 'story', conditions }
    const condition = compiled(parse({ 1: rule }))
    const evaluation = condition.evaluate({ ...nobody, profile: { metadata: { story: long } } }, {}, 0)
    assert.is(evaluation.holds, false)
    assert.is(evaluation.tooCostly, true)
    assert.match(JSON.stringify(evaluation.because), /steps/)
    assert.is(evaluation.failed, undefined)
    assert.is(evaluation.until, null)
    // A short story is no burden.
    assert.is(condition.evaluate({ ...nobody, profile: { metadata: { story: 'x' } } }, {}, 0).tooCostly, undefined)
  }
})

test('evaluations of one decision share its steps', () => {
  const condition = compiled(parse({ 1: nested(['every'], { ...PRICE, conditions: { $more_than: -1 } }) }))
  const steps = startSteps()
  let asked = 0
  while (!condition.evaluate(nobody, { ...LARGEST, steps }, 0).tooCostly && asked < 10_000) asked++
  assert.ok(asked > 20 && asked < 1_000, `${asked}`)
})

test('what a definition can come to is known when it is written, and never less than what it takes', () => {
  const leaf = fc.constantFrom(
    PRICE,
    { name: 'order.items.aggregated_quantity', conditions: { $more_than: 0 } },
    { name: 'order.items.product_id', conditions: { $is: 'p1' } },
  )
  const tree = fc.letrec<{ rule: object }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.record({
        name: fc.constantFrom('order.items.any', 'order.items.every', 'order.items.none'),
        conditions: fc.constantFrom({}, { $is_not: ['p1'] }),
        rules: fc.record({ 1: tie('rule'), 2: tie('rule') }),
      }),
    ),
  })).rule
  fc.assert(
    fc.property(tree, fc.integer({ min: 0, max: MAX_ORDER_ITEMS }), (rule, count) => {
      const rules = { 1: nested(['any'], rule) }
      const parsed = parse(rules)
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
      const most = worstCase(parsed.condition, reachOf)
      const { steps, evaluation } = spent(rules, ofItems(count))
      assert.ok(steps <= most || evaluation.tooCostly, `${steps} of ${most}`)
      assert.ok(!evaluation.tooCostly || most > MAX_STEPS)
    }),
    { numRuns: 60 },
  )
})

test('the most that a rule can cost is what it costs, of an amount and of the largest list', () => {
  for (const [name, conditions, beyond] of [
    ['order.amount', { $is: 5 }, 0],
    ['order.amount', { $is: [5, 6, 7] }, 0],
    ['order.amount', { $more_than: 4, $less_than: 6 }, 0],
    // Each of the prices that are found takes two steps more, which shows when the rule is asked.
    ['product.price', { $is: 5 }, 2 * MAX_ORDER_ITEMS],
  ] as const) {
    const rules = { 1: { name, conditions } }
    const parsed = parse(rules)
    assert.ok(parsed.ok)
    const order = { amount: 5, items: LARGEST.order!.items! }
    assert.is(spent(rules, { order }).steps - worstCase(parsed.condition, reachOf), beyond, JSON.stringify(rules))
  }
})

test('the most that rules on items can cost: each part for each item, what is compared with all of a list once', () => {
  const each = (conditions: object, ...rules: readonly object[]) => ({
    name: 'order.items.any',
    conditions,
    rules: Object.fromEntries(rules.map((rule, i) => [i + 1, rule])),
  })
  const sums = { name: 'order.items.aggregated_quantity', conditions: { $is: 1 } }
  const most = (rule: object) => {
    const parsed = parse({ 1: rule })
    assert.ok(parsed.ok)
    return worstCase(parsed.condition, reachOf)
  }
  // Beside what it takes for each item, a question is one step, and the rule around it another.
  for (const [rule, forEachItem] of [
    [each({}, PRICE), 5],
    [each({}, PRICE, PRICE), 8],
    [each({}, each({}, PRICE)), 8],
    [each({}, sums), 5 + pairSteps(MAX_ORDER_ITEMS)],
    [each({}, each({}, sums)), 8 + pairSteps(MAX_ORDER_ITEMS)],
    [each({ $is: 'p1' }, PRICE), 9],
  ] as const)
    assert.is(most(rule), 2 + forEachItem * MAX_ORDER_ITEMS, JSON.stringify(rule))
})

test('a definition that could take more steps than a decision has is refused with what it would take', () => {
  const many = (count: number, values: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        i + 1,
        {
          name: 'order.items.metadata',
          property: 'words',
          conditions: { $contains: Array.from({ length: values }, (__, n) => `w${n}`) },
        },
      ]),
    )
  const faults = (rules: unknown) => {
    const parsed = parse({ 1: { name: 'order.items.any', conditions: {}, rules } })
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
    return compileFaults(parsed.condition, environment, 'rules')
  }
  assert.equal(faults(many(20, 10)), [])
  assert.is(faults(many(20, 1_000))[0]?.path, 'rules')
  assert.ok(faults(many(20, 1_000))[0]!.message.includes(`${MAX_STEPS} steps`))
  // One step for the part, one for its tests, and one for each text that is searched for.
  const searched = (values: number): Condition => ({
    kind: 'attribute',
    attribute: 'name',
    type: 'string',
    tests: [{ op: 'contains', values: Array.from({ length: values }, () => 'w') }],
  })
  assert.equal(compileFaults(searched(MAX_STEPS - 2), environment, 'rules'), [])
  assert.is(compileFaults(searched(MAX_STEPS - 1), environment, 'rules').length, 1)
})

test('a predicate on events that is too costly takes no event in', () => {
  const values = Array.from({ length: 1_000 }, (_, i) => `w${i}`)
  const parsed = parseNative(
    { event: 'review_left', where: { property: 'device_type', $contains: values } },
    environment,
  )
  const [spec] = compiled(parsed).accumulators
  const event = (device_type: string) => ({ id: 'e', type: 'review_left', occurredAt: 0, metadata: { device_type } })
  assert.is(spec!.add(spec!.initial(), event('y'.repeat(100_000))), spec!.initial())
  assert.is.not(spec!.add(spec!.initial(), event('w1')), spec!.initial())
})

test.run()
