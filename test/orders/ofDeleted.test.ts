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
  assert.is((await node.call('DELETE', '/v1/customers/ann', undefined, { as: 'admin' })).status, 204)
  await node.stop()
  // Long after whoever named it may have been about to order.
  node = await testNode({}, dir, { machine: { ...systemMachine, wall: () => Date.now() + HOUR } })
  try {
    for (const named of [{ source_id: 'shop-1' }, { id: made.body.id }]) {
      const other = await order('bob', named)
      assert.equal([other.status, other.body.key], [400, 'invalid_order'], JSON.stringify(named))
    }
  } finally {
    await node.end()
  }
})

test.run()
