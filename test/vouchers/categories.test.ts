// Categories over a whole node: campaigns and vouchers are put into them and show them whole.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'

let node: TestNode
const test = suite('categories')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const post = (path: string, body: unknown) => node.call('POST', path, body)
const get = (path: string, after?: Answer) => node.call('GET', path, undefined, after ? { after } : {})
const discount = { type: 'PERCENT', percent_off: 10 }
const campaign = { campaign_type: 'DISCOUNT_COUPONS', voucher: { type: 'DISCOUNT_VOUCHER', discount } }

test('a category is made, changed, listed and shown with the campaign and the codes that are in it', async () => {
  const shoes = (await post('/v1/categories', { name: 'shoes', hierarchy: 10 })).body
  const hats = (await post('/v1/categories', { name: 'hats', hierarchy: 5 })).body
  assert.equal([shoes.object, shoes.name, shoes.hierarchy], ['category', 'shoes', 10])
  const changed = await node.call('PUT', `/v1/categories/${shoes.id}`, { name: 'shoes', hierarchy: 1 })
  assert.equal([changed.body.hierarchy, typeof changed.body.updated_at], [1, 'string'])
  const { body: list } = await get('/v1/categories', changed)
  assert.equal([list.data.map(({ id }: { id: string }) => id), list.total], [[shoes.id, hats.id], 2])
  assert.equal((await get(`/v1/categories/${hats.id}`)).body, hats)

  const made = await post('/v1/campaigns', { ...campaign, name: 'boots', category_id: shoes.id, vouchers_count: 1 })
  assert.equal([made.body.category_id, made.body.categories], [shoes.id, [changed.body]])
  const own = await post('/v1/vouchers/HAT-1', { type: 'DISCOUNT_VOUCHER', discount, category_id: hats.id })
  assert.equal([own.body.category_id, own.body.categories], [hats.id, [hats]])
  const inherited = await post(`/v1/campaigns/${made.body.id}/vouchers/BOOT-1`, {})
  assert.equal([inherited.body.category_id, inherited.body.categories], [shoes.id, [changed.body]])
  const club = await post('/v1/loyalties', { name: 'club', voucher: { type: 'LOYALTY_CARD' }, category_id: hats.id })
  const card = await post(`/v1/loyalties/${club.body.id}/members`, { customer: { source_id: 'ann' } })
  assert.equal([card.body.category_id, card.body.categories], [hats.id, [hats]])

  // A campaign keeps it; a voucher that named it is in none afterwards.
  const used = await node.call('DELETE', `/v1/categories/${shoes.id}`)
  assert.equal([used.status, used.body.key], [400, 'resource_in_use'])
})

test('what is no category is refused by name, and changes nothing', async () => {
  const faulty: readonly (readonly [string, unknown])[] = [
    ['/v1/campaigns', { ...campaign, name: 'nowhere', category_id: 'cat_nowhere' }],
    ['/v1/vouchers/NOWHERE', { type: 'DISCOUNT_VOUCHER', discount, category_id: 'cat_nowhere' }],
    ['/v1/vouchers/import', [{ code: 'NOWHERE', type: 'DISCOUNT_VOUCHER', discount, category_id: 'cat_nowhere' }]],
  ]
  for (const [path, body] of faulty) {
    const { status, body: answer } = await post(path, body)
    assert.is(status, 400, path)
    assert.match(answer.details, /category_id must name a category: there is no cat_nowhere/)
  }
  assert.is((await get('/v1/vouchers/NOWHERE')).status, 404)
  assert.is((await post('/v1/categories', { name: 'shoes', hierarchy: 2 })).status, 409)
  assert.match((await post('/v1/categories', { name: 'x', hierarchy: 1.5 })).body.details, /hierarchy/)
})

test('a category that only vouchers name can go, and they are in none then', async () => {
  const gone = (await post('/v1/categories', { name: 'gone', hierarchy: 3 })).body
  await post('/v1/vouchers/ALONE', { type: 'DISCOUNT_VOUCHER', discount, category_id: gone.id })
  assert.is((await node.call('DELETE', `/v1/categories/${gone.id}`)).status, 204)
  const { body } = await get('/v1/vouchers/ALONE')
  assert.equal([body.category_id, body.categories], [undefined, []])
})

test.run()
