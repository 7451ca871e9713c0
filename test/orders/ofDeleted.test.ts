// An order of a customer who was deleted is nobody else's, however long ago it was named.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemMachine } from '../../src/time/nodeClock.ts'
import { HOUR } from '../given.ts'
import { testNode } from '../system/node.ts'

test('a name of an order of a deleted customer makes no order of another', async () => {
  let node = await testNode()
  const { dir } = node
  const order = (customer: string, more: object) =>
    node.call('POST', '/v1/orders', { amount: 100, customer: { source_id: customer }, ...more }, { as: 'admin' })
  const made = await order('ann', { source_id: 'shop-1' })
  assert.is(made.status, 200, JSON.stringify(made.body))
  const remove = (customer: string) => node.call('DELETE', `/v1/customers/${customer}`, undefined, { as: 'admin' })
  assert.is((await remove('ann')).status, 204)
  const cid = await order('cid', { source_id: 'shop-2' })
  assert.is((await remove('cid')).status, 204)
  // Who comes back begins anew, and may order under the name again; nobody else may.
  assert.is((await node.call('POST', '/v1/customers', { source_id: 'cid' }, { as: 'admin' })).status, 200)
  await node.stop()
  // Long after whoever named it may have been about to order.
  node = await testNode({}, dir, { machine: { ...systemMachine, wall: () => Date.now() + HOUR } })
  try {
    const taken = [{ source_id: 'shop-1' }, { id: made.body.id }, { source_id: 'shop-2' }, { id: cid.body.id }]
    for (const named of taken) {
      const other = await order('bob', named)
      assert.equal([other.status, other.body.key], [400, 'invalid_order'], JSON.stringify(named))
    }
    assert.is((await order('cid', { source_id: 'shop-2' })).status, 200)
  } finally {
    await node.end()
  }
})

test.run()
