// A definition that was made, its answer lost, and deleted: who asks again hears what was made, and nothing is made twice.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type TestNode, testNode } from '../system/node.ts'

let node: TestNode
const test = suite('definitions asked for again')
test.before(async () => {
  node = await testNode()
})
// At the end of a node stand the laws: no id is given twice.
test.after(() => node.end())

const filter = { junction: 'and', name: { conditions: { $is: ['x'] } } }
const WAYS = [
  ['event-schemas', { name: 'bought', schema: { properties: {} } }, { name: 'sold', schema: { properties: {} } }],
  ['segments', { name: 'xs', filter }, { name: 'ys', filter }],
  ['validation-rules', { name: 'any', rules: {} }, { name: 'all', rules: {} }],
  ['loyalties', { name: 'club' }, { name: 'ring' }],
  ['categories', { name: 'shoes', hierarchy: 1 }, { name: 'shoes', hierarchy: 2 }],
  ['campaigns', { name: 'promo', campaign_type: 'PROMOTION' }, { name: 'promoted', campaign_type: 'PROMOTION' }],
  ['webhooks', { url: 'https://shop.test/h', events: ['*'] }, { url: 'https://shop.test/other', events: ['*'] }],
] as const

for (const [what, body, other] of WAYS)
  test(`${what}: made once, deleted, asked for again`, async () => {
    const make = (asked: object) =>
      node.call('POST', `/v1/${what}`, asked, { as: 'admin', headers: { 'Idempotency-Key': `again-${what}` } })
    const first = await make(body)
    assert.ok(first.status < 300, JSON.stringify(first.body))
    const deleted = await node.call('DELETE', `/v1/${what}/${first.body.id}`, undefined, { as: 'admin' })
    assert.ok(deleted.status < 300, JSON.stringify(deleted.body))
    await node.services.readModel.plain('requestAnswers').deleteMany({})
    const again = await make(body)
    assert.is(again.status, first.status, JSON.stringify(again.body))
    assert.is(again.headers.get('Idempotent-Replayed'), 'true')
    // How far a segment's roll-out has come is not said anew.
    for (const part of ['id', 'name', 'created_at', 'object']) assert.is(again.body[part], first.body[part], part)
    await node.services.readModel.plain('requestAnswers').deleteMany({})
    const reused = await make(other)
    assert.is(reused.status, 422, JSON.stringify(reused.body))
    const gone = await node.call('GET', `/v1/${what}/${first.body.id}`, undefined, { as: 'admin' })
    assert.is(gone.status, 404)
  })

test.run()
