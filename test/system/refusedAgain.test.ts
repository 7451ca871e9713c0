// An event that is refused is kept once under its name, also when it is sent again to a node that has started anew.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { testNode } from './node.ts'

test('a refused event that is sent again, before and after a restart, is kept once', async () => {
  let node = await testNode()
  const { dir } = node
  const event = { event: 'nothing', customer: { source_id: 'ann' }, metadata: { a: 1 } }
  const headers = { 'Idempotency-Key': 'k-1' }
  const send = async (): Promise<void> => {
    const byKey = await node.call('POST', '/v1/events', event, { as: 'admin', headers })
    const byId = await node.call('POST', '/v1/events', { ...event, id: 'e-1' }, { as: 'admin' })
    assert.equal([byKey.status, byId.status], [400, 400])
  }
  const kept = async (): Promise<number> =>
    (await node.call('GET', '/v1/events/rejected', undefined, { as: 'admin' })).body.data.length
  try {
    await send()
    await send()
    const before = await kept()
    await node.stop()
    node = await testNode({}, dir)
    await send()
    assert.is(await kept(), before)
  } finally {
    // With the laws: no record comes up twice.
    await node.end()
  }
})

test.run()
