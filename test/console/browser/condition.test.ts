// The builder of conditions loses nothing: what it opens and does not change is written as it was, forms for it or not.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { conditionOf, lackOf, nodeOf } from '../../../src/console/browser/lib/condition.ts'

const CONDITIONS: readonly unknown[] = [
  { event: 'order_paid' },
  { event: 'order_paid', count: { $more_than_equal: 3 }, within: 'P90D' },
  { event: 'order_paid', sum: { property: 'amount', $more_than: 60_000 }, within: 'P365D' },
  {
    event: 'review_left',
    where: [
      { property: 'stars', $more_than_equal: 4 },
      { property: 'text', $is_unknown: true },
    ],
  },
  { attribute: 'address.city', $is: 'Berlin' },
  { attribute: 'metadata.newsletter', $is: true },
  { attribute: 'address.country', $in: ['DE', 'PL'] },
  { segment: 'seg_1' },
  { all: [{ any: [{ event: 'a' }, { segment: 'seg_1' }] }, { not: { event: 'b', within: 'P7D' } }] },
  { not: { any: [{ event: 'a' }, { event: 'b' }] } },
  { all: [] },
  // No form has these: they stay as they are.
  { event: 'order_paid', first: { $more_than_ago: 'P30D' } },
  { event: 'order_paid', count: { $more_than: 1, $less_than: 9 } },
  { event: 'order_paid', within: 'P1D', where: { any: [{ property: 'amount', $is: 1 }] } },
  { points: 'club', $more_than: 100 },
  { all: [{ attribute: 'birthdate', $this_month_md: true }] },
]

for (const condition of CONDITIONS)
  test(`nothing is lacking: ${JSON.stringify(condition)}`, () => assert.is(lackOf(nodeOf(condition)), undefined))

test('a form that is not filled in says what it lacks', () => {
  for (const [condition, lack] of [
    [{ event: '' }, 'an event'],
    [{ event: 'a', sum: { property: '', $more_than: 1 } }, 'a property of a'],
    [{ event: 'a', where: [{ property: '', $is: 1 }] }, 'a property of a'],
    [{ attribute: ' ', $is: '' }, 'an attribute'],
    [{ segment: '' }, 'a segment'],
    [{ not: { any: [{ event: 'a' }, { all: [{ segment: '' }] }] } }, 'a segment'],
  ] as const)
    assert.is(lackOf(nodeOf(condition)), lack)
})

for (const condition of CONDITIONS)
  test(JSON.stringify(condition), () => {
    assert.equal(
      conditionOf(nodeOf(condition), () => undefined),
      condition,
    )
  })

test('a text that reads like a number stays a text where the schema says so', () => {
  const condition = { event: 'order_paid', where: [{ property: 'code', $is: '007' }] }
  const written = conditionOf(nodeOf(condition), () => 'string')
  assert.equal(written, condition)
})

test.run()
