// A new condition is answered from a customer's whole past, however long that is: each fact of it is looked at once and let go.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'

let node: TestNode
let read = 0
const test = suite('a long history')

test.before(async () => {
  node = await testNode()
  const { store } = node.services
  const { readStream } = store
  Object.assign(store, {
    async *readStream(...asked: Parameters<typeof readStream>) {
      let last: { readonly revoke: () => void } | undefined
      for await (const fact of readStream.apply(store, asked)) {
        last?.revoke()
        const one = Proxy.revocable<RecordedFact>(fact, {})
        last = one
        read++
        yield one.proxy
      }
      // Whoever kept any of them fails when looking at it.
      last?.revoke()
    },
  })
})
test.after(() => node.end())

const spent = (sum: number) => ({ event: 'bought', sum: { property: 'amount', $more_than: sum } })

test('a preview, and the next command under a new segment, hold nothing of what they read', async () => {
  const properties = { amount: { type: 'number', optional: true } }
  assert.is(
    (await node.call('POST', '/v1/event-schemas', { name: 'bought', schema: { properties } }, { as: 'admin' })).status,
    200,
  )
  const buy = (amount: number) =>
    node.call('POST', '/v1/events', { event: 'bought', customer: { source_id: 'ann' }, metadata: { amount } })
  for (let n = 0; n < 40; n++) assert.is((await buy(1)).status, 200)
  const token = { 'Consistency-Token': String(await node.services.store.head()), Prefer: 'wait=10' }
  await node.call('GET', '/v1/customers/ann', undefined, { headers: token })

  read = 0
  const preview = await node.call('POST', '/v1/segments/preview', { condition: spent(39) }, { as: 'admin' })
  assert.equal([preview.status, preview.body.matching], [200, 1], JSON.stringify(preview.body))
  assert.ok(read >= 40, String(read))

  read = 0
  const segment = { name: 'big', type: 'auto-update', condition: spent(40) }
  const made = await node.call('POST', '/v1/segments', segment, { as: 'admin' })
  assert.is(made.status, 200, JSON.stringify(made.body))
  const last = await buy(1)
  assert.is(last.status, 200, JSON.stringify(last.body))
  await until(
    () => node.call('GET', '/v1/customers/ann/segments'),
    ({ body }) => body.data.length === 1,
  )
  assert.ok(read >= 40, String(read))
})

test.run()
