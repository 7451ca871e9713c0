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

test('a refused event that went in at last is noted once, however often it is sent again from there', async () => {
  let node = await testNode()
  const { dir } = node
  const send = (path: string, body: unknown = {}) => node.call('POST', path, body, { as: 'admin' })
  try {
    assert.is((await send('/v1/events', { event: 'later', customer: { source_id: 'ann' } })).status, 400)
    const kept = await node.call('GET', '/v1/events/rejected', undefined, { as: 'admin' })
    await send('/v1/event-schemas', { name: 'later', schema: { properties: {} } })
    const resend = () => send(`/v1/events/rejected/${kept.body.data[0].id}/resend`)
    const first = await resend()
    assert.is(first.status, 200, JSON.stringify(first.body))
    await node.stop()
    node = await testNode({}, dir)
    const again = await resend()
    assert.equal([again.status, again.body.customer], [200, first.body.customer], JSON.stringify(again.body))
  } finally {
    await node.end()
  }
})

test.run()
