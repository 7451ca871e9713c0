// Transfers and rewards that a node leaves half done: the next node over the same data finishes them, once.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'

const ok = (answer: Answer): Answer => {
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer
}

test('what left one stream arrives at the other after a crash between the two, or comes back', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-crash-'))
  let node: TestNode = await testNode({}, dir)
  try {
    const post = (path: string, body: unknown = {}) => node.call('POST', path, body).then(ok)
    const balance = async (code: string): Promise<number> =>
      (await node.call('GET', `/v1/loyalties/members/${code}/balance`)).body.balance
    const { id } = (await post('/v1/loyalties', { name: 'club' })).body
    const cards: { id: string; code: string; holder_id: string }[] = []
    for (const who of ['ann', 'bob', 'gone']) {
      const made = await post(`/v1/loyalties/${id}/members`, { customer: { source_id: who } })
      await post(`/v1/loyalties/members/${made.body.code}/balance`, { points: 100 })
      cards.push(made.body)
    }
    const [ann, bob, gone] = cards as [(typeof cards)[0], (typeof cards)[0], (typeof cards)[0]]
    const reward = (await post('/v1/rewards', { name: 'mug', type: 'MATERIAL', parameters: { product: {} }, stock: 1 }))
      .body
    const offer = (
      await post(`/v1/rewards/${reward.id}/assignments`, { campaign: id, parameters: { loyalty: { points: 9 } } })
    ).body

    // The node loses its processes, takes points out, and dies before they arrive.
    await node.services.background!.processes.stop()
    const context = { requestId: 'v-test', actor: { name: 'test', role: 'admin' }, now: Date.now() }
    const take = async (points: number, to: (typeof cards)[0]) => {
      const executed = await node.services.customers.execute(
        ann.holder_id,
        {
          type: 'TransferPoints',
          card: ann.id,
          points,
          to: { customer: to.holder_id, card: { id: to.id, code: to.code }, campaign: { id, name: 'club' } },
        },
        context,
      )
      assert.is(executed.kind, 'done')
    }
    await take(10, bob)
    await take(25, gone)
    await post(`/v1/loyalties/members/${gone.code}/disable`)
    // One of the stock is reserved, and nobody was asked to pay yet.
    await node.services.stock.execute(
      reward.id,
      {
        type: 'Reserve',
        reservation: {
          redemption: 'r_lost',
          reward: reward.id,
          assignment: offer.id,
          customer: bob.holder_id,
          card: { id: bob.id, code: bob.code },
        },
      },
      context,
    )
    await node.stop()

    node = await testNode({}, dir)
    await until(
      () => balance(bob.code),
      (n) => n === 101,
    )
    await until(
      () => balance(ann.code),
      (n) => n === 90,
    )
    assert.is(await balance(gone.code), 100)
    await until(
      async () => (await node.services.stock.load(reward.id)).taken.size,
      (n) => n === 1,
    )
    const settled = async () => {
      const { state } = await node.services.customers.load(ann.holder_id)
      return Object.keys(state.loyalty.cards[ann.id]!.transit).length
    }
    await until(settled, (n) => n === 0)

    // Everything comes again, as after a lost checkpoint: nothing changes.
    await node.services.background!.processes.stop()
    await node.services.readModel.plain('processes').deleteMany({})
    await node.stop()
    node = await testNode({}, dir)
    const head = await node.services.store.head()
    await until(
      () => node.services.background!.processes.position(),
      (at) => at !== undefined && head !== undefined && at >= head,
    )
    assert.equal([await balance(ann.code), await balance(bob.code), await balance(gone.code)], [90, 101, 100])
    assert.is(await node.services.store.head(), head, 'nothing was recorded')
  } finally {
    await node.stop()
    await rm(dir, { recursive: true, force: true })
  }
})

test.run()
