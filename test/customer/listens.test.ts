// Which customers a segment has to be looked at for, and at which changes of an attribute.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { conditionsOf } from '../../src/domain/customer/conditions.ts'
import { newCustomer } from '../../src/domain/customer/state.ts'
import { namesAround } from '../../src/domain/metadataPath.ts'
import { world } from '../given.ts'

const PROGRAM = 'camp_l'

const shop = () => {
  const w = world()
  w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
  w.define('campaign', PROGRAM, { name: 'club', campaign_type: 'LOYALTY_PROGRAM', voucher: { type: 'LOYALTY_CARD' } })
  w.define('segment', 'seg_vip', { name: 'vip', type: 'static', customers: [] })
  return w
}

const CASES: readonly (readonly [string, object, boolean])[] = [
  ['an attribute', { filter: { junction: 'and', name: { conditions: { $is: ['Ann'] } } } }, true],
  [
    'points',
    {
      filter: { junction: 'and', [`loyalty_points.campaigns.${PROGRAM}.points`]: { conditions: { $more_than: [5] } } },
    },
    true,
  ],
  ['another segment', { condition: { segment: 'seg_vip' } }, true],
  ['the number of events', { condition: { event: 'bought', count: { $more_than_equal: 2 } } }, false],
]
for (const [what, leaf, all] of CASES)
  test(`a segment by ${what} concerns ${all ? 'every customer' : 'those alone who did something'}`, () => {
    const w = shop()
    w.define('segment', 'seg_1', { name: 'one', type: 'auto-update', ...leaf })
    const { always, segment } = conditionsOf(w.rulebook)
    assert.is(segment.get('seg_1')?.concernsAll, all)
    assert.is(
      always.some(({ id }) => id === 'seg_1'),
      all,
    )
  })

test('a segment that asks for totals beside something else is looked at when totals change', () => {
  const w = shop()
  const name = { name: { conditions: { $is: ['Ann'] } } }
  const orders = { 'summary.orders.total_count': { conditions: { $more_than: [1] } } }
  const filters = { seg_both: { ...name, ...orders }, seg_orders: orders, seg_name: name }
  for (const [id, filter] of Object.entries(filters))
    w.define('segment', id, { name: id, type: 'auto-update', filter: { junction: 'and', ...filter } })
  const { bySummary } = conditionsOf(w.rulebook)
  assert.equal(bySummary.map(({ id }) => id).sort(), ['seg_both', 'seg_orders'])
})

test('what lies within objects of the metadata is told by the name of each object around it', () => {
  assert.equal(namesAround('name'), ['name'])
  assert.equal(namesAround('address.city'), ['address.city'])
  assert.equal(namesAround('summary.orders.total_count'), ['summary.orders.total_count'])
  assert.equal(namesAround('metadata.tier'), ['metadata.tier'])
  assert.equal(namesAround('metadata.home.floor.door'), [
    'metadata.home',
    'metadata.home.floor',
    'metadata.home.floor.door',
  ])
})

test('who is not there yet has no times', () => {
  const { status, createdAt, updatedAt, now } = newCustomer('cust_1')
  assert.equal([status, createdAt, updatedAt, now], ['none', 0, 0, 0])
})

test.run()
